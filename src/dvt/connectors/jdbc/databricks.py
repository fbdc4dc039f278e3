"""One output of type databricks: dbt-databricks' keys, as Databricks' JDBC driver takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, SecretStr

from dvt.connectors.jdbc.keys import OutputKeys, read_keys
from dvt.connectors.jdbc.load import LoadingConnector
from dvt.core.errors import BadOutput
from dvt.core.ports.connectors import ConnectorContext
from dvt.drivers.jdbc.loads import DATABRICKS

_KIND = "databricks"
_ALIASES = {"catalog": "database"}
"""Alias in dbt-databricks' profiles → its key."""
_IGNORED = (
    "connect_retries", "retry_all", "connect_max_idle", "compute", "connection_parameters",
    "oauth_redirect_url", "oauth_scopes", "query_tags",
)  # fmt: skip
"""Keys of dbt's own connection, or of logins in a browser."""
_ARROW = "--add-opens=java.base/java.nio=ALL-UNNAMED"
"""Option of Java without which the driver cannot read Arrow from Java 16 on."""
_TOKEN, _OAUTH = "3", "11"
"""AuthMech of the driver: a personal access token; OAuth."""


class DatabricksKeys(OutputKeys):
    """A workspace, a warehouse or cluster in it, and credentials."""

    host: str
    http_path: str
    database: str = "hive_metastore"
    """The catalog."""
    schema_: str = Field(default="default", alias="schema")
    token: SecretStr | None = None
    auth_type: Literal["oauth"] | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    session_properties: Mapping[str, Any] = Field(default_factory=dict)
    properties: Mapping[str, Any] = Field(default_factory=dict)
    """Further properties of the driver."""

    def login(self) -> dict[str, str] | None:
        """Return the driver's properties of the login; None if keys are missing for it."""
        if self.token is not None:
            return {"AuthMech": _TOKEN, "UID": "token", "PWD": self.token.get_secret_value()}
        if self.client_id and self.client_secret:
            secret = self.client_secret.get_secret_value()
            return {
                "AuthMech": _OAUTH,
                "Auth_Flow": "1",
                "OAuth2ClientId": self.client_id,
                "OAuth2Secret": secret,
            }
        return None


class DatabricksConnector(LoadingConnector):
    """Implements what LoadingConnector does."""

    loads = DATABRICKS

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        super().__init__(name, jdbc_keys(name, settings), context)


def jdbc_keys(name: str, output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of an output of type jdbc; BadOutput names the wrong key, without its value."""
    keys, passed = read_keys(DatabricksKeys, _KIND, name, output, aliases=_ALIASES, ignored=_IGNORED)
    login = keys.login()
    if login is None:
        problem = "token is missing, or client_id and client_secret, without which dvt cannot log in"
        raise BadOutput(name, _KIND, problem)
    options = passed.pop("java_options", ())
    return {
        **passed,
        "type": "jdbc",
        "url": f"jdbc:databricks://{keys.host}:443",
        "schema": keys.schema_,
        "java_options": [_ARROW, *([options] if isinstance(options, str) else options)],
        "properties": {
            "httpPath": keys.http_path,
            "ConnCatalog": keys.database,
            "ConnSchema": keys.schema_,
            "UserAgentEntry": "dvt",
            **{str(setting): value for setting, value in keys.session_properties.items()},
            **login,
            **keys.properties,
        },
    }
