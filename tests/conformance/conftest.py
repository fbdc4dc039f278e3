"""Every test here runs on every database: `never` says which cannot, `notyet` which should and do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.reading import Bench
from tests.databases import DATABASES


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "never(*names, reason): databases that cannot keep this promise")
    config.addinivalue_line("markers", "notyet(*names, reason): databases that do not keep it so far")


@pytest.fixture(params=list(DATABASES))
def database(request: pytest.FixtureRequest, databases: Callable[[str], Any]) -> Any:
    """One of the real databases."""
    for mark in request.node.iter_markers("never"):
        if request.param in mark.args:
            pytest.skip(mark.kwargs["reason"])
    for mark in request.node.iter_markers("notyet"):
        if request.param in mark.args:
            request.node.add_marker(pytest.mark.xfail(reason=mark.kwargs["reason"], strict=True))
    return databases(request.param)


@pytest.fixture
def server(database: Any) -> Any:
    """The same, where it is a server that queries can be stopped on."""
    if not hasattr(database, "cut"):
        pytest.skip(f"{database.name} has no server")
    return database


@pytest.fixture
def target(database: Any) -> Any:
    """The same, where stage tables can be filled."""
    if not database.written:
        pytest.skip(f"{database.name} is a source only")
    return database


@pytest.fixture
def bench(database: Any, tmp_path: Path) -> Iterator[Bench]:
    """A connector of it, with a place to stage in."""
    one = Bench(database, tmp_path)
    yield one
    one.close()


@pytest.fixture
def another(database: Any, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Makes further connectors, with settings of their own."""
    made: list[Bench] = []

    def make(**words: Any) -> Bench:
        folder = tmp_path / f"another-{len(made)}"
        folder.mkdir()
        made.append(Bench(database, folder, **words))
        return made[-1]

    yield make
    for one in made:
        one.close()
