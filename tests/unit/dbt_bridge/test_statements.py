"""Which statements of a node's Jinja may have changed a table."""

from __future__ import annotations

import pytest

from dvt.dbt_bridge.jinja.statements import may_change


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("select max(id) from t", "postgres"),
        ("-- a comment\nwith a as (select 1) select * from a union all select 2;", "mysql"),
        ("from t", "duckdb"),
        ("describe t", "duckdb"),
        ("show columns from t", "mysql"),
        ("", "postgres"),
    ],
)
def test_queries_change_nothing(sql: str, dialect: str) -> None:
    assert not may_change(sql, dialect)


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("insert into t values (1)", "duckdb"),
        ("select 1; delete from t", "postgres"),
        ("with gone as (delete from t returning id) select * from gone", "postgres"),
        ("select * into t from s", "postgres"),
        ("create or replace table t as select 1", "duckdb"),
        ("truncate t", "mysql"),
        ("call refresh_all()", "mysql"),
        ("refresh materialized view v", "postgres"),
        ("what is this (", "postgres"),
    ],
)
def test_other_statements_may_change_any_table(sql: str, dialect: str) -> None:
    assert may_change(sql, dialect)
