"""A connector without a database, whose every step a test can pause."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dvt.core.names import TableRef
from dvt.core.tables import Table
from dvt.federation.connections.writes import WriteLog

LIMIT = 30
"""Seconds after which a thread that waits for another gives up: the test has failed."""


def table(identifier: str, *, plain: bool = True) -> Table:
    """Return a table of the connection, or a view."""
    return Table(
        ref=TableRef(connection="pg", schema="s", identifier=identifier), columns=(), scannable=plain
    )


A, B, VIEW = table("a"), table("b"), table("v", plain=False)


class Source:
    """A connector that records calls and runs a callback during each."""

    def __init__(self) -> None:
        self.described: list[TableRef] = []
        self.snapshot_count = 0
        self.open: list[int] = []
        self.while_describing: Callable[[], object] = lambda: None
        self.while_beginning: Callable[[], object] = lambda: None

    def describe(self, refs):
        self.described += refs
        self.while_describing()
        return {ref: next(existing for existing in (A, B, VIEW) if existing.ref == ref) for ref in refs}

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        self.snapshot_count += 1
        number = self.snapshot_count
        self.while_beginning()
        self.open.append(number)
        try:
            yield number
        finally:
            self.open.remove(number)


class Halt:
    """A callback that blocks its caller until a test releases it."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._released = threading.Event()

    def __call__(self) -> None:
        self._reached.set()
        assert self._released.wait(LIMIT), "what should have happened meanwhile did not"

    def reached(self) -> None:
        assert self._reached.wait(LIMIT)

    def release(self) -> None:
        self._released.set()


class Threads:
    """Threads that run functions side by side; `finish` raises the first error."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def start(self, act: Callable[[], object]) -> None:
        def run() -> None:
            try:
                act()
            except BaseException as error:  # noqa: BLE001  `finish` raises it
                self._errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(LIMIT)
        assert not [thread for thread in self._threads if thread.is_alive()], "threads wait for ever"
        if self._errors:
            raise self._errors[0]


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def writes() -> WriteLog:
    return WriteLog()


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads()
    yield threads
    threads.finish()
