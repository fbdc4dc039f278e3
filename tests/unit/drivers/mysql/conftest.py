"""Fixture: a DuckDB in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dvt.drivers.duckdb import MemoryInstance


@pytest.fixture
def memory() -> Iterator[MemoryInstance]:
    instance = MemoryInstance(threads=1, memory_limit="256MiB")
    yield instance
    instance.close()
