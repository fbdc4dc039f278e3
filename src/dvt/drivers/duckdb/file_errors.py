"""Translates what DuckDB's readers of CSV, JSON and Parquet files say: file, line, column, and a way out.

The files are of this machine and are opened without credentials, so that the readers' own sentences can be
shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from dvt.core.errors import ValueLost

_CSV_LINE = re.compile(
    r"CSV Error on Line: (\d+)\n(?:Original Line: (?:.*\n)*?)?(?=(.+)\n+(?:Possible|\s*file =))"
)
"""Matches the line of a CSV file that cannot be read, and why."""
_FILE = re.compile(r"^  file = (.+)$", re.MULTILINE)
"""Matches the CSV file in a message."""
_DELIMITER = re.compile(r"^  delimiter = (.+) \((?:Set By User|Auto-Detected)\)$", re.MULTILINE)
"""Matches the delimiter in a message."""
_CSV_COLUMN = re.compile(r'Error when converting column "(.+?)"\. (.*)')
"""Matches the column in a message about a line, and why."""
_JSON_LINE = re.compile(
    r'(?:JSON transform error|Malformed JSON) in file "([^"]+)", '
    r"(?:in|at byte \d+ in) (line|record/value) (\d+): (.*)"
)
"""Matches file and line of a JSON file that cannot be read, and why."""
_UNREADABLE_FILE = re.compile(r'(?:Error while reading file|Failed to read file) "([^"]+)": (.*)')
"""Matches a data file that does not fit the others or the schema, and why."""
_LONGEST = 300
"""Number of characters of a reader's sentence that are shown: some repeat a whole line of the file."""
_WAYS_OUT: Mapping[str, str] = {
    r"unicode|utf-8|encod": "set `encoding` in the output's options (utf-8, utf-16, latin-1)",
    r"invalid state": "its lines may end in different ways: give all of them one ending (see `new_line`),"
    " or set `encoding` in the output's options if the file is not UTF-8",
    r"unterminated quote": "correct the line, or set `quote` or `escape` in the output's options",
    r"Number of Columns": "correct the line, or set `delim`, `quote` or `skip` in the output's options",
    r"line size": "set `max_line_size` in the output's options",
    r"maximum_object_size": "set `maximum_object_size` in the output's options",
}
"""What a reader's sentence says → what helps."""
_IN_FILE_HINT = (
    "correct the file, or say how to read it in the output's options (docs/reference/outputs-files.md)"
)


LineOf = Callable[[str, int, str], str]
"""Called with a CSV file's path, the number of a record and the delimiter; returns `line 7`."""


def _as_counted(path: str, record: int, delimiter: str) -> str:  # noqa: ARG001
    return f"line {record}"


def value_in_file(text: str, line_of: LineOf = _as_counted) -> ValueLost | None:
    """Return the error for a value or line of a data file that cannot be read; None for other messages.

    What DuckDB calls a line of a CSV file is a record, which line breaks in quotes make longer.
    """
    if csv := _CSV_LINE.search(text):
        path, delimiter = _FILE.search(text), _DELIMITER.search(text)
        file = path[1] if path else "a CSV file"
        where = f"{file}, {line_of(file, int(csv[1]), delimiter[1] if delimiter else ',')}"
        column = _CSV_COLUMN.search(text)
        if column:
            return ValueLost(f"{where}, column {column[1]}", _short(column[2]), _IN_FILE_HINT)
        return ValueLost(where, _short(csv[2]), _way_out(csv[2]))
    if json := _JSON_LINE.search(text):
        number = json[3] if json[2] == "line" else f"{json[3]}"
        return ValueLost(f"{json[1]}, {json[2]} {number}", _short(json[4]), _way_out(json[4]))
    if file := _UNREADABLE_FILE.search(text):
        return ValueLost(file[1], _short(file[2].split("\n")[0]), _IN_FILE_HINT)
    return None


def readers_sentence(text: str) -> tuple[str, str]:
    """Return what a reader says of a file that it cannot read at all, and a way out."""
    sentence = _short(text.removeprefix("Invalid Input Error: ").partition("\n")[0])
    path = _FILE.search(text)
    where = f"{path[1]}: " if path and path[1] not in sentence else ""
    return where + sentence, _way_out(text)


def _way_out(text: str) -> str:
    for pattern, way_out in _WAYS_OUT.items():
        if re.search(pattern, text, re.IGNORECASE):
            return way_out
    return _IN_FILE_HINT


def _short(sentence: str) -> str:
    stripped = sentence.strip()
    return stripped if len(stripped) <= _LONGEST else f"{stripped[:_LONGEST]}…"
