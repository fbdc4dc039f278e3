"""Writes names and texts in Redshift's SQL."""

from __future__ import annotations

from dvt.core.names import TableRef


def quoted(name: str) -> str:
    """Quote an identifier. Redshift folds it to lower case all the same, unless the user set it otherwise."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    r"""Write a text literal; to Redshift a backslash in one is an escape.

    Example:
        >>> print(literal("it's C:\\temp"))
        'it''s C:\\temp'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def relation(table: TableRef, schema: str) -> str:
    """Return a table's name in SQL; `schema` is the output's, for tables without one."""
    return f"{quoted(table.schema or schema)}.{quoted(table.identifier)}"
