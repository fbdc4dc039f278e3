"""Finds the line of a row in a CSV or JSON file, for messages: DuckDB knows only the row's number."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from dvt.connectors.files.csv_shape import Shape
from dvt.connectors.files.text_file import opened


def row_line(path: str, row: int, shape: Shape, options: Mapping[str, Any]) -> str:
    """Return `line 7`, the line in which row number `row` begins; `row 5` if it cannot be found."""
    if options.get("comment"):
        return f"row {row}"
    quote, escape = str(options.get("quote", '"')), str(options.get("escape", ""))
    doubled = escape in {"", quote}
    skipped = int(options.get("skip", 0))
    try:
        with opened(path, options) as file:
            for _ in range(skipped):
                next(file)
            reader = csv.reader(
                file,
                delimiter=shape.delimiter,
                quotechar=quote or None,
                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
                doublequote=doubled,
                escapechar=None if doubled else escape,
            )
            left, begins = row + shape.header, 1
            for record in reader:
                left -= 1 if record or len(shape.names) == 1 else 0
                if not left:
                    return f"line {skipped + begins}"
                begins = reader.line_num + 1
    except (csv.Error, OSError, UnicodeError, StopIteration, LookupError, TypeError):
        pass
    return f"row {row}"


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
