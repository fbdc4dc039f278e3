"""The run's instance: bounded, in UTC, and never a step behind the files it reads."""

from __future__ import annotations

import duckdb

from dvt.drivers.duckdb import MemoryInstance, machine_memory


def test_half_of_the_memory_there_is_is_its_limit_unless_told_otherwise():
    instance = MemoryInstance()
    limit = instance.cursor().execute("SELECT current_setting('memory_limit')").fetchone()[0]
    number, unit = limit.split()
    scale = {"MiB": 2**20, "GiB": 2**30}[unit]
    assert abs(float(number) * scale - machine_memory() / 2) < 0.1 * scale
    instance.close()


def test_a_file_that_is_rewritten_within_a_second_is_read_anew(tmp_path):
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


def test_cursors_share_its_time_zone():
    instance = MemoryInstance()
    assert instance.cursor().execute("SELECT current_setting('TimeZone')").fetchone() == ("UTC",)
    instance.close()
