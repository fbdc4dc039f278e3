"""Reads one job: whole, or in ranges side by side; what was lost is read again where that is possible."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from dvt.connectors.jdbc.answering import Answering
from dvt.connectors.jdbc.ranges import Cut, conditions, cut
from dvt.connectors.jdbc.server import Server
from dvt.core.errors import DvtError, QueryFailed, ValueLost
from dvt.core.ports.connectors import Job
from dvt.core.queries import ExtractedColumn, SourceQuery
from dvt.core.reports import Notice
from dvt.core.retrying import RETRIES, pause
from dvt.drivers.duckdb.staging import write_batches
from dvt.drivers.jdbc import Session, may_pass

_T = TypeVar("_T")
OpenSession = Callable[[SourceQuery, str], AbstractContextManager[Session]]
"""Function that opens a session for a query, or yields the one of all of them, once there is room for it. The
text says what is being done."""


class Reading:
    """A job, the parts that it is read in, and what has arrived. Its methods run on threads of their own."""

    def __init__(self, answering: Answering, job: Job, open_session: OpenSession) -> None:
        self.job = job
        self._server = answering.server
        self._answering = answering
        self._extraction = answering.extraction
        self._open_session = open_session
        self._doing = f"reading {job.query.about}"
        self._cut = find_cut(self._server, job.query)
        self._lock = threading.Lock()
        self._is_split = threading.Event()
        """Set once it is known which parts there are."""
        self._parts: deque[SourceQuery] = deque([job.query])
        """Those that nobody reads yet."""
        self._left = 1
        """Number of parts that have not arrived."""
        self._rows = 0
        self._keys: list[str] = []
        """Keys of the files with the parts that have arrived."""

    @property
    def width(self) -> int:
        """Number of threads that may read it side by side."""
        limit = min(self._server.width, self.job.query.extraction.max_parallel)
        return limit if self._cut is not None else 1

    def begin(self) -> None:
        """Find out which parts there are, and read part after part; keep a failure."""
        try:
            if self._cut is not None and not self._extraction.failures:
                self._split(self._cut)
            self._is_split.set()
            self._read_parts()
        except BaseException as error:  # noqa: BLE001  raised again on the caller's thread
            self._extraction.fail(error)
        finally:
            self._is_split.set()

    def help(self) -> None:
        """Read part after part, once it is known which there are; keep a failure."""
        self._is_split.wait()
        try:
            self._read_parts()
        except BaseException as error:  # noqa: BLE001  raised again on the caller's thread
            self._extraction.fail(error)

    def _split(self, cut: Cut) -> None:
        """Ask the database where ranges should end; if it cannot tell, the table is read as a whole."""
        try:
            found = self._until_it_passes(lambda: self._conditions(cut), "where its ranges end")
        except (QueryFailed, ValueLost):
            extraction = self.job.query.extraction
            if extraction.partition_column or extraction.partitions:
                raise
            return
        if len(found) > 1:
            query = self.job.query
            self._parts = deque(replace(query, where=(condition, *query.where)) for condition in found)
            self._left = len(found)

    def _conditions(self, cut: Cut) -> list[str]:
        with self._open_session(self.job.query, self._doing) as session:

            def ask(columns: Sequence[ExtractedColumn]) -> list[object]:
                return self._answering.ask(session, self.job.query, columns, self._doing)

            return conditions(cut, session.facts.quoted(cut.column.name), ask)

    def _read_parts(self) -> None:
        while not self._extraction.failures:
            with self._lock:
                if not self._parts:
                    return
                part = self._parts.popleft()
                what = "a range of it" if self._left + len(self._keys) > 1 else "it"
            self._until_it_passes(partial(self._read, part), what)

    def _read(self, part: SourceQuery) -> None:
        key = self.job.sink.part()
        cursor = self._server.duckdb.cursor()
        try:
            with (
                self._open_session(part, self._doing) as session,
                self._answering.answer(session, part, self._doing) as answer,
            ):
                rows = write_batches(cursor, self.job, answer.reader(), key=key)
        finally:
            cursor.close()
        with self._lock:
            self._keys.append(key)
            self._rows += rows
            self._left -= 1
            if self._left:
                return
            dataset = self.job.sink.commit(self.job.query.staged, self._rows, self._keys)
        self._extraction.commit(self.job, dataset)

    def _until_it_passes(self, work: Callable[[], _T], what: str) -> _T:
        """Do some work; again if it failed for a reason that may pass, and may see another state then."""
        for attempt in itertools.count():
            try:
                return work()
            except DvtError as error:
                if self._server.is_consistent or attempt >= RETRIES or not may_pass(error):
                    raise
                self._pause(error, attempt, what)
        raise AssertionError

    def _pause(self, error: DvtError, attempt: int, what: str) -> None:
        seconds = pause(attempt)
        message = f"{error.message}; {what} is asked for again in {seconds:.1f} s"
        self._server.warn(Notice("DVT037", f"{message} (attempt {attempt + 2} of {RETRIES + 1})"))
        self._extraction.pause(seconds, self._doing)


def find_cut(server: Server, query: SourceQuery) -> Cut | None:
    """Return the column by whose ranges a query's table is read; None: it is read by one query."""
    extraction = query.extraction
    if server.width <= 1 or len(query.tables) != 1 or query.tables[0] not in server.tables:
        return None
    if extraction.max_parallel == 1 and extraction.partitions is None:
        return None
    ref = query.tables[0]
    return cut(query, server.tables[ref], server.product, server.indexed.get(ref, ()))
