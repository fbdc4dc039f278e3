"""Facts about a pair of dialects hold for that pair alone."""

from __future__ import annotations

import pytest
from sqlglot import exp, parse_one

from dvt.federation.plan.dialects import Status, engine_dialect, language

DIVISION = type(parse_one("1 / 2")).__name__


def test_facts_of_one_engine_are_claimed_of_no_other():
    assert engine_dialect("duckdb").translation("postgres").entries[DIVISION]
    for engine, dialect in (("spark", "snowflake"), ("postgres", "mysql"), ("duckdb", "snowflake")):
        translation = engine_dialect(engine).translation(dialect)
        assert not translation.entries
        assert translation.functions is Status.UNVERIFIED


def test_only_an_engine_with_a_table_names_outputs():
    count = parse_one("count(*)")
    name = engine_dialect("duckdb").output_name
    assert name is not None
    assert name(count) == "count_star()"
    assert engine_dialect("spark").output_name is None


def test_a_dialects_own_facts_hold_in_every_engine():
    assert language("mysql").clock_functions["CurrentTimestamp"] == "SECOND"
    assert language("mysql").escape == "\\"
    assert language("snowflake").escape is None
    assert language("snowflake").clock_functions["CurrentTimestamp"] == "TIMESTAMPTZ"


@pytest.mark.parametrize("dialect", ["postgres", "mysql", "duckdb"])
@pytest.mark.parametrize(
    ("sql", "is_refused"),
    [
        ("SELECT -id AS id FROM t ORDER BY id + 1", True),
        ("SELECT -id AS id FROM t ORDER BY id", False),
        ("SELECT id AS id FROM t ORDER BY id + 1", False),
        ("SELECT -id AS other FROM t ORDER BY id + 1", False),
        ("SELECT -id AS id FROM t ORDER BY t.id + 1", False),
    ],
)
def test_spark_orders_by_no_expression_over_a_name_with_two_meanings(
    dialect: str, sql: str, is_refused: bool
):
    entry = engine_dialect("spark").translation(dialect).entries["Ordered"][0]
    assert entry.status is Status.KNOWN_WRONG
    assert entry.when is not None
    assert entry.when(next(parse_one(sql, dialect=dialect).find_all(exp.Ordered))) is is_refused


@pytest.mark.parametrize("dialect", ["postgres", "mysql", "duckdb"])
@pytest.mark.parametrize(
    ("sql", "is_refused"),
    [
        ("SELECT id IN (SELECT k FROM u) AS v FROM t", True),
        ("SELECT id NOT IN (SELECT k FROM u) AS v FROM t", True),
        ("SELECT id FROM t WHERE (id IN (SELECT k FROM u)) IS NULL", True),
        ("SELECT id FROM t WHERE NOT (id IN (SELECT k FROM u) OR id > 2)", True),
        ("SELECT id FROM t WHERE id IN (SELECT k FROM u) OR NOT id IN (SELECT k FROM u)", True),
        ("SELECT CASE id IN (SELECT k FROM u) WHEN FALSE THEN 1 END AS v FROM t", True),
        ("SELECT CASE WHEN id > 1 THEN id IN (SELECT k FROM u) END AS v FROM t", True),
        ("SELECT id FROM t WHERE id > 9 OR (id IN (SELECT k FROM u)) OR NOT id IN (SELECT k FROM w)", True),
        ("SELECT id FROM t WHERE id IN (SELECT k FROM u) OR (j > 2 AND (NOT j IN (SELECT k FROM u)))", False),
        ("SELECT id FROM t WHERE (id IN (SELECT k FROM u) AND NOT id IN (SELECT k FROM w)) OR j > 2", False),
        ("SELECT CASE WHEN id NOT IN (SELECT k FROM u) THEN 1 END AS v FROM t", False),
        ("SELECT id FROM t GROUP BY id HAVING id IN (SELECT k FROM u)", False),
        ("SELECT t.id FROM t JOIN w ON t.id = w.id AND t.id IN (SELECT k FROM u)", False),
        ("SELECT id IN (1, 2) AS v FROM t", False),
    ],
)
def test_spark_tells_no_null_of_a_query_without_the_value(dialect: str, sql: str, is_refused: bool):
    entry = engine_dialect("spark").translation(dialect).entries["In"][0]
    assert entry.status is Status.KNOWN_WRONG
    assert entry.when is not None
    assert entry.when(next(parse_one(sql, dialect=dialect).find_all(exp.In))) is is_refused
