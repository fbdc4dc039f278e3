"""What a run would find in its buckets, told before it begins: they are read, and nothing is put there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from dvt.core.explanation import StagedIn
from dvt.core.plan import CopyPlan, FederationPlan, SourcePlan
from dvt.core.queries import SourceQuery
from dvt.core.requests import NodeRequest
from dvt.federation.resuming import ResumableConnections, of_one_moment, of_sources_alone, run_of
from dvt.staging.earlier_runs import Committed


@dataclass(frozen=True, slots=True)
class ViewedBucket:
    """A bucket that is looked at."""

    name: str
    address: str
    """The project's folder in it; empty if it cannot be used."""
    committed: Sequence[Committed] = ()
    """What a run may take that begins now: the latest first."""
    problem: str = ""
    """What has kept it from being read."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Says where nodes stage, and what they would take of earlier runs."""

    view: Callable[[str, bool], ViewedBucket]
    """Returns the bucket of what a config says; the second argument is whether it is read."""
    resumable: ResumableConnections | None
    """Where a run may take what others have left; None: nowhere."""

    def of(self, request: NodeRequest, plan: FederationPlan | CopyPlan | SourcePlan) -> StagedIn:
        """Return the forecast of a node's plan. A bucket that cannot be read is a note."""
        waves = list(plan.waves())
        queries = list(chain.from_iterable(waves))
        own = self.view(request.bucket, False)
        places = {query.alias: self.view(query.bucket, False).name for query in queries}
        reused: dict[str, str] = {}
        problems: dict[str, None] = {own.problem: None}
        for connection in sorted(of_sources_alone(request, waves)):
            answered = [query for query in queries if query.connection == connection]
            reused |= self._reused(request, answered, connection, problems)
        return StagedIn(
            bucket=own.name,
            address=own.address,
            extractions=len(queries),
            reused=reused,
            elsewhere={alias: name for alias, name in places.items() if name != own.name},
            notes=tuple(filter(None, problems)),
        )

    def _reused(
        self,
        request: NodeRequest,
        queries: Sequence[SourceQuery],
        connection: str,
        problems: dict[str, None],
    ) -> dict[str, str]:
        """Return alias → run for all queries to a connection, or for none; add what could not be read."""
        identity = None if self.resumable is None else self.resumable.identity(connection)
        if identity is None:
            return {}
        viewed = {query.bucket: self.view(query.bucket, True) for query in queries}
        problems.update(dict.fromkeys(bucket.problem for bucket in viewed.values()))
        earlier = {name: bucket.committed for name, bucket in viewed.items()}
        moments = of_one_moment(queries, request.extract_limits, identity, earlier)
        return {alias: run_of(committed) for alias, committed in next(moments, {}).items()}
