"""Type matrix of MySQL 5.6: that of MariaDB, but for what 5.6 lacks or has otherwise."""

from __future__ import annotations

from dataclasses import replace

from dvt.testing.databases import LoadCase, ReadCase
from tests.databases import mariadb_types

_LACKS = ("json", "uuid", "inet4", "inet6", "decimal(38,38)", "year(2)")
"""Beginnings of types that it does not have: decimals have 30 digits behind the point at most, years four."""
_LONGER = "'-838:59:59.999999'"
"""A time that is longer than its longest, which has no fraction."""


def _loaded(case: LoadCase) -> LoadCase:
    """Return what becomes of a value there: UUIDs and JSON are texts, and -0 keeps its sign."""
    if case.stage == "UUID":
        return replace(case, native="char(36)")
    if case.stage == "JSON":
        return replace(case, native="longtext", loses=True, error=False)
    if case.native == "json":
        return replace(case, native="longtext")
    return replace(case, text="-0") if case.text == "0" and case.literal == "'-0'" else case


READ_CASES: tuple[ReadCase, ...] = tuple(
    case for case in mariadb_types.READ_CASES if not case.type.startswith(_LACKS) and case.literal != _LONGER
)
LOAD_CASES: tuple[LoadCase, ...] = tuple(
    _loaded(case) for case in mariadb_types.LOAD_CASES if not (case.stage == "JSON" and case.error)
)
