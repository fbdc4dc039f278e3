"""Rows of the client, in batches of Arrow: for small answers, and where there is no bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from dvt.core.errors import Cancelled, DriverMissing
from dvt.drivers.bigquery.connect import INSTALL, Job, Session


class AnswerRows:
    """The answer of a query's job, which is awaited."""

    def __init__(self, session: Session, job: Job, is_stopped: Callable[[], bool]) -> None:
        try:
            import pyarrow as pa
        except ImportError as error:
            raise DriverMissing("pyarrow", INSTALL) from error
        self._is_stopped = is_stopped
        self.error: BaseException | None = None
        """What has ended the rows before their end; DuckDB's error only says that something has."""
        answer = session.answer(job)
        pages = answer.to_arrow_iterable()
        first = next(pages, None)
        texts = pa.schema([(field.name, pa.string()) for field in answer.schema])
        schema = texts if first is None else first.schema
        batches = self._batches(chain([] if first is None else [first], pages))
        self.reader = pa.RecordBatchReader.from_batches(schema, batches)
        """The rows as Arrow batches, whose values the caller casts."""

    def _batches(self, pages: Iterator[Any]) -> Iterator[Any]:
        try:
            for page in pages:
                yield page
                if self._is_stopped():
                    raise Cancelled("reading rows")  # noqa: TRY301
        except Exception as error:
            self.error = error
            raise
