"""Fixtures for all tests: real databases, each started once, when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.databases import load


@pytest.fixture(scope="session")
def databases() -> Iterator[Callable[[str], Any]]:
    """A function that gives the database of a name: `databases("postgres")`."""
    opened: dict[str, Any] = {}
    with ExitStack() as stack:

        def give(name: str) -> Any:
            if name not in opened:
                opened[name] = stack.enter_context(load(name)())
            return opened[name]

        yield give


@pytest.fixture(scope="session")
def postgres(databases: Callable[[str], Any]) -> Any:
    """PostgreSQL, with a schema and a user of the tests' own."""
    return databases("postgres")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that let dbt parse and build whole projects take a second or two each: slow, all of them."""
    projects = Path(__file__).parent / "dbt_bridge"
    for item in items:
        if projects in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def mariadb(databases: Callable[[str], Any]) -> Any:
    """A running MariaDB."""
    return databases("mariadb")
