"""Who is granted what: users with their hosts and roles, in one spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_ACCOUNT = re.compile(
    r"""\s*(?:'(?P<a>(?:[^']|'')*)'|"(?P<b>[^"]*)"|`(?P<c>[^`]*)`|(?P<d>[^@]*?))"""
    r"""\s*(?:@\s*(?P<host>.+?)\s*)?$"""
)


def grantee(said: str) -> str:
    """`name`, or `name@host`: a role's host is empty, and everybody's is `%`."""
    found = _ACCOUNT.match(said)
    if found is None:
        return said
    name = next(part for part in (*found.group("a", "b", "c", "d"), "") if part is not None)
    host = (found["host"] or "").strip("'\"`")
    return name.replace("''", "'") if host in {"", "%"} else f"{name}@{host}"


def account(canonical: str) -> str:
    """A grantee as GRANT and REVOKE take it."""
    name, at, host = canonical.rpartition("@")
    return f"{_literal(name)}@{_literal(host)}" if at else _literal(canonical)


def grants(said: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    """A `grants` config in that spelling."""
    return {
        privilege.lower(): [grantee(str(one)) for one in ([who] if isinstance(who, str) else who)]
        for privilege, who in said.items()
    }


def as_shown(rows: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """(grantee, privilege) as the server's catalog tells them, in that spelling."""
    found: dict[str, list[str]] = {}
    for who, privilege in rows:
        found.setdefault(privilege.lower(), []).append(grantee(who))
    return found


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
