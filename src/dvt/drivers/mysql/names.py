"""Writes names in MySQL's SQL, in backticks, which every sql_mode reads alike."""

from __future__ import annotations

from dvt.core.names import TableRef


def quoted(name: str) -> str:
    """Quote an identifier."""
    return "`" + name.replace("`", "``") + "`"


def table(ref: TableRef, schema: str) -> str:
    """Write a table's qualified name; `schema` is the output's, for a table without one."""
    return f"{quoted(ref.schema or schema)}.{quoted(ref.identifier)}"
