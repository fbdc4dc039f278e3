"""Names and texts as DuckDB's SQL writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dvt.core.queries import ExtractedColumn


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


def unpacked(columns: Sequence[ExtractedColumn], source: str) -> str:
    """A SELECT from `source`, a FROM item, that turns what arrived into what is staged."""
    values = ", ".join(
        f"{one.column.unpack.format(quoted(one.name))} AS {quoted(one.name)}" for one in columns
    )
    return f"SELECT {values} FROM {source}"
