"""The scheduler: stays, and begins a run whenever one is due, one at a time."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock

from dvt.core.errors import CleanerAtWork, DvtError, SchedulerAtWork
from dvt.core.moments import DAY, SECOND
from dvt.core.retention import Moment
from dvt.core.schedule import AlarmKind, Missed, Schedule
from dvt.lifecycle.reports.times import moment_text
from dvt.lifecycle.schedule.cleaning import Teller, clean, note
from dvt.lifecycle.schedule.clockwork import Clockwork
from dvt.lifecycle.schedule.health import HEARTBEAT, health, local_text, next_run
from dvt.lifecycle.schedule.missed import due, was_interrupted
from dvt.lifecycle.schedule.niceness import be_nice
from dvt.lifecycle.schedule.pressure import Relief
from dvt.lifecycle.store.locks import locked_file
from dvt.lifecycle.store.present import now
from dvt.lifecycle.store.schedules import ScheduleRow
from dvt.lifecycle.system import System

_LOG = logging.getLogger("dvt.lifecycle.schedule")
_RETRY = 60.0
"""Seconds after which it is tried again where something was in the way."""
_PATIENCE = 1800
"""Seconds for which what may pass is in the way before somebody is told."""
_LISTED = 100
"""So many missed times are listed in one note."""


def _nothing(_function: Callable[[], None], _seconds: float) -> None:
    """Call nothing."""


@dataclass(slots=True, kw_only=True)
class Scheduler:
    """Cleans a project by its schedule until `stop` is set."""

    opened: Callable[[], System]
    """Opens the project's lifecycle anew, so that each run goes by what its file says by then."""
    schedule: Schedule
    project: str
    """The project's folder."""
    stop: Event = field(default_factory=Event)
    clock: Callable[[], Moment] = now
    later: Callable[[Callable[[], None], float], None] = _nothing
    """Calls a function after so many seconds."""
    _turns: Lock = field(default_factory=Lock)
    """Held while a run is due, and while it waits for its time."""
    _mutex: Lock = field(default_factory=Lock)
    """Held while something is deleted."""
    _trouble_since: Moment | None = None
    _has_told: bool = False
    _is_silent: bool = False

    @property
    def teller(self) -> Teller:
        """Who tells people."""
        return Teller(self.schedule, self.project, self.stop.wait)

    def run(self) -> None:
        """Stay until `stop` is set; then what runs ends after its batch. SchedulerAtWork: one is there."""
        with self.opened() as system, _only_one(system):
            if self.schedule.nice:
                be_nice()
            self.begin(system)
            works = Clockwork(self.schedule, lambda moment: system.store.schedules.set(next_run=moment))
            self.later = works.soon
            works.on_time(self.turn)
            works.every(HEARTBEAT, lambda: self.beat(system))
            if self.schedule.pressure is not None:
                relief = Relief(self.schedule.pressure)
                works.every(self.schedule.pressure.every, lambda: self.relieve(relief))
            works.soon(self.turn)
            next_one = next_run(self.schedule, self.clock())
            _LOG.info("at work for %s; next run at %s", self.project, local_text(next_one, self.schedule))
            with works.running():
                self.stop.wait()
                _LOG.info("ending")
            with suppress(DvtError):
                system.store.schedules.set(alive=False, heartbeat=self.clock())

    def begin(self, system: System) -> None:
        """Say that a scheduler is here, and put on record what was missed while none was."""
        at, schedules = self.clock(), system.store.schedules
        before = schedules.begin(self.schedule.cron.text, self.schedule.zone.key, at)
        schedules.set(heartbeat=at)
        if was_interrupted(before):
            self._tell_of_interruption(system, before)
        self._take(system, before)  # by the schedule that was valid then
        if (before.cron, before.zone) != (self.schedule.cron.text, self.schedule.zone.key):
            is_pending = was_interrupted(schedules.read() or before)
            schedules.claim(at)
            if not is_pending:
                schedules.set(finished=at)

    def turn(self) -> None:
        """Look at the clock, and make the run that is due, if one is; if it cannot be made, try it later."""
        with self._turns:
            try:
                with self.opened() as system:
                    self._turn(system)
            except DvtError as error:
                self._fail(error.message, may_pass=error.transient or isinstance(error, CleanerAtWork))
            except Exception as error:  # noqa: BLE001  a scheduler that ends unseen is worse
                _LOG.exception("the run has failed")
                self._fail(f"an unexpected {type(error).__name__}, see the log", may_pass=False)

    def relieve(self, relief: Relief) -> None:
        """Make room where a disk is too full, unless a run is at work: then afterwards."""
        with self._mutex:
            try:
                with self.opened() as system:
                    relief.look(system, self.teller, self.stop.is_set)
            except (DvtError, OSError) as error:
                _LOG.warning("no room could be made: %s", error)

    def beat(self, system: System) -> None:
        """Say that the scheduler lives, and tell somebody if a run is overdue."""
        at = self.clock()
        try:
            system.store.schedules.set(heartbeat=at, alive=True)
            of = health(system, at)
            if of.overdue_since is not None and of.row is not None and _may_tell(of.row, at):
                system.store.schedules.set(alarmed=at)
                self.teller.tell(AlarmKind.OVERDUE, "; ".join(of.problems), to=system)
        except DvtError as error:
            if not self._is_silent:
                _LOG.warning("no heartbeat: %s", error.message)
            self._is_silent = True
        else:
            self._is_silent = False

    def _turn(self, system: System) -> None:
        schedules = system.store.schedules
        row = schedules.read()
        if row is not None:
            self._take(system, row)
            row = schedules.read()
        if row is None or not was_interrupted(row):
            return
        jitter = 0 if self._trouble_since else random.uniform(0, self.schedule.jitter)  # noqa: S311
        if self.stop.wait(jitter):
            return
        with self._mutex:
            clean(system, self.teller, self.stop.is_set)
        schedules.set(finished=row.claimed, alarmed=None)
        self._trouble_since, self._has_told = None, False

    def _take(self, system: System, row: ScheduleRow) -> None:
        """Take what is due for this scheduler, and put on record what was missed."""
        what = due(row, self.schedule.missed, self.clock())
        if what.last is None or not system.store.schedules.claim(what.last):
            return
        if what.run is None:
            system.store.schedules.set(finished=what.last)
        if what.missed:
            times, made_up = [moment_text(moment) for moment in what.missed], what.run is not None
            facts = {"count": len(times), "due": times[-_LISTED:], "made_up": made_up}
            note(system, "runs_missed", facts)
            one = f"the run due at {times[-1]} was" if len(times) == 1 else f"{len(times):,} runs were"
            text = f"{one} missed; {'a run is made now' if made_up else 'none is made for that'}"
            self.teller.tell(AlarmKind.MISSED, text, facts, to=system)

    def _tell_of_interruption(self, system: System, before: ScheduleRow) -> None:
        at = moment_text(before.claimed or 0)
        is_repeated = self.schedule.missed is Missed.RUN_ONCE
        if not is_repeated:
            system.store.schedules.set(finished=before.claimed)
        note(system, "run_interrupted", {"due": at, "made_up": is_repeated})
        text = f"the run due at {at} did not end; {'it is made' if is_repeated else 'it is not made'} again"
        self.teller.tell(AlarmKind.MISSED, text, {"due": at}, to=system)

    def _fail(self, message: str, *, may_pass: bool) -> None:
        """Try it again later, and tell somebody if that may not help, or has not for long."""
        at = self.clock()
        self._trouble_since = self._trouble_since or at
        is_long = at - self._trouble_since >= _PATIENCE * SECOND
        _LOG.warning("no run could be made: %s", message)
        if (is_long or not may_pass) and not self._has_told:
            self._has_told = True
            self.teller.tell(AlarmKind.FAILED, f"no run could be made: {message}")
        if not self.stop.is_set():
            self.later(self.turn, _RETRY)


def _may_tell(row: ScheduleRow, at: Moment) -> bool:
    """Return whether somebody is told that a run is overdue: once a day."""
    return row.alarmed is None or at - row.alarmed >= DAY


@contextmanager
def _only_one(system: System) -> Iterator[None]:
    """Hold the lock of the project's scheduler."""
    with ExitStack() as stack:
        try:
            file = system.state / "scheduler.lock"
            stack.enter_context(locked_file(file, system.actor, moment_text(now())))
        except CleanerAtWork as error:
            raise SchedulerAtWork(f"{error.who}, since {error.since}") from error
        yield
