"""Writes names and text literals in PostgreSQL's SQL."""

from __future__ import annotations

from dvt.core.names import TableRef


def quoted(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a text literal that means the same under either `standard_conforming_strings`."""
    escaped = text.replace("'", "''")
    if "\\" in escaped:
        return "E'" + escaped.replace("\\", "\\\\") + "'"
    return f"'{escaped}'"


def relation(ref: TableRef, schema: str) -> str:
    """Write a table's qualified name; `schema` is the output's, for a table without one."""
    return f"{quoted(ref.schema or schema)}.{quoted(ref.identifier)}"
