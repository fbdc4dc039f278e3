"""A federated model written for PostgreSQL answers as PostgreSQL does, or says that it cannot."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from dvt.core.errors import SqlInvalid, TranslationWrong
from tests.acceptance.oracle import Oracle

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
_LINES = Path(__file__).with_name("postgres_expressions.txt").read_text().split("-- aggregates\n")
_KINDS = ("wrong", "warned", "missing", "error", "text")


def _listed(lines: str) -> list[tuple[str, str]]:
    """Kind and expression of each line."""
    found = []
    for line in lines.splitlines():
        kind, colon, expression = line.partition(": ")
        if line and not line.startswith("--"):
            found.append((kind, expression) if colon and kind in _KINDS else ("", line))
    return found


_CASES = [
    *((kind, one, f"SELECT id, {one} FROM {{vals}} ORDER BY id") for kind, one in _listed(_LINES[0])),
    *((kind, one, f"SELECT {one} FROM {{vals}}") for kind, one in _listed(_LINES[1])),
]


@pytest.fixture(scope="module")
def both(postgres: Any) -> Iterator[tuple[Any, Oracle]]:
    connection = postgres.owner()
    with connection.cursor() as cursor, duckdb.connect() as db:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"CREATE TABLE vals ({_COLUMNS})")
        cursor.execute(f"INSERT INTO vals VALUES {_ROWS}")
        db.execute("SET GLOBAL TimeZone = 'UTC'")
        db.execute(f"CREATE TABLE vals ({_COLUMNS})")
        db.execute(f"INSERT INTO vals VALUES {_ROWS}")
        dialects = dict.fromkeys(("pg", "target", "here"), "postgres")
        yield cursor, Oracle(db, places={"vals": "pg"}, dialects=dialects)
        cursor.execute("DROP TABLE vals")
    connection.close()


def _native(cursor: Any, sql: str) -> tuple[list[str], list[Any]] | None:
    """PostgreSQL's own names and rows, None for an error."""
    try:
        cursor.execute(sql.replace("{vals}", "vals"))
    except psycopg2.Error:
        return None
    return [one[0] for one in cursor.description], _plain(cursor.fetchall())


def _federated(oracle: Oracle, plan: Any) -> tuple[list[str], list[Any]] | None:
    try:
        described, rows = oracle.run(plan)
    except duckdb.Error:
        return None
    return [name for name, _ in described], _plain(rows)


def _plain(rows: Sequence[Sequence[Any]]) -> list[Any]:
    return sorted(([_value(one) for one in row] for row in rows), key=repr)


def _value(value: Any) -> Any:
    """Comparable: a number is a number, whatever its type."""
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    if isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool):
        return float(f"{float(value):.9g}")
    if isinstance(value, dt.datetime) and value.tzinfo:
        return value.astimezone(dt.UTC).isoformat()
    return value if value is None or isinstance(value, bool) else str(value)


@pytest.mark.parametrize(
    ("kind", "sql"), [(kind, sql) for kind, _, sql in _CASES], ids=[one for _, one, _ in _CASES]
)
def test_the_answer_is_postgresqls_own(both: tuple[Any, Oracle], kind: str, sql: str) -> None:
    cursor, oracle = both
    if kind in ("wrong", "missing"):
        with pytest.raises(TranslationWrong if kind == "wrong" else SqlInvalid):
            oracle.plan(sql, dialect="postgres")
        return
    plan = oracle.plan(sql, dialect="postgres")
    warned = [one for one in plan.notices if one.code == "DVT003"]
    assert bool(warned) == (kind == "warned")
    native, federated = _native(cursor, sql), _federated(oracle, plan)
    if kind == "error":
        assert native is federated is None
    elif kind != "warned":
        assert native is not None
        assert federated is not None
        assert native[0] == federated[0]
        assert kind == "text" or native[1] == federated[1]


def test_the_list_is_long_and_mostly_right() -> None:
    kinds = [kind for kind, _, _ in _CASES]
    assert kinds.count("") > 300
