"""Reads what a user may do with a schema from SHOW GRANTS."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dvt.drivers.mysql.side_connection import SideConnection

_GRANT = re.compile(r"GRANT (?P<what>.+?) ON (?P<where>\*\.\*|`(?:[^`]|``)+`\.\*) TO ")
"""Matches a grant on all schemas, or on those of a pattern."""
_ROLE = re.compile(r"GRANT [`'\"]?[^ ]+[`'\"]?(?:@\S+)? TO ")
"""Matches the grant of a role, whose privileges the server lists only once it is set."""


def held(side: SideConnection, schema: str, wanted: Iterable[str]) -> frozenset[str] | None:
    """Return which of these privileges the user has on all of a schema; None if roles may give more."""
    lines = [str(line) for (line,) in side.rows("SHOW GRANTS", doing="asking what its user may do")]
    names: set[str] = set()
    for line in lines:
        grant = _GRANT.match(line)
        if grant and _covers(grant["where"], schema):
            names |= {name.strip().upper() for name in grant["what"].split(",")}
    if "ALL PRIVILEGES" in names:
        return frozenset(wanted)
    found = frozenset(wanted) & names
    has_roles = any(_ROLE.match(line) for line in lines)
    return None if has_roles and found != frozenset(wanted) else found


def _covers(where: str, schema: str) -> bool:
    """Return whether `where` of a grant, in which % and _ stand for any characters, is the schema."""
    if where == "*.*":
        return True
    pattern, place = "", 0
    name = where[1:-3].replace("``", "`")
    while place < len(name):
        character = name[place]
        if character == "\\" and place + 1 < len(name):
            place += 1
            pattern += re.escape(name[place])
        else:
            pattern += {"%": ".*", "_": "."}.get(character, re.escape(character))
        place += 1
    return re.fullmatch(pattern, schema, re.IGNORECASE | re.DOTALL) is not None
