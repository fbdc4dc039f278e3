"""The settings of an output of type redshift, as dbt-redshift reads them, and dvt's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from dvt.core.errors import BadOutput
from dvt.core.ports.transfers import Threshold

_METHODS = ("database", "iam")
"""Ways to log in that dvt can honour, of those that dbt-redshift has."""
_HINT = (
    "for data that moves, type redshift takes method: database with user and password, or method: iam with"
    " cluster_id or a serverless host"
)
_REFUSED = frozenset({"token_endpoint", "idc_region", "issuer_url"})
"""Keys of ways to log in that ask a browser or another service for a token."""
_SSL_MODES = {"disable": None, "allow": "verify-ca", "prefer": "verify-ca", "require": "verify-ca",
              "verify-ca": "verify-ca", "verify-full": "verify-full"}  # fmt: skip
"""sslmode of the output → that of the client, as dbt-redshift translates it; None: no TLS."""
_CONNECT_TIMEOUT = 25
"""Seconds to connect, unless the output says otherwise: a serverless workgroup wakes up first, and after
two attempts a minute is not over."""


class RedshiftSettings(BaseModel):
    """A cluster's address and credentials. Keys that only dbt reads are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    host: str
    port: int = Field(default=5439, ge=1, le=65535)
    method: Literal["database", "iam"] = "database"
    user: str
    password: SecretStr | None = Field(default=None, validation_alias=AliasChoices("password", "pass"))
    dbname: str = Field(validation_alias=AliasChoices("dbname", "database"))
    schema_: str = Field(default="public", alias="schema")
    role: str | None = None
    sslmode: str = "prefer"
    connect_timeout: int = Field(default=_CONNECT_TIMEOUT, ge=1, le=3600)
    retries: int = Field(default=1, ge=0)
    cluster_id: str | None = None
    region: str | None = None
    iam_profile: str | None = None
    autocreate: bool = False
    db_groups: list[str] = Field(default_factory=list)
    is_serverless: bool | None = None
    serverless_work_group: str | None = None
    serverless_acct_id: str | None = None
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    bucket: str = ""
    """The entry of buckets.yml through which data move; empty: one of type s3."""
    iam_role: str | None = None
    """Role by which the cluster reaches the bucket: its ARN, or `default`; None: the bucket's credentials."""
    bulk_rows: int = Field(default=Threshold().rows, ge=0)
    """Up to so many rows, and `bulk_bytes`, move by the driver."""
    bulk_bytes: int = Field(default=Threshold().bytes, ge=0)

    @property
    def where(self) -> str:
        """Host, port and database, for messages."""
        return f"{self.host}:{self.port}/{self.dbname}"

    @property
    def threshold(self) -> Threshold:
        """How much moves by the driver although there is a bucket."""
        return Threshold(rows=self.bulk_rows, bytes=self.bulk_bytes)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the client's `connect`, as dbt-redshift makes them."""
        mode = _SSL_MODES[self.sslmode]
        arguments: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "database": self.dbname,
            "ssl": mode is not None,
            "sslmode": mode,
            "timeout": self.connect_timeout,
            "application_name": "dvt",
            "max_prepared_statements": 0,  # no statement is run twice
            "tcp_keepalive": True,
            "region": self.region,
            "is_serverless": self._is_serverless,
        }
        if self.method == "database":
            password = self.password.get_secret_value() if self.password else None
            return arguments | {"user": self.user, "password": password}
        return arguments | self._iam_arguments()

    @property
    def _is_serverless(self) -> bool:
        return self.is_serverless is True or "serverless" in self.host

    def _iam_arguments(self) -> dict[str, Any]:
        secret = self.secret_access_key.get_secret_value() if self.secret_access_key else None
        place = (
            {
                "serverless_work_group": self.serverless_work_group,
                "serverless_acct_id": self.serverless_acct_id,
            }
            if self._is_serverless
            else {"cluster_identifier": self.cluster_id}
        )
        return {
            "iam": True,
            "user": "",
            "password": "",
            "db_user": self.user,
            "auto_create": self.autocreate,
            "db_groups": self.db_groups,
            "profile": self.iam_profile,
            "access_key_id": self.access_key_id,
            "secret_access_key": secret,
            **place,
        }


def parse(name: str, output: Mapping[str, Any]) -> RedshiftSettings:
    """Return the settings of output `name`; BadOutput names the wrong key, without its value."""
    method = str(output.get("method") or "database")
    if method not in _METHODS:
        raise BadOutput(name, "redshift", f"dvt cannot log in by method: {method}", _HINT)
    for key in _REFUSED:
        if output.get(key) is not None:
            raise BadOutput(name, "redshift", f"{key} is a key that dvt cannot honour", _HINT)
    keys = {key: value for key, value in output.items() if value is not None}
    try:
        settings = RedshiftSettings(**keys)
    except ValidationError as error:
        raise BadOutput(name, "redshift", _problem(error)) from None  # its context would show the values
    if settings.sslmode not in _SSL_MODES:
        raise BadOutput(name, "redshift", f"sslmode should be one of {', '.join(_SSL_MODES)}")
    return settings


def _problem(error: ValidationError) -> str:
    problems = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        key = str(detail["loc"][0])
        problems.append(f"{key} is missing" if detail["type"] == "missing" else f"{key}: {detail['msg']}")
    return "; ".join(problems)
