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
