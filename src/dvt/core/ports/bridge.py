"""The interface between dbt's bridge and federation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dvt.core.names import TableRef
from dvt.core.places import Choice, Place
from dvt.core.reports import Answer, Moved, Notice, Outcome, Totals

if TYPE_CHECKING:  # a plain dbt run makes no plan
    from dvt.core.explanation import StagedIn
    from dvt.core.plan import CopyPlan, FederationPlan, Load, LoadColumn, SourcePlan
    from dvt.core.ports.connectors import Settings
    from dvt.core.requests import NodeRequest
    from dvt.core.seeds import SeedRequest, Typed
    from dvt.core.tables import Table


class Publisher(Protocol):
    """Makes a filled stage table the node's table: dbt's own macros, on the node's target."""

    def publish(self, load: Load) -> int:
        """Publish; return how many rows the database says it wrote, -1 if it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """What a node reads on its target instead of other databases' tables."""

    sql: str
    """The node's text, which names the copies."""
    tables: Mapping[str, TableRef]
    """Unique id → copy."""
    outcome: Outcome


class Federator(Protocol):
    """Carries out federated nodes. The bridge's runners call it."""

    @property
    def run(self) -> str:
        """The run's id, [a-z0-9]: the bridge names stage tables with it (`names.stage_name`)."""

    def expect(self, requests: Sequence[NodeRequest]) -> None:
        """Note what is to run later, before any node runs: tables that several nodes read are extracted once.

        Nodes may be missing. Nothing is extracted yet.
        """

    def federate(self, request: NodeRequest, publisher: Publisher, *, place: Place | None = None) -> Outcome:
        """Plan, extract, stage, compute, load, publish; the targets are as before if it raises.

        `place` was chosen before: the source or the engine. None: it is chosen now.
        """

    def seed(self, request: SeedRequest, typed: Typed, publisher: Publisher) -> Outcome:
        """Read, stage, load and publish a seed; the target is as before if it raises."""

    def select(self, request: NodeRequest) -> Answer:
        """Plan, extract, stage and compute; return the rows, which are few, and load nothing."""

    def choose(self, request: NodeRequest) -> Choice:
        """Choose where the node is computed: `copies` serves the target, `federate` the other places."""

    def copies(self, request: NodeRequest) -> AbstractContextManager[Copies]:
        """Copy what the node reads elsewhere to its target; the copies are there within the `with`."""

    def describe(self, table: TableRef) -> Table:
        """Describe a table as it is now, for introspection in Jinja; TableNotFound if it is not there."""

    def columns_on(self, target: str, table: TableRef) -> tuple[LoadColumn, ...]:
        """Return the columns that a copy of the table on `target` would have, with that target's types."""

    def plan(self, request: NodeRequest) -> FederationPlan:
        """Plan what `federate` would do: tables are described, nothing else is run."""

    def plan_copies(self, request: NodeRequest) -> CopyPlan:
        """Plan what `copies` would do: tables are described, nothing else is run."""

    def plan_at_source(self, request: NodeRequest) -> SourcePlan:
        """Plan what `federate` would do for a node that its source computes; nothing is run."""

    def staged(self, request: NodeRequest, plan: FederationPlan | CopyPlan | SourcePlan) -> StagedIn:
        """Return where `federate` or `copies` would stage, and what of it is there; buckets are only read."""

    def wrote(self, connection: str, table: TableRef | None) -> None:
        """Note that a node has written `table`; None: it may have written any table there."""

    @property
    def totals(self) -> Totals:
        """Rows and bytes that the run has moved so far, for its last line."""

    def cancel(self) -> None:
        """Stop everything under way, on every server."""

    def close(self, *, failed: bool = False) -> None:
        """End the run: remove its staging, unless that is to be kept, and close connections.

        `failed`: something of the run has failed that the federation has not seen.
        """


class Reporter(Protocol):
    """Receives the progress and warnings of federated nodes; the bridge turns them into dbt's events.

    `node` is its unique_id, or empty for what belongs to the run as a whole.
    """

    def moved(self, node: str, moved: Moved) -> None:
        """Report that the node is done with a stage."""

    def progress(self, text: str) -> None:
        """Report how far the query of the node that the present context names has come."""

    def notice(self, node: str, notice: Notice) -> None:
        """Report a warning; one that a run repeats is shown once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """One invocation as the bridge knows it, from which a Federator is made."""

    project_dir: Path
    profiles_dir: Path
    outputs: Settings
    reporter: Reporter
    profile: str
    """Name of the profile in use, whose section of computes.yml applies."""
    project: str = ""
    """Name of the dbt project, whose folder in a shared bucket is named after it."""
    compute: str | None = None
    """Value of --compute; None if it is not given."""
    bucket: str | None = None
    """Value of --bucket, which overrides the buckets of all configs; None if it is not given."""
    keep_staging: bool = False
    full_refresh: bool = False
    """True for --full-refresh: rows that earlier runs have kept are not used."""
    resume: bool = False
    """Whether answers may be taken that runs which failed have left, and left for later runs."""
    written: frozenset[str] | None = None
    """Outputs that nodes and hooks of the project may write to; None: any."""


FederatorFactory = Callable[[RunContext], Federator]
"""`app` gives one to the bridge, which calls it when the first federated node runs."""
