"""What a database holds, by what its driver tells: schemas, relations, columns, dbt's catalog."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from dbt.adapters.contracts.relation import RelationType

from dvt.drivers.jdbc import JdbcColumn, Session

_COLUMNS = (
    "table_database",
    "table_schema",
    "table_name",
    "table_type",
    "table_comment",
    "table_owner",
    "column_name",
    "column_index",
    "column_type",
    "column_comment",
)
"""Columns of dbt's catalog."""


def schemas(session: Session) -> list[str]:
    """Return the names of all schemas."""
    _, names = session.places()
    return names


def relations(session: Session, schema: str) -> Iterator[tuple[str, RelationType]]:
    """Yield the names of a schema's relations, and what each is."""
    for _, _, name, type_ in listed(session, schema):
        yield name, _kind(type_)


def listed(session: Session, schema: str) -> list[tuple[str, ...]]:
    """Return database, schema, name and type of a schema's relations."""
    return [row for row in session.tables(None, schema, None) if row[1] == schema]


def columns(session: Session, schema: str, name: str) -> list[JdbcColumn]:
    """Describe the columns of a relation; none if it is not there."""
    return session.declared(None, schema, name)


def catalog(
    session: Session, wanted: Collection[str], spelled: Any, names: Collection[tuple[str, str]] | None = None
) -> Any:
    """Return dbt's catalog of schemas, or of the relations of these names; `spelled` writes a type."""
    from dbt_common.clients.agate_helper import table_from_rows

    lowered = {schema.lower() for schema in wanted}
    rows = [
        (None, schema, name, type_, None, None, column.name, index, spelled(column), None)
        for actual in schemas(session)
        if actual.lower() in lowered
        for _, schema, name, type_ in listed(session, actual)
        if names is None or (schema, name) in names
        for index, column in enumerate(columns(session, schema, name), start=1)
    ]
    return table_from_rows(
        rows, _COLUMNS, text_only_columns=[name for name in _COLUMNS if "index" not in name]
    )


def _kind(type_: str) -> RelationType:
    if "VIEW" in type_.upper():
        return RelationType.View
    return RelationType.Table if "TABLE" in type_.upper() else RelationType.External
