"""Snowflake: copied to and from a bucket; little moves by Snowflake's own client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dvt.connectors.snowflake import load as loading
from dvt.connectors.snowflake.estimates import estimated
from dvt.connectors.snowflake.extract import SnowflakeSnapshot
from dvt.connectors.snowflake.server import CLIENT, UPLOAD, Server
from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.connectors import Capabilities, ConnectorContext, ServerFacts, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import Route
from dvt.core.queries import SourceQuery
from dvt.core.tables import StageColumn, Table
from dvt.drivers.snowflake import as_dvt_errors, literal, quoted


class SnowflakeConnector:
    """Implements Connector, CanEstimate, CanLoad, HasPast, HasRoutes, HasServerFacts and HasTimeZone."""

    warehouse = "Snowflake"

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        self._server = Server(name, dict(settings), context)

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

    def time_zone(self) -> str:
        """See HasTimeZone: dbt's sessions are in the user's; dvt's are in UTC."""
        name = self._server.name
        with self._server.session() as session, as_dvt_errors(name=name, doing="asking for its time zone"):
            session.run("ALTER SESSION UNSET TIMEZONE")
            rows = session.rows("SHOW PARAMETERS LIKE 'TIMEZONE' IN SESSION")
            return str(dict(zip(session.named(), rows[0], strict=True))["value"])

    def server_facts(self, schema: str | None) -> ServerFacts:
        """See HasServerFacts."""
        name, settings = self._server.name, self._server.settings
        wanted = literal(schema or settings.schema_name)
        with self._server.session() as session, as_dvt_errors(name=name, doing="asking for its version"):
            ((version,),) = session.rows("SELECT CURRENT_VERSION()")
            ((number,),) = session.rows(
                f"SELECT COUNT(*) FROM {quoted(settings.database_name)}.information_schema.schemata"
                f" WHERE schema_name = {wanted}"
            )
        return ServerFacts(version=f"Snowflake {version}", has_schema=int(number) > 0)

    def read_route(self, query: SourceQuery) -> Route:
        """See HasRoutes."""
        return self._server.route(CLIENT, query.rows, query.bytes, query.bucket)[0]

    def load_route(self, rows: int | None, bytes_: int | None, bucket: str = "") -> Route:
        """See HasRoutes."""
        return self._server.route(UPLOAD, rows, bytes_, bucket)[0]

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """See Connector."""
        return nullcontext(SnowflakeSnapshot(self._server))

    def cancel(self) -> None:
        """See Connector."""
        self._server.running.cancel()

    def close(self) -> None:
        """See Connector. Connections are open only while they are used."""

    def columns(self, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
        """See CanLoad."""
        return loading.load_columns(columns)

    def fill(self, load: Load, dataset: Dataset) -> int:
        """See CanLoad."""
        return loading.StageTableLoad(self._server, load, dataset).run()

    def drop(self, stage: TableRef) -> None:
        """See CanLoad."""
        loading.drop(self._server, stage)
