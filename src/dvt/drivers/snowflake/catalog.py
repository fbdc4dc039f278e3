"""Describes tables by DESCRIBE, as dbt-snowflake does, and counts their rows by the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dvt.core.errors import TableNotFound
from dvt.core.names import TableRef
from dvt.core.tables import Table
from dvt.drivers.snowflake.connect import Session
from dvt.drivers.snowflake.errors import MISSING, MISSING_DATABASE, client_errors, number_of
from dvt.drivers.snowflake.names import literal, quoted, relation
from dvt.drivers.snowflake.settings import SnowflakeSettings
from dvt.drivers.snowflake.types import map_column

_SIZES = """
SELECT * FROM {database}.information_schema.tables
WHERE table_schema IN ({schemas}) AND table_name IN ({names})
"""
"""SQL: what the catalog tells of tables. Which columns it has beside the oldest depends on the account."""
_KIND = "SELECT type FROM {database}.information_schema.databases WHERE database_name = {name}"
"""SQL: what kind of database one is; one that another account shares has no past to be read."""
_OTHER_KINDS = ("is_dynamic", "is_hybrid", "is_iceberg", "is_temporary")
"""Columns of the catalog that are YES for tables of other kinds, which are read as they are."""
_NAMES = """
SELECT table_name FROM {database}.information_schema.tables WHERE table_schema = {schema}
ORDER BY table_name LIMIT 500
"""
"""SQL: the names of a schema's tables, for 'did you mean'; at most 500."""
_COLUMN = "COLUMN"
"""The `kind` of a column in DESCRIBE's answer: a stage's files have others."""

Place = tuple[str, str, str]
"""Database, schema and name, exactly."""


@dataclass(frozen=True, slots=True)
class Described:
    """A table, and what the connector needs to know of it beside that."""

    table: Table
    has_history: bool
    """Whether it can be read as of a moment in the past: it is a plain table with time travel."""


@dataclass(frozen=True, slots=True)
class _Size:
    """What the catalog tells of a plain table."""

    rows: int
    bytes: int | None
    has_history: bool


def describe(
    session: Session, tables: Sequence[TableRef], *, name: str, settings: SnowflakeSettings
) -> Mapping[TableRef, Described]:
    """Describe the tables as they are at present; TableNotFound names the first missing one.

    Names count as they are written: who has folded those without quotes is dbt.
    """
    places = {ref: place_of(ref, settings) for ref in tables}
    columns = {ref: _columns(session, ref, places[ref], name, settings) for ref in tables}
    sizes = _sizes(session, set(places.values()))
    described: dict[TableRef, Described] = {}
    for ref in tables:
        size = sizes.get(places[ref])
        mapped = (map_column(column, native, f"{ref}, column {column}") for column, native in columns[ref])
        rows, bytes_ = (size.rows, size.bytes) if size else (None, None)
        table = Table(ref=ref, columns=tuple(mapped), rows=rows, bytes=bytes_, scannable=False)
        described[ref] = Described(table, has_history=size is not None and size.has_history)
    return described


def place_of(ref: TableRef, settings: SnowflakeSettings) -> Place:
    """Return the whole name of a table."""
    return ref.database or settings.database_name, ref.schema or settings.schema_name, ref.identifier


def _columns(
    session: Session, ref: TableRef, place: Place, name: str, settings: SnowflakeSettings
) -> list[tuple[str, str]]:
    """Return names and types of a table's columns."""
    sql = f"DESCRIBE TABLE {relation(ref, settings.database_name, settings.schema_name)}"
    try:
        rows = session.rows(sql)
    except client_errors() as error:
        if number_of(error) not in (MISSING, MISSING_DATABASE):
            raise
        raise TableNotFound(str(ref), name, _names(session, place)) from None
    header = session.named()
    found = [dict(zip(header, row, strict=True)) for row in rows]
    return [(str(row["name"]), str(row["type"])) for row in found if row["kind"] == _COLUMN]


def _sizes(session: Session, places: set[Place]) -> dict[Place, _Size]:
    """Return what the catalog tells of those of the tables that are plain ones."""
    sizes: dict[Place, _Size] = {}
    for database in sorted({database for database, _, _ in places}):
        here = [place for place in places if place[0] == database]
        schemas = ", ".join(sorted({literal(schema) for _, schema, _ in here}))
        names = ", ".join(sorted({literal(name) for _, _, name in here}))
        rows = session.rows(_SIZES.format(database=quoted(database), schemas=schemas, names=names))
        found = [dict(zip(session.named(), row, strict=True)) for row in rows]
        plain = [row for row in found if row["table_type"] == "BASE TABLE" and row["row_count"] is not None]
        has_past = bool(plain) and _has_past(session, database)
        for row in plain:
            place = (database, str(row["table_schema"]), str(row["table_name"]))
            sizes[place] = _size(row, has_past=has_past)
    return sizes


def _size(row: Mapping[str, Any], *, has_past: bool) -> _Size:
    is_other = any(row.get(kind) == "YES" for kind in _OTHER_KINDS)
    keeps = int(row.get("retention_time") or 0) > 0
    bytes_ = None if row["bytes"] is None else int(row["bytes"])
    return _Size(int(row["row_count"]), bytes_, has_history=has_past and keeps and not is_other)


def _has_past(session: Session, database: str) -> bool:
    """Return whether tables of a database may be read as of a moment: it is one of the account's own."""
    rows = session.rows(_KIND.format(database=quoted(database), name=literal(database)))
    return [str(kind) for (kind,) in rows] == ["STANDARD"]


def _names(session: Session, place: Place) -> list[str]:
    database, schema, _ = place
    sql = _NAMES.format(database=quoted(database), schema=literal(schema))
    try:
        return [str(name) for (name,) in session.rows(sql)]
    except client_errors():
        return []  # there is no such database, or the role may not see it
