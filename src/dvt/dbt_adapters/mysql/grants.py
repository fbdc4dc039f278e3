"""Grants: users with their hosts, and roles, in a canonical form that configs and catalogs share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_ACCOUNT = re.compile(
    r"""\s*(?:'(?P<a>(?:[^']|'')*)'|"(?P<b>[^"]*)"|`(?P<c>[^`]*)`|(?P<d>[^@]*?))"""
    r"""\s*(?:@\s*(?P<host>.+?)\s*)?$"""
)
"""Matches a grantee: a name in one of three kinds of quotes or none, and a host."""


def grantee(text: str) -> str:
    """Return a grantee as `name@host`, or as `name` if the host is empty (a role) or `%` (any host)."""
    account = _ACCOUNT.match(text)
    if account is None:
        return text
    name = next(part for part in (*account.group("a", "b", "c", "d"), "") if part is not None)
    host = (account["host"] or "").strip("'\"`")
    return name.replace("''", "'") if host in {"", "%"} else f"{name}@{host}"


def account(canonical: str) -> str:
    """Write a grantee in canonical form as GRANT and REVOKE take it."""
    name, at, host = canonical.rpartition("@")
    return f"{_literal(name)}@{_literal(host)}" if at else _literal(canonical)


def grants(config: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    """Return a `grants` config, privilege → grantees, with its grantees in canonical form."""
    return {
        privilege.lower(): [grantee(str(name)) for name in ([names] if isinstance(names, str) else names)]
        for privilege, names in config.items()
    }


def by_privilege(rows: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """Group the catalog's rows (grantee, privilege) as privilege → grantees in canonical form."""
    grantees: dict[str, list[str]] = {}
    for name, privilege in rows:
        grantees.setdefault(privilege.lower(), []).append(grantee(name))
    return grantees


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
