"""Where sent rows land: in the stage table itself, or beside it, where the server has to convert them.

A table with a contract has the types that the contract says. COPY's binary form of most of them is that of
the values dvt sends; of the others (an interval from a text, an array of another element type) the rows
land in a table beside, and the server converts them, as an INSERT does: what does not fit is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dvt.core.plan import Load
from dvt.core.types import BLOB
from dvt.drivers.postgres import quoted
from dvt.drivers.postgres.packing import Packing

_TYPES = """
WITH RECURSIVE named AS (
    SELECT a.attname, t.oid, t.typtype, t.typbasetype
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT n.attname, t.oid, t.typtype, t.typbasetype
    FROM named n JOIN pg_catalog.pg_type t ON t.oid = n.typbasetype WHERE n.typtype = 'd'
)
SELECT attname::text, oid::int8, pg_catalog.format_type(oid, -1) FROM named WHERE typtype <> 'd'
"""
"""Column → base type: a domain's own is that of the values it holds."""
_NATURAL = """
SELECT pg_catalog.to_regtype(one)::oid::int8
FROM unnest(%s::text[]) WITH ORDINALITY AS n (one, place) ORDER BY place
"""
_SAME_FORM = frozenset({25, 1042, 1043, 114})
"""text, char(n), varchar(n), json: their binary form is the text."""
_JSONB = 3802
"""Its binary form is the text too, behind the number of a version."""


@dataclass(frozen=True, slots=True)
class Landing:
    """The table that rows are sent to, how each column's values are sent, what is done before and after."""

    table: str
    packings: tuple[Packing, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def landing(cursor: Any, load: Load, table: str, beside: str, packings: Sequence[Packing]) -> Landing:
    """For the stage table `table`, which has just been made; `beside` is the name of none so far."""
    natural = [one.native for one in packings]
    ways, types = _contracted(cursor, load, table, packings) if load.definition else (packings, natural)
    if not any(one.via for one in ways):
        return Landing(table, tuple(ways))
    names = [quoted(one.name) for one in load.columns]
    columns = (f"{name} {way.via or way.native}" for name, way in zip(names, ways, strict=True))
    values = (
        f"{name}::{type_}" if way.via else name for name, way, type_ in zip(names, ways, types, strict=True)
    )
    insert = f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {beside}"
    return Landing(
        beside,
        tuple(ways),
        before=(f"CREATE TABLE {beside} ({', '.join(columns)})",),
        after=(insert, f"DROP TABLE {beside}"),
    )


def _contracted(
    cursor: Any, load: Load, table: str, packings: Sequence[Packing]
) -> tuple[Sequence[Packing], Sequence[str]]:
    """How each column is sent, and the type it is cast to where it lands beside.

    That type has no length: a cast to `varchar(3)` or `bit(3)` would cut off what an assignment refuses.
    """
    cursor.execute(_NATURAL, ([one.native for one in packings],))
    sent = [oid for (oid,) in cursor.fetchall()]
    cursor.execute(_TYPES, (table,))
    actual = {name: (oid, type_) for name, oid, type_ in cursor.fetchall()}
    found = [actual.get(one.name, (0, "text")) for one in load.columns]
    ways = [
        _way(packing, natural, oid) for packing, natural, (oid, _) in zip(packings, sent, found, strict=True)
    ]
    return ways, [type_ for _, type_ in found]


def _way(packing: Packing, sent: int, actual: int) -> Packing:
    if packing.via or sent == actual or {sent, actual} <= _SAME_FORM:
        return packing
    if actual == _JSONB and sent in _SAME_FORM:
        text = packing.of("{0}")
        return replace(packing, sent=BLOB, value=f"'\\x01'::BLOB || encode({text})")
    return replace(packing, via=packing.native)
