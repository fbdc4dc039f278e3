"""Sends queries, and knows those whose answers are under way, so that a failure stops them all."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from dvt.connectors.jdbc.server import Server
from dvt.core.errors import Cancelled
from dvt.core.queries import ExtractedColumn, SourceQuery, Sql, TablePlace
from dvt.drivers.duckdb import as_dvt_errors
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.jdbc import Answer, Facts, Session

Wait = Callable[[threading.Semaphore], None]
"""Function that acquires a semaphore, or raises Cancelled."""
_POLL_SECONDS = 0.1
"""Seconds between checks of whether what waits was stopped."""
_NAME_OR_NUMBER = re.compile(r""" "(?:[^"]|"")*" | '(?:[^']|'')*' | [\d.]+ """, re.VERBOSE)
"""Matches a quoted name, a text, or a number."""
_HIGHEST = 2**63 - 1


class Answering:
    """The answers under way of one extraction. Thread-safe."""

    def __init__(self, server: Server, batch: Batch) -> None:
        self._server = server
        self._batch = batch
        self._lock = threading.Lock()
        self._answers: set[Answer] = set()
        self.failures: list[BaseException] = []
        """Why it ends early; the first is the reason of the others."""

    def fail(self, error: BaseException) -> None:
        """Keep a failure, and stop the other queries."""
        with self._lock:
            self.failures.append(error)
            answers = set(self._answers)
        for answer in answers:
            answer.stop()

    def wait(self, limit: threading.Semaphore, doing: str) -> None:
        """Acquire a semaphore; raise Cancelled if nothing further is to be read."""
        while not limit.acquire(timeout=_POLL_SECONDS):
            self._check(doing)

    def sleep(self, seconds: float, doing: str) -> None:
        """Wait so long; raise Cancelled if nothing further is to be read."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(_POLL_SECONDS, seconds))
            self._check(doing)

    def _check(self, doing: str) -> None:
        if self._batch.stopped or self.failures:
            raise Cancelled(doing)

    @contextmanager
    def answer(self, session: Session, query: SourceQuery, doing: str) -> Iterator[Answer]:
        """Send a query; its answer is under way within the `with`, and what is raised there is its error."""
        tables = [self._server.names[ref] for ref in query.tables]
        sql = written(query, tables, session.facts, self._server.product.wide_number)
        if self.failures:
            raise Cancelled(doing)
        answer = Answer(
            session, sql, columns=query.columns, tables=query.tables, limit=query.limit, doing=doing
        )
        with self._lock:
            self._answers.add(answer)
        try:
            with (
                answer,
                self._server.running.query(self._batch, answer.stop, doing),
                as_dvt_errors(connection=query.connection, doing=doing, where=query.about),
            ):
                yield answer
        except Exception as error:
            if answer.error is not None:
                raise answer.error from error
            raise
        finally:
            with self._lock:
                self._answers.discard(answer)

    def ask(
        self, session: Session, query: SourceQuery, columns: Sequence[ExtractedColumn], doing: str
    ) -> list[object]:
        """Return the values of aggregates over a query's rows, as Arrow's scalars."""
        with self.answer(session, replace(query, columns=tuple(columns)), doing) as answer:
            table = answer.reader().read_all()
            return [table.column(number)[0] for number in range(len(columns))]


def written(query: SourceQuery, tables: Sequence[str], facts: Facts, wide_number: str) -> str:
    """Return the query as its database writes it; its driver limits the rows, not the SQL."""
    if query.source == (TablePlace(0),) and query.group_by is None:
        names = (
            extracted.column.read.format(facts.quoted(extracted.column.name)) for extracted in query.columns
        )
        query = replace(query, select=tuple(names))
    if wide_number:
        query = replace(query, where=tuple(_with_wide(part, wide_number) for part in query.where))
    return replace(query, limit=None).sql(tables)


def _with_wide(condition: Sql, template: str) -> Sql:
    """Return a condition with its numbers of more than 64 bits as `template` writes them."""

    def as_written(found: re.Match[str]) -> str:
        text = found[0]
        return template.format(text) if text.isdigit() and int(text) > _HIGHEST else text

    if isinstance(condition, str):
        return _NAME_OR_NUMBER.sub(as_written, condition)
    return tuple(
        _NAME_OR_NUMBER.sub(as_written, part) if isinstance(part, str) else part for part in condition
    )
