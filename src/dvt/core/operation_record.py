"""What is on record of a command that runs, or has run: an operation, its nodes, what they moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dvt.core.reports import Moved, Totals
from dvt.core.status import Status

FORMAT = 1
"""Version of the format of operation files; a reader of a lower version still finds the keys it knows."""
STALE_AFTER = timedelta(hours=1)
"""A running operation without a sign of life for so long is stale: most likely, its process is dead."""
PENDING = "pending"
"""Status of a node that has not begun. The other words are `running`, `cancelled`, and dbt's."""
RUNNING = "running"
SKIPPED = "skipped"
FAILURES = frozenset({"error", "fail", "runtime error", "partial success"})
"""Statuses of nodes that have failed, as dbt names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error, as it is shown to the user."""

    text: str
    code: str = ""
    """Such as `DVT108`; empty for errors that are not dvt's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """A node of the project in an operation."""

    unique_id: str
    name: str
    resource_type: str
    path: str = "native"
    """`native` or `federated`."""
    place: str = ""
    """Where it is computed, a word of `core.places.Place`; empty until that is decided."""
    target: str = ""
    """Output that it is built on."""
    dependencies: tuple[str, ...] = ()
    """Unique ids of the nodes and sources that it reads, also of those that are not in the operation."""
    status: str = PENDING
    started: datetime | None = None
    ended: datetime | None = None
    rows: int | None = None
    """Rows that the database says it wrote; None: it does not say."""
    error: Failure | None = None
    moved: tuple[Moved, ...] = ()
    """The stages that it is done with, as the log shows them."""

    @property
    def is_done(self) -> bool:
        """Whether it has ended, or was skipped."""
        return self.status not in {PENDING, RUNNING}

    @property
    def has_failed(self) -> bool:
        """Whether its status is one of dbt's for nodes that fail."""
        return self.status in FAILURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The process that does an operation's work."""

    host: str = ""
    pid: int = 0
    boot_id: str = ""
    """Another one as soon as the machine has been started again."""
    process_start_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRecord:
    """What is known of one operation. All times have a zone."""

    operation_id: str = ""
    pipeline_name: str = ""
    """Name of the dbt project."""
    status: Status = Status.UNKNOWN
    start_time: datetime | None = None
    end_time: datetime | None = None
    """For a process that was killed: its last sign of life."""
    progress: int = 0
    """Percent of the nodes that are done; 100 only for what has been completed."""
    message: str = ""
    completed: bool = False
    """Whether it is over, however it ended."""
    format: int = 0
    """Version of the file's format; 0 for files that are not dvt's."""
    command: tuple[str, ...] = ()
    """The command line without secrets, as dvt has understood it."""
    command_name: str = ""
    """Such as `build` or `docs generate`."""
    profile: str = ""
    target: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Package → version: `dvt` and `dbt`."""
    worker: Worker = field(default_factory=Worker)
    heartbeat: datetime | None = None
    """When its process last wrote the file."""
    run: str = ""
    """Id of the run that moved data, as in the names of staged files and stage tables; empty: none did."""
    exit_code: int | None = None
    error: Failure | None = None
    nodes: tuple[NodeRecord, ...] = ()

    def is_stale(self, now: datetime | None = None) -> bool:
        """Whether it says that it runs, but has not given a sign of life for long."""
        if self.status is not Status.RUNNING:
            return False
        last = self.heartbeat or self.start_time
        return last is None or (now or datetime.now(UTC)) - last > STALE_AFTER

    def statuses(self) -> Counter[str]:
        """Return how many nodes have each status."""
        return Counter(node.status for node in self.nodes)

    def totals(self) -> Totals:
        """Return what all nodes have moved, as the run's last line in the log counts it."""
        moved = [moved for node in self.nodes for moved in node.moved]
        extracted = [stage for stage in moved if stage.what == "extract" and not stage.reused]
        loaded = [stage for stage in moved if stage.what == "load"]
        return Totals(
            extracted_rows=sum(stage.rows for stage in extracted),
            extracted_bytes=sum(stage.bytes for stage in extracted),
            loaded_rows=sum(stage.rows for stage in loaded),
            loaded_bytes=sum(stage.bytes for stage in loaded),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an operation ended."""

    status: Status
    exit_code: int
    error: Failure | None = None
