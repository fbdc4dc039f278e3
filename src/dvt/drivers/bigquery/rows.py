"""Rows of an answer in batches of Arrow: of the client, or of streams of the Storage Read API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import Any

from dvt.core.errors import Cancelled, DriverMissing, QueryFailed
from dvt.drivers.bigquery.connect import INSTALL, Job, Session


class AnswerRows:
    """Rows that are read; all must arrive."""

    def __init__(self, name: str, pages: Iterator[Any], answer: Any, is_stopped: Callable[[], bool]) -> None:
        try:
            import pyarrow as pa
        except ImportError as error:
            raise DriverMissing("pyarrow", INSTALL) from error
        self._name = name
        self._is_stopped = is_stopped
        self._expected: int | None = answer.total_rows
        self.error: BaseException | None = None
        """What has ended the rows before their end; DuckDB's error only says that something has."""
        first = next(pages, None)
        texts = pa.schema([(field.name, pa.string()) for field in answer.schema])
        schema = texts if first is None else first.schema
        batches = self._batches(chain([] if first is None else [first], pages))
        self.reader = pa.RecordBatchReader.from_batches(schema, batches)
        """The rows as Arrow batches, whose values the caller casts."""

    def _batches(self, pages: Iterator[Any]) -> Iterator[Any]:
        rows = 0
        try:
            for page in pages:
                rows += page.num_rows
                yield page
                if self._is_stopped():
                    raise Cancelled("reading rows")  # noqa: TRY301
            if self._expected is not None and rows != self._expected:
                problem = f"{rows} rows of {self._expected} arrived"
                raise QueryFailed(self._name, "reading rows", problem)  # noqa: TRY301
        except Exception as error:
            self.error = error
            raise


@contextmanager
def answer_rows(
    session: Session, job: Job, is_stopped: Callable[[], bool], *, name: str, streams: int = 0
) -> Iterator[AnswerRows]:
    """Give the answer of a query's job, which is awaited.

    `streams` is by how many streams of the Storage Read API it arrives, at most; 0: in the client's pages.
    """
    answer = session.answer(job)
    by = session.streams(job, answer, streams) if streams else nullcontext(answer.to_arrow_iterable())
    with by as pages:
        yield AnswerRows(name, pages, answer, is_stopped)
