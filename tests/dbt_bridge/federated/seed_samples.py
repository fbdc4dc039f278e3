"""The same five rows as files of each format that a seed may have."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import orc, parquet

CSV = """\
id,code,price,day,moment,flag,note
1,a1,1.50,2020-01-31,2020-01-31 10:20:30,true,plain
2,b2,-2.25,2020-02-29,1999-12-31 23:59:59,false,"two
lines"
3,,0.00,,,,
9000000000,d4,12345.75,0001-01-01,2024-06-30 00:00:00,true,Ünï
5,e5,1.00,2024-01-01,2024-01-01 00:00:01,false,"a ""quote"", a comma"
"""
TYPES = {"price": "numeric(10,2)"}
"""Given types, without which CSV and JSON have a number of floating point."""
_UTC = dt.UTC


def table() -> pa.Table:
    """Return the rows with types."""
    moments = [
        dt.datetime(2020, 1, 31, 10, 20, 30, tzinfo=_UTC),
        dt.datetime(1999, 12, 31, 23, 59, 59, tzinfo=_UTC),
        None,
        dt.datetime(2024, 6, 30, tzinfo=_UTC),
        dt.datetime(2024, 1, 1, 0, 0, 1, tzinfo=_UTC),
    ]
    days = ["2020-01-31", "2020-02-29", None, "0001-01-01", "2024-01-01"]
    return pa.table(
        {
            "id": pa.array([1, 2, 3, 9_000_000_000, 5], pa.int64()),
            "code": ["a1", "b2", None, "d4", "e5"],
            "price": pa.array(
                [Decimal(text) for text in ("1.50", "-2.25", "0.00", "12345.75", "1.00")],
                pa.decimal128(10, 2),
            ),
            "day": [day and dt.date.fromisoformat(day) for day in days],
            "moment": pa.array(
                [moment and moment.replace(tzinfo=None) for moment in moments], pa.timestamp("us")
            ),
            "flag": [True, False, None, True, False],
            "note": ["plain", "two\nlines", None, "Ünï", 'a "quote", a comma'],
        }
    )


def _csv(path: Path) -> None:
    path.write_bytes(CSV.encode())


def _packed(path: Path) -> None:
    path.write_bytes(gzip.compress(CSV.encode()))


def _zstd(path: Path) -> None:
    path.write_bytes(pa.compress(CSV.encode(), codec="zstd", asbytes=True))


def records() -> list[dict[str, Any]]:
    """Return the rows as a program writes them in JSON."""
    return [
        {key: float(value) if isinstance(value, Decimal) else _written(value) for key, value in row.items()}
        for row in table().to_pylist()
    ]


def _written(value: Any) -> Any:
    return str(value) if isinstance(value, dt.date) else value


def _lines(path: Path) -> None:
    text = "".join(f"{json.dumps(record)}\n" for record in records())
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def _array(path: Path) -> None:
    path.write_text(json.dumps(records(), indent=1), encoding="utf-8")


FORMATS: dict[str, Callable[[Path], None]] = {
    ".csv": _csv,
    ".csv.gz": _packed,
    ".csv.zst": _zstd,
    ".json": _array,
    ".jsonl": _lines,
    ".ndjson.gz": _lines,
    ".parquet": lambda path: parquet.write_table(table(), path),
    ".orc": lambda path: orc.write_table(table(), str(path)),
}
"""Suffix → what writes a file of the format."""
