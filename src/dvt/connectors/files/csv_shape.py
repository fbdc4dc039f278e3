"""The shape of a CSV file: its delimiter, its header and its columns, from its first lines.

DuckDB's sniffer takes the lines before a change of shape for a preamble, so that rows and headers vanish;
it also finds comments and quotes of its own. Here nothing is skipped unless an option says so, and a file
that can be read in two ways is an error.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dvt.connectors.files.text_file import opened
from dvt.core.errors import FileInDoubt
from dvt.drivers.duckdb.sql import exact_path, literal, value

_DELIMITERS = (",", ";", "\t", "|")
"""Delimiters that a file may have without an option."""
_LINES = 1_000
"""Number of lines from which the shape follows; later lines of another shape are an error of the reader."""
_UNIT = "\x1f"
"""A delimiter that stands in no text: it reads lines as they are."""
_TYPED = re.compile(
    r"[+-]?[0-9][0-9.,]*([eE][+-]?[0-9]+)?|true|false|[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([ T].*)?",
    re.IGNORECASE,
)
"""Matches a number, a boolean or a date: what is seldom the name of a column."""
_SHOWN = 8
"""Number of names that a message shows."""
_PASSED_ON = ("comment", "compression", "encoding", "max_line_size", "skip")
"""Options of DuckDB's reader that decide what a line is."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is cut into rows and columns."""

    delimiter: str
    header: bool
    names: tuple[str, ...]


def shape(ordered: Any, path: str, options: Mapping[str, Any]) -> Shape | None:
    """Return the shape of a file; None if it has no line at all."""
    lines = _lines(ordered, path, options)
    if not lines:
        return None
    _check_line_end(path, options)
    delimiter = str(options["delim"]) if "delim" in options else _delimiter(path, lines, options)
    records = _records(lines, delimiter, options)
    if not records:
        raise FileInDoubt(path, "its first line cannot be read", "set `quote` or `escape`")
    given = options.get("names") or list(options.get("columns") or ())
    header = _header(path, records, [str(name) for name in given], options)
    names = [str(name) for name in given] or (records[0] if header else [""] * len(records[0]))
    return Shape(delimiter, header, _unique(names))


def _lines(ordered: Any, path: str, options: Mapping[str, Any]) -> list[str]:
    passed = {name: options[name] for name in _PASSED_ON if name in options}
    arguments = {
        "auto_detect": False,
        "header": False,
        "columns": {"line": "VARCHAR"},
        "delim": _UNIT,
        "quote": "",
        "escape": "",
        "comment": "",
        "strict_mode": False,
        "new_line": "\\n",
        **passed,
    }
    listed = ", ".join(f"{name} = {value(setting)}" for name, setting in arguments.items())
    select = f"SELECT line FROM read_csv({literal(exact_path(path))}, {listed}) LIMIT {_LINES}"
    return [line or "" for (line,) in ordered.execute(select).fetchall()]


def _check_line_end(path: str, options: Mapping[str, Any]) -> None:
    """Raise FileInDoubt if `new_line` is not what ends the first line.

    It is not given to DuckDB, which reads no row at all if a file's lines end in another way.
    """
    if "new_line" not in options:
        return
    wanted = str(options["new_line"]).replace("\\r", "\r").replace("\\n", "\n")
    with opened(path, options) as file:
        first = file.readline()
    end = first[len(first.rstrip("\r\n")) :]
    if end and end != wanted:
        raise FileInDoubt(
            path, f"line 1 ends with {end!r}, and `new_line` is {wanted!r}", "correct `new_line`"
        )


def _records(lines: Sequence[str], delimiter: str, options: Mapping[str, Any]) -> list[list[str]]:
    """Return the records of the lines, without blank ones; the last may be cut off where lines end."""
    quote, escape = str(options.get("quote", '"')), str(options.get("escape", ""))
    doubled = escape in {"", quote}
    reader = csv.reader(
        [f"{line.replace(delimiter, _UNIT)}\n" for line in lines],
        delimiter=_UNIT,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        doublequote=doubled,
        escapechar=None if doubled else escape,
    )
    records: list[list[str]] = []
    with suppress(csv.Error):
        records.extend([field.replace(_UNIT, delimiter) for field in record] for record in reader if record)
    return records[:-1] if len(lines) == _LINES and len(records) > 1 else records


def _delimiter(path: str, lines: Sequence[str], options: Mapping[str, Any]) -> str:
    """Return the one delimiter of the first line with which all lines have as many fields."""
    widths = {
        delimiter: [len(_without_end(record)) for record in _records(lines, delimiter, options)]
        for delimiter in _DELIMITERS
    }
    in_first = [delimiter for delimiter, own in widths.items() if own and own[0] > 1]
    even = [delimiter for delimiter in in_first if len(set(widths[delimiter])) == 1]
    if len(even) > 1:
        raise FileInDoubt(path, f"it can be cut at {_named(even[0])} and at {_named(even[1])}", "set `delim`")
    if not in_first:
        _check_title(path, widths)
    return even[0] if even else in_first[0] if in_first else ","


def _check_title(path: str, widths: Mapping[str, Sequence[int]]) -> None:
    """Raise FileInDoubt if a first line without any delimiter stands above lines that all have one."""
    for delimiter, own in widths.items():
        rest = set(own[1:])
        if len(rest) == 1 and rest != {1}:
            raise FileInDoubt(
                path,
                f"line 1 is one field, and the lines below are {rest.pop()} by {_named(delimiter)}",
                "set `delim`, and `skip: 1` if line 1 is a title",
            )


def _without_end(record: Sequence[str]) -> Sequence[str]:
    """Return the record without an empty last field: a line may end with its delimiter."""
    return record[:-1] if len(record) > 1 and not record[-1] else record


def _header(
    path: str, records: Sequence[Sequence[str]], given: Sequence[str], options: Mapping[str, Any]
) -> bool:
    """Tell whether the first record is a header; FileInDoubt if it looks like a row of values."""
    if "header" in options:
        return bool(options["header"])
    first = records[0]
    if [name.strip().lower() for name in first] == [name.lower() for name in given]:
        return True
    columns = [
        [record[place] for record in records[1:] if place < len(record)] for place in range(len(first))
    ]
    typed = [
        bool(any(column)) and all(_TYPED.fullmatch(text.strip()) for text in column if text)
        for column in columns
    ]
    is_named = any(
        is_typed and name and not _TYPED.fullmatch(name.strip())
        for is_typed, name in zip(typed, first, strict=True)
    )
    is_row = any(_TYPED.fullmatch(name.strip()) for name in first) and not is_named
    if given and is_row:
        return False
    if given or is_row:
        raise FileInDoubt(
            path,
            f"line 1 may be a header or a row of values: {delimited(first)}",
            "set `header: true` or `header: false`",
        )
    return True


def delimited(names: Sequence[str]) -> str:
    """List names or values for people."""
    shown = ", ".join(names[:_SHOWN])
    return f"{shown}, …" if len(names) > _SHOWN else shown


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Name unnamed columns by their place, and number names that differ only in case, as DuckDB does."""
    used: set[str] = set()
    unique: list[str] = []
    for place, name in enumerate(names):
        bare = name.strip() or f"column{place}"
        chosen, number = bare, 0
        while chosen.lower() in used:
            number += 1
            chosen = f"{bare}_{number}"
        used.add(chosen.lower())
        unique.append(chosen)
    return tuple(unique)


def _named(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else repr(delimiter)
