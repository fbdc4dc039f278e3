"""Writes names and values of settings in MySQL's SQL as every sql_mode reads them alike."""

from __future__ import annotations

from dvt.core.names import TableRef


def quoted(name: str) -> str:
    """Quote an identifier."""
    return "`" + name.replace("`", "``") + "`"


def table(ref: TableRef, schema: str) -> str:
    """Write a table's qualified name; `schema` is the output's, for a table without one."""
    return f"{quoted(ref.schema or schema)}.{quoted(ref.identifier)}"


def literal(setting: str) -> str:
    """Write the value of a setting: a number as such, else a text."""
    return setting if setting.isdigit() else "'" + setting.replace("'", "''") + "'"
