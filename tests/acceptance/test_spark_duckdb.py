"""Models in DuckDB's SQL that Spark computes answer as DuckDB does, or are refused by name."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

import duckdb
import pytest

from dvt.core.errors import DvtError, TranslationWrong
from dvt.core.requests import Pushdown
from dvt.federation.plan import parse_model, unproven
from tests.acceptance.oracle import Oracle, same_rows, shared_engine
from tests.acceptance.query_fuzz import DATA, TABLES, Fuzz
from tests.acceptance.test_planner_oracle import _CONNECTIONS, _SETUP, CASES
from tests.unit.engines import spark

pytestmark = [
    pytest.mark.slow,
    # Py4J leaves the socket of a thread that has ended to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

_OFTEN = 30
"""One of how many cases of the planner each run of the tests computes."""


@cache
def _oracle() -> Oracle:
    """Return an oracle whose own answers are DuckDB's, and whose engine is Spark."""
    db = duckdb.connect()
    db.execute("SET GLOBAL TimeZone = 'UTC'")
    return Oracle(db, engine=spark.shared_engine(), speaker=shared_engine())


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    """Return it with the tables of the planner's cases, and of the random queries."""
    both = _oracle()
    both.db.execute(_SETUP)
    for seed, name in enumerate(TABLES):
        both.db.execute(DATA.format(name=name, seed=seed))
    yield both
    both.db.close()


def verdict(oracle: Oracle, sql: str) -> str:
    """Compare names, types and rows with pushdown and without; tell what came of it."""
    parsed = parse_model(oracle.request(sql))
    tables = {key: oracle.table(read.table.identifier) for key, read in parsed.inputs.items()}
    if parsed.problem is not None or unproven(parsed, tables, oracle.context()):
        with pytest.raises(DvtError, match="DVT123"):
            oracle.plan(sql)
        return "refused"
    columns, rows = oracle.single_engine_answer(sql)
    for pushdown in (Pushdown.OFF, Pushdown.AUTO):
        try:
            plan = oracle.plan(sql, pushdown=pushdown)
        except TranslationWrong:
            return "refused"
        described, answer = oracle.run(plan)
        assert described == columns, plan.transform.shown
        assert same_rows(answer, rows), (pushdown, plan.transform.shown)
    return "same"


def _tried(oracle: Oracle, queries: Sequence[str]) -> Counter[str]:
    return Counter(verdict(oracle, sql) for sql in queries)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("few", [True, pytest.param(False, marks=pytest.mark.long)])
def test_cases_of_the_planner_answer_as_duckdb_does(oracle: Oracle, few: bool) -> None:
    oracle.connections = {"a": "one", "c": "two", "e": "three"}
    queries = list(CASES.values())
    verdicts = _tried(oracle, queries[::_OFTEN] if few else queries)
    assert verdicts["same"] > verdicts["refused"], verdicts


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 202), marks=pytest.mark.long)])
def test_random_queries_answer_as_duckdb_does(oracle: Oracle, seeds: range) -> None:
    verdicts: Counter[str] = Counter()
    for seed in seeds:
        rng = random.Random(seed)
        oracle.connections = {table: rng.choice(_CONNECTIONS) for table in TABLES}
        sql = Fuzz(seed).query().replace("ORDER BY ALL", "ORDER BY 1, 2, 3, 4")
        verdicts[verdict(oracle, sql)] += 1
    assert verdicts["same"] >= verdicts["refused"], verdicts
