"""The settings of an output of type snowflake, as dbt-snowflake reads them, and dvt's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from dvt.core.errors import BadOutput
from dvt.core.ports.transfers import Threshold
from dvt.drivers.snowflake.keys import private_key

_KIND = "snowflake"
_PASSWORD, _KEY, _TOKEN = "password", "private_key", "token"
_NEEDS: Mapping[str, str] = {
    "snowflake": _PASSWORD,
    "snowflake_jwt": _KEY,
    "oauth": _TOKEN,
    "jwt": _TOKEN,
    "programmatic_access_token": _TOKEN,
}
"""authenticator → what it needs beside the user. Others ask a browser, a telephone or another service."""
_HINT = (
    "for data that moves, type snowflake takes user and password, private_key or private_key_path, and"
    " authenticator: oauth, jwt or programmatic_access_token with a token, or the https:// address of Okta"
)
_REFUSED = ("oauth_client_id", "oauth_client_secret", "workload_identity_provider", "passcode")
"""Keys of ways to log in for which dvt would have to ask another service for a token."""
_CONNECT_TIMEOUT = 60
"""Seconds to log in, unless the output says otherwise."""
_NETWORK_TIMEOUT = 300
"""Seconds for which the client repeats a request that nobody answers, unless the output says otherwise; the
client's own default is for ever. It does not limit how long a query takes."""


class SnowflakeSettings(BaseModel):
    """An account's address and credentials. Keys that only dbt reads are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    account: str
    user: str | None = Field(default=None, validation_alias=AliasChoices("user", "username"))
    password: SecretStr | None = Field(default=None, validation_alias=AliasChoices("password", "pass"))
    authenticator: str | None = None
    token: SecretStr | None = None
    private_key: SecretStr | None = None
    private_key_path: Path | None = None
    private_key_passphrase: SecretStr | None = None
    role: str | None = None
    warehouse: str | None = None
    database: str = Field(validation_alias=AliasChoices("database", "dbname"))
    schema_: str = Field(default="PUBLIC", alias="schema")
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    protocol: str | None = None
    proxy_host: str | None = None
    proxy_port: int | None = Field(default=None, ge=1, le=65535)
    query_tag: str | None = None
    connect_retries: int = Field(default=1, ge=0)
    connect_timeout: int = Field(default=_CONNECT_TIMEOUT, ge=1, le=3600)
    network_timeout: int = Field(default=_NETWORK_TIMEOUT, ge=1)
    time_travel: bool = True
    """Whether all tables of a model are read as of one moment."""
    bucket: str = ""
    """The entry of buckets.yml through which data move; empty: one of a type that Snowflake reaches."""
    storage_integration: str | None = None
    """Snowflake's own integration by which it reaches the bucket; None: the bucket's credentials."""
    bulk_rows: int = Field(default=Threshold().rows, ge=0)
    """Up to so many rows, and `bulk_bytes`, move by the client."""
    bulk_bytes: int = Field(default=Threshold().bytes, ge=0)

    @property
    def where(self) -> str:
        """Account and database, for messages."""
        return f"{self.account}/{self.database_name}"

    @property
    def database_name(self) -> str:
        """The database as Snowflake keeps the name, which dbt writes without quotes."""
        return self.database.upper()

    @property
    def schema_name(self) -> str:
        """The schema, likewise."""
        return self.schema_.upper()

    @property
    def threshold(self) -> Threshold:
        """How much moves by the client although there is a bucket."""
        return Threshold(rows=self.bulk_rows, bytes=self.bulk_bytes)

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments of the client's `connect`, as dbt-snowflake makes them."""
        arguments = {
            # In the address of an account, a hyphen stands for an underscore.
            "account": self.account.replace("_", "-"),
            "user": self.user,
            "password": _shown(self.password),
            "authenticator": "oauth" if self.authenticator == "jwt" else self.authenticator,
            "token": _shown(self.token),
            "private_key": private_key(
                name, _shown(self.private_key), self.private_key_path, _shown(self.private_key_passphrase)
            ),
            "role": self.role,
            "warehouse": self.warehouse,
            "database": self.database,
            "schema": self.schema_,
            "host": self.host,
            "port": self.port,
            "protocol": self.protocol,
            "proxy_host": self.proxy_host,
            "proxy_port": self.proxy_port,
        }
        return {key: value for key, value in arguments.items() if value is not None} | {
            "application": "dvt",
            "autocommit": True,
            "login_timeout": self.connect_timeout,
            "network_timeout": self.network_timeout,
            "platform_detection_timeout_seconds": 0.0,
        }


def parse(name: str, output: Mapping[str, Any]) -> SnowflakeSettings:
    """Return the settings of output `name`; BadOutput names the wrong key, without its value."""
    for key in _REFUSED:
        if output.get(key) is not None:
            raise BadOutput(name, _KIND, f"{key} is a key that dvt cannot honour", _HINT)
    keys = {key: value for key, value in output.items() if value is not None}
    try:
        settings = SnowflakeSettings(**keys)
    except ValidationError as error:
        raise BadOutput(name, _KIND, _problem(error)) from None  # its context would show the values
    _check_login(name, settings)
    return settings


def _check_login(name: str, settings: SnowflakeSettings) -> None:
    asked = settings.authenticator or ""
    has_key = settings.private_key is not None or settings.private_key_path is not None
    if settings.private_key is not None and settings.private_key_path is not None:
        raise BadOutput(name, _KIND, "both private_key and private_key_path are given")
    usual = "snowflake_jwt" if has_key else "snowflake"
    needed = _PASSWORD if asked.startswith("https://") else _NEEDS.get((asked or usual).lower())
    if needed is None:
        raise BadOutput(name, _KIND, f"dvt cannot log in by authenticator: {asked}", _HINT)
    held = {
        _PASSWORD: settings.password is not None,
        _KEY: has_key,
        _TOKEN: settings.token is not None,
    }
    if not held[needed]:
        raise BadOutput(name, _KIND, f"{needed} is missing", _HINT)
    if needed != _TOKEN and not settings.user:
        raise BadOutput(name, _KIND, "user is missing", _HINT)


def _shown(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def _problem(error: ValidationError) -> str:
    problems = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        key = str(detail["loc"][0])
        problems.append(f"{key} is missing" if detail["type"] == "missing" else f"{key}: {detail['msg']}")
    return "; ".join(problems)
