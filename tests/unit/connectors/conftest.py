"""Fixtures: databases without a server, and benches that stage what their connectors extract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dvt.testing.connectors import Bench
from tests.databases.embedded import DuckDB, Folder, SQLite, duckdb_file, folder_of_files, sqlite_file


@pytest.fixture
def duck() -> Iterator[DuckDB]:
    with duckdb_file() as database:
        yield database


@pytest.fixture
def lite() -> Iterator[SQLite]:
    with sqlite_file() as database:
        yield database


@pytest.fixture
def lake() -> Iterator[Folder]:
    with folder_of_files() as database:
        yield database


@pytest.fixture
def bench_of(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Yield a function that makes a bench of a database, with some keys of its output changed."""
    benches: list[Bench] = []

    def make(database: object, **settings: object) -> Bench:
        folder = tmp_path / f"bench-{len(benches)}"
        folder.mkdir()
        benches.append(Bench(database, folder, **settings))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()
