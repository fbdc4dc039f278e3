"""The settings of an output of type mysql or mariadb in profiles.yml."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from dvt.core.errors import BadOutput

_ALIASES = {"server": "host", "username": "user", "database": "schema"}
"""Alias in dbt's MySQL profiles → dvt's key."""
_NOT_FOR_CONNECTING = frozenset({"type", "threads", "zero_dates", "max_connections"})
"""Keys that do not concern the connection; dbt or other parts of dvt read them."""


class MySQLSettings(BaseModel):
    """A server's address and credentials. An unknown key is refused, never ignored."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    host: str
    port: int = Field(default=3306, ge=1, le=65535)
    user: str
    password: SecretStr = SecretStr("")
    schema_: str = Field(alias="schema")
    ssl_ca: Path | None = None
    ssl_cert: Path | None = None
    ssl_key: Path | None = None
    ssl_disabled: bool | None = None
    connect_timeout: float = Field(default=5, gt=0, le=3600)
    read_timeout: int = Field(default=300, ge=1, le=86400)
    """Seconds without a byte after which the server is asked whether it still computes the answer."""
    consistent_reads: Literal["off", "lock"] = "off"
    nan: Literal["error", "null"] = "error"
    """What a load does with NaN and infinity, which no column of MySQL can hold."""

    @field_validator("consistent_reads", mode="before")
    @classmethod
    def _false_means_off(cls, value: object) -> object:
        return "off" if value is False else value  # YAML reads a bare `off` as false

    @model_validator(mode="after")
    def _keys_agree(self) -> MySQLSettings:
        if self.ssl_disabled and (self.ssl_ca or self.ssl_cert or self.ssl_key):
            msg = "ssl_disabled contradicts ssl_ca, ssl_cert and ssl_key"
            raise ValueError(msg)
        if (self.ssl_cert or self.ssl_key) and not (self.ssl_cert and self.ssl_key and self.ssl_ca):
            msg = "ssl_cert and ssl_key need each other, and ssl_ca"
            raise ValueError(msg)
        return self

    @property
    def where(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"

    @property
    def ssl_mode(self) -> str:
        """The scanner's `SSL_MODE`: verify certificate and name with a CA, else encrypt if possible."""
        if self.ssl_disabled:
            return "disabled"
        return "verify_identity" if self.ssl_ca else "preferred"


def parse(name: str, output: Mapping[str, Any], project_dir: Path) -> MySQLSettings:
    """Return the settings of output `name`; BadOutput names the wrong key, without its value."""
    kind = str(output.get("type", "mysql"))
    keys = {
        key: value for key, value in output.items() if key not in _NOT_FOR_CONNECTING and value is not None
    }
    if "nan" in output:
        keys["nan"] = "null" if output["nan"] is None else output["nan"]  # a bare `null` means the word
    for alias, key in _ALIASES.items():
        if alias in keys:
            if keys.get(key, keys[alias]) != keys[alias]:
                raise BadOutput(name, kind, f"{key} and {alias} are one key, and differ")
            keys[key] = keys.pop(alias)
    if "password" in keys:
        keys["password"] = str(keys["password"])
    try:
        settings = MySQLSettings(**keys)
    except ValidationError as error:
        raise BadOutput(name, kind, _problem(error)) from None  # its context would show the values
    return _with_files(name, kind, settings, project_dir)


def _problem(error: ValidationError) -> str:
    problems = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        key = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            problems.append(_unknown_key(key))
        elif detail["type"] == "missing":
            problems.append(f"{key} is missing")
        else:
            message = detail["msg"].removeprefix("Value error, ")
            problems.append(f"{key}: {message}" if key else message)
    return "; ".join(problems)


def _unknown_key(key: str) -> str:
    valid = [field.alias or name for name, field in MySQLSettings.model_fields.items()]
    close = difflib.get_close_matches(key, valid, n=1)
    return f"{key} is a key it cannot honour" + (f" (did you mean {close[0]}?)" if close else "")


def _with_files(name: str, kind: str, settings: MySQLSettings, project_dir: Path) -> MySQLSettings:
    """Resolve the paths of the TLS files, relative to the project, and check that they exist."""
    files: dict[str, Path] = {}
    for key in ("ssl_ca", "ssl_cert", "ssl_key"):
        path = getattr(settings, key)
        if path is not None:
            files[key] = project_dir / path.expanduser()
            if not files[key].is_file():
                raise BadOutput(name, kind, f"{key}: there is no file {files[key]}")
    return settings.model_copy(update=files)
