"""MariaDB or MySQL, which version, and what follows from it: the one place where the two are told apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_BEFORE_MARIADB_11 = "5.5.5-"
"""Servers put it in front, for old replicas that know no version 10."""
_STRICT = (
    "STRICT_TRANS_TABLES",
    "STRICT_ALL_TABLES",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "NO_ZERO_DATE",
    "NO_ZERO_IN_DATE",
    "NO_ENGINE_SUBSTITUTION",
)
_NO_NEW_USERS = "NO_AUTO_CREATE_USER"
"""Else a GRANT to a mistyped name makes a user without a password. MySQL 8 never does, and lacks the mode."""
_ONLY_FULL_GROUP_BY = "ONLY_FULL_GROUP_BY"
"""MySQL's own default; MariaDB's stricter reading of it refuses columns that a key determines."""
_LONG_LISTS = "group_concat_max_len = 67108864"
_FRESH_CATALOG = "information_schema_stats_expiry = 0"
"""Else MySQL 8 tells what it knew of a table up to a day ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """What a server is. Differences are fields, so that nobody else asks for a version."""

    is_mariadb: bool
    version: tuple[int, int, int]
    has_uuid: bool
    """A type `uuid`; else text of 36 characters."""
    native_json: bool
    """JSON in a form of its own, which keeps values and not their text; else text with a check."""
    sql_modes: tuple[str, ...]
    """Of dbt's sessions: a value that does not fit is an error, never a changed value."""
    settings: tuple[str, ...]
    """Further variables of dbt's sessions, as `SET SESSION` takes them."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{'MariaDB' if self.is_mariadb else 'MySQL'} {'.'.join(str(one) for one in self.version)}"

    @property
    def session(self) -> str:
        """The statement that makes a new connection one that dbt may write over."""
        modes = ",".join(self.sql_modes)
        return ", ".join((f"SET SESSION sql_mode = '{modes}'", "time_zone = '+00:00'", *self.settings))


def flavour(said: str) -> Flavour:
    """From what `SELECT VERSION()` or the server's greeting says, e.g. `10.11.19-MariaDB-0+deb12u1`."""
    is_mariadb = "mariadb" in said.lower()
    found = _NUMBER.search(said.removeprefix(_BEFORE_MARIADB_11) if is_mariadb else said)
    parts = found.groups(default="0") if found else ("0", "0", "0")
    version = (int(parts[0]), int(parts[1]), int(parts[2]))
    mysql_8 = not is_mariadb and version >= (8, 0, 0)
    users = () if mysql_8 else (_NO_NEW_USERS,)
    groups = () if is_mariadb else (_ONLY_FULL_GROUP_BY,)
    return Flavour(
        is_mariadb=is_mariadb,
        version=version,
        has_uuid=is_mariadb and version >= (10, 7, 0),
        native_json=not is_mariadb,
        sql_modes=(*_STRICT, *groups, *users),
        settings=(_LONG_LISTS, _FRESH_CATALOG) if mysql_8 else (_LONG_LISTS,),
    )
