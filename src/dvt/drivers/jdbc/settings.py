"""The settings of an output of type jdbc in profiles.yml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
from dvt.core.masking import is_secret_name
from dvt.drivers.jdbc.jars import COORDINATES, drivers_of
from dvt.drivers.jdbc.urls import Url

_KIND = "jdbc"
_ALIASES = {"username": "user", "pass": "password", "jars": "jar"}
"""Alias → dvt's key."""
_NOT_FOR_CONNECTING = frozenset({"type", "threads", "max_connections"})
"""Keys that do not concern the connection; dbt or other parts of dvt read them."""


class JdbcSettings(BaseModel):
    """A database's URL, its driver and credentials. An unknown key is refused, never ignored."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    url: SecretStr
    """The URL of its driver, `jdbc:…`, which may hold a password."""
    jar: tuple[Path, ...] = ()
    """Jars of the driver and of what it needs."""
    maven: tuple[str, ...] = ()
    """Coordinates of the driver in a Maven repository, which `dvt sync` installs."""
    driver: str = ""
    """Class of the driver; empty: the one that takes the URL."""
    user: str | None = None
    password: SecretStr | None = None
    properties: Mapping[str, SecretStr] = Field(default_factory=dict)
    """Properties of the driver."""
    schema_: str | None = Field(default=None, alias="schema")
    """Schema of the sources' tables that name none."""
    fetch_size: int = Field(default=2000, ge=1, le=1_000_000)
    """Number of rows that its driver fetches at once."""
    connect_timeout: int = Field(default=10, ge=1, le=3600)
    """Seconds after which dvt gives up on a server that does not answer."""
    consistent_reads: bool = True
    """Whether all tables of a model are read in one transaction, one after the other, where that is known to
    give one state of them; otherwise they are read side by side."""
    memory: str = Field(default="512m", pattern=r"^[1-9][0-9]*[kmgKMG]$")
    """Highest size of the Java process's heap."""
    java_options: tuple[str, ...] = ()
    """Further options of Java."""

    @field_validator("url")
    @classmethod
    def _is_jdbc(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().lower().startswith("jdbc:"):
            msg = "should begin with jdbc:"
            raise ValueError(msg)
        return value

    @field_validator("maven")
    @classmethod
    def _are_coordinates(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(COORDINATES.fullmatch(coordinates) for coordinates in value):
            msg = "should be group:artifact:version, or group:artifact:version:classifier"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _has_a_driver(self) -> JdbcSettings:
        if not self.jar and not self.drivers:
            msg = f"dvt knows no driver for {self.where}: name its `jar`, or its coordinates (`maven`)"
            raise ValueError(msg)
        return self

    @field_validator("jar", "java_options", "maven", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str | Path) else value

    @field_validator("properties", mode="before")
    @classmethod
    def _as_texts(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {str(name): _property(text) for name, text in value.items()}

    @property
    def drivers(self) -> tuple[str, ...]:
        """Coordinates of the drivers that `dvt sync` installs for it; none if it names its jar."""
        return () if self.jar else drivers_of(self.address, self.maven)

    @property
    def address(self) -> str:
        """The URL."""
        return self.url.get_secret_value()

    @property
    def where(self) -> str:
        """The URL without what may hold a password, for messages."""
        return Url(self.address).shown

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that no message may show, longest first."""
        values = [*Url(self.address).hidden]
        values += [
            secret.get_secret_value() for name, secret in self.properties.items() if is_secret_name(name)
        ]
        if self.password is not None:
            values.append(self.password.get_secret_value())
        return tuple(sorted({value for value in values if value}, key=len, reverse=True))


def _property(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse(name: str, output: Mapping[str, Any], project_dir: Path) -> JdbcSettings:
    """Return the settings of output `name`; BadOutput names the wrong key, without its value."""
    keys = {
        key: value for key, value in output.items() if key not in _NOT_FOR_CONNECTING and value is not None
    }
    for alias, key in _ALIASES.items():
        if alias in keys:
            if keys.get(key, keys[alias]) != keys[alias]:
                raise BadOutput(name, _KIND, f"{key} and {alias} are one key, and differ")
            keys[key] = keys.pop(alias)
    if "password" in keys:
        keys["password"] = str(keys["password"])
    try:
        settings = JdbcSettings(**keys)
    except ValidationError as error:
        raise BadOutput(name, _KIND, _problem(error)) from None  # its context would show the values
    jars = tuple(project_dir / jar.expanduser() for jar in settings.jar)
    for jar in jars:
        if not jar.exists():
            raise BadOutput(name, _KIND, f"jar: there is no file {jar}")
    return settings.model_copy(update={"jar": jars})


def _problem(error: ValidationError) -> str:
    problems = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        key = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            problems.append(f"{key} is a key it cannot honour; what is its driver's goes below `properties`")
        elif detail["type"] == "missing":
            problems.append(f"{key} is missing")
        else:
            message = detail["msg"].removeprefix("Value error, ")
            problems.append(f"{key}: {message}" if key else message)
    return "; ".join(problems)
