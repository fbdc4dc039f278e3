"""Every file that readers are known to get wrong is read exactly, or is one clear error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dvt.core.errors import DvtError
from dvt.core.names import TableRef
from dvt.testing.connectors import Bench
from tests.databases.embedded import Folder
from tests.unit.connectors.file_readers import Rows, rows_of, same
from tests.unit.connectors.hostile_files import EXACT, HOSTILE, Case

pytestmark = pytest.mark.slow

Make = Callable[..., Bench]
TABLE = TableRef(connection="files", database="any", schema="shop", identifier="t")


def write(root: Path, case: Case) -> Rows:
    """Write the case's files; return their rows as an independent reader reads them."""
    rows: Rows = []
    for name, content in case.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    for name, content in sorted(case.files.items()) if case.expected == EXACT else ():
        if name not in case.skipped and content:
            rows += rows_of(root / name, case.options)
    return rows


def read(bench: Bench) -> Rows:
    """Extract all columns; return the staged rows, with the columns' own names."""
    query = bench.extraction(bench.describe(TABLE))
    names = {extracted.name: extracted.column.name for extracted in query.columns}
    tables = [pq.ParquetFile(file).read() for file in bench.files(bench.read(query)[0])]
    return [
        {names[key]: value for key, value in row.items()} for table in tables for row in table.to_pylist()
    ]


def assert_same(read_rows: Rows, written: Rows) -> None:
    """Assert that both have the same rows: values, columns and number of rows."""
    assert len(read_rows) == len(written)
    columns = {name for row in written for name in row}
    assert not read_rows or columns == set(read_rows[0])
    left = dict(enumerate(read_rows))
    by_key: dict[str, list[int]] = {}
    for number, row in left.items():
        by_key.setdefault(_key(row), []).append(number)
    for row in written:
        equal = (
            number
            for number in by_key.get(_key(row), left)
            if number in left and all(same(left[number][name], row.get(name)) for name in columns)
        )
        number = next(equal, None)
        assert number is not None, (row, [left[other] for other in by_key.get(_key(row), left)][:3])
        del left[number]


def _key(row: dict[str, Any]) -> str:
    """Return the value of the column `k`, by which rows of large files are found; empty without one."""
    return str(row.get("k", ""))


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: f"{case.format}: {case.name}")
def test_a_hostile_file_is_read_exactly_or_is_one_clear_error(
    lake: Folder, bench_of: Make, case: Case
) -> None:
    written = write(lake.root, case)
    bench = bench_of(lake, format=case.format, options=dict(case.options))
    if case.expected == EXACT:
        assert_same(read(bench), written)
        return
    with pytest.raises(DvtError, match=f"(?s){case.expected}"):
        read(bench)
    assert not bench.staged()
