"""How PostgreSQL writes names and texts."""

from __future__ import annotations

from dvt.core.names import TableRef


def quoted(name: str) -> str:
    """A name, exactly as it is."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text constant, whatever `standard_conforming_strings` says."""
    escaped = text.replace("'", "''")
    if "\\" in escaped:
        return "E'" + escaped.replace("\\", "\\\\") + "'"
    return f"'{escaped}'"


def relation(ref: TableRef, schema: str) -> str:
    """A table of the connection's database; `schema` is that of a table without one."""
    return f"{quoted(ref.schema or schema)}.{quoted(ref.identifier)}"
