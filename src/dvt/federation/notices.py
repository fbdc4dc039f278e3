"""Warnings that follow from a plan, from what its connections can promise, and from how a run has ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dvt.core.names import TableRef
from dvt.core.plan import FederationPlan
from dvt.core.ports.connectors import HasPast
from dvt.core.ports.transfers import HasRoutes, Route
from dvt.core.queries import SourceQuery
from dvt.core.reports import Notice
from dvt.federation.connections import Connections


def warnings(plan: FederationPlan, connections: Connections) -> Iterator[Notice]:
    """Yield the planner's warnings, then reads without a snapshot."""
    yield from plan.notices
    yield from of_reads(plan.queries, connections)


def of_reads(queries: Sequence[SourceQuery], connections: Connections) -> Iterator[Notice]:
    """Yield warnings about how queries are read: without a snapshot, or without a bucket."""
    yield from missing_snapshots(queries, connections)
    yield from missing_buckets(queries, connections)


def missing_buckets(queries: Sequence[SourceQuery], connections: Connections) -> Iterator[Notice]:
    """Yield DVT022 for every warehouse of which much is read without a bucket."""
    asked = [query for query in queries if isinstance(connections[query.connection].connector, HasRoutes)]
    told: set[str] = set()
    for query, estimate in zip(asked, connections.estimate(asked) if asked else (), strict=True):
        sized = query if estimate is None else replace(query, rows=estimate.rows, bytes=estimate.bytes)
        connector = connections[query.connection].connector
        if isinstance(connector, HasRoutes) and query.connection not in told:
            told.add(query.connection)
            yield from fallback(connector.warehouse, connector.read_route(sized))


def fallback(warehouse: str, route: Route) -> Iterator[Notice]:
    """Yield DVT022 if data take the slower way for want of a bucket."""
    if route.is_fallback:
        message = (
            f"Native connector available for {warehouse} but no bucket configured."
            f" Configure buckets.yml for faster transfers. Falling back to {route.by}"
        )
        yield Notice("DVT022", message, route.why)


def missing_snapshots(queries: Iterable[SourceQuery], connections: Connections) -> Iterator[Notice]:
    """Yield DVT020 for every connection that the model reads more than once, if not at one moment.

    That is one without snapshots, or one of tables that its snapshots leave out.
    """
    by_connection: dict[str, list[SourceQuery]] = {}
    for query in queries:
        by_connection.setdefault(query.connection, []).append(query)
    for name, reads in by_connection.items():
        connector = connections[name].connector
        if len(reads) == 1:
            continue
        if not connector.capabilities.snapshot:
            setting = connector.capabilities.snapshot_by
            way_out = f"set {setting} on this output, or run" if setting else "run"
            yield Notice(
                "DVT020",
                f"tables of connection {name!r} are read at slightly different moments",
                f"it offers no snapshot that several queries share; {way_out} while nobody writes there",
            )
        elif isinstance(connector, HasPast):
            yield from _without_past(connector.without_past([ref for read in reads for ref in read.tables]))


def _without_past(tables: Sequence[TableRef]) -> Iterator[Notice]:
    """Yield DVT020 for tables that have no past; a model's others are read as of one moment."""
    if tables:
        names = ", ".join(dict.fromkeys(map(str, tables)))
        yield Notice(
            "DVT020",
            f"{names}: read at a slightly later moment than the other tables",
            "views, external tables and tables without time travel have no past to be read; run while nobody"
            " writes there, or read the tables below them",
        )


def failed_again() -> Notice:
    """Return the warning of a run that has failed over rows which an earlier one had extracted."""
    message = "the run has failed over rows that an earlier run, which failed, had extracted"
    return Notice("DVT029", message, "if they were mended since, run with --no-resume, which reads them anew")
