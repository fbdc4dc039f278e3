"""What differs between servers, as data: chosen by what the server says it is when it lets us in."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STRICT = (
    "STRICT_TRANS_TABLES",
    "STRICT_ALL_TABLES",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "NO_ZERO_DATE",
    "NO_ZERO_IN_DATE",
    "NO_ENGINE_SUBSTITUTION",
)
_NO_NEW_USERS = "NO_AUTO_CREATE_USER"
"""Else a GRANT to a mistyped name makes a user without a password. Today's MySQL never does."""
_LONG_LISTS = "group_concat_max_len = 67108864"
_NUMBER = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One kind of server."""

    name: str
    sql_modes: tuple[str, ...]
    """Of sessions that write: a value that does not fit is an error, never a changed value."""
    settings: tuple[str, ...] = ()
    """Further session variables, as `SET SESSION` takes them."""
    json: str | None = None
    """The type that CAST makes JSON of, None where JSON is text."""
    named_checks: bool = True
    """A CHECK constraint's name is its table's own, so that two tables may share it."""

    @property
    def session(self) -> str:
        """The statement that makes a new connection one to write over."""
        modes = ",".join(self.sql_modes)
        return ", ".join((f"SET SESSION sql_mode = '{modes}'", "time_zone = '+00:00'", *self.settings))


MARIADB = Server(name="MariaDB", sql_modes=(*_STRICT, _NO_NEW_USERS), settings=(_LONG_LISTS,))
MYSQL = Server(
    name="MySQL",
    # Its own default; MariaDB's stricter reading of it refuses columns that a key determines.
    sql_modes=(*_STRICT, "ONLY_FULL_GROUP_BY"),
    # The catalog would tell what it knew of a table up to a day ago.
    settings=(_LONG_LISTS, "information_schema_stats_expiry = 0"),
    json="json",
    named_checks=False,
)
OLD_MYSQL = Server(
    name="MySQL 5", sql_modes=(*MYSQL.sql_modes, _NO_NEW_USERS), settings=(_LONG_LISTS,), json="json"
)


def server_of(version: str) -> Server:
    """The kind of server that gives itself this version, e.g. `10.11.6-MariaDB-…` or `8.4.3`."""
    if "mariadb" in version.lower():
        return MARIADB
    found = _NUMBER.match(version)
    return OLD_MYSQL if found and int(found[1]) < 8 else MYSQL  # noqa: PLR2004 - where its catalog changed
