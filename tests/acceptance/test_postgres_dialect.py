"""A federated model written for PostgreSQL answers as PostgreSQL does, or warns, or is refused."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from dvt.core.requests import Translate
from tests.acceptance.live_dialect import Answer, cases, check, comparable
from tests.acceptance.oracle import Oracle
from tests.acceptance.query_fuzz import DATA, TABLES, Fuzz

pytestmark = pytest.mark.slow

_COLUMNS = (
    "id int, i int, j int, h bigint, n numeric(10,2), m numeric(12,4), f double precision, "
    "g double precision, t varchar(40), u text, d date, e date, ts timestamp, tz timestamptz, b boolean"
)
_ROWS = r"""
(1, 7, 2, 10, 7.25, 2.5000, 2.5, 0.1, 'abc', 'b', '2024-01-31', '2024-01-01', '2024-02-29 13:45:30.123456',
    '2024-02-29 13:45:30.5+00', true),
(2, -7, 2, 3000000000, -7.25, 0.3333, -2.5, 3, 'ABC', NULL, '2023-12-31', '2024-03-01',
    '2023-12-31 23:59:59.999999', '2023-12-31 23:30:00+00', false),
(3, 0, -3, -1, 0.05, 1.0000, 0.5, 7, '', '', '2000-02-29', '1999-02-28', '2000-01-01 00:00:00',
    '2000-01-01 00:00:00+00', NULL),
(4, NULL, 5, NULL, NULL, 12345.6789, 1e10, 2, 'a_b', 'a\b', NULL, '2024-01-01', NULL, NULL, true),
(5, 2147483647, 1, 9223372036854775807, 99999999.99, 0.0001, 1.5, -1.5, 'x%y', 'ÄÖ', '2024-12-30',
    '2025-01-01', '2024-12-30 08:05:09', '2024-12-30 08:05:09.25+00', false)
"""
_CASES = list(cases(Path(__file__).with_name("postgres_expressions.txt")))


@pytest.fixture(scope="module")
def server_and_oracle(postgres: Any) -> Iterator[tuple[Any, Oracle]]:
    connection = postgres.owner()
    with connection.cursor() as cursor, duckdb.connect() as db:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"CREATE TABLE vals ({_COLUMNS})")
        cursor.execute(f"INSERT INTO vals VALUES {_ROWS}")
        db.execute("SET GLOBAL TimeZone = 'UTC'")
        db.execute(f"CREATE TABLE vals ({_COLUMNS})")
        db.execute(f"INSERT INTO vals VALUES {_ROWS}")
        dialects = dict.fromkeys(("pg", "target", "here"), "postgres")
        yield cursor, Oracle(db, connections={"vals": "pg"}, dialects=dialects)
        cursor.execute("DROP TABLE vals")
    connection.close()


@pytest.mark.parametrize(
    ("kind", "expression", "sql"), _CASES, ids=[expression for _, expression, _ in _CASES]
)
def test_a_model_written_for_postgres_answers_as_postgresql_does(
    server_and_oracle: tuple[Any, Oracle], kind: str, expression: str, sql: str
) -> None:
    cursor, oracle = server_and_oracle

    def native(query: str) -> Answer | None:
        try:
            cursor.execute(query.replace("{vals}", "vals"))
        except psycopg2.Error:
            return None
        return [column[0] for column in cursor.description], comparable(cursor.fetchall())

    check(oracle, native, kind, sql, "postgres")


def test_random_queries_answer_as_postgresql_does(postgres: Any) -> None:
    with closing(postgres.owner()) as connection, connection.cursor() as cursor, duckdb.connect() as db:
        for seed, table in enumerate(TABLES):
            db.execute(DATA.format(name=table, seed=seed))
            cursor.execute(f"CREATE TABLE {table} (a int, b bigint, p numeric(9,2), d date)")
            cursor.executemany(
                f"INSERT INTO {table} VALUES (%s, %s, %s, %s)", db.execute(f"FROM {table}").fetchall()
            )
        for seed in range(1000, 1080):
            rng = random.Random(seed)
            connections = {table: rng.choice(("one", "two", "target")) for table in TABLES}
            dialects = dict.fromkeys(("one", "two", "target", "here"), "postgres")
            sql = Fuzz(seed).query().replace("INTERVAL 1 DAY", "INTERVAL '1 day'")
            sql = sql.replace("ORDER BY ALL", "ORDER BY 1, 2, 3, 4")
            cursor.execute(re.sub(r"\{(\w+)\}", r"\1", sql))
            oracle = Oracle(db, connections=connections, dialects=dialects)
            described, rows = oracle.run(
                oracle.plan(sql, dialect="postgres", translate=Translate.BEST_EFFORT)
            )
            assert [name for name, _ in described] == [column[0] for column in cursor.description]
            assert comparable(rows) == comparable(cursor.fetchall()), sql
        cursor.execute(f"DROP TABLE {', '.join(TABLES)}")


def test_more_than_two_hundred_and_fifty_expressions_are_translated_exactly() -> None:
    kinds = [kind for kind, _, _ in _CASES]
    assert kinds.count("") > 250
