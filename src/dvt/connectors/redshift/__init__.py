"""Redshift: unloaded to and copied from a bucket of S3; little moves by Amazon's own client."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from dvt.connectors.redshift import load as loading
from dvt.connectors.redshift.estimates import estimated
from dvt.connectors.redshift.extract import RedshiftSnapshot
from dvt.connectors.redshift.server import Server
from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.connectors import Capabilities, ConnectorContext, ServerFacts, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import Route
from dvt.core.queries import SourceQuery
from dvt.core.tables import Column, StageColumn, Table
from dvt.drivers.redshift import as_dvt_errors, describe, is_refused, literal, parse

_VERSION = re.compile(r"Redshift [\d.]+|PostgreSQL [\d.]+")


class RedshiftConnector:
    """Implements Connector, CanCompute, CanEstimate, CanLoad, HasRoutes, HasServerFacts and HasTimeZone."""

    capabilities: ClassVar[Capabilities] = Capabilities(snapshot=True)
    warehouse = "Redshift"

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        self._server = Server(name, parse(name, settings), context.duckdb, context.limit, context.transfers)

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        name = self._server.name
        with self._server.session() as session, as_dvt_errors(name=name, doing="looking at tables"):
            return describe(session, tables, name=name, settings=self._server.settings)

    def estimate(self, queries: Sequence[SourceQuery]) -> Sequence[Estimate | None]:
        """See CanEstimate."""
        return estimated(self._server, queries)

    def time_zone(self) -> str:
        """See HasTimeZone: dbt's sessions are in the user's; dvt's are in UTC."""
        name = self._server.name
        with self._server.session() as session, as_dvt_errors(name=name, doing="asking for its time zone"):
            session.run("RESET timezone")
            return str(session.rows("SHOW timezone")[0][0])

    def server_facts(self, schema: str | None) -> ServerFacts:
        """See HasServerFacts."""
        name, own = self._server.name, self._server.settings.schema_
        with self._server.session() as session, as_dvt_errors(name=name, doing="asking for its version"):
            ((version,),) = session.rows("SELECT version()")
            wanted = literal(schema or own)
            ((number,),) = session.rows(f"SELECT count(*) FROM pg_namespace WHERE nspname = {wanted}")
        product = _VERSION.findall(str(version))
        return ServerFacts(version=product[-1] if product else str(version), has_schema=number > 0)

    def read_route(self, query: SourceQuery) -> Route:
        """See HasRoutes."""
        return self._server.route("UNLOAD", query.rows, query.bytes, query.bucket)[0]

    def load_route(self, rows: int | None, bytes_: int | None, bucket: str = "") -> Route:
        """See HasRoutes."""
        return self._server.route("COPY", rows, bytes_, bucket)[0]

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """See Connector: one call of `extract` reads one state of the data."""
        return nullcontext(RedshiftSnapshot(self._server))

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

    def own_type(self, column: Column, dialect: str) -> str | None:
        """See CanCompute."""
        return column.native if dialect == "redshift" and not is_refused(column) else None

    def index(self, stage: TableRef, key: Sequence[str], columns: Sequence[str]) -> None:  # noqa: ARG002
        """See CanCompute: it has no indexes."""
        loading.analyse(self._server, stage)

    def drop(self, stage: TableRef) -> None:
        """See CanLoad."""
        loading.drop(self._server, stage)
