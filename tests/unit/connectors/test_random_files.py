"""Random tables in several files, one with an odd value late: read exactly, or refused."""

from __future__ import annotations

import csv
import io
import json
import os
import random
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dvt.core.errors import DvtError
from dvt.testing.connectors import Bench
from tests.databases.embedded import Folder
from tests.unit.connectors.file_readers import Rows, rows_of
from tests.unit.connectors.test_hostile_files import assert_same, read

pytestmark = pytest.mark.slow

TRIALS = int(os.environ.get("DVT_TEST_RANDOM_FILES", "24"))
"""Number of random tables."""
SAMPLE = 30
"""Rows that give the kinds of values."""
_DAY = date(2024, 1, 1)
_MOMENT = datetime.fromisoformat("2024-01-01T00:00:00")

Value = Callable[[random.Random], Any]
KINDS: Mapping[str, Value] = {
    "small": lambda rng: rng.randint(-100, 100),
    "large": lambda rng: rng.randint(-(2**63), 2**63 - 1),
    "past 64 bits": lambda rng: rng.randint(2**64, 2**100),
    "price": lambda rng: Decimal(rng.randint(-(10**6), 10**6)) / 100,
    "long decimal": lambda rng: Decimal(rng.randint(10**20, 10**21)) / 1000,
    "float": lambda rng: rng.uniform(-1e3, 1e3),
    "tiny": lambda rng: rng.uniform(0, 1) * 10 ** rng.randint(-30, -5),
    "boolean": lambda rng: rng.random() < 0.5,
    "day": lambda rng: _DAY + timedelta(days=rng.randint(0, 9999)),
    "moment": lambda rng: _MOMENT + timedelta(microseconds=rng.randint(0, 10**15)),
    "text": lambda rng: "".join(rng.choices("abc ,;\"'\n|é\\", k=rng.randint(1, 12))),
    "digits": lambda rng: f"0{rng.randint(0, 999):04}",
    "null": lambda rng: None,
}
"""Kind → a random value of it."""
PARQUET_TYPES = {
    "small": pa.int8(),
    "large": pa.int64(),
    "price": pa.decimal128(9, 2),
    "long decimal": pa.decimal128(24, 3),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "day": pa.date32(),
    "moment": pa.timestamp("us"),
    "text": pa.string(),
    "null": pa.null(),
}
"""Kind → its type in Parquet."""


def _tables(rng: random.Random, kinds: list[str], odd: str | None) -> list[Rows]:
    """Make the rows of some files, one value of which, late, is of the kind `odd`."""
    names = [f"c{place}" for place in range(len(kinds))]
    tables: list[Rows] = []
    for _ in range(rng.randint(1, 3)):
        rows = []
        for _ in range(rng.randint(SAMPLE + 10, 90)):
            values = [None if rng.random() < 0.1 else KINDS[kind](rng) for kind in kinds]
            rows.append(dict(zip(names, values, strict=True)))
        tables.append(rows)
    for rows in tables:
        for number, row in enumerate(rows):
            row["k"] = f"row {len(rows)} {number}"
    if odd is not None:
        rng.choice(tables[-1][SAMPLE + 5 :])[rng.choice(names)] = KINDS[odd](rng)
    return tables


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)


def _as_csv(rows: Rows) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(rows[0])
    writer.writerows([_as_text(value) for value in row.values()] for row in rows)
    return file.getvalue().encode()


def _as_json(rows: Rows) -> bytes:
    def text(value: Any) -> str:
        if isinstance(value, Decimal):
            return format(value, "f")
        return json.dumps(str(value) if isinstance(value, date | datetime) else value)

    lines = [", ".join(f"{json.dumps(name)}: {text(value)}" for name, value in row.items()) for row in rows]
    return "\n".join(f"{{{line}}}" for line in lines).encode()


@pytest.mark.parametrize("trial", range(TRIALS))
@pytest.mark.parametrize("format_", ["csv", "json"])
def test_texts_are_read_exactly_or_refused(lake: Folder, bench_of: Any, format_: str, trial: int) -> None:
    rng = random.Random(f"{format_} {trial}")
    kinds = rng.choices(list(KINDS), k=4)
    odd = rng.choice(list(KINDS)) if trial % 4 else None
    tables = _tables(rng, kinds, odd)
    (lake.root / "t").mkdir()
    written: Rows = []
    for number, rows in enumerate(tables):
        file = lake.root / "t" / f"{number}.{format_}"
        file.write_bytes(_as_csv(rows) if format_ == "csv" else _as_json(rows))
        written += rows_of(file, {})
    if format_ == "json" and "long decimal" in kinds:
        odd = odd or "more digits than a DOUBLE"
    _check(bench_of(lake, format=format_, options={"sample_size": SAMPLE}), written, (kinds, odd))


@pytest.mark.parametrize("trial", range(TRIALS))
def test_parquet_files_are_read_exactly_or_refused(lake: Folder, bench_of: Any, trial: int) -> None:
    rng = random.Random(f"parquet {trial}")
    kinds = rng.choices(list(PARQUET_TYPES), k=4)
    later = [rng.choice(list(PARQUET_TYPES)) if rng.random() < 0.2 else kind for kind in kinds]
    odd = "another type" if later != kinds else None
    written = _write_parquet(lake.root / "t", rng, kinds, later)
    _check(bench_of(lake), written, (kinds, odd))


def _write_parquet(folder: Path, rng: random.Random, *files: list[str]) -> Rows:
    folder.mkdir()
    written: Rows = []
    for number, kinds in enumerate(files):
        rows = _tables(rng, kinds, None)[0]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        types = [*(PARQUET_TYPES[kind] for kind in kinds), pa.string()]
        arrays = [pa.array(values, type_) for values, type_ in zip(columns.values(), types, strict=True)]
        pq.write_table(pa.table(arrays, names=list(columns)), folder / f"{number}.parquet")
        written += rows
    return written


def _check(bench: Bench, written: Rows, about: tuple[list[str], str | None]) -> None:
    refused = None
    rows: Rows = []
    try:
        rows = read(bench)
    except DvtError as error:
        refused = error
    if refused is None:
        assert_same(rows, written)
    else:
        assert about[1] is not None, f"{about}: {refused}"
        assert not bench.staged()
