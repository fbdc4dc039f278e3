"""dbt's credentials for outputs of type mysql and mariadb, validated by the driver's settings."""

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
    """The keys of an output. `schema` is a database in MySQL's terms; dbt's `database` is empty."""

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
    read_timeout: int = 300
    consistent_reads: str | bool = "off"
    max_connections: int | None = None
    zero_dates: str | None = None

    output: ClassVar[str] = ""
    """The output's name in profiles.yml, for errors; the bridge sets it on the instance."""
    _KIND: ClassVar[str] = "mysql"
    _ALIASES: ClassVar[dict[str, str]] = {"server": "host", "username": "user", "database": "schema"}

    @property
    def type(self) -> str:
        """The output's type in profiles.yml."""
        return self._KIND

    @property
    def unique_field(self) -> str:
        """The host, which dbt hashes for its anonymous statistics."""
        return self.host

    @property
    def settings(self) -> MySQLSettings:
        """The driver's settings; raises BadOutput, as for an output that only sources use."""
        return self.checked(self.output or self.type, self.to_dict(omit_none=True))

    @classmethod
    def checked(cls, name: str, keys: dict[str, Any]) -> MySQLSettings:
        """Parse an output's keys as the driver's settings."""
        flags = get_flags()
        folder = Path(getattr(flags, "PROJECT_DIR", None) or Path.cwd())
        return parse(name, {**keys, "type": cls._KIND}, folder)

    @classmethod
    def validate(cls, data: Any) -> None:
        """Raise dbt's error, with the driver's message, if a key is wrong."""
        try:
            cls.checked(cls._KIND, dict(data))
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
        """Return the keys without aliases: `database` stays empty, whatever `schema` is."""
        del context
        return dct

    def _connection_keys(self) -> tuple[str, ...]:
        return ("host", "port", "user", "schema", "ssl_ca", "ssl_disabled", "connect_timeout", "read_timeout")


@dataclass
class MariaDBCredentials(MySQLCredentials):
    """Credentials of outputs of type mariadb."""

    _KIND: ClassVar[str] = "mariadb"
