"""BigQuery: exported to and loaded from a bucket of Google Cloud; little moves by Google's own client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dvt.connectors.bigquery import load as loading
from dvt.connectors.bigquery.estimates import estimated
from dvt.connectors.bigquery.extract import BigQuerySnapshot
from dvt.connectors.bigquery.server import UPLOAD, Server
from dvt.connectors.bigquery.statements import NOW
from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.connectors import Capabilities, ConnectorContext, ServerFacts, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import Route
from dvt.core.queries import SourceQuery
from dvt.core.tables import StageColumn, Table
from dvt.drivers.bigquery import as_dvt_errors, parse


class BigQueryConnector:
    """Implements Connector, CanEstimate, CanLoad, HasPast, HasRoutes and HasServerFacts."""

    warehouse = "BigQuery"

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        self._server = Server(name, parse(name, settings), context)

    @property
    def capabilities(self) -> Capabilities:
        """See Connector."""
        return Capabilities(snapshot=self._server.settings.time_travel, snapshot_by="time_travel: true")

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        return {ref: described.table for ref, described in self._server.describe(tables).items()}

    def estimate(self, queries: Sequence[SourceQuery]) -> Sequence[Estimate | None]:
        """See CanEstimate."""
        return estimated(self._server, queries)

    def without_past(self, tables: Sequence[TableRef]) -> Sequence[TableRef]:
        """See HasPast."""
        past = self._server.with_history(tables)
        return [table for table in tables if table not in past]

    def server_facts(self, schema: str | None) -> ServerFacts:
        """See HasServerFacts: the service has no version; a query shows that jobs may be run."""
        name, own = self._server.name, self._server.settings.dataset
        with self._server.session() as session, as_dvt_errors(name=name, doing="running a query"):
            session.value(NOW)
            has_dataset = session.has_dataset(session.project, schema or own)
        return ServerFacts(version="BigQuery", has_schema=has_dataset)

    def read_route(self, query: SourceQuery) -> Route:
        """See HasRoutes."""
        return self._server.read_route(query)[0]

    def load_route(self, rows: int | None, bytes_: int | None, bucket: str = "") -> Route:
        """See HasRoutes."""
        return self._server.routes.choose("load job", UPLOAD, rows, bytes_, bucket)[0]

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """See Connector."""
        return nullcontext(BigQuerySnapshot(self._server))

    def cancel(self) -> None:
        """See Connector."""
        self._server.running.cancel()

    def close(self) -> None:
        """See Connector."""
        self._server.close()

    def columns(self, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
        """See CanLoad."""
        return loading.load_columns(columns)

    def fill(self, load: Load, dataset: Dataset) -> int:
        """See CanLoad."""
        return loading.StageTableLoad(self._server, load, dataset).run()

    def drop(self, stage: TableRef) -> None:
        """See CanLoad."""
        loading.drop(self._server, stage)
