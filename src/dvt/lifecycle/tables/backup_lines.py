"""What is in the backup of an item of a table: JSON, a line for each row."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dvt.lifecycle.tables.dialect import Name, Value
from dvt.lifecycle.tables.shape import Shape

Row = tuple[Value, ...]
"""Values of a table's columns, in their order."""
Bundle = Mapping[Name, Sequence[Row]]
"""Table → the rows of an item, sorted; in the order in which they can be put back."""


def as_json(value: Value) -> Any:
    """Return a value as JSON can hold it, exactly."""
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def of_json(value: Any) -> Value:
    """Return the value that `as_json` was given."""
    if isinstance(value, dict):
        return base64.b64decode(value["bytes"]) if "bytes" in value else float(value["float"])
    result: Value = value
    return result


def lines_of(shape: Shape, bundle: Bundle) -> Iterator[bytes]:
    """Yield the lines of an item's backup: what is in it, then a row a line, in the order of putting back."""
    tables = [list(name) for name in bundle]
    yield json.dumps({"dvt": "rows", "format": 1, "tables": tables}).encode() + b"\n"
    for number, (name, rows) in enumerate(bundle.items()):
        names = list(shape.tables[name].spellings)
        for row in rows:
            values = {column: as_json(value) for column, value in zip(names, row, strict=True)}
            yield json.dumps({"table": number, "row": values}).encode() + b"\n"


def read_lines(content: bytes) -> Iterator[tuple[Name, dict[str, Value]]]:
    """Yield table and values of each row in a backup, in the order of putting back."""
    first, *lines = content.splitlines()
    head: dict[str, Any] = json.loads(first)
    tables = [(name[0], name[1]) for name in head["tables"]]
    for line in lines:
        said = json.loads(line)
        yield tables[said["table"]], {column: of_json(value) for column, value in said["row"].items()}
