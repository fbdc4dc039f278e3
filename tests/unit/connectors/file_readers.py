"""Independent readers of CSV, JSON and Parquet files, and what makes a value the same as what was written."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Rows = list[dict[str, Any]]


def rows_of(path: Path, options: Mapping[str, Any]) -> Rows:
    """Read a file without DuckDB."""
    name = path.name.lower()
    if name.endswith(".parquet"):
        rows: Rows = pq.ParquetFile(path).read().to_pylist()
        return rows
    packed = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    text = packed.decode(str(options.get("encoding", "utf-8-sig")))
    return _csv(text, options) if ".csv" in name or ".tsv" in name else _json(text)


def _csv(text: str, options: Mapping[str, Any]) -> Rows:
    lines = io.StringIO(text, newline="")
    for _ in range(int(options.get("skip", 0))):
        next(lines)
    escape = options.get("escape")
    reader = csv.reader(
        lines,
        delimiter=options.get("delim", ","),
        quotechar=options.get("quote", '"'),
        escapechar=escape,
        doublequote=escape is None,
    )
    records = [record for record in reader if record or options.get("blank")]
    if options.get("header", True):
        names, records = records[0], records[1:]
    else:
        names = [f"column{place}" for place in range(len(records[0]))]
    names = [name.strip() or f"column{place}" for place, name in enumerate(names)]
    return [dict(zip(names, record or [None], strict=False)) for record in records]


def _json(text: str) -> Rows:
    def parsed(part: str) -> Any:
        return json.loads(part, parse_float=Decimal)

    if text.lstrip().startswith("["):
        return list(parsed(text))
    try:
        return [parsed(line) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError:
        decoder, left, rows = json.JSONDecoder(parse_float=Decimal), text.strip(), []
        while left:
            record, end = decoder.raw_decode(left)
            rows.append(record)
            left = left[end:].strip()
        return rows


def same(read: Any, written: Any) -> bool:
    """Tell whether a value that was read is exactly what stands in the file."""
    if read is None or read == "":
        return written is None or written == ""
    if isinstance(written, dict):
        return isinstance(read, dict) and all(
            same(read.get(key), written.get(key)) for key in read.keys() | written.keys()
        )
    if isinstance(written, list):
        return isinstance(read, list) and len(read) == len(written) and all(map(same, read, written))
    return _same_text(read, written) if isinstance(written, str) else _same_scalar(read, written)


def _same_scalar(read: Any, written: Any) -> bool:
    if isinstance(read, bool) or isinstance(written, bool):
        return read is written
    if isinstance(written, int | float | Decimal):
        return _number(read) == _number(written)
    if isinstance(read, datetime) or isinstance(written, datetime):
        return _moment(read) == _moment(written)
    return bool(read == written)


def _same_text(read: Any, text: str) -> bool:
    if isinstance(read, str):
        return read == text
    if isinstance(read, bool):
        return text.lower() == str(read).lower()
    if isinstance(read, datetime):
        return _moment(read) == _moment(datetime.fromisoformat(text.strip()))
    if isinstance(read, date | time):
        return read.isoformat() == text.strip()
    if isinstance(read, int | float | Decimal):
        bare = text.strip().lstrip("-")
        is_plain = not (bare[:1] == "0" and bare[1:2].isdigit())
        return is_plain and _number(read) == _number(text)
    return False


def _number(value: Any) -> Decimal | str | None:
    """Return the number as a Decimal; infinities and NaN as text."""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else str(number).lower()


def _moment(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
