"""An output of type mysql or mariadb, as profiles.yml says it."""

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
"""Other words that dbt's MySQL profiles have for our keys."""
_ELSEWHERE = frozenset({"type", "threads", "zero_dates", "max_connections"})
"""Keys that say nothing about the connection: dbt, or dvt elsewhere, reads them."""


class MySQLSettings(BaseModel):
    """How to reach a server, and as whom. A key it does not know is refused, never ignored."""

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
    consistent_reads: Literal["off", "lock"] = "off"
    nan: Literal["error", "null"] = "error"
    """What becomes of NaN and infinity, which no column here can hold."""

    @field_validator("consistent_reads", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: object) -> object:
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
        """For the scanner: with a CA, certificate and name are verified; else encrypted if the server can."""
        if self.ssl_disabled:
            return "disabled"
        return "verify_identity" if self.ssl_ca else "preferred"


def parse(name: str, output: Mapping[str, Any], project_dir: Path) -> MySQLSettings:
    """The settings of output `name`; BadOutput says which key is wrong, without its value."""
    kind = str(output.get("type", "mysql"))
    keys = {key: value for key, value in output.items() if key not in _ELSEWHERE and value is not None}
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
    said = []
    for one in error.errors(include_input=False, include_url=False, include_context=False):
        key = ".".join(str(part) for part in one["loc"])
        if one["type"] == "extra_forbidden":
            said.append(_unknown(key))
        elif one["type"] == "missing":
            said.append(f"{key} is missing")
        else:
            problem = one["msg"].removeprefix("Value error, ")
            said.append(f"{key}: {problem}" if key else problem)
    return "; ".join(said)


def _unknown(key: str) -> str:
    known = [field.alias or name for name, field in MySQLSettings.model_fields.items()]
    close = difflib.get_close_matches(key, known, n=1)
    return f"{key} is a key it cannot honour" + (f" (did you mean {close[0]}?)" if close else "")


def _with_files(name: str, kind: str, settings: MySQLSettings, project_dir: Path) -> MySQLSettings:
    """The same, with files where they are: relative ones lie in the project."""
    found: dict[str, Path] = {}
    for key in ("ssl_ca", "ssl_cert", "ssl_key"):
        said = getattr(settings, key)
        if said is not None:
            found[key] = project_dir / said.expanduser()
            if not found[key].is_file():
                raise BadOutput(name, kind, f"{key}: there is no file {found[key]}")
    return settings.model_copy(update=found)
