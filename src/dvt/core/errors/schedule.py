"""Errors of the lifecycle's schedule."""

from __future__ import annotations

from dvt.core.errors.error import DvtError


class SchedulerAtWork(DvtError):
    """A scheduler of this project is at work already."""

    code = "DVT240"

    def __init__(self, who: str) -> None:
        self.who = who
        super().__init__(
            f"a scheduler of this project is at work already: {who}",
            hint="one is enough; `dvt lifecycle schedule --status` shows what it does",
        )


class AlarmNotDelivered(DvtError):
    """Nobody could be told what a run did."""

    code = "DVT241"
    transient = True

    def __init__(self, way: str, reason: str) -> None:
        self.way, self.reason = way, reason
        super().__init__(
            f"an alarm could not be delivered by {way}: {reason}",
            hint="see `schedule.alarms` in lifecycle.yml",
        )


class NothingFreed(DvtError):
    """A disk is too full, and deleting would not make room on it, since backups are on the same disk."""

    code = "DVT242"

    def __init__(self, backups: str, place: str) -> None:
        self.backups, self.place = backups, place
        super().__init__(
            f"backups in {backups} are on the same disk as {place}, so that deleting makes no room on it",
            hint="name a folder on another disk as `backups.path` in lifecycle.yml",
        )
