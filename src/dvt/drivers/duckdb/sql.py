"""Writes names, texts and values in DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dvt.core.encoding import encoding
from dvt.core.queries import ExtractedColumn
from dvt.core.types import StageType

_WILDCARDS = {"*": "[*]", "?": "[?]", "[": "[[]"}
"""Characters that DuckDB takes for a pattern in a path → patterns that match them alone."""


def quoted(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a text literal."""
    return "'" + text.replace("'", "''") + "'"


def escape_braces(sql: str) -> str:
    """Escape braces, for a text that `str.format` fills in."""
    return sql.replace("{", "{{").replace("}", "}}")


def listed(texts: Sequence[str]) -> str:
    """Write a list of text literals."""
    return f"[{', '.join(literal(text) for text in texts)}]"


def value(setting: object) -> str:
    """Write a setting's value: a text, number, boolean, or a list or mapping of them."""
    if isinstance(setting, bool):
        return str(setting).lower()
    if isinstance(setting, int | float):
        return str(setting)
    if isinstance(setting, Mapping):
        return "{" + ", ".join(f"{literal(str(key))}: {value(item)}" for key, item in setting.items()) + "}"
    if isinstance(setting, Sequence) and not isinstance(setting, str):
        return f"[{', '.join(value(item) for item in setting)}]"
    return literal(str(setting))


def exact_path(path: str) -> str:
    """Return what DuckDB's file functions take for this path and no other; ValueError if nothing is."""
    if not _WILDCARDS.keys() & set(path):
        return path
    if "\\" in path:  # in a pattern it cannot be spelled
        raise ValueError(path)
    return "".join(_WILDCARDS.get(character, character) for character in path)


def set_time_zone(cursor: Any, name: str) -> None:
    """Set the time zone of a connection, in which it reads and shows times."""
    cursor.execute(f"SET SESSION TimeZone = {literal(name)}")


def encoded(value: str, type_: StageType) -> str:
    """Return SQL of a value of this type as it is held in Parquet."""
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


def settings(cursor: Any, names: Sequence[str]) -> Mapping[str, str]:
    """Return the values of these settings, sorted by their names."""
    listed = ", ".join(map(literal, names))
    rows = cursor.execute(f"SELECT name, value FROM duckdb_settings() WHERE name IN ({listed})").fetchall()
    return dict(sorted(rows))
