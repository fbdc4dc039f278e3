"""The audit: runs and notes are put on record in the store or, where it does not answer, in the spool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from dvt.core.errors import DvtError, StoreUnreachable, UnrecordedRun
from dvt.core.retention import (
    Asking,
    CleanupType,
    Moment,
    Outcome,
    PlanHead,
    PlannedItem,
    Result,
    RunStatus,
    Tally,
)
from dvt.lifecycle.store.encoding import (
    Data,
    decision_data,
    item_data,
    outcome_data,
    plan_data,
    results_data,
)
from dvt.lifecycle.store.events import Event, EventKind
from dvt.lifecycle.store.present import now, uptime
from dvt.lifecycle.store.spool import Spool
from dvt.runs.operations import Process

Append = Callable[[Sequence[Event]], None]
"""Puts events on record in the store."""


class Recorder:
    """The record of runs, as the interface `Audit` promises."""

    def __init__(
        self,
        append: Append,
        check_lock: Callable[[], None],
        spool: Spool,
        *,
        origin: Mapping[str, str],
        spool_automatic: bool,
    ) -> None:
        """Record runs.

        Args:
            append: puts events on record.
            check_lock: raises if another cleaner may be at work.
            spool: takes events while the store does not answer.
            origin: where the runs are, which several projects and machines of one store are told apart by.
            spool_automatic: automatic runs go on, too, when the store does not answer.
        """
        self._origin = dict(origin)
        self._append = append
        self._check_lock = check_lock
        self._spool = spool
        self._spool_automatic = spool_automatic

    def begin(self, plan: PlanHead, run: str, asking: Asking, began: Moment) -> RecordedRun:
        """Put a new run on record; UnrecordedRun if it is automatic and the store does not answer."""
        self.check_lock()
        recorded = RecordedRun(self, plan, run, asking)
        details = {**plan_data(plan), "boot": Process.this().boot, "uptime": uptime(), **self._origin}
        recorded.write([recorded.event(EventKind.RUN_BEGAN, at=began, details=details)])
        return recorded

    def note(
        self, asking: Asking, action: str, details: Mapping[str, object], *, run: str | None = None
    ) -> None:
        """Put on record what is no run; `run`: the id of the run that it is about."""
        note = Event(at=now(), kind=EventKind.NOTE, asking=asking, run=run, key=action, details=details)
        self.write([note], asking)

    def write(self, events: Sequence[Event], asking: Asking) -> bool:
        """Put events on record of what is still to happen; False if they are in the spool."""
        try:
            self._append(events)
        except StoreUnreachable as error:
            if not self.may_spool(asking):
                raise UnrecordedRun(asking.cleanup_type, error.message) from error
            self.spool(events)
            return False
        return True

    def check_lock(self) -> None:
        """Raise CleanerLockLost if another cleaner may be at work."""
        self._check_lock()

    def spool(self, events: Sequence[Event]) -> None:
        """Write events to the local file."""
        self._spool.write(events)

    def may_spool(self, asking: Asking) -> bool:
        """True if this asker's runs go on when the store does not answer."""
        return self._spool_automatic or asking.cleanup_type is not CleanupType.AUTOMATIC


class RecordedRun:
    """The record of one run that is under way, as the interface `RunAudit` promises.

    What has happened is never lost: where the store cannot take it, it is in the spool before an error
    is raised.
    """

    def __init__(self, recorder: Recorder, plan: PlanHead, run: str, asking: Asking) -> None:
        self._recorder = recorder
        self._run, self._asking = run, asking
        self._mutex = Lock()
        self._spooling = False
        """True as soon as one event is in the spool: later ones follow there, so that all are in order."""
        self._results: dict[str, dict[Result, Tally]] = {data_type: {} for data_type in plan.found}

    def planned(self, planned: Sequence[PlannedItem]) -> None:
        """Put on record, before anything is done, that these items are to be deleted."""
        at = now()
        events = [self._planned(entry, at) for entry in planned]
        with self._mutex:
            self._recorder.check_lock()
            self.write(events)

    def ended(self, outcomes: Sequence[Outcome]) -> None:
        """Put on record what became of items."""
        at = now()
        events = [self._outcome(outcome, at) for outcome in outcomes]
        with self._mutex:
            for outcome in outcomes:
                self._count(outcome)
            self._write_done(events, check=True)

    def close(self, status: RunStatus, detail: str = "") -> None:
        """Put the end of the run on record."""
        with self._mutex:
            details = {"results": results_data(self._results), "detail": detail}
            ended = self.event(EventKind.RUN_ENDED, at=now(), result=status.value, details=details)
            self._write_done([ended], check=False)

    def event(
        self,
        kind: EventKind,
        *,
        at: Moment,
        data_type: str | None = None,
        key: str | None = None,
        result: str | None = None,
        details: Data,
    ) -> Event:
        """Return an event of this run."""
        return Event(
            at=at,
            kind=kind,
            asking=self._asking,
            run=self._run,
            data_type=data_type,
            key=key,
            result=result,
            details=details,
        )

    def write(self, events: Sequence[Event]) -> None:
        """Put events on record of what is still to happen."""
        if not events:
            return
        if self._spooling:
            self._recorder.spool(events)
        else:
            self._spooling = not self._recorder.write(events, self._asking)

    def _write_done(self, events: Sequence[Event], *, check: bool) -> None:
        """Put events on record of what has happened."""
        try:
            if check:
                self._recorder.check_lock()
            self.write(events)
        except DvtError:
            self._spooling = True
            self._recorder.spool(events)
            if check:
                raise

    def _planned(self, entry: PlannedItem, at: Moment) -> Event:
        item = entry.item
        return self.event(
            EventKind.PLANNED,
            at=at,
            data_type=item.data_type,
            key=item.key,
            result=Result.PLANNED.value,
            details={"item": item_data(item), "decision": decision_data(entry.decision)},
        )

    def _outcome(self, outcome: Outcome, at: Moment) -> Event:
        return self.event(
            EventKind.OUTCOME,
            at=at,
            data_type=outcome.item.data_type,
            key=outcome.item.key,
            result=outcome.result.value,
            details=outcome_data(outcome),
        )

    def _count(self, outcome: Outcome) -> None:
        of = self._results.setdefault(outcome.item.data_type, {})
        tally = of.get(outcome.result, Tally())
        of[outcome.result] = Tally(
            items=tally.items + 1,
            files=tally.files + outcome.item.files,
            bytes=tally.bytes + outcome.item.bytes,
        )
