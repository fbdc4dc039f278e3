"""Warnings that follow from a plan, from what its connections can promise, and from how a run has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from dvt.core.plan import FederationPlan
from dvt.core.queries import SourceQuery
from dvt.core.reports import Notice
from dvt.federation.connections import Connections


def warnings(plan: FederationPlan, connections: Connections) -> Iterator[Notice]:
    """Yield the planner's warnings, then reads without a snapshot."""
    yield from plan.notices
    yield from missing_snapshots(plan.queries, connections)


def missing_snapshots(queries: Iterable[SourceQuery], connections: Connections) -> Iterator[Notice]:
    """Yield DVT020 for every connection without snapshots that the model reads more than once."""
    for name, reads in Counter(query.connection for query in queries).items():
        capabilities = connections[name].connector.capabilities
        if reads > 1 and not capabilities.snapshot:
            setting = capabilities.snapshot_by
            way_out = f"set {setting} on this output, or run" if setting else "run"
            yield Notice(
                "DVT020",
                f"tables of connection {name!r} are read at slightly different moments",
                f"it offers no snapshot that several queries share; {way_out} while nobody writes there",
            )


def failed_again() -> Notice:
    """Return the warning of a run that has failed over rows which an earlier one had extracted."""
    message = "the run has failed over rows that an earlier run, which failed, had extracted"
    return Notice("DVT029", message, "if they were mended since, run with --no-resume, which reads them anew")
