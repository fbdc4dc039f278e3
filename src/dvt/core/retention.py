"""What retention speaks of: items, policies for them, what is decided of each, and what became of it.

Moments are nanoseconds since 1970 in UTC, as file systems give them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from dvt.core.moments import Moment as Moment  # noqa: PLC0414 - part of this vocabulary
from dvt.core.status import Status as Status  # noqa: PLC0414 - part of this vocabulary


class ItemKind(StrEnum):
    """What an item is."""

    FILE = "file"
    FOLDER = "folder"
    """A folder with all that is in it, such as what one invocation of dbt has written."""
    DATASET = "dataset"
    """A dataset in a bucket, with its marker and the states that name it."""
    TABLE = "table"
    """A table in a target."""
    ROWS = "rows"
    """Rows of a table with one key, and the rows that refer to them."""


class HoldCode(StrEnum):
    """Why an item must stay, whatever its age is and whatever a policy says."""

    RUNNING = "running"
    OPEN = "open"
    LOCKED = "locked"
    LEASED = "leased"
    REFERENCED = "referenced"
    HARD_LINKED = "hard_linked"
    FOREIGN = "foreign"
    SPECIAL = "special"
    UNREADABLE = "unreadable"


class Hold(NamedTuple):
    """A reason for which an item must stay."""

    code: HoldCode
    detail: str
    """In words, such as `process 4711 has it open`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What is kept or deleted as one: a file, a folder of an invocation, a dataset, a table, rows."""

    data_type: str
    """Name of the data type, such as `failed_operations`."""
    kind: ItemKind = ItemKind.FILE
    key: str
    """Which item it is, unique within its data type: for files the absolute path, see `file_names`."""
    root: str = ""
    """The allowed place that it is in; the same spelling as in the settings."""
    identity: str
    """What it is: another text as soon as it is not the same thing any more."""
    group: str = ""
    """What it is a version of, such as a pipeline or model; empty: nothing."""
    bytes: int = 0
    files: int = 1
    status: Status | None = None
    """None for data types that have no statuses."""
    tags: tuple[str, ...] = ()
    recorded: Moment | None = None
    """The younger of the times at which it says that its work began and ended."""
    modified: Moment | None = None
    changed: Moment | None = None
    """When its name, owner or permissions were last changed, too (`ctime`)."""
    holds: tuple[Hold, ...] = ()


class AgeBy(StrEnum):
    """A time of an item that may make it young."""

    RECORDED = "recorded"
    MODIFIED = "mtime"
    CHANGED = "ctime"


class Action(StrEnum):
    """What becomes of an item that is due."""

    DELETE = "delete"
    """It is backed up, the backup is verified, and it is deleted; its backup goes when its time is over."""
    ARCHIVE = "archive"
    """As `delete`, but the backup stays until somebody deletes it."""
    COMPRESS = "compress"
    """A verified, compressed copy takes its place."""
    QUARANTINE = "quarantine"
    """It is moved aside on its own file system, and deleted after `quarantine_days`; that is its backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which items of a data type a rule is for: those for which all that is given here holds."""

    glob: tuple[str, ...] = ()
    """Patterns of the key or its last part, of which one must fit."""
    regex: str = ""
    status: frozenset[Status] = frozenset()
    pipeline: tuple[str, ...] = ()
    """Patterns of the group, of which one must fit."""
    tag: tuple[str, ...] = ()
    larger_than: int | None = None
    smaller_than: int | None = None

    @property
    def conditions(self) -> int:
        """How many conditions there are: the rule with most of them is the most specific."""
        parts = (self.glob, self.regex, self.status, self.pipeline, self.tag)
        sizes = (self.larger_than, self.smaller_than)
        return sum(bool(part) for part in parts) + sum(size is not None for size in sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How long items stay, and what happens then."""

    days: float
    """An item that is older is due."""
    enabled: bool = True
    action: Action = Action.DELETE
    min_keep: int = 1
    """So many newest items of each group stay, and the newest successful one."""
    keep_last: int = 0
    keep_daily: int = 0
    keep_weekly: int = 0
    keep_monthly: int = 0
    """So many items of each group: the newest of each of the last days, ISO weeks, months with one, in UTC.

    Items without a group are of none, so that no number keeps them."""
    max_total_bytes: int | None = None
    """The oldest items are due, however young they are, until the rest has no more bytes than this."""
    age_by: frozenset[AgeBy] = frozenset(AgeBy)
    """The youngest of these times is an item's age."""
    grace: timedelta = timedelta(hours=1)
    """Nothing younger is ever due, except in an emergency."""
    quarantine_days: float = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is valid for one data type."""

    data_type: str
    rule: Rule
    description: str = ""
    special: tuple[tuple[Match, Rule], ...] = ()
    """Rules for some of the items; the most specific that fits is the one that counts."""
    protect: tuple[str, ...] = ()
    """Patterns of keys, or of their last parts, that always stay."""
    max_delete_share: float = 0.5
    max_delete_items: int | None = None
    max_delete_bytes: int | None = None
    """An automatic run that would delete more than any of these stops before it deletes anything."""
    version: int = 0
    """Counts the changes of this policy in its store; 0: it is in none."""


class Reason(StrEnum):
    """Why an item is kept or due: the first of these that is true, in this order."""

    NO_POLICY = "no_policy"
    DISABLED = "disabled"
    PINNED = "pinned"
    PROTECTED = "protected"
    HELD = "held"
    AGE_UNKNOWN = "age_unknown"
    STATUS_UNKNOWN = "status_unknown"
    IN_THE_FUTURE = "in_the_future"
    GRACE = "grace"
    YOUNG = "young"
    MIN_KEEP = "min_keep"
    LAST_SUCCESS = "last_success"
    KEEP_LAST = "keep_last"
    KEEP_DAILY = "keep_daily"
    KEEP_WEEKLY = "keep_weekly"
    KEEP_MONTHLY = "keep_monthly"
    COMPRESSED = "compressed"
    """It would be compressed, and is."""
    TOO_LARGE = "too_large"
    """Due: what is newer fills `max_total_size`."""
    OLD = "old"
    """Due: it is older than the rule's days."""


DUE = frozenset({Reason.OLD, Reason.TOO_LARGE})
"""Reasons for which something happens to an item; all others keep it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to become of an item, and why."""

    reason: Reason
    text: str
    """The reason in words, such as `91 days old, older than 90`."""
    action: Action | None = None
    """None: it is kept."""
    due: Moment | None = None
    """When it becomes due if nothing but its age keeps it; None where age does not decide."""
    quarantine_days: float = 0
    """For how long it stays moved aside, where `action` says so."""

    @property
    def is_due(self) -> bool:
        """Whether something happens to the item."""
        return self.action is not None


class CleanupType(StrEnum):
    """Who wants a run, and how much it may."""

    AUTOMATIC = "automatic"
    """A schedule wants it: it stops where a person would be asked."""
    MANUAL = "manual"
    EMERGENCY = "emergency"
    """It asks nobody, and skips the grace period and the quarantine's delay. Nothing else."""


class Source(StrEnum):
    """By which way somebody asked."""

    CLI = "cli"
    API = "api"
    UI = "ui"
    SCHEDULER = "scheduler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks for a plan or a run, and how."""

    actor: str
    """Name of the user, such as `ana` or `ana@etl-1`."""
    source: Source = Source.CLI
    cleanup_type: CleanupType = CleanupType.MANUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """An item that was due when its plan was made."""

    item: Item
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Numbers of items, files and bytes."""

    items: int = 0
    files: int = 0
    bytes: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Return the sums."""
        return Tally(
            items=self.items + other.items, files=self.files + other.files, bytes=self.bytes + other.bytes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHead:
    """What a plan says but for the items that are due."""

    id: str
    """By its day, as ids of runs are."""
    made: Moment
    asking: Asking
    policies: Mapping[str, Policy]
    """By data type, as they were."""
    roots: tuple[str, ...]
    found: Mapping[str, Tally]
    """By data type: all items."""
    due: Mapping[str, Tally]
    kept: Mapping[str, Mapping[Reason, Tally]]
    refusals: tuple[str, ...] = ()
    """Why an automatic run does not run this plan, in sentences; empty: it may."""
    problems: tuple[str, ...] = ()
    """What could not be looked at, in sentences."""
    asked_for: tuple[str, ...] = ()
    """Data types that were looked at; empty: all."""


class Result(StrEnum):
    """What became of an item that was due."""

    PLANNED = "planned"
    BACKED_UP = "backed_up"
    DELETED = "deleted"
    ARCHIVED = "archived"
    COMPRESSED = "compressed"
    QUARANTINED = "quarantined"
    CHANGED = "changed"
    """It stays: it is not what it was when the plan was made, or is gone, or something holds it."""
    FAILED = "failed"
    """It stays: its backup, or its deletion, failed."""
    RESTORED = "restored"


FREED = frozenset({Result.DELETED, Result.ARCHIVED})
"""What frees space: what was moved aside is still on its file system."""
GONE = FREED | {Result.QUARANTINED}
"""What is not where it was any more, and can be restored."""
DONE = GONE | {Result.COMPRESSED}
"""What a plan wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an item, and why."""

    item: Item
    result: Result
    detail: str = ""
    sha256: str = ""
    """Of its content where it was read, in hexadecimal digits."""
    backup: str = ""
    """Where its backup is; a path relative to the place of backups."""


class RunStatus(StrEnum):
    """How a run ended. The command's exit codes are 0, 2, 1 and 3."""

    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    """Some items that were due have stayed."""
    FAILED = "failed"
    REFUSED = "refused"
    """Nothing was touched, since a rule forbids the run."""
    STOPPED = "stopped"
    """Somebody stopped it, or its time was over; the rest has stayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """An order that items stay: a legal hold, or somebody's wish."""

    id: str
    pattern: str
    """Of keys (`kind` file), groups (`pipeline`) or tags (`tag`)."""
    kind: str = "file"
    reason: str
    by: str
    made: Moment
    until: Moment | None = None
    """None: until somebody takes it off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What is on record of a run."""

    id: str
    plan: str
    asking: Asking
    began: Moment
    ended: Moment | None = None
    status: RunStatus = RunStatus.RUNNING
    results: Mapping[str, Mapping[Result, Tally]] = field(default_factory=dict)
    """By data type."""
    detail: str = ""
