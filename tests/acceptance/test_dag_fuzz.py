"""Random DAGs over several databases give the rows of one DuckDB, whatever answers the models share."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import ValueLost
from dvt.drivers.duckdb import FILES
from tests.acceptance.dag_expressions import quoted
from tests.acceptance.dag_fuzz import Dag, DagFuzz
from tests.acceptance.dag_runs import Case, Result, Shop, Single, described, new_base, normal
from tests.acceptance.spark import COMPUTES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

SPARK = "spark_local"
"""The entry of `COMPUTES` that is Spark."""
_POISONED = {"int", "dec", "date", "ts", "dbl", "bool"}


@pytest.fixture
def servers(databases: Callable[[str], Any]) -> Mapping[str, Any]:
    """Return PostgreSQL and MariaDB in the long version, nothing in the short one."""
    names = ("postgres", "mariadb") if "DVT_TEST_DAG_FUZZ" in os.environ else ()
    return {name: databases(name) for name in names}


def test_random_dags_give_what_one_database_gives(tmp_path: Path, servers: Mapping[str, Any]) -> None:
    reused = 0
    for seed in range(int(os.environ.get("DVT_TEST_DAG_FUZZ", "4"))):
        rng = random.Random(f"c{seed}")
        shop = Shop(tmp_path / f"{seed}", servers=servers)
        dag = DagFuzz(seed, shop.sources, shop.targets).dag()
        poison = _poison(dag, rng)
        threads = rng.choice([1, 8, 8])
        results, rows = Play(shop, dag, seed, poison).run(shared=True, threads=threads)
        reused += sum(result.reused for result in results)
        alone, others = Play(Shop(tmp_path / f"{seed}alone", servers=servers), dag, seed, poison).run(
            shared=False, threads=1
        )
        assert [result.failures for result in results] == [result.failures for result in alone], seed
        assert rows == others, seed
        if not any(result.failed for result in results):
            assert sum(result.read for result in results) <= sum(result.read for result in alone), seed
    assert reused


# Py4J leaves the socket of a thread that has ended to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.long
def test_random_dags_that_spark_computes_give_what_one_database_gives(
    tmp_path: Path, servers: Mapping[str, Any]
) -> None:
    computed = 0
    for seed in range(int(os.environ.get("DVT_TEST_DAG_FUZZ", "12"))):
        rng = random.Random(f"c{seed}")
        shop = Shop(tmp_path / f"{seed}", servers=servers)
        dag = DagFuzz(seed, shop.sources, shop.targets).dag()
        play = Play(shop, dag, seed, _poison(dag, rng), compute=SPARK)
        (shop.root / "computes.yml").write_text(COMPUTES)
        results, _ = play.run(shared=True, threads=rng.choice([1, 8]))
        computed += sum(result.computed for result in results)
    assert computed > seed


def _poison(dag: Dag, rng: random.Random) -> tuple[str, str] | None:
    """Choose a column of an SQLite table for a value of the wrong type; None without such a table."""
    tables = [source for source in dag.sources if source.home == "lite"]
    if not tables or rng.random() > 0.4:
        return None
    table = rng.choice(tables)
    return table.name, rng.choice([name for name, kind in table.columns.items() if kind in _POISONED])


class Play:
    """A DAG is run twice, and after each run compared with one DuckDB."""

    def __init__(
        self, shop: Shop, dag: Dag, seed: int, poison: tuple[str, str] | None, compute: str = ""
    ) -> None:
        self.shop, self.dag, self.seed, self.poison, self.compute = shop, dag, seed, poison, compute
        shop.set_up()
        base = new_base(dag, seed)
        for source in dag.sources:
            shop.place(source, base)
        for node in dag.nodes:
            if node.relation.home in shop.servers:
                shop.execute(node.relation.home, f"DROP TABLE IF EXISTS {shop.name_of(node.relation)}")
        if poison is not None:
            table, column = map(quoted, poison)
            shop.execute("lite", f"UPDATE {table} SET {column} = 'abc' WHERE rowid = 3")
        self.types = described(shop, dag.sources)
        self.single = Single(base)
        for source in dag.sources:
            self.single.add(source.name, f"FROM {quoted(source.name)}", self.types[source.name])

    def run(self, *, shared: bool, threads: int) -> tuple[list[Result], list[dict[str, list[str]]]]:
        """Return each run's result and the rows that it left."""
        case, built = Case(self.dag, self.shop, self.seed, self.compute), set[str]()
        results, rows = [], []
        for again in (False, True):
            result = case.run(again=again, threads=threads, shared=shared, built=built)
            results.append(result)
            self._follow(result, built)
            rows.append(self._compared(result))
            if result.failed:
                break
            built |= {node.relation.name for node in self.dag.nodes}
        FILES.close()
        return results, rows

    def _follow(self, result: Result, built: set[str]) -> None:
        """Repeat the run in the one DuckDB; assert that failed models fail there too, unless poisoned."""
        done = [node for node in self.dag.nodes if node.relation.name not in result.unmade]
        self.types |= described(self.shop, [node.relation for node in done])
        for node in self.dag.nodes:
            name = node.relation.name
            sql = Single.plain(node.again if name in built else node.sql, name)
            if name in result.failed:
                if not (self.poison and isinstance(result.failed[name], ValueLost)):
                    assert self.single.refuses(sql), (self.seed, name, result.failed[name], sql)
            elif name not in result.skipped:
                self.single.add(name, sql, self.types[name])
                for write in node.writes:
                    self.single.db.execute(Single.plain(write.sql))

    def _compared(self, result: Result) -> dict[str, list[str]]:
        """Return the rows of every table that can be written; assert that they are right."""
        made = [node.relation for node in self.dag.nodes]
        relations = [
            relation for relation in (*self.dag.sources, *made) if relation.home in self.shop.targets
        ]
        relations = [relation for relation in relations if relation.name not in result.unmade]
        rows = {relation.name: normal(self.shop.rows_of(relation)) for relation in relations}
        for name, actual in rows.items():
            assert actual == normal(self.single.rows(name)), (self.seed, name)
        return rows
