"""Tells MariaDB from MySQL, and versions from one another; no other module asks for a version."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_REPLICATION_PREFIX = "5.5.5-"
"""Prefix of MariaDB's version before 11, for old replicas that cannot parse a version 10."""
_STRICT = (
    "STRICT_TRANS_TABLES",
    "STRICT_ALL_TABLES",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "NO_ZERO_DATE",
    "NO_ZERO_IN_DATE",
    "NO_ENGINE_SUBSTITUTION",
)
"""sql_modes that make the server reject values that do not fit, instead of changing them."""
_NO_NEW_USERS = "NO_AUTO_CREATE_USER"
"""sql_mode: GRANT to an unknown user is an error. Without it, a misspelt name makes a user without a
password. MySQL 8 never does so, and lacks the mode."""
_ONLY_FULL_GROUP_BY = "ONLY_FULL_GROUP_BY"
"""sql_mode, on by default in MySQL. Not set on MariaDB, which also refuses selected columns that a key
determines."""
_LONG_LISTS = "group_concat_max_len = 67108864"
"""Bytes that GROUP_CONCAT may return: 64 MiB, instead of a truncated list."""
_FRESH_CATALOG = "information_schema_stats_expiry = 0"
"""Seconds that MySQL 8 caches statistics of tables in information_schema: none; its default is a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """What a server supports. Differences are fields, so that no other module compares versions."""

    is_mariadb: bool
    version: tuple[int, int, int]
    has_uuid: bool
    """Whether there is a type `uuid`; otherwise a UUID is text of 36 characters."""
    has_inet4: bool
    """Whether there is a type `inet4`."""
    has_inet6: bool
    """Whether there is a type `inet6`."""
    has_json: bool
    """Whether there is a type `json`; otherwise JSON is text that nobody checks."""
    native_json: bool
    """Whether JSON is a binary type, which keeps values and not their text; otherwise it is checked text."""
    explains_in_full: bool
    """Whether EXPLAIN tells `filtered` by itself; otherwise EXPLAIN EXTENDED does."""
    skips_locked: bool
    """Whether `FOR UPDATE SKIP LOCKED` leaves out rows that others hold."""
    foreign_keys_view: str
    """View of information_schema with all of InnoDB's foreign keys, for who has PROCESS."""
    sql_modes: tuple[str, ...]
    """sql_mode for dbt's sessions: reject values that do not fit."""
    settings: tuple[str, ...]
    """Further variables for dbt's sessions, as `SET SESSION` takes them."""

    @property
    def name(self) -> str:
        """The product's name and version, for messages."""
        return f"{'MariaDB' if self.is_mariadb else 'MySQL'} {'.'.join(map(str, self.version))}"

    @property
    def session(self) -> str:
        """SQL: prepares a new connection for dbt's statements."""
        modes = ",".join(self.sql_modes)
        return ", ".join((f"SET SESSION sql_mode = '{modes}'", "time_zone = '+00:00'", *self.settings))


def flavour_of(server_version: str) -> Flavour:
    """Return the flavour of a server whose version reads, for example, `10.11.19-MariaDB-0+deb12u1`."""
    is_mariadb = "mariadb" in server_version.lower()
    text = server_version.removeprefix(_REPLICATION_PREFIX) if is_mariadb else server_version
    number = _VERSION.search(text)
    parts = number.groups(default="0") if number else ("0", "0", "0")
    version = (int(parts[0]), int(parts[1]), int(parts[2]))
    mysql_8 = not is_mariadb and version >= (8, 0, 0)
    user_modes = () if mysql_8 else (_NO_NEW_USERS,)
    group_modes = () if is_mariadb else (_ONLY_FULL_GROUP_BY,)
    return Flavour(
        is_mariadb=is_mariadb,
        version=version,
        has_uuid=is_mariadb and version >= (10, 7, 0),
        has_inet4=is_mariadb and version >= (10, 10, 0),
        has_inet6=is_mariadb and version >= (10, 5, 0),
        has_json=version >= ((10, 2, 7) if is_mariadb else (5, 7, 8)),
        native_json=not is_mariadb,
        explains_in_full=not is_mariadb and version >= (5, 7, 0),
        skips_locked=mysql_8 or (is_mariadb and version >= (10, 6, 0)),
        foreign_keys_view="INNODB_FOREIGN" if mysql_8 else "INNODB_SYS_FOREIGN",
        sql_modes=(*_STRICT, *group_modes, *user_modes),
        settings=(_LONG_LISTS, _FRESH_CATALOG) if mysql_8 else (_LONG_LISTS,),
    )
