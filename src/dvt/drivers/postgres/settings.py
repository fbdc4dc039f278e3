"""The settings of an output of type postgres, as dbt-postgres reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from dvt.core.errors import BadOutput

_REFUSED = frozenset(
    {
        "channel_binding",
        "gssencmode",
        "gsslib",
        "hostaddr",
        "iam",
        "iam_profile",
        "krbsrvname",
        "method",
        "options",
        "passfile",
        "private_key",
        "require_auth",
        "requirepeer",
        "requiressl",
        "service",
        "servicefile",
        "token",
        "oauth_client_id",
        "oauth_issuer",
        "authenticator",
        "authentication",
    }
)
"""Keys for logins and encryption that dbt-postgres does not support; refused, since a user would
rely on them."""
_HINT = "type postgres takes host, port, user, password, dbname, sslmode, sslcert, sslkey and sslrootcert"
_CONNECT_TIMEOUT = 5
"""Seconds to connect, unless the output says otherwise."""
_KEEPALIVES_IDLE = 60
"""Seconds of silence before the first keepalive probe, unless the output says otherwise."""
_KEEPALIVES = {"keepalives_interval": "10", "keepalives_count": "6"}
"""libpq's parameters for later probes: seconds between them, and their number until the peer is dead."""


class PostgresSettings(BaseModel):
    """A server's address and credentials. Keys that only dbt reads are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    host: str
    port: int = Field(default=5432, ge=1, le=65535)
    user: str
    password: SecretStr | None = Field(default=None, validation_alias=AliasChoices("password", "pass"))
    dbname: str = Field(validation_alias=AliasChoices("dbname", "database"))
    schema_: str = Field(default="public", alias="schema")
    role: str | None = None
    search_path: str | None = None
    connect_timeout: int = Field(default=_CONNECT_TIMEOUT, ge=1, le=3600)
    keepalives_idle: int = Field(default=_KEEPALIVES_IDLE, ge=0)
    read_timeout: int = Field(default=300, ge=1, le=86400)
    """Seconds without a byte after which the server is asked whether it still computes."""
    sslmode: str | None = None
    sslcert: str | None = None
    sslkey: str | None = None
    sslrootcert: str | None = None
    application_name: str | None = None
    retries: int = Field(default=1, ge=0)

    @property
    def where(self) -> str:
        """Host, port and database, for messages."""
        return f"{self.host}:{self.port}/{self.dbname}"

    def options(self) -> dict[str, str]:
        """Return libpq's parameters other than address and credentials."""
        parameters = {
            "sslmode": self.sslmode,
            "sslcert": self.sslcert,
            "sslkey": self.sslkey,
            "sslrootcert": self.sslrootcert,
            **(_KEEPALIVES if self.keepalives_idle else {}),
            "keepalives_idle": str(self.keepalives_idle) if self.keepalives_idle else None,
            "application_name": self.application_name or "dvt",
            "connect_timeout": str(self.connect_timeout),
            "client_encoding": "UTF8",
        }
        return {key: value for key, value in parameters.items() if value}


def parse(name: str, output: Mapping[str, Any]) -> PostgresSettings:
    """Return the settings of output `name`; BadOutput names the wrong key, without its value."""
    kind = str(output.get("type", "postgres"))
    for main, alias in (("password", "pass"), ("dbname", "database")):
        if output.get(main) is not None and output.get(alias) not in (None, output[main]):
            raise BadOutput(name, kind, f"{main} and {alias} are one key, and differ")
    for key, value in output.items():
        # dbt-postgres has four keys for TLS, and would ignore any other that begins like one.
        unknown = key.startswith(("ssl", "gss", "krb")) and key not in PostgresSettings.model_fields
        if value is not None and (key in _REFUSED or unknown):
            raise BadOutput(name, kind, f"{key} is a key it cannot honour", _HINT)
    keys = {key: value for key, value in output.items() if value is not None}
    try:
        return PostgresSettings(**keys)
    except ValidationError as error:
        raise BadOutput(name, kind, _problem(error)) from None  # its context would show the values


def _problem(error: ValidationError) -> str:
    problems = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        key = str(detail["loc"][0])
        problems.append(f"{key} is missing" if detail["type"] == "missing" else f"{key}: {detail['msg']}")
    return "; ".join(problems)
