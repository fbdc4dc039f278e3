"""Fixtures for all tests: real databases, each started once, when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.applying import leave_out
from tests.databases import load
from tests.stores import load as load_store


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not apply."""
    leave_out(config, items)


@pytest.fixture(scope="session")
def databases() -> Iterator[Callable[[str], Any]]:
    """Return a function that starts the database of a name once: `databases("postgres")`."""
    opened: dict[str, Any] = {}
    with ExitStack() as stack:

        def give(name: str) -> Any:
            if name not in opened:
                opened[name] = stack.enter_context(load(name)())
            return opened[name]

        yield give


@pytest.fixture(scope="session")
def postgres(databases: Callable[[str], Any]) -> Any:
    """Return PostgreSQL, with a schema and a user of the tests' own."""
    return databases("postgres")


@pytest.fixture(scope="session")
def redshift(databases: Callable[[str], Any]) -> Any:
    """Return the stand-in for Redshift."""
    return databases("redshift")


@pytest.fixture(scope="session")
def bigquery(databases: Callable[[str], Any]) -> Any:
    """Return the stand-in for BigQuery."""
    return databases("bigquery")


@pytest.fixture
def mariadb(databases: Callable[[str], Any]) -> Any:
    """Return a running MariaDB."""
    return databases("mariadb")


@pytest.fixture(scope="session")
def stores() -> Iterator[Callable[[str], Any]]:
    """Return a function that starts the server of a bucket once: `stores("minio")`."""
    opened: dict[str, Any] = {}
    with ExitStack() as stack:

        def give(name: str) -> Any:
            if name not in opened:
                opened[name] = stack.enter_context(load_store(name)())
            return opened[name]

        yield give
