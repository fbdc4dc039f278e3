"""Runs of plans that this server does, in a thread: one at a time, with progress, and a way to stop them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from threading import Event, Lock, Thread

from dvt.core.errors import CleanerAtWork, DvtError, RunNotBegun
from dvt.core.retention import CleanupType, RunRecord, RunStatus, Source
from dvt.lifecycle.plan.plan_file import Plan
from dvt.lifecycle.reports.times import moment_text
from dvt.lifecycle.store.present import now
from dvt.lifecycle.system import System
from dvt.lifecycle.work import Wishes

_LOG = logging.getLogger(__name__)
_REMEMBERED = 50
"""Runs that are over, and still known here."""
_PULSE = 10.0
"""Seconds after which a watcher hears that nothing has changed: a connection that is gone is noticed then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants to be run."""

    plan: str
    cleanup_type: CleanupType
    by: str
    source: Source
    leave_out: frozenset[tuple[str, str]] = frozenset()
    """Data types and keys of items of the plan that stay."""
    budget: float | None = None
    """Seconds after which nothing is begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How far a run is."""

    record: RunRecord
    is_alive: bool
    """Whether it is under way. One that has no end and is not was killed: the next run finishes it."""
    is_here: bool
    """Whether this server does it, so that it can be stopped here."""


class Running:
    """A run that this server does, or has done."""

    def __init__(
        self, order: Order, opened: Callable[[str, Source], System], changed: Callable[[], None]
    ) -> None:
        self.order = order
        self.record: RunRecord | None = None
        """How far it is; None: it has not begun."""
        self.error: DvtError | None = None
        self.stop = Event()
        self.over = Event()
        self._opened, self._changed = opened, changed
        self._begun = Event()
        self._watchers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._mutex = Lock()
        self.thread = Thread(target=self._run, name=f"run of plan {order.plan}")
        self.thread.start()

    def wait_for_begin(self) -> RunRecord:
        """Return how far it is once it has begun; raise what kept it from that."""
        self._begun.wait()
        if self.record is None:
            raise self.error or RunNotBegun(self.order.plan)
        return self.record

    async def watch(self) -> AsyncIterator[RunRecord | None]:
        """Yield how far it is, at once and after each change, to its end; None from time to time."""
        watcher = (asyncio.get_running_loop(), asyncio.Event())
        with self._mutex:
            self._watchers.add(watcher)
        try:
            told: RunRecord | None = None
            while True:
                is_over = self.over.is_set()
                if self.record is not told:
                    told = self.record
                    yield told
                if is_over:
                    return
                try:
                    await asyncio.wait_for(watcher[1].wait(), timeout=_PULSE)
                    watcher[1].clear()
                except TimeoutError:
                    yield None
        finally:
            with self._mutex:
                self._watchers.discard(watcher)

    def _run(self) -> None:
        order = self.order
        try:
            with self._opened(order.by, order.source) as system:
                plan: Plan = system.plans.read(order.plan, anew=True)
                wishes = Wishes(
                    budget=order.budget,
                    report=self._report,
                    stops=self.stop.is_set,
                    leave_out=order.leave_out,
                )
                self._report(system.run(plan, order.cleanup_type, wishes))
        except DvtError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001  who waits for the run is told
            _LOG.exception("a run has failed", extra={"action": "run"})
            self._fail(DvtError(f"the run has failed: {type(error).__name__}"))
        finally:
            self._changed()
            self.over.set()
            self._begun.set()
            self._tell()

    def _report(self, record: RunRecord) -> None:
        self.record = record
        self._begun.set()
        self._tell()

    def _fail(self, error: DvtError) -> None:
        self.error = error
        if self.record is not None:
            self.record = replace(self.record, status=RunStatus.FAILED, ended=now(), detail=error.message)

    def _tell(self) -> None:
        with self._mutex:
            watchers = list(self._watchers)
        for loop, event in watchers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)


@dataclass(slots=True)
class Runs:
    """The runs of this server."""

    opened: Callable[[str, Source], System]
    """Opens the lifecycle in somebody's name, with a store of its own."""
    changed: Callable[[], None] = lambda: None
    """Is called when a run has ended."""
    _mutex: Lock = field(default_factory=Lock)
    _current: Running | None = None
    _known: dict[str, Running] = field(default_factory=dict)
    _is_closing: bool = False

    def start(self, order: Order) -> RunRecord:
        """Begin a run, and return how far it is.

        CleanerAtWork if one is at work; otherwise errors as of `System.run`, and nothing was touched.
        """
        with self._mutex:
            if self._is_closing:
                raise RunNotBegun(order.plan)
            if self._current is not None and not self._current.over.is_set():
                raise _at_work(self._current)
            self._current = running = Running(order, self.opened, self.changed)
        record = running.wait_for_begin()
        with self._mutex:
            self._known[record.id] = running
            while len(self._known) > _REMEMBERED:
                del self._known[next(iter(self._known))]
        return record

    def get(self, run: str) -> Running | None:
        """Return a run of this server; None if another process does it, or has done it long ago."""
        with self._mutex:
            return self._known.get(run)

    def current(self) -> Running | None:
        """Return the run that is under way here."""
        with self._mutex:
            running = self._current
        return None if running is None or running.over.is_set() else running

    def state(self, system: System, record: RunRecord) -> RunState:
        """Return how far a run on record is, as far as this server knows better than the record."""
        running = self.get(record.id)
        is_here = running is not None and not running.over.is_set()
        if running is not None and running.record is not None and record.status is RunStatus.RUNNING:
            record = running.record
        elif record.status is RunStatus.RUNNING:
            record = system.store.records.with_progress(record)
        is_alive = record.status is RunStatus.RUNNING and (is_here or system.store.is_cleaner_at_work())
        return RunState(record=record, is_alive=is_alive, is_here=is_here)

    def stop(self, system: System, run: str) -> None:
        """Have a run end after its batch, whichever process does it; errors as of `System.stop`."""
        running = self.get(run)
        if running is not None:
            running.stop.set()  # Its own is stopped while the store does not answer, too.
        system.stop(run)

    def close_soon(self) -> None:
        """Have the run end after its batch, and begin no more; at once, so also where a signal is handled."""
        self._is_closing = True
        running = self._current
        if running is not None:
            running.stop.set()

    def close(self) -> None:
        """Have the run end after its batch, and wait for that."""
        self.close_soon()
        running = self._current
        if running is not None:
            running.thread.join()


def _at_work(running: Running) -> CleanerAtWork:
    since = "just now" if running.record is None else moment_text(running.record.began)
    return CleanerAtWork(running.order.by, since)
