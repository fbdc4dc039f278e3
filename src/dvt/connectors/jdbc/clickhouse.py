"""One output of type clickhouse: dbt-clickhouse's keys, as ClickHouse's JDBC driver takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr

from dvt.connectors.jdbc.keys import OutputKeys, read_keys
from dvt.connectors.jdbc.load import LoadingConnector
from dvt.core.errors import BadOutput
from dvt.core.plan import LoadColumn
from dvt.core.ports.connectors import ConnectorContext
from dvt.core.tables import StageColumn
from dvt.drivers.jdbc.loads import CLICKHOUSE

_KIND = "clickhouse"
_IGNORED = (
    "retries", "cluster", "database_engine", "cluster_mode", "send_receive_timeout", "sync_request_timeout",
    "compress_block_size", "compression", "check_exchange", "use_lw_deletes", "local_suffix",
    "local_db_prefix", "allow_automatic_deduplication", "tcp_keepalive", "reuse_connections", "chdb_path",
)  # fmt: skip
"""Keys that do not concern the connection over HTTP, or what it reads."""
_NATIVE_PORTS = frozenset({9000, 9440})


class ClickHouseKeys(OutputKeys):
    """A server's address and credentials."""

    host: str = "localhost"
    port: int | None = Field(default=None, ge=1, le=65535)
    http_port: int | None = Field(default=None, ge=1, le=65535)
    """dvt's own: the port for HTTP, if `port` is that of the native protocol."""
    driver: Literal["http", "native"] | None = None
    user: str = "default"
    password: SecretStr = SecretStr("")
    schema_: str = Field(default="default", alias="schema")
    database: str | None = None
    secure: bool = False
    verify: Literal[True] = True
    client_cert: Path | None = None
    client_cert_key: Path | None = None
    custom_settings: Mapping[str, Any] = Field(default_factory=dict)
    properties: Mapping[str, Any] = Field(default_factory=dict)
    """Further properties of the driver."""

    @property
    def for_http(self) -> int | None:
        """The port for HTTP; None if it cannot be told from that of the native protocol."""
        if self.http_port is not None:
            return self.http_port
        if self.port is None:
            return None if self.driver == "native" else (8443 if self.secure else 8123)
        return None if self.driver == "native" or self.port in _NATIVE_PORTS else self.port


class ClickHouseConnector(LoadingConnector):
    """Implements what LoadingConnector does."""

    loads = CLICKHOUSE

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        super().__init__(name, jdbc_keys(name, settings, context.project_dir), context)
        self._name, self._cluster = name, settings.get("cluster")

    def columns(self, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
        """See CanLoad. On a cluster, dbt's next statement may be another node's, which has no stage table."""
        if self._cluster:
            raise BadOutput(self._name, _KIND, "cluster: dvt moves no data of other outputs to a cluster")
        return super().columns(columns)


def jdbc_keys(name: str, output: Mapping[str, Any], project_dir: Path) -> dict[str, Any]:
    """Return the keys of an output of type jdbc; BadOutput names the wrong key, without its value."""
    keys, passed = read_keys(ClickHouseKeys, _KIND, name, output, aliases={}, ignored=_IGNORED)
    if keys.database and keys.database != keys.schema_:
        raise BadOutput(name, _KIND, "database: should be left out, or the same as schema")
    if keys.for_http is None:
        problem = (
            "http_port is missing: the JDBC driver speaks HTTP, and the port is that of the native protocol"
        )
        raise BadOutput(name, _KIND, problem)
    properties: dict[str, Any] = {
        f"clickhouse_setting_{setting}": value for setting, value in keys.custom_settings.items()
    }
    for option, file in (("sslcert", keys.client_cert), ("ssl_key", keys.client_cert_key)):
        if file is not None:
            properties[option] = str(project_dir / file.expanduser())
    scheme = "https" if keys.secure else "http"
    return {
        **passed,
        "type": "jdbc",
        "url": f"jdbc:clickhouse:{scheme}://{keys.host}:{keys.for_http}/{keys.schema_}",
        "user": keys.user,
        "password": keys.password.get_secret_value(),
        "schema": keys.schema_,
        "properties": properties | dict(keys.properties),
    }
