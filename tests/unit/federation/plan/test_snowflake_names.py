"""Outputs on Snowflake are named as Snowflake names them."""

from __future__ import annotations

import pytest

from tests.acceptance.oracle import Oracle

NAMED = {
    "SELECT id, note AS Word, max(total) FROM {orders} GROUP BY 1, 2": ["ID", "WORD", "MAX(TOTAL)"],
    "SELECT id + 1, 'a', CASE WHEN id = 1 THEN 2 END AS c FROM {orders}": ["ID + 1", "'A'", "C"],
    'SELECT id AS "Kept", 1 AS "select", 2 AS "a.b" FROM {orders}': ["Kept", "select", "a.b"],
    "WITH q AS (SELECT id AS x FROM {orders}) SELECT x, x AS y FROM q": ["X", "Y"],
    'SELECT o.*, 1 AS more, 2 AS "less" FROM {odd} o': ["Foo", "weird name", "CamelCase", "MORE", "less"],
}  # fmt: skip


@pytest.mark.parametrize("dialect", ["snowflake", "postgres", "duckdb"])
@pytest.mark.parametrize("sql", NAMED)
def test_outputs_are_in_upper_case_unless_they_are_quoted(shop: Oracle, sql: str, dialect: str) -> None:
    shop.dialects = {"target": "snowflake"}
    plan = shop.plan(sql, dialect=dialect)
    assert [column.name for column in plan.transform.columns] == NAMED[sql]
