"""Makes room on a disk that is too full: by data types, the least valuable first, until there is enough."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dvt.core.errors import NothingFreed
from dvt.core.moments import SECOND
from dvt.core.reports import size
from dvt.core.retention import Action, CleanupType, Moment, Policy
from dvt.core.schedule import AlarmKind, Pressure
from dvt.lifecycle.plan.plan_file import Plan
from dvt.lifecycle.reports import runs
from dvt.lifecycle.reports.plans import total
from dvt.lifecycle.schedule.cleaning import Teller, note
from dvt.lifecycle.store.present import now
from dvt.lifecycle.system import System
from dvt.lifecycle.work import Wishes

_LOG = logging.getLogger("dvt.lifecycle.schedule")
_PAUSE = 3600 * SECOND
"""After this time it is tried, and told, again where all that could be done was not enough."""
_HUNDRED = 100


@dataclass(slots=True)
class Relief:
    """Looks at the disks of a project, and makes room."""

    pressure: Pressure
    clock: Callable[[], Moment] = now
    _tried: Moment | None = field(default=None, init=False)

    def look(self, system: System, teller: Teller, stops: Callable[[], bool] = lambda: False) -> None:
        """Make room where there is too little, as far as policies let it; tell if that is not enough."""
        at = self.clock()
        if self._tried is not None and at - self._tried < _PAUSE:
            return
        full = self._full(system)
        if not full:
            self._tried = None
            return
        problems = [problem for name in self.pressure.order for problem in self._free(system, name, stops)]
        still = self._full(system)
        if stops() or not still:
            return
        self._tried = at
        told = [
            f"{path} has only {size(free(path))} left, although all was deleted that may be" for path in still
        ]
        teller.tell(
            AlarmKind.PRESSURE, "; ".join([*told, *problems]), {"folders": list(map(str, still))}, to=system
        )

    def _full(self, system: System) -> list[Path]:
        """Return a folder of each disk of these data types that has too little room."""
        found: dict[int, Path] = {}
        for name in self.pressure.order:
            for path in _places(system, name):
                if lacks_room(self.pressure, path):
                    found.setdefault(path.stat().st_dev, path)
        return list(found.values())

    def _free(self, system: System, name: str, stops: Callable[[], bool]) -> Iterator[str]:
        """Delete what is due of a data type, until its disks have room; yield why that was not possible."""
        full = [path for path in _places(system, name) if lacks_room(self.pressure, path)]
        if not full or stops():
            return
        useless = in_vain(system, name)
        if useless is not None:
            yield useless.message
            return
        made = system.plan(CleanupType.EMERGENCY, [name])
        if made.head.refusals:
            # An emergency asks nobody; but no person is here who could have looked at the plan.
            note(system, "run_refused", {"plan": made.head.id, "reasons": list(made.head.refusals)})
            yield f"{name}: {'; '.join(made.head.refusals)}"
        elif total(made.head.due).items:
            self._run(system, made, full, stops)

    def _run(self, system: System, made: Plan, full: list[Path], stops: Callable[[], bool]) -> None:
        def is_enough() -> bool:
            return stops() or not any(lacks_room(self.pressure, path) for path in full)

        _LOG.warning("%s has only %s left: making room", full[0], size(free(full[0])))
        record = system.run(made, CleanupType.EMERGENCY, Wishes(stops=is_enough))
        for line in runs.as_lines(record):
            _LOG.info("%s", line)


def free(path: Path) -> int:
    """Return the bytes that a folder's disk has left for this user."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def lacks_room(pressure: Pressure, path: Path) -> bool:
    """Return whether a folder's disk has too little room."""
    if not pressure.is_share:
        return free(path) < pressure.free_below
    status = os.statvfs(path)
    return status.f_bavail * _HUNDRED < pressure.free_below * status.f_blocks


def in_vain(system: System, name: str) -> NothingFreed | None:
    """Return why deleting items of a data type makes no room: their backups are on the same disk."""
    if not _keeps_a_copy(system.store.policies().get(name)):
        return None
    backups = _nearest(system.settings.backups)
    for path in _places(system, name):
        if path.stat().st_dev == backups.stat().st_dev:
            return NothingFreed(str(system.settings.backups), str(path))
    return None


def _keeps_a_copy(policy: Policy | None) -> bool:
    """Return whether anything of a policy leaves a copy as large as the item; compressed ones do not."""
    if policy is None:
        return False
    rules = (policy.rule, *(rule for _, rule in policy.special))
    return any(rule.action is not Action.COMPRESS for rule in rules)


def _places(system: System, name: str) -> Iterator[Path]:
    """Yield the folders of a data type that are there."""
    data = system.settings.data.get(name)
    for path in () if data is None else data.places:
        with suppress(OSError):
            path.stat()
            yield path


def _nearest(path: Path) -> Path:
    """Return a folder that is there: this one, or the one in which it would be made."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
