"""A connector without a database, whose every step a test can hold up."""

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
    """A table of the connection, or a view."""
    return Table(
        ref=TableRef(connection="pg", schema="s", identifier=identifier), columns=(), scannable=plain
    )


A, B, VIEW = table("a"), table("b"), table("v", plain=False)


class Source:
    """Notes what is asked of it, and calls back while it is asked."""

    def __init__(self) -> None:
        self.described: list[TableRef] = []
        self.began = 0
        self.open: list[int] = []
        self.while_describing: Callable[[], object] = lambda: None
        self.while_beginning: Callable[[], object] = lambda: None

    def describe(self, refs):
        self.described += refs
        self.while_describing()
        return {ref: next(existing for existing in (A, B, VIEW) if existing.ref == ref) for ref in refs}

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        self.began += 1
        number = self.began
        self.while_beginning()
        self.open.append(number)
        try:
            yield number
        finally:
            self.open.remove(number)


class Halt:
    """Holds up whoever calls it, until a test lets it go on."""

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
    """Runs functions side by side; an error in any of them is raised by `finish`."""

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
