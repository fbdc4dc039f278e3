"""Writes names and texts in Snowflake's SQL."""

from __future__ import annotations

from dvt.core.names import TableRef


def quoted(name: str) -> str:
    """Quote an identifier, which is then exact: without quotes Snowflake folds it to upper case."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    r"""Write a text literal; to Snowflake a backslash in one is an escape.

    Example:
        >>> print(literal("it's C:\\temp"))
        'it''s C:\\temp'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def relation(table: TableRef, database: str, schema: str) -> str:
    """Return a table's name in SQL; `database` and `schema` are the output's, for tables without one."""
    return ".".join(map(quoted, (table.database or database, table.schema or schema, table.identifier)))
