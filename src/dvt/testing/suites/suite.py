"""What all suites share: exceptions that a subclass names; and the fixtures of those of connectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dvt.testing.connectors import Bench, ConnectorClass
from dvt.testing.databases import Database


class Suite:
    """Tests of promises. A subclass names those that it does not keep."""

    never: ClassVar[Mapping[str, str]] = {}
    """Test → why what is tested cannot pass it; such tests are skipped."""
    notyet: ClassVar[Mapping[str, str]] = {}
    """Test → why what is tested does not pass it so far; such tests must fail, until they are taken out."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in (*cls.never, *cls.notyet):
            if not hasattr(cls, name):
                msg = f"{cls.__name__} makes an exception of {name}, which is no test of it"
                raise AttributeError(msg)

    @pytest.fixture(autouse=True)
    def exceptions(self, request: pytest.FixtureRequest) -> None:
        """Skips tests in `never`, and expects those in `notyet` to fail."""
        name = request.function.__name__
        if name in self.never:
            pytest.skip(self.never[name])
        if name in self.notyet:
            request.node.add_marker(pytest.mark.xfail(reason=self.notyet[name], strict=True))


class ConnectorFixtures(Suite):
    """Connectors made as a run makes them, on the fixture `database` of a subclass."""

    connector: ClassVar[ConnectorClass | None] = None
    """The class under test; None: the one that is registered for the output's type."""

    @pytest.fixture
    def bench_with(self, database: Database, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
        """Makes connectors: `bench_with(limit=2, port=5433)`; all but the limit are keys of the output."""
        benches: list[Bench] = []

        def make(limit: int = 4, **settings: Any) -> Bench:
            folder = tmp_path / f"bench-{len(benches)}"
            folder.mkdir()
            benches.append(Bench(database, folder, limit, type(self).connector, **settings))
            return benches[-1]

        yield make
        for bench in benches:
            bench.close()

    @pytest.fixture
    def bench(self, bench_with: Callable[..., Bench]) -> Bench:
        """A connector with a place to stage in."""
        return bench_with()
