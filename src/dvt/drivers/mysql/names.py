"""Quoting: names in backticks, values as literals that no sql_mode reads otherwise."""

from __future__ import annotations

from dvt.core.names import TableRef


def quoted(name: str) -> str:
    """An identifier, exactly as it is."""
    return "`" + name.replace("`", "``") + "`"


def table(ref: TableRef, schema: str) -> str:
    """A table's name in SQL; `schema` is the output's own."""
    return f"{quoted(ref.schema or schema)}.{quoted(ref.identifier)}"
