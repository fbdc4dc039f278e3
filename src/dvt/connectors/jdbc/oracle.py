"""One output of type oracle: dbt-oracle's keys, as Oracle's JDBC driver takes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, SecretStr

from dvt.connectors.jdbc.keys import OutputKeys, read_keys
from dvt.connectors.jdbc.load import LoadingConnector
from dvt.core.errors import BadOutput
from dvt.core.ports.connectors import ConnectorContext
from dvt.drivers.jdbc.loads import ORACLE

_KIND = "oracle"
_ALIASES = {"dbname": "database", "pass": "password"}
"""Alias in dbt-oracle's profiles → its key."""
_IGNORED = ("retry_count", "retry_delay", "session_info", "cclass", "purity")
"""Keys of dbt's own connection: attempts, a pool, how it is called."""


class OracleKeys(OutputKeys):
    """A database's address, in one of three ways, and credentials."""

    user: str
    password: SecretStr
    database: str | None = None
    """As dbt shows it; where there is no `service`, its name."""
    schema_: str | None = Field(default=None, alias="schema")
    protocol: Literal["tcp", "tcps"] = "tcp"
    host: str | None = None
    port: int = Field(default=1521, ge=1, le=65535)
    service: str | None = None
    tns_name: str | None = None
    """Name in tnsnames.ora, which is in the folder that TNS_ADMIN names."""
    connection_string: str | None = None
    properties: Mapping[str, Any] = Field(default_factory=dict)
    """Further properties of the driver."""


class OracleConnector(LoadingConnector):
    """Implements what LoadingConnector does."""

    loads = ORACLE

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        super().__init__(name, jdbc_keys(name, settings), context)


def jdbc_keys(name: str, output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of an output of type jdbc; BadOutput names the wrong key, without its value."""
    keys, passed = read_keys(OracleKeys, _KIND, name, output, aliases=_ALIASES, ignored=_IGNORED)
    properties = dict(keys.properties)
    if keys.tns_name and "TNS_ADMIN" in os.environ:
        properties = {"oracle.net.tns_admin": os.environ["TNS_ADMIN"], **properties}
    return {
        **passed,
        "type": "jdbc",
        "url": f"jdbc:oracle:thin:@{_place(name, keys)}",
        "user": keys.user,
        "password": keys.password.get_secret_value(),
        "schema": keys.schema_,
        "properties": properties,
    }


def _place(name: str, keys: OracleKeys) -> str:
    """Return where the database is, in dbt-oracle's order: connection_string, host, tns_name."""
    if keys.connection_string:
        return keys.connection_string
    if keys.host:
        service = keys.service or keys.database
        if not service:
            raise BadOutput(name, _KIND, "service is missing")
        return f"{keys.protocol}://{keys.host}:{keys.port}/{service}"
    if keys.tns_name:
        return keys.tns_name
    raise BadOutput(name, _KIND, "one of host, tns_name and connection_string is needed")
