"""The settings of an output of type bigquery, as dbt-bigquery reads them, and dvt's own."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from dvt.core.errors import BadOutput
from dvt.core.ports.transfers import Threshold

_METHODS = ("oauth", "oauth-secrets", "service-account", "service-account-json")
"""Ways to log in that dvt can honour, of those that dbt-bigquery has."""
_HINT = (
    "for data that moves, type bigquery takes method: oauth (the credentials of this machine),"
    " service-account with keyfile, service-account-json with keyfile_json, or oauth-secrets with token or"
    " refresh_token"
)
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "service-account": ("keyfile",),
    "service-account-json": ("keyfile_json",),
    "oauth-secrets": ("token", "refresh_token"),
}
"""Method → keys of which it needs one."""
_SCOPES = (
    "https://www.googleapis.com/auth/bigquery",
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/drive",
    "https://www.googleapis.com/auth/userinfo.email",
)
"""What credentials are asked for, as dbt-bigquery does: Drive is for tables over sheets."""


def _aliased(name: str, *others: str, default: Any = None, **more: Any) -> Any:
    return Field(default=default, validation_alias=AliasChoices(name, *others), **more)


class BigQuerySettings(BaseModel):
    """A project, a dataset and credentials. Keys that only dbt reads are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    method: Literal["oauth", "oauth-secrets", "service-account", "service-account-json"]
    project: str | None = _aliased("project", "database")
    """The project of tables without one; None: that of the credentials."""
    dataset: str = Field(validation_alias=AliasChoices("dataset", "schema"))
    execution_project: str | None = None
    """The project that jobs run in and that pays for them; None: `project`."""
    quota_project: str | None = None
    location: str | None = None
    api_endpoint: str | None = None
    priority: Literal["interactive", "batch"] | None = None
    maximum_bytes_billed: int | None = Field(default=None, ge=0)
    reservation: str | None = None
    impersonate_service_account: str | None = None
    keyfile: str | None = None
    keyfile_json: Annotated[dict[str, Any] | None, Field(repr=False)] = None
    token: SecretStr | None = None
    refresh_token: SecretStr | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    token_uri: str | None = None
    scopes: tuple[str, ...] = _SCOPES
    job_retries: int = _aliased("job_retries", "retries", default=1, ge=0)
    job_retry_deadline_seconds: int | None = Field(default=None, ge=1)
    job_creation_timeout_seconds: int | None = Field(default=None, ge=1)
    job_execution_timeout_seconds: int | None = _aliased(
        "job_execution_timeout_seconds", "timeout_seconds", ge=1
    )
    time_travel: bool = True
    """Whether all tables of a model are read as of one moment."""
    reads: Literal["export", "storage_api"] = "export"
    """By what much is read: EXPORT DATA through a bucket, or the Storage Read API, which needs none."""
    storage_api_endpoint: str | None = None
    """Another address of the Storage Read API; `http://` is unencrypted and gets no credentials."""
    bucket: str = ""
    """The entry of buckets.yml through which data move; empty: one of type gcs."""
    bulk_rows: int = Field(default=Threshold().rows, ge=0)
    """Up to so many rows, and `bulk_bytes`, move by the client."""
    bulk_bytes: int = Field(default=Threshold().bytes, ge=0)

    @field_validator("keyfile_json", mode="before")
    @classmethod
    def _parsed(cls, value: Any) -> Any:
        """Accept keys, or the text of a key file, also in base64, as dbt-bigquery does."""
        if not isinstance(value, str):
            return value
        try:
            text = (
                value if value.lstrip().startswith("{") else base64.b64decode(value, validate=True).decode()
            )
            return json.loads(text)
        except (binascii.Error, ValueError):
            msg = "should be the keys of a key file, or its text"
            raise ValueError(msg) from None  # the parser's own words quote the text

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        needed = _NEEDS.get(self.method, ())
        if needed and not any(getattr(self, key) for key in needed):
            msg = f"method: {self.method} needs {' or '.join(needed)}"
            raise ValueError(msg)
        return self

    @property
    def threshold(self) -> Threshold:
        """How much moves by the client although there is a bucket."""
        return Threshold(rows=self.bulk_rows, bytes=self.bulk_bytes)

    @property
    def where(self) -> str:
        """Project and dataset, for messages."""
        return f"{self.project or 'the default project'}.{self.dataset}"

    @property
    def key(self) -> dict[str, Any]:
        """The service account's key, with its line breaks as dbt-bigquery repairs them."""
        key = dict(self.keyfile_json or {})
        if "private_key" in key:
            key["private_key"] = str(key["private_key"]).replace("\\n", "\n")
        return key


def parse(name: str, output: Mapping[str, Any]) -> BigQuerySettings:
    """Return the settings of output `name`; BadOutput names the wrong key, without its value."""
    method = str(output.get("method") or "")
    if method and method not in _METHODS:
        raise BadOutput(name, "bigquery", f"dvt cannot log in by method: {method}", _HINT)
    keys = {key: value for key, value in output.items() if value is not None}
    try:
        return BigQuerySettings(**keys)
    except ValidationError as error:
        raise BadOutput(
            name, "bigquery", _problem(error), _HINT
        ) from None  # its context would show the values


def _problem(error: ValidationError) -> str:
    problems = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        key = str(detail["loc"][0]) if detail["loc"] else ""
        message = str(detail["msg"]).removeprefix("Value error, ")
        missing = detail["type"] == "missing"
        problems.append(f"{key} is missing" if missing else f"{key}: {message}" if key else message)
    return "; ".join(problems)
