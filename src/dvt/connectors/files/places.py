"""Finds the line of a row in a CSV or JSON file, for messages: DuckDB knows only the row's number."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from dvt.connectors.files.csv_shape import Shape
from dvt.connectors.files.text_file import opened


def row_line(path: str, row: int, shape: Shape, options: Mapping[str, Any]) -> str:
    """Return `line 7`, the line in which row number `row` begins; `row 5` if it cannot be found."""
    left = row + shape.header
    for line, record in _records(path, shape.delimiter, options):
        left -= 1 if record or len(shape.names) == 1 else 0
        if not left:
            return f"line {line}"
    return f"row {row}"


def line_of(options: Mapping[str, Any]) -> Callable[[str, int, str], str]:
    """Return a function that tells the line in which a record of a CSV file begins.

    Its number counts lines that are skipped, the header, and blank lines.
    """

    def found(path: str, number: int, delimiter: str) -> str:
        left = number - int(options.get("skip", 0))
        line = next((line for line, _ in islice(_records(path, delimiter, options), left - 1, None)), None)
        return f"record {number}" if line is None else f"line {line}"

    return found


def _records(path: str, delimiter: str, options: Mapping[str, Any]) -> Iterator[tuple[int, list[str]]]:
    """Yield each record and the line in which it begins, as far as Python can read them."""
    quote, escape = str(options.get("quote", '"')), str(options.get("escape", ""))
    doubled = escape in {"", quote}
    skipped = int(options.get("skip", 0))
    if options.get("comment") or len(delimiter) != 1:
        return
    unreadable = (csv.Error, OSError, UnicodeError, StopIteration, LookupError)
    with suppress(*unreadable), opened(path, options) as file:
        for _ in range(skipped):
            next(file)
        reader = csv.reader(
            file,
            delimiter=delimiter,
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            doublequote=doubled,
            escapechar=None if doubled else escape,
        )
        begins = 1
        for record in reader:
            yield skipped + begins, record
            begins = reader.line_num + 1


def record_place(path: str, record: int, options: Mapping[str, Any]) -> str:
    """Return `line 7` if every line of a JSON file is a record, else `record 5`."""
    try:
        with opened(path, options) as file:
            filled = ((number, line) for number, line in enumerate(file, 1) if line.strip())
            number, line = next(islice(filled, record - 1, None))
            json.loads(line)
            return f"line {number}"
    except (OSError, UnicodeError, StopIteration, ValueError, TypeError):
        return f"record {record}"
