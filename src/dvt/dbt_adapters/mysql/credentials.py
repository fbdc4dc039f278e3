"""An output of type mysql or mariadb, as dbt wants it: the driver's own settings decide what is right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dbt.adapters.contracts.connection import Credentials
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError

from dvt.core.errors import BadOutput
from dvt.drivers.mysql import MySQLSettings, parse


@dataclass
class MySQLCredentials(Credentials):
    """The keys of an output. `schema` is what the server calls a database; dbt's `database` is empty."""

    host: str = ""
    user: str = ""
    schema: str = ""
    database: str | None = None
    port: int = 3306
    password: str | int | float = ""
    ssl_ca: str | None = None
    ssl_cert: str | None = None
    ssl_key: str | None = None
    ssl_disabled: bool | None = None
    connect_timeout: float = 5
    consistent_reads: str | bool = "off"
    max_connections: int | None = None
    zero_dates: str | None = None

    output: ClassVar[str] = ""
    """The output's name in profiles.yml, for errors; the bridge sets it on the instance."""
    _KIND: ClassVar[str] = "mysql"
    _ALIASES: ClassVar[dict[str, str]] = {"server": "host", "username": "user", "database": "schema"}

    @property
    def type(self) -> str:
        """What profiles.yml calls it."""
        return self._KIND

    @property
    def unique_field(self) -> str:
        """For dbt's anonymous statistics, hashed."""
        return self.host

    @property
    def settings(self) -> MySQLSettings:
        """What the driver needs; raises BadOutput as sources do."""
        return self.checked(self.output or self.type, self.to_dict(omit_none=True))

    @classmethod
    def checked(cls, name: str, keys: dict[str, Any]) -> MySQLSettings:
        """The driver's settings from an output's keys."""
        flags = get_flags()
        folder = Path(getattr(flags, "PROJECT_DIR", None) or Path.cwd())
        return parse(name, {**keys, "type": cls._KIND}, folder)

    @classmethod
    def validate(cls, data: Any) -> None:
        """Raise what is wrong with the keys, in the driver's words."""
        try:
            cls.checked(cls._KIND, dict(data))
        except BadOutput as error:
            raise DbtRuntimeError(str(error)) from error

    @classmethod
    def translate_aliases(cls, kwargs: dict[str, Any], recurse: bool = False) -> dict[str, Any]:
        """The keys under the names they have here; a key and its alias may say the same."""
        del recurse
        known = dict(kwargs)
        for alias, key in cls._ALIASES.items():
            if known.get(alias) is not None and known.get(key, known[alias]) == known[alias]:
                known[key] = known.pop(alias)
        return known

    def __post_serialize__(self, dct: dict[str, Any], context: Any = None) -> dict[str, Any]:
        """Without aliases: `database` is empty, whatever `schema` is."""
        del context
        return dct

    def _connection_keys(self) -> tuple[str, ...]:
        return ("host", "port", "user", "schema", "ssl_ca", "ssl_disabled", "connect_timeout")


@dataclass
class MariaDBCredentials(MySQLCredentials):
    """The same keys under the other type."""

    _KIND: ClassVar[str] = "mariadb"
