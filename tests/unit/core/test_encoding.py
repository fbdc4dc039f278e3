"""Values of every type come back from Parquet unchanged."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dvt.core import encoding as module
from dvt.core.encoding import encoding
from dvt.core.types import Kind, StageType
from dvt.drivers.duckdb.sql import encoded

MAX_HUGEINT = 170141183460469231731687303715884105727
MAX_UHUGEINT = 340282366920938463463374607431768211455

HOSTILE = [
    ("HUGEINT", str(MAX_HUGEINT)),
    ("HUGEINT", f"'{-MAX_HUGEINT - 1}'"),
    ("HUGEINT", "0"),
    ("UHUGEINT", str(MAX_UHUGEINT)),
    ("BIGNUM", f"'-{MAX_UHUGEINT}{MAX_UHUGEINT}{MAX_UHUGEINT}'"),
    ("BIGNUM", f"'1{'0' * 300}'"),
    ("BIT", "repeat('01', 500)"),
    ("BIT", "'0'"),
    ("ENUM('it''s', '', ' ', 'NULL', 'a\"b, )', 'ü')", "'it''s'"),
    ("ENUM('it''s', '', ' ', 'NULL', 'a\"b, )', 'ü')", "''"),
    ("ENUM('it''s', '', ' ', 'NULL', 'a\"b, )', 'ü')", "'NULL'"),
    ("ENUM('it''s', '', ' ', 'NULL', 'a\"b, )', 'ü')", "'a\"b, )'"),
    ("TIME_NS", "'23:59:59.999999999'"),
    ("TIME_NS", "'24:00:00'"),
    ("TIME WITH TIME ZONE", "'23:59:59.999999+15:59:59'"),
    ("TIME WITH TIME ZONE", "'00:00:00-15:59:59'"),
    ("INTERVAL", "to_months(-14) + to_days(3) + to_microseconds(-1)"),
    ("INTERVAL", "to_months(2147483647)"),
    ("INTERVAL", "to_days(-2147483648)"),
    ("INTERVAL", "to_microseconds(9000000000000000)"),
    ("INTERVAL", "INTERVAL 0 DAY"),
    ("GEOMETRY", "'POINT ZM (1e300 -0.1 3 4)'"),
    ("GEOMETRY", "'GEOMETRYCOLLECTION (POINT (1 1), LINESTRING EMPTY)'"),
    ("GEOMETRY('OGC:CRS84')", "'POINT (1 2)'"),
    ("DECIMAL(38,38)", "'-0.99999999999999999999999999999999999999'"),
    ("UUID", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
    ("JSON", """'{"a":  [1, null]}'"""),
    ("TIMESTAMP_NS", "'2024-01-01 10:00:01.123456789'"),
    ("TIMESTAMP WITH TIME ZONE", "'-infinity'"),
    ("DATE", "'infinity'"),
    ("VARIANT", "{'a': [1, NULL]}"),
    ("TIMESTAMP_S", "'infinity'"),
    ("TIMESTAMP_S", "'1969-12-31 23:59:59'"),
    ("TIMESTAMP_MS[]", "['2024-01-01 10:00:01.123', NULL]"),
    ("INTEGER[3]", "[1, NULL, 3]"),
    ("VARCHAR[1][2]", "[['a'], ['']]"),
    ("STRUCT(a TIMESTAMP_S, b ENUM('x')[2])", "{'a': '2024-01-01', 'b': ['x', NULL]}"),
    ("MAP(ENUM('x', 'y'), HUGEINT)", f"MAP {{'y': {MAX_HUGEINT}}}"),
    (
        """STRUCT("a" INTERVAL[], "b c" STRUCT("it's, ""q"" x" BIT))[]""",
        """[{'a': [INTERVAL 1 DAY], 'b c': {'it''s, "q" x': '101'}}]""",
    ),
]


@pytest.fixture
def duck() -> Iterator[Any]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.mark.parametrize(("spelled", "literal"), HOSTILE)
def test_a_value_comes_back_as_itself(duck: Any, tmp_path: Path, spelled: str, literal: str) -> None:
    type_ = StageType.parse(spelled)
    file = tmp_path / "it.parquet"
    assert encoding(type_).stage == type_

    value = f"CAST({literal} AS {type_})"
    rows = f"SELECT unnest([{value}, NULL]) AS v"
    duck.execute(f"COPY (SELECT {encoded('v', type_)} AS v FROM ({rows})) TO '{file}' (FORMAT parquet)")
    duck.execute(f"CREATE TABLE was AS {rows}")
    duck.execute(f"CREATE TABLE came AS SELECT CAST(v AS {type_}) AS v FROM read_parquet('{file}')")

    (stored,) = duck.execute(f"SELECT DISTINCT typeof(v) FROM read_parquet('{file}')").fetchone()
    assert StageType.parse(stored) == encoding(type_).file
    select = "SELECT typeof(v), CAST(v AS VARCHAR) FROM"
    assert duck.execute(f"{select} came").fetchall() == duck.execute(f"{select} was").fetchall()


def test_a_type_that_cannot_be_staged_says_what_is_lost() -> None:
    union = StageType.parse("UNION(a INTEGER, b VARCHAR)")

    assert str(encoding(union).stage) == "VARCHAR"
    assert "which member" in str(encoding(union).loses)
    nested = encoding(StageType.parse("STRUCT(a MAP(INTEGER, UNION(a INTEGER, b VARCHAR)), b DATE)"))
    assert str(nested.stage) == 'STRUCT("a" MAP(INTEGER, VARCHAR), "b" DATE)'
    assert str(nested.loses).startswith("in a: in value: which member")


@pytest.mark.parametrize(
    ("spelled", "stage"),
    [
        ('"NULL"', "INTEGER"),
        ('"NULL"[2]', "INTEGER[2]"),
        ('STRUCT(a "NULL")', 'STRUCT("a" INTEGER)'),
    ],
)
def test_a_type_is_staged_as_one_that_holds_the_same_values(spelled: str, stage: str) -> None:
    stored = encoding(StageType.parse(spelled))

    assert (str(stored.stage), stored.loses) == (stage, None)
    assert encoding(stored.stage).stage == stored.stage


def test_every_kind_is_staged_as_one_that_stays_as_it_is() -> None:
    for kind in set(Kind) - {Kind.LIST, Kind.ARRAY, Kind.STRUCT, Kind.MAP}:
        stage = encoding(StageType(kind)).stage
        assert encoding(stage).stage == stage


def test_the_examples_hold() -> None:
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0
