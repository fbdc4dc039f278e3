"""An answer is staged up to the limits of its sink."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dvt.core.errors import ExtractTooLarge
from dvt.core.estimates import Estimate, ExtractLimits
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Location
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.staging import write_answer
from dvt.staging.parquet import ParquetSink
from tests.local_bucket import local_bucket
from tests.unit.federation.test_sharing import query

QUERY = query("p")
ENDLESS = "SELECT hash(i)::VARCHAR || hash(i + 1) AS p FROM range(1000000000000) r(i)"


def write(folder: Path, limits: ExtractLimits, *selects: str) -> ParquetSink:
    """Write parts of one answer; return the sink."""
    instance = MemoryInstance(threads=1)
    sink = ParquetSink(Location(local_bucket(folder), "run"), limits)
    try:
        for select in selects:
            write_answer(instance.cursor(), select, Job(QUERY, sink))
    finally:
        instance.close()
    return sink


def test_rows_stop_after_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ExtractTooLarge, match="stopped after 1,001 rows"):
        write(tmp_path, ExtractLimits(rows=1000), ENDLESS)


def test_rows_of_all_parts_count(tmp_path: Path) -> None:
    part = "SELECT i AS p FROM range(600) r(i)"
    assert write(tmp_path, ExtractLimits(rows=1200), part, part).commit(QUERY.staged, 1200).rows == 1200
    with pytest.raises(ExtractTooLarge, match="stopped after 1,200 rows"):
        write(tmp_path, ExtractLimits(rows=1199), part, part)


def test_bytes_stop_while_they_are_written(tmp_path: Path) -> None:
    with pytest.raises(ExtractTooLarge, match="max_extract_bytes: 100000"):
        write(tmp_path, ExtractLimits(bytes=100_000), ENDLESS)


def test_a_short_answer_that_is_too_large_stops_as_well(tmp_path: Path) -> None:
    with pytest.raises(ExtractTooLarge, match="max_extract_bytes: 10"):
        write(tmp_path, ExtractLimits(bytes=10), "SELECT i AS p FROM range(600) r(i)")


def test_an_estimate_is_held_to_the_limits() -> None:
    limits = ExtractLimits(rows=10, bytes=100)
    for fitting in (None, Estimate(10, 100)):
        limits.check_estimate(QUERY, fitting)
    for breaking in (Estimate(11, 1), Estimate(1, 101)):
        with pytest.raises(ExtractTooLarge, match="would move about"):
            limits.check_estimate(replace(QUERY, rows=1), breaking)
