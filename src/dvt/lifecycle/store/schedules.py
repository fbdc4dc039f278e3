"""What schedulers know of themselves, so that it outlives them: one row for each project and machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update

from dvt.core.retention import Moment
from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.encoding import shown
from dvt.lifecycle.store.tables import SCHEDULES


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """What is known of a project's scheduler."""

    host: str
    cron: str
    zone: str
    began: Moment
    """When the first scheduler of the project began."""
    next_run: Moment | None = None
    claimed: Moment | None = None
    """For when the run was due that was begun last."""
    finished: Moment | None = None
    """The same of the run that has ended last; less than `claimed` while one is at work, or was killed."""
    heartbeat: Moment | None = None
    alive: bool = False
    """Whether it has not said that it ends."""
    alarmed: Moment | None = None
    """When somebody was told that a run is overdue, unless one was done since."""


class Schedules:
    """The rows of schedulers, for the one of this place."""

    def __init__(self, database: Database, origin: Mapping[str, str]) -> None:
        self._database = database
        self._host, self._state = shown(origin["host"]), shown(origin["state"])
        self._id = hashlib.sha256(f"{self._host}\n{self._state}".encode()).hexdigest()

    def read(self) -> ScheduleRow | None:
        """Return this place's row, or another machine's of the same folder; None if there never was one."""
        rows = select(SCHEDULES).where(SCHEDULES.c.state == self._state).order_by(SCHEDULES.c.heartbeat)
        with self._database.reading() as connection:
            found = connection.execute(rows).all()
        own = [row for row in found if row.id == self._id]
        return next((_row(row) for row in [*own, *reversed(found)]), None)

    def begin(self, cron: str, zone: str, at: Moment, *, alive: bool = True) -> ScheduleRow:
        """Make this place's row if there is none, say whether its scheduler is alive; return what was there.

        False leaves it as it was: a run is made beside, or without, a scheduler.
        """
        with self._database.writing() as connection:
            mine = SCHEDULES.c.id == self._id
            before = connection.execute(select(SCHEDULES).where(mine)).first()
            if before is None:
                row = {"id": self._id, "host": self._host, "state": self._state, "began": at, "alive": alive}
                connection.execute(insert(SCHEDULES), {**row, "cron": cron, "zone": zone})
                return ScheduleRow(host=self._host, cron=cron, zone=zone, began=at)
            if alive:
                living = {"cron": cron, "zone": zone, "alive": True, "heartbeat": at}
                connection.execute(update(SCHEDULES).where(mine).values(living))
            return _row(before)

    def set(self, **values: Moment | bool | None) -> None:
        """Change columns of this place's row."""
        with self._database.writing() as connection:
            connection.execute(update(SCHEDULES).where(SCHEDULES.c.id == self._id).values(**values))

    def claim(self, due: Moment) -> bool:
        """Take the run that is due at a moment; False if it, or a later one, was taken already."""
        free = SCHEDULES.c.claimed.is_(None) | (SCHEDULES.c.claimed < due)
        change = update(SCHEDULES).where(SCHEDULES.c.id == self._id, free).values(claimed=due)
        with self._database.writing() as connection:
            return connection.execute(change).rowcount == 1


def _row(row: Any) -> ScheduleRow:
    return ScheduleRow(**{name: getattr(row, name) for name in ScheduleRow.__dataclass_fields__})
