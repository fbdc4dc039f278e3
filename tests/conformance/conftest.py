"""Every real database, for tests of faults: the marker `never` says which cannot keep a promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dvt.testing.connectors import Bench
from dvt.testing.databases import Database, ServerDatabase, TargetDatabase
from tests.databases import DATABASES, LONG, SERVERS, TARGETS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "never(*names, reason): databases that cannot keep this promise")
    config.addinivalue_line("markers", "rarely(*names): databases that `make test-long` asks for it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the promises that a database takes long to keep to `make test-long`."""
    for item in items:
        params = (
            item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        )
        if any(params.get("database") in mark.args for mark in item.iter_markers("rarely")):
            item.add_marker(pytest.mark.long)


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.long] if name in LONG else []) for name in DATABASES]
)
def database(request: pytest.FixtureRequest, databases: Callable[[str], Any]) -> Database:
    """One of the real databases."""
    opened: Database = databases(request.param)
    assert isinstance(opened, ServerDatabase) == (request.param in SERVERS)
    assert isinstance(opened, TargetDatabase) == (request.param in TARGETS)
    return opened


@pytest.fixture
def server(database: Database) -> ServerDatabase:
    """The same; `tests/applying.py` leaves tests out for those that are no servers."""
    assert isinstance(database, ServerDatabase)
    return database


@pytest.fixture
def target(database: Database) -> TargetDatabase:
    """The same; `tests/applying.py` leaves tests out for those in which nothing can be filled."""
    assert isinstance(database, TargetDatabase)
    return database


@pytest.fixture
def another(database: Database, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Makes connectors, with settings of their own."""
    benches: list[Bench] = []

    def make(**settings: Any) -> Bench:
        folder = tmp_path / f"bench-{len(benches)}"
        folder.mkdir()
        benches.append(Bench(database, folder, **settings))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(another: Callable[..., Bench]) -> Bench:
    """A connector with a place to stage in."""
    return another()
