"""A model's text over copies gives the names, types and rows that it gives over the whole tables."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from dvt.core.plan import CopyPlan
from dvt.core.queries import rendered
from dvt.drivers.duckdb.sql import quoted
from dvt.drivers.duckdb.staging import scan
from dvt.federation.plan import make_copy_plan, parse_model
from tests.acceptance.oracle import Oracle, same_rows
from tests.acceptance.query_fuzz import DATA, TABLES, Fuzz
from tests.acceptance.test_planner_oracle import _CONNECTIONS, _SETUP, CASES

pytestmark = pytest.mark.slow

COLUMNS = {
    "names": ("SELECT x FROM {a}", {"x"}),
    "a star that is named from": ("WITH q AS (SELECT * FROM {a}) SELECT id FROM q WHERE k = 1", {"id", "k"}),
    "a star to the result": ("SELECT * FROM {a}", None),
    "a star of a star": ("SELECT q.* FROM (SELECT * FROM {a}) AS q", None),
    "another table's star": (
        "SELECT c.* FROM {c} AS c JOIN {a} AS z ON z.id = c.id WHERE z.k > 1",
        {"id", "k"},
    ),
    "a star in exists": ("SELECT 1 AS n WHERE EXISTS (SELECT * FROM {a} WHERE k = 1)", {"k"}),
    "a star in a union": ("SELECT id FROM (SELECT * FROM {a} UNION SELECT * FROM {a}) AS q", None),
    "a distinct star": ("SELECT count(*) AS n FROM (SELECT DISTINCT * FROM {a}) AS q", None),
    "positions": ("SELECT id FROM (SELECT * FROM {a} ORDER BY 2 LIMIT 3) AS q", None),
    "renamed": ("SELECT u FROM (SELECT * FROM {a}) AS q(u, v, w, z, y, t, o, f)", None),
    "rows": ("SELECT z AS whole FROM {a} AS z", None),
    "rows of a subquery": ("SELECT q AS whole FROM (SELECT * FROM {a}) AS q", None),
    "natural": ("SELECT count(*) AS n FROM {a} NATURAL JOIN {c}", None),
    "columns()": ("SELECT COLUMNS('i.') FROM {a}", None),
    "a column's place": ("SELECT id, #2 FROM {a}", None),
    "count": ("SELECT count(*) AS n FROM {a}", set()),
}
"""SQL → the columns of table a that are copied; None: all of them."""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with duckdb.connect() as db:
        db.execute("SET GLOBAL TimeZone = 'UTC'")
        db.execute(_SETUP)
        yield Oracle(db, connections={"a": "one", "c": "two", "e": "three"})


def planned(oracle: Oracle, sql: str) -> CopyPlan:
    request = oracle.request(sql)
    parsed = parse_model(request)
    tables = {key: oracle.table(read.table.identifier) for key, read in parsed.inputs.items()}
    return make_copy_plan(parsed, tables, oracle.context())


def over_copies(oracle: Oracle, sql: str) -> tuple[Any, list[tuple[Any, ...]]]:
    """Return the columns and rows of the SQL over copies."""
    plan = planned(oracle, sql)
    datasets = {query.alias: dataset for query, dataset in oracle.answers(plan)}
    names = []
    for number, copy in enumerate(plan.copies):
        columns = ", ".join(
            f"CAST({quoted(column.staged)} AS {column.native}) AS {quoted(column.name)}"
            for column in copy.columns
        )
        names.append(f"copy_{number}")
        select = f"SELECT {columns} FROM ({scan(datasets[copy.query.alias])})"
        oracle.db.execute(f"CREATE OR REPLACE TEMP TABLE copy_{number} AS {select}")
    try:
        answer = oracle.db.execute(rendered(plan.sql, names))
        return [column[:2] for column in answer.description], answer.fetchall()
    finally:
        for dataset in datasets.values():
            oracle.staging.bucket.delete(dataset.at.prefix)


def check(oracle: Oracle, sql: str) -> None:
    whole = oracle.db.execute(re.sub(r"\{([\w ]+)\}", r'"\1"', sql))
    columns, expected = [column[:2] for column in whole.description], whole.fetchall()
    described, rows = over_copies(oracle, sql)
    assert described == columns
    assert same_rows(rows, expected)


@pytest.mark.parametrize("case", CASES)
def test_the_text_answers_over_copies_as_over_the_tables(oracle: Oracle, case: str) -> None:
    check(oracle, CASES[case])


@pytest.mark.parametrize("case", COLUMNS)
def test_only_what_the_text_may_read_is_copied(oracle: Oracle, case: str) -> None:
    sql, expected = COLUMNS[case]
    copies = {copy.query.tables[0].identifier: copy for copy in planned(oracle, sql).copies}
    names = {column.name for column in copies["a"].columns} - {"dvt_one"}
    assert names == ({"id", "k", "x", "d", "s", "ts", "b", "f"} if expected is None else expected)
    check(oracle, sql)


@pytest.fixture
def null_heavy() -> Iterator[Oracle]:
    with duckdb.connect() as db:
        for seed, name in enumerate(TABLES):
            db.execute(DATA.format(name=name, seed=seed))
        yield Oracle(db)


def test_random_queries_answer_over_copies_as_over_the_tables(null_heavy: Oracle) -> None:
    for seed in range(40):
        rng = random.Random(seed)
        null_heavy.connections = {table: rng.choice(_CONNECTIONS) for table in TABLES}
        check(null_heavy, Fuzz(seed).query().replace("ORDER BY ALL", "ORDER BY 1, 2, 3, 4"))
