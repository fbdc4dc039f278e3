"""Describes tables by DESCRIBE, as dbt-snowflake does, and counts their rows by the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dvt.core.errors import TableNotFound
from dvt.core.names import TableRef
from dvt.core.tables import Table
from dvt.drivers.snowflake.connect import Session
from dvt.drivers.snowflake.errors import MISSING, MISSING_DATABASE, client_errors, number_of
from dvt.drivers.snowflake.names import literal, quoted, relation
from dvt.drivers.snowflake.settings import SnowflakeSettings
from dvt.drivers.snowflake.types import map_column

_SIZES = """
SELECT table_schema, table_name, table_type, row_count, bytes FROM {database}.information_schema.tables
WHERE table_schema IN ({schemas}) AND table_name IN ({names})
"""
_NAMES = """
SELECT table_name FROM {database}.information_schema.tables WHERE table_schema = {schema}
ORDER BY table_name LIMIT 500
"""
"""SQL: the names of a schema's tables, for 'did you mean'; at most 500."""
_COLUMN = "COLUMN"
"""The `kind` of a column in DESCRIBE's answer: a stage's files have others."""

Place = tuple[str, str, str]
"""Database, schema and name, exactly."""


def describe(
    session: Session, tables: Sequence[TableRef], *, name: str, settings: SnowflakeSettings
) -> Mapping[TableRef, Table]:
    """Describe the tables as they are at present; TableNotFound names the first missing one.

    Names count as they are written: who has folded those without quotes is dbt.
    """
    places = {ref: place_of(ref, settings) for ref in tables}
    columns = {ref: _columns(session, ref, places[ref], name, settings) for ref in tables}
    sizes = _sizes(session, set(places.values()))
    described: dict[TableRef, Table] = {}
    for ref in tables:
        rows, size = sizes.get(places[ref], (None, None))
        mapped = (map_column(column, native, f"{ref}, column {column}") for column, native in columns[ref])
        described[ref] = Table(ref=ref, columns=tuple(mapped), rows=rows, bytes=size, scannable=False)
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


def _sizes(session: Session, places: set[Place]) -> dict[Place, tuple[int | None, int | None]]:
    """Return rows and bytes of tables, of which the catalog knows them."""
    sizes: dict[Place, tuple[int | None, int | None]] = {}
    for database in sorted({database for database, _, _ in places}):
        here = [place for place in places if place[0] == database]
        schemas = ", ".join(sorted({literal(schema) for _, schema, _ in here}))
        names = ", ".join(sorted({literal(name) for _, _, name in here}))
        sql = _SIZES.format(database=quoted(database), schemas=schemas, names=names)
        for schema, table, type_, rows, size in session.rows(sql):
            if str(type_) == "BASE TABLE" and rows is not None:
                sizes[database, str(schema), str(table)] = (int(rows), None if size is None else int(size))
    return sizes


def _names(session: Session, place: Place) -> list[str]:
    database, schema, _ = place
    sql = _NAMES.format(database=quoted(database), schema=literal(schema))
    try:
        return [str(name) for (name,) in session.rows(sql)]
    except client_errors():
        return []  # there is no such database, or the role may not see it
