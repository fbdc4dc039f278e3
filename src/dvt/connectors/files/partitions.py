"""Columns whose values are names of folders (`year=2024`), as Hive writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from dvt.core.errors import FileInDoubt

_NULL = "__HIVE_DEFAULT_PARTITION__"
"""The name of a folder whose value is NULL."""
_BIGINT = 2**63
"""The first whole number that a BIGINT cannot hold."""


@dataclass(frozen=True, slots=True)
class Partitions:
    """The columns that folders give, with their types in DuckDB's spelling."""

    types: Mapping[str, str]

    @property
    def options(self) -> dict[str, object]:
        """Options of DuckDB's readers."""
        if not self.types:
            return {"hive_partitioning": False}
        return {"hive_partitioning": True, "hive_types": self.types}


def partitions(paths: Sequence[str], options: Mapping[str, Any]) -> Partitions:
    """Return the partitions of a table's files; FileInDoubt if not all files have the same."""
    if options.get("hive_partitioning") is False:
        return Partitions({})
    first = _values(paths[0])
    values: dict[str, list[str]] = {name: [] for name in first}
    for path in paths:
        own = _values(path)
        if own.keys() != first.keys():
            raise FileInDoubt(
                path,
                f"its folders give the columns {_listed(own)}, and those of {paths[0]} give {_listed(first)}",
                "move the files, or set `hive_partitioning: false` in the output's options",
            )
        for name, value in own.items():
            values[name].append(value)
    given = {str(name).lower(): str(type_) for name, type_ in (options.get("hive_types") or {}).items()}
    infers = options.get("hive_types_autocast", True)
    return Partitions(
        {
            name: given.get(name.lower()) or (_type(texts) if infers else "VARCHAR")
            for name, texts in values.items()
        }
    )


def _values(path: str) -> dict[str, str]:
    parts = [part.partition("=") for part in Path(path).parent.parts]
    return {name: unquote(value) for name, is_named, value in parts if is_named and name}


def _type(texts: Sequence[str]) -> str:
    """Return the type that spells all values as their folders do."""
    values = {text for text in texts if text != _NULL}
    if values and all(_is_whole(text) for text in values):
        return "BIGINT"
    if values and all(_is_date(text) for text in values):
        return "DATE"
    return "VARCHAR"


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return (
        digits.isascii() and digits.isdigit() and str(int(text)) == text and -_BIGINT <= int(text) < _BIGINT
    )


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(names) or "none"
