"""An output of type files: its keys, and the options of each format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvt.core.errors import BadOutput

_KEYS = {"type", "path", "format", "options", "schema", "database", "threads"}
"""Keys that an output may have."""
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "parquet": (".parquet",),
    "csv": (".csv", ".csv.gz", ".tsv", ".tsv.gz"),
    "json": (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz"),
}
"""Format → suffixes: the first is that of a table's file; a folder and `external_location` have all."""

_COMMON_OPTIONS = {"hive_partitioning", "hive_types", "hive_types_autocast", "union_by_name"}
_OPTIONS = {
    "parquet": _COMMON_OPTIONS | {"binary_as_string"},
    "csv": _COMMON_OPTIONS
    | {"all_varchar", "allow_quoted_nulls", "columns", "comment", "compression", "dateformat"}
    | {"decimal_separator", "delim", "delimiter", "encoding", "escape", "header", "max_line_size", "names"}
    | {"new_line", "nullstr", "quote", "sample_size", "sep", "skip", "thousands", "timestampformat", "types"},
    "json": _COMMON_OPTIONS
    | {"columns", "compression", "dateformat", "format", "map_inference_threshold", "maximum_depth"}
    | {"maximum_object_size", "records", "sample_size", "timestampformat", "types"},
}
"""Format → options that may be set: DuckDB's, but for those that drop rows or fields, or invent values."""

SAMPLE_ROWS = 20_480
"""Rows from which the kind of a column follows, unless `sample_size` says otherwise."""
URI = re.compile(r"^[A-Za-z][A-Za-z0-9]+://")
"""Matches a path that is not of this machine."""


@dataclass(frozen=True, slots=True)
class Output:
    """The folder of an output's files, and how they are read."""

    name: str
    root: Path
    format: str
    options: Mapping[str, Any]


def parse(name: str, keys: Mapping[str, Any], project_dir: Path) -> Output:
    """Parse an output's keys; raise BadOutput for a key that is wrong."""
    unknown = sorted(set(keys) - _KEYS)
    if unknown:
        raise BadOutput(name, "files", f"unknown key {unknown[0]}")
    if not keys.get("path"):
        raise BadOutput(name, "files", "path is missing", "add `path: FOLDER`, relative to the project")
    if URI.match(str(keys["path"])):
        raise BadOutput(name, "files", "path must be a folder of this machine")
    format_ = str(keys.get("format") or "parquet").lower()
    if format_ not in SUFFIXES:
        raise BadOutput(
            name, "files", f"format cannot be {format_!r}", f"one of: {', '.join(sorted(SUFFIXES))}"
        )
    return Output(
        name, project_dir / Path(str(keys["path"])).expanduser(), format_, _options(name, format_, keys)
    )


def _options(name: str, format_: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    options = dict(keys.get("options") or {})
    wrong = sorted(set(options) - _OPTIONS[format_])
    if wrong:
        known = ", ".join(sorted(_OPTIONS[format_]))
        raise BadOutput(name, "files", f"options: {wrong[0]} is none of {format_}'s", f"one of: {known}")
    for key in ("columns", "types"):
        if key in options and not isinstance(options[key], Mapping):
            raise BadOutput(name, "files", f"options: {key} must map names of columns to types")
    for alias in ("delimiter", "sep"):
        if alias in options:
            options["delim"] = options.pop(alias)
    return options
