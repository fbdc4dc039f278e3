"""dbt's credentials for outputs of type jdbc, validated by the driver's settings."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dbt.adapters.contracts.connection import Credentials
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError

from dvt.core.errors import BadOutput
from dvt.dbt_adapters.jdbc.products import Target, target
from dvt.drivers.jdbc import Bridge, JdbcSettings, parse

_KIND = "jdbc"
_LOCK = threading.Lock()
"""Held while a process is made, or given up."""


@dataclass
class JdbcCredentials(Credentials):
    """The keys of an output; dbt's `database` is empty."""

    url: str = ""
    schema: str = ""
    database: str | None = None
    jar: Any = None
    maven: Any = None
    driver: str | None = None
    user: Any = None
    password: Any = None
    properties: Mapping[str, Any] | None = None
    fetch_size: Any = None
    connect_timeout: Any = None
    consistent_reads: Any = None
    memory: str | None = None
    java_options: Any = None
    max_connections: int | None = None

    output: ClassVar[str] = ""
    """The output's name in profiles.yml, for errors; the bridge sets it on the instance."""
    _ALIASES: ClassVar[dict[str, str]] = {"username": "user", "pass": "password", "jars": "jar"}

    def __post_init__(self) -> None:
        self.schema = self.schema or self.target.schema
        # Not fields, which dbt would read from profiles.yml and print.
        self._bridge: Bridge | None = None
        self._folders: tuple[Path, ...] = ()

    @property
    def type(self) -> str:
        """The output's type in profiles.yml."""
        return _KIND

    @property
    def unique_field(self) -> str:
        """Where the database is, which dbt hashes for its anonymous statistics."""
        return self.settings.where

    @property
    def settings(self) -> JdbcSettings:
        """The driver's settings; raises BadOutput, as for an output that only sources use."""
        return checked(self.output or _KIND, self.to_dict(omit_none=True))

    @property
    def target(self) -> Target:
        """What is particular to its database."""
        return target(self.url)

    @property
    def bridge(self) -> Bridge:
        """The Java process of this output's sessions, which starts with the first of them."""
        with _LOCK:
            if self._bridge is None:
                self._bridge = Bridge(self.output or _KIND, self.settings, _project_dir(), self._make_folder)
            return self._bridge

    def close(self) -> None:
        """End the Java process. May be called twice."""
        with _LOCK:
            bridge, folders = self._bridge, self._folders
            self._bridge, self._folders = None, ()
        if bridge is not None:
            bridge.close()
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def connection_info(self, *, with_aliases: bool = False) -> Iterable[tuple[str, Any]]:
        """Yield the keys that may be shown: of the URL what holds no password."""
        del with_aliases
        yield "url", self.settings.where
        yield "user", self.user
        yield "schema", self.schema

    def _connection_keys(self) -> tuple[str, ...]:
        return ("user", "schema")

    def _make_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="dvt-jdbc-"))
        self._folders = (*self._folders, folder)
        return folder

    @classmethod
    def validate(cls, data: Any) -> None:
        """Raise dbt's error, with the driver's message, if a key is wrong."""
        try:
            checked(_KIND, dict(data))
        except BadOutput as error:
            raise DbtRuntimeError(str(error)) from error

    @classmethod
    def translate_aliases(cls, kwargs: dict[str, Any], recurse: bool = False) -> dict[str, Any]:
        """Return the keys with aliases replaced, but not an alias whose value differs from its key's."""
        del recurse
        keys = dict(kwargs)
        for alias, key in cls._ALIASES.items():
            value = keys.get(alias)
            if value is not None and keys.get(key, value) == value:
                keys[key] = keys.pop(alias)
        return keys

    def __post_serialize__(self, dct: dict[str, Any], context: Any = None) -> dict[str, Any]:
        """Return the keys without aliases."""
        del context
        return dct


def checked(name: str, keys: Mapping[str, Any]) -> JdbcSettings:
    """Parse an output's keys as the driver's settings."""
    return parse(name, {**keys, "type": _KIND}, _project_dir())


def _project_dir() -> Path:
    return Path(getattr(get_flags(), "PROJECT_DIR", None) or Path.cwd())
