"""A federated model written for MySQL answers as MariaDB does, or is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pymysql
import pytest

from dvt.drivers.mysql import flavour_of
from tests.acceptance.live_dialect import Answer, cases, check, comparable
from tests.acceptance.oracle import Oracle

pytestmark = pytest.mark.slow

_COLUMNS = (
    "id int, i int, j int, h bigint, n decimal(10,2), m decimal(12,4), f double, t {text}, "
    "u {text}, d date, e date, ts {moment}, b tinyint"
)
_ROWS = """
(1, 7, 2, 10, 7.25, 2.5000, 2.5, 'abc', 'b', '2024-01-31', '2024-01-01', '2024-02-29 13:45:30.123456', 1),
(2, -7, 2, 3000000000, -7.25, 0.3333, -2.5, 'xyz', NULL, '2023-12-31', '2024-03-01',
    '2023-12-31 23:59:59.999999', 0),
(3, 0, -3, -1, 0.05, 1.0000, 0.5, '', '', '2000-02-29', '1999-02-28', '2000-01-01 00:00:00', NULL),
(4, NULL, 5, NULL, NULL, 12345.6789, 1e10, 'a_b', 'qq', NULL, '2024-01-01', NULL, 1)
"""
_CASES = list(cases(Path(__file__).with_name("mysql_expressions.txt")))


@pytest.fixture(scope="module")
def server_and_oracle(databases: Callable[[str], Any]) -> Iterator[tuple[Any, Oracle]]:
    connection = databases("mariadb").owner()
    with connection.cursor() as cursor, duckdb.connect() as db:
        cursor.execute(flavour_of(connection.get_server_info()).session)
        columns = _COLUMNS.format(moment="datetime(6)", text="varchar(40) COLLATE utf8mb4_nopad_bin")
        cursor.execute(f"CREATE TABLE vals ({columns})")
        cursor.execute(f"INSERT INTO vals VALUES {_ROWS}")
        db.execute("SET GLOBAL TimeZone = 'UTC'")
        db.execute(f"CREATE TABLE vals ({_COLUMNS.format(moment='timestamp', text='varchar')})")
        db.execute(f"INSERT INTO vals VALUES {_ROWS}")
        dialects = dict.fromkeys(("maria", "target", "here"), "mysql")
        yield cursor, Oracle(db, connections={"vals": "maria"}, dialects=dialects)
        cursor.execute("DROP TABLE vals")
    connection.close()


@pytest.mark.parametrize(
    ("kind", "expression", "sql"), _CASES, ids=[expression for _, expression, _ in _CASES]
)
def test_a_model_written_for_mysql_answers_as_mariadb_does(
    server_and_oracle: tuple[Any, Oracle], kind: str, expression: str, sql: str
) -> None:
    cursor, oracle = server_and_oracle

    def native(query: str) -> Answer | None:
        """Run a query as a model's, into a table: a strict session refuses what it else only warns of."""
        cursor.execute("DROP TEMPORARY TABLE IF EXISTS answer")
        try:
            cursor.execute(f"CREATE TEMPORARY TABLE answer AS {query.replace('{vals}', 'vals')}")
        except pymysql.Error:
            return None
        cursor.execute("SELECT * FROM answer")
        return [column[0] for column in cursor.description], comparable(cursor.fetchall())

    check(oracle, native, kind, sql, "mysql")


def test_more_than_a_hundred_expressions_are_translated_exactly() -> None:
    kinds = [kind for kind, _, _ in _CASES]
    assert kinds.count("") > 100
