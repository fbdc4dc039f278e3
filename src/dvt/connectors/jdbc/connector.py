"""One output of type jdbc."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dvt.connectors.jdbc.describe import Catalog, describe, indexed
from dvt.connectors.jdbc.extract import JdbcSnapshot
from dvt.connectors.jdbc.ranges import check_unsplit, needs_index, split
from dvt.connectors.jdbc.reading import find_cut
from dvt.connectors.jdbc.server import Server
from dvt.core.errors import DvtError
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Capabilities, ConnectorContext, Part, ServerFacts, Snapshot
from dvt.core.queries import SourceQuery, Split
from dvt.core.tables import Table
from dvt.drivers.jdbc import parse


class JdbcConnector:
    """Implements Connector, HasParts, HasServerFacts and ReadsInRanges."""

    capabilities = Capabilities()

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        self._server = Server(name, parse(name, settings, context.project_dir), context)
        self.capabilities = Capabilities(
            snapshot=self._server.is_consistent,
            snapshot_by="" if self._server.product.isolation is None else "consistent_reads: true",
        )

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        server = self._server
        with server.looking() as session:
            catalog = Catalog(session, server.settings, server.product)
            described = {ref: describe(catalog, ref) for ref in tables}
            if server.width > 1:
                looked_at = [
                    ref for ref, (table, _) in described.items() if needs_index(table, server.product)
                ]
                server.indexed.update({ref: indexed(catalog, ref) for ref in looked_at})
        server.names.update({ref: name for ref, (_, name) in described.items()})
        server.tables.update({ref: table for ref, (table, _) in described.items()})
        return {ref: table for ref, (table, _) in described.items()}

    def parts(self) -> Sequence[Part]:
        """See HasParts."""
        return (_part("java", self._server.bridge.java), _part("driver", self._server.bridge.driver))

    def server_facts(self, schema: str | None) -> ServerFacts:
        """See HasServerFacts."""
        server = self._server
        with server.looking() as session:
            facts = session.facts
            named = schema or server.settings.schema_
            has_schema = named is None or Catalog(session, server.settings, server.product).has(named)
            version = f"{facts.product} {facts.version} by {facts.driver} {facts.driver_version}"
            if server.product.not_run:
                version = f"{version}; {server.product.not_run}"
            return ServerFacts(version=version, has_schema=has_schema)

    def ranges(self, query: SourceQuery) -> Split | None:
        """See ReadsInRanges."""
        server = self._server
        if server.width == 1:
            allowed = "raise `max_connections`" if server.may_split else "set `consistent_reads: false`"
            hint = f"{allowed} of output {server.name!r} in profiles.yml, or leave it out"
            check_unsplit(query, "the table is read by one query, in one transaction", hint)
        found = find_cut(server, query)
        width = min(server.width, query.extraction.max_parallel)
        return None if found is None or width == 1 else split(found, width)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See Connector: with `consistent_reads`, where the database is known to have such transactions."""
        snapshot = JdbcSnapshot(self._server)
        try:
            yield snapshot
        finally:
            snapshot.close()

    def cancel(self) -> None:
        """See Connector."""
        self._server.running.cancel()

    def close(self) -> None:
        """See Connector."""
        self._server.bridge.close()


def _part(name: str, find: Callable[[], str]) -> Part:
    try:
        return Part(name, find())
    except DvtError as error:
        return Part(name, error=error)
