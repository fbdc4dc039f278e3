"""When the lifecycle cleans by itself, and who is told what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from dvt.core.cron import Cron, cron


class Missed(StrEnum):
    """What becomes of runs that were due while no scheduler was there. They are put on record anyway."""

    RUN_ONCE = "run_once"
    """One run takes the place of all of them, at once."""
    SKIP = "skip"


class AlarmKind(StrEnum):
    """What somebody is told of."""

    PARTIAL = "partial"
    """Items that were due have stayed."""
    STOPPED = "stopped"
    """Its time was over before its end."""
    REFUSED = "refused"
    FAILED = "failed"
    MISSED = "missed"
    OVERDUE = "overdue"
    PRESSURE = "pressure"
    """A disk is fuller than it may be, and cleaning has not helped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is sent JSON."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A server that takes mail, and to whom it goes."""

    host: str
    port: int
    security: str
    """`tls`, `starttls` or `none`."""
    user: str
    password_env: str
    """Name of the environment variable that has the password."""
    sender: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """Who is told what."""

    about: frozenset[AlarmKind] = frozenset(AlarmKind)
    log: bool = True
    webhook: Webhook | None = None
    mail: Mail | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """When a disk is too full, and what is cleaned first then."""

    free_below: int
    """Bytes, or hundredths of the disk."""
    is_share: bool
    order: tuple[str, ...]
    """Data types, the least valuable first."""
    every: float
    """Seconds between two looks at the disks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When the lifecycle cleans by itself."""

    cron: Cron = field(default_factory=lambda: cron("0 2 * * *"))
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    missed: Missed = Missed.RUN_ONCE
    budget: float | None = None
    """Seconds after which a run begins nothing."""
    jitter: float = 0
    """A run begins later by a time that is chosen by chance, up to so many seconds."""
    nice: bool = True
    """Whether it leaves processor and disks to others."""
    overdue_after: timedelta | None = None
    """None: two hours more than the longest pause between two runs."""
    alarms: Alarms = field(default_factory=Alarms)
    pressure: Pressure | None = None
