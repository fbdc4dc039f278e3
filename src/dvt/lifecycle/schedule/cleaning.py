"""One run as the scheduler makes it: plan, run, and tell who wants to know how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dvt.core.errors import DvtError, RunRefused
from dvt.core.retention import CleanupType, RunRecord, RunStatus
from dvt.core.schedule import AlarmKind, Schedule
from dvt.lifecycle.reports import runs
from dvt.lifecycle.schedule.alarms import Alarm, tell
from dvt.lifecycle.schedule.niceness import be_nice
from dvt.lifecycle.store.present import now
from dvt.lifecycle.system import System
from dvt.lifecycle.work import Wishes

_LOG = logging.getLogger("dvt.lifecycle.schedule")
_KINDS: Mapping[RunStatus, AlarmKind] = {
    RunStatus.PARTIAL: AlarmKind.PARTIAL,
    RunStatus.STOPPED: AlarmKind.STOPPED,
    RunStatus.FAILED: AlarmKind.FAILED,
    RunStatus.REFUSED: AlarmKind.REFUSED,
}
"""How a run ended → what somebody is told of."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells of one project, and puts that on record."""

    schedule: Schedule
    project: str
    wait: Callable[[float], object] = time.sleep

    def tell(
        self, kind: AlarmKind, text: str, facts: Mapping[str, Any] | None = None, *, to: System | None = None
    ) -> None:
        """Tell somebody; `to`: where it is put on record, if that is possible."""
        alarm = Alarm(kind=kind, text=text, project=self.project, at=now(), facts=facts or {})
        failures = tell(alarm, self.schedule.alarms, wait=self.wait)
        if to is not None and kind in self.schedule.alarms.about:
            note(to, "alarm", {"kind": kind, "text": text, "failed": [of.message for of in failures]})


def note(system: System, action: str, details: Mapping[str, object]) -> None:
    """Put on record what is no run; where that is impossible, it is in the log."""
    try:
        system.store.audit.note(system.asking(CleanupType.AUTOMATIC), action, details)
    except DvtError as error:
        _LOG.error("%s is not on record: %s", action, error.message)


def clean(system: System, teller: Teller, stops: Callable[[], bool] = lambda: False) -> RunRecord | None:
    """Make a run; None: it was refused, which is on record. Other errors are raised."""
    made = system.plan(CleanupType.AUTOMATIC)
    if made.head.problems:
        text = f"not everything could be looked at: {' '.join(made.head.problems)}"
        teller.tell(AlarmKind.PARTIAL, text, {"plan": made.head.id}, to=system)
    try:
        record = system.run(made, CleanupType.AUTOMATIC, Wishes(budget=teller.schedule.budget, stops=stops))
    except RunRefused as refused:
        note(system, "run_refused", {"plan": made.head.id, "reasons": list(refused.reasons)})
        facts = {"plan": made.head.id, "reasons": list(refused.reasons)}
        teller.tell(AlarmKind.REFUSED, refused.message, facts, to=system)
        return None
    for line in runs.as_lines(record):
        _LOG.info("%s", line)
    if record.status in _KINDS and not stops():
        text = list(runs.as_lines(record))[-1]
        teller.tell(_KINDS[record.status], text, {"run": runs.as_object(record)}, to=system)
    return record


def clean_once(system: System) -> RunRecord | None:
    """Make one run now as the scheduler would, such as for a timer of the operating system."""
    schedule, schedules, at = system.settings.schedule, system.store.schedules, now()
    if schedule.nice:
        be_nice()
    schedules.begin(schedule.cron.text, schedule.zone.key, at, alive=False)
    schedules.claim(at)
    teller = Teller(schedule, str(system.settings.folder))
    try:
        record = clean(system, teller)
    except DvtError as error:
        teller.tell(AlarmKind.FAILED, f"no run could be made: {error.message}")
        raise
    schedules.set(finished=at, alarmed=None)
    return record
