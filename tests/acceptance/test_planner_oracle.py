"""Plans over several connections give the names, types and rows that one engine gives."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dvt.drivers.duckdb import load_extension
from dvt.federation.plan import parse_model, unproven
from tests.acceptance.oracle import Oracle
from tests.acceptance.query_fuzz import DATA, TABLES, Fuzz

pytestmark = pytest.mark.slow

_SETUP = """
CREATE TABLE a (id INTEGER, k INTEGER, x DECIMAL(10,2), d DATE, s VARCHAR, ts TIMESTAMP, b BOOLEAN, f DOUBLE);
INSERT INTO a VALUES
  (1, 1, 1.50, '2024-01-01', 'abc', '2024-01-01 10:00:00', true, 1.5),
  (2, 1, NULL, '2024-02-29', 'ABC', NULL, false, NULL),
  (3, 2, -3.25, NULL, NULL, '2024-03-01 00:00:00', NULL, -0.0),
  (4, NULL, 0.00, '2023-12-31', '', '2023-12-31 23:59:59.999999', true, 'nan'),
  (5, 3, 99.99, '2024-01-01', 'a_b', '2024-01-02 00:00:00', false, 2.25),
  (6, 3, 2.50, '2024-01-15', 'é', NULL, NULL, 1e300),
  (NULL, 2, 7.00, NULL, 'x', '1999-01-01 00:00:00', true, 0.1);
CREATE TABLE c (id INTEGER, k INTEGER, y DECIMAL(12,3), d DATE, t VARCHAR);
INSERT INTO c VALUES
  (1, 1, 1.500, '2024-01-01', 'one'), (2, 2, NULL, NULL, NULL), (3, 2, 5.125, '2024-06-01', 'three'),
  (7, 3, -1.000, '2022-01-01', 'abc'), (8, NULL, 10.000, '2024-01-01', 'x'), (NULL, 1, 0.000, NULL, '');
CREATE TABLE e (id INTEGER, v BIGINT, w UBIGINT);
INSERT INTO e VALUES (1, 10, 1), (1, 20, 18446744073709551615), (2, NULL, NULL), (3, -5, 7), (NULL, 0, 0);
CREATE TABLE empty_one (id INTEGER, n DECIMAL(5,1));
CREATE TABLE "Odd Names" ("Foo" INTEGER, "select" VARCHAR, "Spaced Name" INTEGER, "ü" INTEGER);
INSERT INTO "Odd Names" VALUES (1, 'q', 5, 9), (2, NULL, 6, NULL);
CREATE TABLE st AS SELECT 1 AS id, {'f': 2, 'g': {'h': 3}} AS s, [1, 2] AS l;
"""
_FILE = Path(__file__).with_name("planner_cases.sql")
CASES = dict(re.findall(r"^-- (.+)\n((?:(?!--).+\n)+)", _FILE.read_text(), re.MULTILINE))
_CONNECTIONS = ("one", "two", "three", "four")


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with duckdb.connect() as db:
        db.execute("SET GLOBAL TimeZone = 'UTC'")
        db.execute(_SETUP)
        yield Oracle(db, connections={"a": "one", "c": "two", "e": "three"})


@pytest.fixture(scope="module")
def tpch() -> Iterator[Oracle]:
    with duckdb.connect() as db:
        db.execute("SET GLOBAL TimeZone = 'UTC'")
        load_extension(db, "tpch")
        db.execute("CALL dbgen(sf=0.01)")
        yield Oracle(db)


@pytest.fixture(scope="module")
def null_heavy() -> Iterator[Oracle]:
    with duckdb.connect() as db:
        for seed, name in enumerate(TABLES):
            db.execute(DATA.format(name=name, seed=seed))
        yield Oracle(db)


@pytest.mark.parametrize("case", CASES)
def test_a_plan_answers_as_one_engine_does(oracle: Oracle, case: str) -> None:
    oracle.check(CASES[case])


@pytest.mark.parametrize("part", range(4))
@pytest.mark.slow
def test_random_queries_on_random_placements_answer_as_one_engine_does(null_heavy: Oracle, part: int) -> None:
    filter_count = 0
    for seed in range(part * 100, part * 100 + 100):
        sql = Fuzz(seed).query().replace("ORDER BY ALL", "ORDER BY 1, 2, 3, 4")
        rng = random.Random(seed)
        null_heavy.connections = {table: rng.choice(_CONNECTIONS) for table in TABLES}
        filter_count += sum(len(query.where) for query in null_heavy.check(sql).queries)
    assert filter_count > 50


@pytest.mark.parametrize("number", range(1, 23))
@pytest.mark.slow
def test_tpch_queries_on_random_placements_answer_as_one_engine_does(tpch: Oracle, number: int) -> None:
    query = "SELECT query FROM tpch_queries() WHERE query_nr = ?"
    sql = tpch.db.execute(query, [number]).fetchone()[0].strip().rstrip(";")
    rng = random.Random(number)
    for _ in range(2):
        tpch.connections = {name: rng.choice(_CONNECTIONS) for name in tpch.names()}
        tpch.check(tpch.marked(sql))


@pytest.mark.parametrize("number", range(1, 23))
@pytest.mark.slow
def test_the_translation_of_tpch_from_postgres_is_proven(tpch: Oracle, number: int) -> None:
    query = "SELECT query FROM tpch_queries() WHERE query_nr = ?"
    sql = tpch.db.execute(query, [number]).fetchone()[0].strip().rstrip(";")
    tpch.connections = {}
    parsed = parse_model(tpch.request(tpch.marked(sql), dialect="postgres"))
    tables = {key: tpch.table(read.table.identifier) for key, read in parsed.inputs.items()}
    assert unproven(parsed, tables, tpch.context()) == ()
