"""Names and texts as DuckDB's SQL writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dvt.core.encoding import encoding
from dvt.core.queries import ExtractedColumn
from dvt.core.types import StageType


def quoted(name: str) -> str:
    """A name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: Sequence[str]) -> str:
    """A list of texts."""
    return f"[{', '.join(literal(one) for one in texts)}]"


def value(given: object) -> str:
    """A setting's value: text, number, truth, or a list or mapping of them."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, int | float):
        return str(given)
    if isinstance(given, Mapping):
        return "{" + ", ".join(f"{literal(str(key))}: {value(one)}" for key, one in given.items()) + "}"
    if isinstance(given, Sequence) and not isinstance(given, str):
        return f"[{', '.join(value(one) for one in given)}]"
    return literal(str(given))


def encoded(value: str, type_: StageType) -> str:
    """What is written to Parquet of a value of a staged column's type."""
    file = encoding(type_).file
    return value if file == type_ else f"CAST({value} AS {file})"


def unpacked(columns: Sequence[ExtractedColumn], source: str) -> str:
    """A SELECT from `source`, a FROM item, that turns what arrived into what is written to Parquet."""
    values = ", ".join(
        f"{encoded(column.column.unpack.format(quoted(column.name)), column.column.stage)}"
        f" AS {quoted(column.name)}"
        for column in columns
    )
    return f"SELECT {values} FROM {source}"
