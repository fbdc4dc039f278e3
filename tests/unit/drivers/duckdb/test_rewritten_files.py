"""Files that change during a run: DuckDB's cache tells versions of a file apart by second only."""

from __future__ import annotations

from pathlib import Path

import duckdb

from dvt.drivers.duckdb import MemoryInstance


def test_a_file_that_is_rewritten_within_a_second_is_read_anew(tmp_path: Path) -> None:
    instance = MemoryInstance(threads=1)
    cursor = instance.cursor()
    file = tmp_path / "x.parquet"
    for number in range(20):
        file.unlink(missing_ok=True)
        with duckdb.connect() as other:
            other.execute(f"COPY (SELECT {number} AS a, range AS b FROM range(1000)) TO '{file}'")
        assert cursor.execute(f"SELECT max(a) FROM '{file}'").fetchone() == (number,)
    cursor.close()
    instance.close()
