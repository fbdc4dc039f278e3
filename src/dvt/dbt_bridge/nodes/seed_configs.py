"""The configs of a seed that say how its file is written; dbt has some of them, dvt all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dvt.core.errors import SeedConfigWrong
from dvt.core.seeds import DBT_NULLS, SeedFile

_CSV_ONLY = ("delimiter", "quote", "escape", "multiline", "encoding", "null_value")
"""Configs of CSV files alone."""


def seed_file(model: Any, path: Path) -> SeedFile:
    """Return a seed's file as its configs describe it; SeedConfigWrong for a value that none can have."""
    config = model.config
    null = config.get("null_value")
    return SeedFile(
        path=path,
        shown=model.original_file_path,
        delimiter=_character(model, "delimiter", config.delimiter),
        quote=_character(model, "quote", config.get("quote", '"'), may_be_empty=True),
        escape=_character(model, "escape", config.get("escape") or "", may_be_empty=True),
        multiline=_multiline(model),
        encoding=str(config.get("encoding") or "utf-8"),
        nulls=DBT_NULLS if null is None else _nulls(null),
        date_format=config.get("date_format"),
        timestamp_format=config.get("timestamp_format"),
    )


def unused(model: Any, file: SeedFile) -> tuple[str, ...]:
    """Return the configs that change nothing: `batch_size`, and those of another format."""
    keys = ("batch_size",) if file.format == "csv" else ("batch_size", *_CSV_ONLY)
    defaults = {"delimiter": ","}
    return tuple(key for key in keys if model.config.get(key) not in {None, defaults.get(key)})


def _character(model: Any, key: str, value: Any, *, may_be_empty: bool = False) -> str:
    text = "" if value is None else str(value)
    if len(text) == 1 and text not in "\r\n":
        return text
    if not text and may_be_empty:
        return text
    problem = f"{text!r} is not one character"
    raise SeedConfigWrong(model.name, key, problem, "write one character, such as `';'`")


def _multiline(model: Any) -> bool:
    value = model.config.get("multiline", True)
    if not isinstance(value, bool):
        raise SeedConfigWrong(model.name, "multiline", f"{value!r} is neither true nor false", "write `true`")
    return value


def _nulls(value: Any) -> tuple[str, ...]:
    """Return the texts that are NULL: an empty cell always is."""
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(["", *(str(each).strip().lower() for each in values)]))
