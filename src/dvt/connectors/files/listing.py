"""The files of a table: one file, all data files of a folder, or those of a location."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvt.connectors.files.layout import SUFFIXES, URI, Output
from dvt.connectors.files.partitions import Partitions, partitions
from dvt.core.errors import BadOutput, FileInDoubt, FileUnreadable, TableNotFound
from dvt.core.names import TableRef

LOCATION = "external_location"
"""Option of a table: path or glob of its files, as for dbt-duckdb."""
_PACKED = (".gz",)
"""Suffixes of compressed files."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one table, in the order of their paths."""

    paths: tuple[str, ...]
    format: str
    options: Mapping[str, Any]
    partitions: Partitions


_NO_MATCH = "no file matches the location; `*`, `?` and `[` in it begin patterns (`[[]` is the character `[`)"
"""Hint for a location without files."""


def find(output: Output, ref: TableRef) -> Files:
    """Find a table's files: its `external_location`, otherwise the file or the folder of its name."""
    if not output.root.is_dir():
        raise FileUnreadable(output.name, str(output.root), "is not a folder that is there")
    if ref.option(LOCATION):
        return _at_location(output, ref)
    suffix = SUFFIXES[output.format][0]
    file, folder = output.root / f"{ref.identifier}{suffix}", output.root / ref.identifier
    if file.is_file() and folder.is_dir():
        raise FileUnreadable(output.name, str(folder), f"is there as a folder and as {file.name}: remove one")
    if file.is_file():
        return _files(output, output.format, [str(file)])
    paths = _in_folder(folder, SUFFIXES[output.format]) if folder.is_dir() else []
    if not paths:
        named, other = f"{file} for {ref}", _of_another_format(output, ref)
        if other:
            raise TableNotFound(named, output.name, check=other)
        raise TableNotFound(named, output.name, _existing_names(output, suffix))
    return _files(output, output.format, paths)


def _of_another_format(output: Output, ref: TableRef) -> str:
    """Return a hint at a file of the table's name of another format than the output's; empty without one."""
    for format_, suffixes in SUFFIXES.items():
        for suffix in suffixes:
            name = f"{ref.identifier}{suffix}"
            if format_ != output.format and (output.root / name).is_file():
                return f"{name} is there: set `format: {format_}` on the output, or `{LOCATION}` on the table"
    return ""


def _at_location(output: Output, ref: TableRef) -> Files:
    location = (
        str(ref.option(LOCATION)).replace("{name}", ref.identifier).replace("{identifier}", ref.identifier)
    )
    if URI.match(location) or "(" in location:
        raise BadOutput(
            output.name, "files", f"external_location {location!r} is not a path or glob of this machine"
        )
    is_own = Path(location).is_absolute() or location.startswith("~")
    pattern = str(Path(location).expanduser()) if is_own else f"{glob.escape(str(output.root))}/{location}"
    paths = [path for path in _matching(pattern) if Path(path).is_file()]
    if not paths:
        raise TableNotFound(f"{location} for {ref}", output.name, check=_NO_MATCH)
    lower = location.lower()
    format_ = next((name for name, suffixes in SUFFIXES.items() if lower.endswith(suffixes)), output.format)
    return _files(output, format_, paths)


def _files(output: Output, format_: str, paths: Sequence[str]) -> Files:
    unpacked: dict[str, str] = {}
    for path in sorted(paths):
        bare = path.lower()
        for suffix in _PACKED:
            bare = bare.removesuffix(suffix)
        if bare in unpacked:
            raise FileInDoubt(
                path, f"{unpacked[bare]} has the same name; their rows would count twice", "remove one"
            )
        unpacked[bare] = path
    options = output.options if format_ == output.format else {}
    ordered = tuple(unpacked.values())
    return Files(ordered, format_, options, partitions(ordered, options))


def _in_folder(folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    pattern = f"{glob.escape(str(folder))}/**/*"
    return [path for path in _matching(pattern) if path.lower().endswith(suffixes) and Path(path).is_file()]


def _matching(pattern: str) -> Iterator[str]:
    """Yield the paths that match, without those that a wildcard matches in a hidden name."""
    written = {part for part in Path(pattern).parts if not glob.has_magic(part)}
    for part in Path(pattern).parts:  # `glob.escape` writes a name's own wildcards in brackets
        written.add(_unescaped(part))
    for path in glob.iglob(pattern, recursive=True, include_hidden=True):  # noqa: PTH207 (a path may be absolute)
        if not any(_is_hidden(part) for part in Path(path).parts if part not in written):
            yield path


def _unescaped(part: str) -> str:
    for character in "*?[":
        part = part.replace(f"[{character}]", character)
    return part


def _is_hidden(name: str) -> bool:
    """Names that begin with `.` or `_` are no data, as in Hive; `_part=1` is a partition, as in Spark."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _existing_names(output: Output, suffix: str) -> list[str]:
    files = [file.name.removesuffix(suffix) for file in output.root.glob(f"*{suffix}")]
    folders = [folder.name for folder in output.root.iterdir() if folder.is_dir()]
    return [name for name in files + folders if not _is_hidden(name)]
