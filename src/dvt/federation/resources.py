"""The parts of a run, which `app` puts together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dvt.core.ports.bridge import Reporter
from dvt.core.ports.seeds import SeedReader
from dvt.federation.buckets import RunBuckets
from dvt.federation.connections import Connections
from dvt.federation.engines import Engines
from dvt.federation.forecast import Forecast
from dvt.federation.kept import KeptTables
from dvt.federation.leftovers import Leftovers
from dvt.federation.planning import Planning
from dvt.federation.resuming import ResumableConnections
from dvt.runs.operations import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResources:
    """The parts of a run, put together by `app`."""

    connections: Connections
    engines: Engines
    planning: Planning
    buckets: RunBuckets
    kept: KeptTables
    operation: Operation
    leftovers: Leftovers
    reporter: Reporter
    seeds: SeedReader
    resumable: ResumableConnections | None = None
    """Where answers may be taken that runs which failed have left; None: nowhere."""
    forecast: Forecast
    release: Callable[[], None]
    """Releases what the connections share; called after they are closed."""
