"""Models in PostgreSQL's SQL that Spark computes answer as a live PostgreSQL does, or are refused by name."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from dvt.core.errors import DvtError, OutputsClash, TranslationWrong
from dvt.federation.plan import parse_model, unproven
from tests.acceptance.live_dialect import Answer, cases, comparable
from tests.acceptance.oracle import Oracle
from tests.acceptance.query_fuzz import DATA, TABLES, Fuzz
from tests.acceptance.test_planner_oracle import CASES
from tests.acceptance.test_postgres_dialect import _COLUMNS, _ROWS
from tests.unit.engines.spark import shared_engine

pytestmark = [
    pytest.mark.slow,
    # Py4J leaves the socket of a thread that has ended to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

_EXPRESSIONS = [
    expression
    for kind, expression, sql in cases(Path(__file__).with_name("postgres_expressions.txt"))
    if kind == "" and sql.startswith("SELECT id, ") and not expression.startswith(("interval ", "t like u"))
]
"""Expressions that DuckDB answers as PostgreSQL does, without those that are an error in Spark: it has no
intervals to write, and takes `\\b` in a pattern of LIKE for a mistake."""
_AT_ONCE = 20
"""Expressions of one SELECT: a statement of Spark takes a second, whatever it computes."""
_CASE_TABLES = """
CREATE TABLE a (id int, k int, x numeric(10,2), d date, s text, ts timestamp, b boolean, f double precision);
INSERT INTO a VALUES
  (1, 1, 1.50, '2024-01-01', 'abc', '2024-01-01 10:00:00', true, 1.5),
  (2, 1, NULL, '2024-02-29', 'ABC', NULL, false, NULL),
  (3, 2, -3.25, NULL, NULL, '2024-03-01 00:00:00', NULL, -0.0),
  (4, NULL, 0.00, '2023-12-31', '', '2023-12-31 23:59:59.999999', true, 'nan'),
  (5, 3, 99.99, '2024-01-01', 'a_b', '2024-01-02 00:00:00', false, 2.25),
  (6, 3, 2.50, '2024-01-15', 'é', NULL, NULL, 1e300),
  (NULL, 2, 7.00, NULL, 'x', '1999-01-01 00:00:00', true, 0.1);
CREATE TABLE c (id int, k int, y numeric(12,3), d date, t text);
INSERT INTO c VALUES
  (1, 1, 1.500, '2024-01-01', 'one'), (2, 2, NULL, NULL, NULL), (3, 2, 5.125, '2024-06-01', 'three'),
  (7, 3, -1.000, '2022-01-01', 'abc'), (8, NULL, 10.000, '2024-01-01', 'x'), (NULL, 1, 0.000, NULL, '');
CREATE TABLE e (id int, v bigint);
INSERT INTO e VALUES (1, 10), (1, 20), (2, NULL), (3, -5), (NULL, 0);
CREATE TABLE empty_one (id int, n numeric(5,1));
"""
"""The tables of planner_cases.sql, without those that PostgreSQL has not."""


class Both:
    """Tables that a live PostgreSQL has, and an oracle whose engine is Spark."""

    def __init__(self, cursor: Any, db: duckdb.DuckDBPyConnection, **connections: str) -> None:
        self.cursor = cursor
        names = {"here", "target", *connections.values()}
        self.oracle = Oracle(
            db, engine=shared_engine(), connections=connections, dialects=dict.fromkeys(names, "postgres")
        )

    def make(self, *statements: str) -> None:
        for statement in statements:
            self.cursor.execute(statement)
            self.oracle.db.execute(statement)

    def native(self, sql: str) -> Answer | None:
        """Return PostgreSQL's answer; None for an error."""
        try:
            self.cursor.execute(re.sub(r"\{(\w+)\}", r"\1", sql))
        except psycopg2.Error:
            return None
        return [column[0] for column in self.cursor.description], comparable(self.cursor.fetchall())

    def by_spark(self, sql: str) -> Answer | None:
        """Return Spark's answer; None for an error that it raises while it computes."""
        plan = self.oracle.plan(sql, dialect="postgres")
        try:
            described, rows = self.oracle.run(plan)
        except DvtError:
            return None
        return [name for name, _ in described], comparable(rows)

    def unproven(self, sql: str) -> bool:
        parsed = parse_model(self.oracle.request(sql, dialect="postgres"))
        tables = {key: self.oracle.table(read.table.identifier) for key, read in parsed.inputs.items()}
        return parsed.problem is not None or bool(unproven(parsed, tables, self.oracle.context()))

    def verdict(self, sql: str) -> str:
        """Compare the answers to a query, and tell what came of it."""
        expected = self.native(sql)
        if expected is None:
            return "invalid"
        if self.unproven(sql):
            with pytest.raises(TranslationWrong):
                self.oracle.plan(sql, dialect="postgres")
            return "refused"
        try:
            answer = self.by_spark(sql)
        except TranslationWrong:
            return "refused"
        except OutputsClash:
            assert len(set(expected[0])) < len(expected[0]), sql  # no table has two columns of one name
            return "refused"
        assert answer == expected, sql
        return "same"


@pytest.fixture(scope="module")
def connect(postgres: Any) -> Iterator[Callable[..., Both]]:
    """Return a function that opens both sides, with these tables on connections."""
    connection = postgres.owner()
    opened: list[duckdb.DuckDBPyConnection] = []

    def both(**connections: str) -> Both:
        opened.append(duckdb.connect())
        opened[-1].execute("SET GLOBAL TimeZone = 'UTC'")
        cursor = connection.cursor()
        cursor.execute("CREATE SCHEMA IF NOT EXISTS spark; SET search_path = spark; SET TIME ZONE 'UTC'")
        return Both(cursor, opened[-1], **connections)

    yield both
    connection.cursor().execute("DROP SCHEMA spark CASCADE")
    connection.close()
    for db in opened:
        db.close()


@pytest.fixture(scope="module")
def valued(connect: Callable[..., Both]) -> Both:
    both = connect(vals="pg")
    both.make(f"CREATE TABLE vals ({_COLUMNS})", f"INSERT INTO vals VALUES {_ROWS}")
    return both


def test_expressions_answer_as_postgresql_does(valued: Both) -> None:
    proven = [text for text in _EXPRESSIONS if not valued.unproven(f"SELECT {text} AS v FROM {{vals}}")]
    assert len(proven) > len(_EXPRESSIONS) / 2
    for first in range(0, len(proven), _AT_ONCE):
        some = proven[first : first + _AT_ONCE]
        listed = ", ".join(f"{text} AS c{place}" for place, text in enumerate(some))
        sql = f"SELECT id, {listed} FROM {{vals}}"
        expected, answer = valued.native(sql), valued.by_spark(sql)
        assert expected is not None
        assert answer is not None
        differing = [
            (text, one, other)
            for place, text in enumerate(some, 1)
            for one, other in zip(answer[1], expected[1], strict=True)
            if one[place] != other[place]
        ]
        assert differing == []


def _tried(both: Both, queries: Sequence[str]) -> Counter[str]:
    return Counter(both.verdict(sql) for sql in queries)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("few", [True, pytest.param(False, marks=pytest.mark.long)])
def test_cases_of_the_planner_answer_as_postgresql_does(connect: Callable[..., Both], few: bool) -> None:
    both = connect(a="one", c="two", e="three")
    both.cursor.execute("DROP TABLE IF EXISTS a, c, e, empty_one")
    both.make(*filter(None, map(str.strip, _CASE_TABLES.split(";\n"))))
    queries = [sql for sql in CASES.values() if not re.search(r"\{(Odd Names|st)\}|FROM range", sql)]
    verdicts = _tried(both, queries[::8] if few else queries)
    assert verdicts["same"] >= 2 * verdicts["refused"], verdicts


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seeds", [range(12), pytest.param(range(12, 212), marks=pytest.mark.long)])
def test_random_queries_answer_as_postgresql_does(connect: Callable[..., Both], seeds: range) -> None:
    both = connect()
    for number, table in enumerate(TABLES):
        both.oracle.db.execute(DATA.format(name=table, seed=number))
        both.cursor.execute(f"DROP TABLE IF EXISTS {table}")
        both.cursor.execute(f"CREATE TABLE {table} (a int, b bigint, p numeric(9,2), d date)")
        rows = both.oracle.db.execute(f"FROM {table}").fetchall()
        both.cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s, %s)", rows)
    verdicts: Counter[str] = Counter()
    for seed in seeds:
        rng = random.Random(seed)
        both.oracle.connections = {table: rng.choice(("one", "two", "target")) for table in TABLES}
        both.oracle.dialects = dict.fromkeys(("one", "two", "target", "here"), "postgres")
        sql = Fuzz(seed).query().replace("INTERVAL 1 DAY", "INTERVAL '1 day'")
        verdicts[both.verdict(sql.replace("ORDER BY ALL", "ORDER BY 1, 2, 3, 4"))] += 1
    assert verdicts["same"] >= 2 * verdicts["refused"], verdicts
    assert not verdicts["invalid"]
