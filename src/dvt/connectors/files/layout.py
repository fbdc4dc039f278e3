"""An output of type files: its keys, and which files a table is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvt.core.errors import BadOutput, FileUnreadable, TableNotFound
from dvt.core.names import TableRef
from dvt.drivers.duckdb.sql import listed, value

_KEYS = {"type", "path", "format", "options", "schema", "database", "threads"}
"""Keys that an output may have."""
_READERS = {"parquet": "read_parquet", "csv": "read_csv", "json": "read_json"}
"""Format → DuckDB's function that reads it."""
_SUFFIXES = {
    "parquet": (".parquet",),
    "csv": (".csv", ".csv.gz", ".tsv", ".tsv.gz"),
    "json": (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz"),
}
"""Format → suffixes: the first is that of a table's files; all are recognised in `external_location`."""

_COMMON_OPTIONS = {"hive_partitioning", "hive_types", "hive_types_autocast", "union_by_name"}
_OPTIONS = {
    "parquet": _COMMON_OPTIONS | {"binary_as_string"},
    "csv": _COMMON_OPTIONS
    | {
        "all_varchar",
        "allow_quoted_nulls",
        "columns",
        "comment",
        "compression",
        "dateformat",
        "decimal_separator",
    }
    | {"delim", "delimiter", "encoding", "escape", "header", "max_line_size", "names", "new_line", "nullstr"}
    | {"quote", "sample_size", "sep", "skip", "strict_mode", "thousands", "timestampformat", "types"},
    "json": _COMMON_OPTIONS
    | {"columns", "compression", "dateformat", "format", "map_inference_threshold", "maximum_depth"}
    | {"maximum_object_size", "records", "sample_size", "timestampformat"},
}
"""Format → options of DuckDB's reader that may be set: all but those that drop rows or invent values."""

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {"csv": {"allow_quoted_nulls": False}}
"""Format → options set by dvt: in CSV `""` is an empty text, and an unquoted empty field is NULL."""

_URI = re.compile(r"^[A-Za-z][A-Za-z0-9]+://")
"""Matches a path that is not of this machine."""
LOCATION = "external_location"
"""Option of a table: path or glob of its files, as for dbt-duckdb."""


@dataclass(frozen=True, slots=True)
class Output:
    """The folder of an output's files, and how they are read."""

    name: str
    root: Path
    format: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one table."""

    patterns: tuple[str, ...]
    format: str
    options: Mapping[str, Any]

    def source(self, types: Mapping[str, str] | None = None) -> str:
        """Return a FROM item of DuckDB; `types` fixes the types of a CSV file's columns."""
        options = dict(_DEFAULTS.get(self.format, {})) | dict(self.options)
        if types and self.format == "csv" and not {"columns", "all_varchar", "types"} & set(options):
            options["types"] = dict(types)
        if "delimiter" in options:
            options["delim"] = options.pop("delimiter")
        arguments = [listed(self.patterns), *(f"{key} = {value(option)}" for key, option in options.items())]
        return f"{_READERS[self.format]}({', '.join(arguments)})"


def parse(name: str, keys: Mapping[str, Any], project_dir: Path) -> Output:
    """Parse an output's keys; raise BadOutput for a key that is wrong."""
    unknown = sorted(set(keys) - _KEYS)
    if unknown:
        raise BadOutput(name, "files", f"unknown key {unknown[0]}")
    if not keys.get("path"):
        raise BadOutput(name, "files", "path is missing", "add `path: FOLDER`, relative to the project")
    if _URI.match(str(keys["path"])):
        raise BadOutput(name, "files", "path must be a folder of this machine")
    format_ = str(keys.get("format") or "parquet").lower()
    if format_ not in _READERS:
        raise BadOutput(
            name, "files", f"format cannot be {format_!r}", f"one of: {', '.join(sorted(_READERS))}"
        )
    options = dict(keys.get("options") or {})
    wrong = sorted(set(options) - _OPTIONS[format_])
    if wrong:
        known = ", ".join(sorted(_OPTIONS[format_]))
        raise BadOutput(name, "files", f"options: {wrong[0]} is none of {format_}'s", f"one of: {known}")
    return Output(name, project_dir / Path(str(keys["path"])).expanduser(), format_, options)


def find(output: Output, ref: TableRef) -> Files:
    """Find a table's files: its `external_location`, otherwise the file or the folder of its name."""
    if not output.root.is_dir():
        raise FileUnreadable(output.name, str(output.root), "is not a folder that is there")
    if ref.option(LOCATION):
        return _at_location(output, ref)
    suffix = _SUFFIXES[output.format][0]
    file, folder = output.root / f"{ref.identifier}{suffix}", output.root / ref.identifier
    if file.is_file() and folder.is_dir():
        raise FileUnreadable(output.name, str(folder), f"is there as a folder and as {file.name}: remove one")
    if file.is_file():
        return Files((_escaped(file),), output.format, output.options)
    if folder.is_dir() and next(folder.rglob(f"*{suffix}"), None):
        return Files((f"{_escaped(folder)}/**/*{suffix}",), output.format, output.options)
    raise TableNotFound(f"{file} for {ref}", output.name, _existing_names(output, suffix))


def _at_location(output: Output, ref: TableRef) -> Files:
    location = (
        str(ref.option(LOCATION)).replace("{name}", ref.identifier).replace("{identifier}", ref.identifier)
    )
    if _URI.match(location) or "(" in location:
        raise BadOutput(
            output.name, "files", f"external_location {location!r} is not a path or glob of this machine"
        )
    is_own = Path(location).is_absolute() or location.startswith("~")
    pattern = str(Path(location).expanduser()) if is_own else f"{_escaped(output.root)}/{location}"
    lower = location.lower()
    format_ = next((name for name, suffixes in _SUFFIXES.items() if lower.endswith(suffixes)), output.format)
    return Files((pattern,), format_, output.options if format_ == output.format else {})


def _escaped(path: Path) -> str:
    """Return the path with every wildcard character escaped."""
    return re.sub(r"([\[*?])", r"[\1]", str(path))


def _existing_names(output: Output, suffix: str) -> list[str]:
    files = [file.name.removesuffix(suffix) for file in output.root.glob(f"*{suffix}")]
    return files + [folder.name for folder in output.root.iterdir() if folder.is_dir()]
