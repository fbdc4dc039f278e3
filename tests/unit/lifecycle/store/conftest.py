"""A store in a file of SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from dvt.lifecycle.store import Store, open_store

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store" / "lifecycle.db"


@pytest.fixture
def url(file: Path) -> str:
    """Its address."""
    return f"sqlite:///{file}"


@pytest.fixture
def sql(file: Path) -> Sql:
    """Runs statements on the store's database as whoever has a client of it does."""

    def run(*statements: str) -> list[tuple[Any, ...]]:
        file.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(file)) as connection, connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return rows

    return run


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The folder of this machine's state."""
    return tmp_path / "state"


@pytest.fixture
def opened(url: str, state: Path) -> Iterator[Callable[..., Store]]:
    """Opens the store, any number of times."""
    with ExitStack() as stack:

        def give(**options: Any) -> Store:
            return stack.enter_context(open_store(url, **{"state": state, "actor": "ana", **options}))

        yield give


@pytest.fixture
def store(opened: Callable[..., Store]) -> Store:
    """The store, open."""
    return opened()


@pytest.fixture
def tampering(sql: Sql) -> Callable[..., None]:
    """Changes what is on record, as whoever owns the tables can."""

    def change(*statements: str) -> None:
        sql(
            "DROP TRIGGER cleanup_events_no_update",
            "DROP TRIGGER cleanup_events_no_delete",
            *statements,
        )

    return change
