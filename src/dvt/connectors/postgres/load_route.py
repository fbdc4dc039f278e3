"""Chooses where COPY sends rows: to the stage table itself, or to a side table that the server converts.

A table with a contract has the contract's types. For most of them COPY's binary form is that of the values
that dvt sends. For the others (an interval from a text, an array of another element type) the rows go to a
side table, and an INSERT from it converts them: a value that does not fit is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dvt.core.plan import Load
from dvt.core.types import BLOB
from dvt.drivers.postgres import quoted
from dvt.drivers.postgres.load_encodings import LoadEncoding

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
"""SQL: name of each column, oid and name of its type; for a domain, those of its base type."""
_OIDS = """
SELECT pg_catalog.to_regtype(one)::oid::int8
FROM unnest(%s::text[]) WITH ORDINALITY AS n (one, place) ORDER BY place
"""
"""SQL: oids of types, in the order of their names."""
_JSON = 114
"""oid of json."""
_TEXT_FORMS = frozenset({25, 1042, 1043, _JSON})
"""oids of text, char(n), varchar(n) and json, whose binary form is the text."""
_JSONB = 3802
"""oid of jsonb, whose binary form is a version number and the text."""


@dataclass(frozen=True, slots=True)
class LoadRoute:
    """The table that rows are sent to, how values are sent, and the statements before and after that."""

    table: str
    encodings: tuple[LoadEncoding, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def load_route(
    cursor: Any, load: Load, table: str, side_table: str, encodings: Sequence[LoadEncoding]
) -> LoadRoute:
    """Choose the route to the stage table `table`, just created; `side_table` is a free name."""
    natives = [encoding.native for encoding in encodings]
    routed, types = _contracted(cursor, load, table, encodings) if load.definition else (encodings, natives)
    if not any(encoding.via for encoding in routed):
        return LoadRoute(table, tuple(routed))
    names = [quoted(column.name) for column in load.columns]
    columns = (
        f"{name} {encoding.via or encoding.native}" for name, encoding in zip(names, routed, strict=True)
    )
    values = (
        f"{name}::{type_}" if encoding.via else name
        for name, encoding, type_ in zip(names, routed, types, strict=True)
    )
    insert = f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {side_table}"
    return LoadRoute(
        side_table,
        tuple(routed),
        before=(f"CREATE TABLE {side_table} ({', '.join(columns)})",),
        after=(insert, f"DROP TABLE {side_table}"),
    )


def _contracted(
    cursor: Any, load: Load, table: str, encodings: Sequence[LoadEncoding]
) -> tuple[Sequence[LoadEncoding], Sequence[str]]:
    """Return how each column is sent, and the type that it is cast to when it goes through the side table.

    That type has no length: a cast to `varchar(3)` or `bit(3)` would cut off what an assignment refuses.
    """
    cursor.execute(_OIDS, ([encoding.native for encoding in encodings],))
    sent = [oid for (oid,) in cursor.fetchall()]
    cursor.execute(_TYPES, (table,))
    actual = {name: (oid, type_) for name, oid, type_ in cursor.fetchall()}
    targets = [actual.get(column.name, (0, "text")) for column in load.columns]
    routed = [
        _routed(encoding, sent_oid, oid)
        for encoding, sent_oid, (oid, _) in zip(encodings, sent, targets, strict=True)
    ]
    return routed, [type_ for _, type_ in targets]


def _routed(encoding: LoadEncoding, sent: int, actual: int) -> LoadEncoding:
    """Fit an encoding to the oid of the column's actual type: send another form, or convert on the server."""
    if encoding.via or sent == actual:
        return encoding
    if {sent, actual} <= _TEXT_FORMS:
        # PostgreSQL assigns a text to char(n) and varchar(n), and json to a text, but no text to json.
        return replace(encoding, native="json") if actual == _JSON else encoding
    if actual == _JSONB and sent in _TEXT_FORMS:
        text = encoding.of("{0}")
        return replace(encoding, native="jsonb", sent=BLOB, value=f"'\\x01'::BLOB || encode({text})")
    return replace(encoding, via=encoding.native)
