"""One output of type sqlserver: dbt-sqlserver's keys, as Microsoft's JDBC driver takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, SecretStr

from dvt.connectors.jdbc.keys import OutputKeys, read_keys
from dvt.connectors.jdbc.load import LoadingConnector
from dvt.core.errors import BadOutput
from dvt.core.ports.connectors import ConnectorContext
from dvt.drivers.jdbc.loads import SQLSERVER

_KIND = "sqlserver"
_ALIASES = {
    "server": "host",
    "user": "UID",
    "username": "UID",
    "pass": "PWD",
    "password": "PWD",
    "trusted_connection": "windows_login",
    "TrustServerCertificate": "trust_cert",
}
"""Alias in dbt-sqlserver's profiles → its key."""
_IGNORED = (
    "driver", "retries", "login_timeout", "query_timeout", "schema_authorization", "trace_flag", "backend",
)  # fmt: skip
"""Keys of dbt's own connection: `driver` is that of ODBC."""


class SqlServerKeys(OutputKeys):
    """A server's address and credentials."""

    host: str
    """May name an instance: `host\\instance`, whose port the server then tells."""
    port: int = Field(default=1433, ge=1, le=65535)
    database: str
    schema_: str | None = Field(default=None, alias="schema")
    UID: str
    PWD: SecretStr
    windows_login: Literal[False] = False
    authentication: Literal["sql"] = "sql"
    encrypt: bool = True
    trust_cert: bool = False
    properties: Mapping[str, Any] = Field(default_factory=dict)
    """Further properties of the driver."""


class SqlServerConnector(LoadingConnector):
    """Implements what LoadingConnector does."""

    loads = SQLSERVER

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        super().__init__(name, jdbc_keys(name, settings), context)


def jdbc_keys(name: str, output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of an output of type jdbc; BadOutput names the wrong key, without its value."""
    keys, passed = read_keys(SqlServerKeys, _KIND, name, output, aliases=_ALIASES, ignored=_IGNORED)
    if ";" in keys.host:
        raise BadOutput(name, _KIND, "host: has a ; in it, what follows goes below `properties`")
    host, _, instance = keys.host.partition("\\")
    properties = {
        "databaseName": keys.database,
        "encrypt": keys.encrypt,
        "trustServerCertificate": keys.trust_cert,
        "applicationName": "dvt",
    }
    if instance:
        properties["instanceName"] = instance
    return {
        **passed,
        "type": "jdbc",
        "url": f"jdbc:sqlserver://{host}" + ("" if instance else f":{keys.port}"),
        "user": keys.UID,
        "password": keys.PWD.get_secret_value(),
        "schema": keys.schema_,
        "properties": properties | dict(keys.properties),
    }
