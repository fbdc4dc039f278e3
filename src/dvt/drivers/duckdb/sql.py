"""Writes names, texts and values in DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dvt.core.encoding import encoding
from dvt.core.queries import ExtractedColumn
from dvt.core.types import StageType


def quoted(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: Sequence[str]) -> str:
    """Write a list of texts."""
    return f"[{', '.join(literal(text) for text in texts)}]"


def value(given: object) -> str:
    """Write a setting's value: text, number, truth, or a list or mapping of them."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, int | float):
        return str(given)
    if isinstance(given, Mapping):
        return "{" + ", ".join(f"{literal(str(key))}: {value(item)}" for key, item in given.items()) + "}"
    if isinstance(given, Sequence) and not isinstance(given, str):
        return f"[{', '.join(value(item) for item in given)}]"
    return literal(str(given))


def encoded(value: str, type_: StageType) -> str:
    """Return SQL of the value as Parquet holds its type."""
    file = encoding(type_).file
    return value if file == type_ else f"CAST({value} AS {file})"


def unpacked(columns: Sequence[ExtractedColumn], source: str) -> str:
    """Return a SELECT from `source`, a FROM item, that turns extracted values into those in Parquet."""
    values = ", ".join(
        f"{encoded(column.column.unpack.format(quoted(column.name)), column.column.stage)}"
        f" AS {quoted(column.name)}"
        for column in columns
    )
    return f"SELECT {values} FROM {source}"
