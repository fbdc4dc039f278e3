"""The run's DuckDB instance has a memory limit, is in UTC, downloads nothing, and closes at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import duckdb
import pytest

from dvt.core.errors import DriverMissing
from dvt.drivers.duckdb import MemoryInstance, machine_memory
from tests.unit.drivers.duckdb.test_files import ENDLESS


def setting(instance: MemoryInstance, name: str) -> str:
    return str(instance.cursor().execute(f"SELECT current_setting('{name}')").fetchone()[0])


def test_an_instance_takes_half_of_the_memory_and_speaks_utc() -> None:
    instance = MemoryInstance()
    value, unit = setting(instance, "memory_limit").split()
    bytes_ = float(value) * {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}[unit]
    assert 0.4 < bytes_ / machine_memory() < 0.6
    assert setting(instance, "TimeZone") == "UTC"
    assert setting(instance, "autoinstall_known_extensions") == "False"
    assert setting(instance, "autoload_known_extensions") == "False"
    instance.close()


def test_an_extension_that_is_not_there_names_its_wheel() -> None:
    instance = MemoryInstance()
    with pytest.raises(DriverMissing) as caught:
        instance.load("nosuch_scanner")
    assert f"duckdb-extension-nosuch-scanner=={duckdb.__version__}" in str(caught.value)
    instance.close()


@pytest.mark.slow
def test_what_does_not_fit_is_spilled(tmp_path: Path) -> None:
    instance = MemoryInstance(memory_limit="64MB", threads=1, spill=tmp_path / "spill")
    cursor = instance.cursor()
    query = "SELECT count(*) FROM (SELECT i, hash(i) h FROM range(6000000) t(i) ORDER BY h) WHERE i >= 0"
    cursor.execute(f"CREATE TEMP TABLE x AS SELECT i, hash(i) h FROM range(6000000) t(i); {query}")
    assert any((tmp_path / "spill").rglob("*"))
    instance.close()


def test_closing_stops_what_is_under_way_and_may_be_done_twice() -> None:
    instance = MemoryInstance()
    failed: list[BaseException] = []
    opened = threading.Barrier(4, timeout=30)

    def run() -> None:
        cursor = instance.cursor()
        opened.wait()
        try:
            cursor.execute(ENDLESS).fetchall()
        except duckdb.Error as error:
            failed.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    opened.wait()
    time.sleep(0.3)
    instance.close()
    instance.close()
    for thread in threads:
        thread.join(30)
    assert len(failed) == 3
