"""MariaDB or MySQL, which version, and what follows from it: the one place where the two are told apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_BEFORE_MARIADB_11 = "5.5.5-"
"""Servers put it in front, for old replicas that know no version 10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """What a server is. Differences are fields, so that nobody else asks for a version."""

    is_mariadb: bool
    version: tuple[int, int, int]
    has_uuid: bool
    """A type `uuid`; else text of 36 characters."""
    native_json: bool
    """JSON in a form of its own, which keeps values and not their text; else text with a check."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{'MariaDB' if self.is_mariadb else 'MySQL'} {'.'.join(str(one) for one in self.version)}"


def flavour(said: str) -> Flavour:
    """From what `SELECT VERSION()` or the server's greeting says, e.g. `10.11.19-MariaDB-0+deb12u1`."""
    is_mariadb = "mariadb" in said.lower()
    found = _NUMBER.search(said.removeprefix(_BEFORE_MARIADB_11) if is_mariadb else said)
    parts = found.groups(default="0") if found else ("0", "0", "0")
    version = (int(parts[0]), int(parts[1]), int(parts[2]))
    return Flavour(
        is_mariadb=is_mariadb,
        version=version,
        has_uuid=is_mariadb and version >= (10, 7, 0),
        native_json=not is_mariadb,
    )
