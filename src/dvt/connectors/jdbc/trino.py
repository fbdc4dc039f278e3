"""One output of type trino: dbt-trino's keys, as the JDBC driver takes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr

from dvt.connectors.jdbc.keys import OutputKeys, read_keys
from dvt.connectors.jdbc.load import LoadingConnector
from dvt.core.errors import BadOutput
from dvt.core.ports.connectors import ConnectorContext
from dvt.drivers.jdbc.loads import TRINO

_KIND = "trino"
_ALIASES = {"catalog": "database"}
"""Alias in dbt-trino's profiles → its key."""
_NOT_FOR_CONNECTING = (
    "prepared_statements_enabled", "retries", "timezone",
    "suppress_cert_warning", "starburst_url", "starburst_client_id", "starburst_secret_key",
    "starburst_metadata_failure_strategy", "starburst_max_column_batch_size",
)  # fmt: skip
"""Keys that do not concern the connection, or what it reads: instants arrive as such in every time zone."""


class TrinoSettings(OutputKeys):
    """A coordinator's address and credentials."""

    host: str
    port: int = Field(default=8080, ge=1, le=65535)
    user: str | None = None
    method: Literal["none", "ldap", "jwt"] = "none"
    password: SecretStr | None = None
    jwt_token: SecretStr | None = None
    database: str
    """The catalog."""
    schema_: str | None = Field(default=None, alias="schema")
    http_scheme: Literal["http", "https"] = "http"
    cert: bool | Path | None = None
    """File with the certificates to trust, or false: none is verified."""
    impersonation_user: str | None = None
    client_tags: tuple[str, ...] = ()
    roles: Mapping[str, str] = Field(default_factory=dict)
    session_properties: Mapping[str, str] = Field(default_factory=dict)

    def properties(self, project_dir: Path) -> dict[str, str]:
        """Return the driver's properties."""
        properties = {"source": "dvt"}
        if self.http_scheme == "https" or self.method != "none":
            properties["SSL"] = "true"
        if self.cert is False:
            properties["SSLVerification"] = "NONE"
        if isinstance(self.cert, Path):
            properties["SSLTrustStorePath"] = str(project_dir / self.cert.expanduser())
        if self.method == "jwt" and self.jwt_token is not None:
            properties["accessToken"] = self.jwt_token.get_secret_value()
        if self.impersonation_user is not None:
            properties["sessionUser"] = self.impersonation_user
        lists = {
            "clientTags": ",".join(self.client_tags),
            "roles": ";".join(f"{catalog}:{role}" for catalog, role in self.roles.items()),
            "sessionProperties": ";".join(
                f"{name}:{value}" for name, value in self.session_properties.items()
            ),
        }
        return properties | {name: text for name, text in lists.items() if text}


class TrinoConnector(LoadingConnector):
    """Implements what LoadingConnector does."""

    loads = TRINO

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        super().__init__(name, jdbc_keys(name, settings, context.project_dir), context)


def jdbc_keys(name: str, output: Mapping[str, Any], project_dir: Path) -> dict[str, Any]:
    """Return the keys of an output of type jdbc; BadOutput names the wrong key, without its value."""
    settings, passed = read_keys(
        TrinoSettings, _KIND, name, output, aliases=_ALIASES, ignored=_NOT_FOR_CONNECTING
    )
    if settings.method == "ldap" and settings.password is None:
        raise BadOutput(name, _KIND, "password is missing, which `method: ldap` needs")
    if settings.method == "jwt" and settings.jwt_token is None:
        raise BadOutput(name, _KIND, "jwt_token is missing, which `method: jwt` needs")
    login = {"user": settings.user, "password": settings.password and settings.password.get_secret_value()}
    return {
        **passed,
        **{key: value for key, value in login.items() if value is not None},
        "type": "jdbc",
        "url": f"jdbc:trino://{settings.host}:{settings.port}/{settings.database}",
        "schema": settings.schema_,
        "properties": settings.properties(project_dir),
    }
