"""Unnamed columns of inner queries have the names that the model's own database gives them."""

from __future__ import annotations

import pytest
from sqlglot.dialects import Postgres

from dvt.federation.plan.projections import projections
from tests.acceptance.oracle import Oracle


def names(shop: Oracle, dialect: str, sql: str) -> list[str]:
    shop.dialects = {"target": dialect}
    return [column.name for column in shop.plan(sql, dialect=dialect).load.columns]


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        (
            "postgres",
            "SELECT * FROM (SELECT abs(id), total + 1, note FROM {orders}) AS q",
            ["abs", "?column?", "note"],
        ),
        ("postgres", "SELECT abs + 1 AS more FROM (SELECT abs(id) FROM {orders}) AS q", ["more"]),
        (
            "postgres",
            "WITH q AS (SELECT DISTINCT id::bigint, count(*) FROM {orders} GROUP BY 1) SELECT * FROM q",
            ["id", "count"],
        ),
        ("postgres", "SELECT * FROM (SELECT max(id), min(id) AS max FROM {orders}) AS q (a, b)", ["a", "b"]),
        ("postgres", "(SELECT abs(id) FROM {orders}) UNION ALL (SELECT 1)", ["abs"]),
        ("postgres", "SELECT * FROM {orders} AS o, (SELECT max(id) FROM {customers}) AS c", [..., "max"]),
        ("postgres", "SELECT DISTINCT ON (id) abs(id) FROM {orders} ORDER BY id", ["abs"]),
        (
            "postgres",
            "SELECT q.* FROM {orders} AS o, (VALUES (1, 'a'), (2, 'b')) AS q",
            ["column1", "column2"],
        ),
        ("postgres", "SELECT column1 AS more FROM {orders}, (VALUES (1)) AS q", ["more"]),
        ("postgres", "WITH q AS (VALUES (1)) SELECT q.* FROM q, {orders}", ["column1"]),
        ("postgres", "SELECT q.* FROM {orders}, (VALUES (1)) AS q (x)", ["x"]),
        ("postgres", "SELECT * FROM (SELECT 'foo'\n'bar' FROM {orders}) AS q", ["?column?"]),
        ("mysql", "SELECT * FROM (SELECT Abs( id ), id+1 FROM {orders}) AS q", ["Abs( id )", "id+1"]),
        ("mysql", "SELECT `id+1` AS more FROM (SELECT id+1 FROM {orders}) AS q", ["more"]),
        ("mysql", "SELECT DISTINCT id+1 FROM {orders}", ["id+1"]),
    ],
)
def test_columns_of_inner_queries_are_named_by_the_models_database(
    shop: Oracle, dialect: str, sql: str, expected: list[str]
) -> None:
    named = names(shop, dialect, sql)
    assert named[-1:] == expected[1:] if expected[0] is ... else named == expected


@pytest.mark.parametrize(
    ("projections", "expected"),
    [
        ("note ^@ 'a', (note ^@ 'b')::text, (||/ id)::int", ["?column?", "text", "int4"]),
        ("|/ id, sqrt(id), cbrt(id)::int", ["?column?", "sqrt", "cbrt"]),
        ("mod(id, 2)::text, starts_with(note, 'a')::text", ["mod", "starts_with"]),
        ("CASE id WHEN 1 THEN 2 ELSE power(id, 2) END, id ^ 2", ["power", "?column?"]),
        ("CASE id WHEN 1 THEN 1 ELSE id ^ 2 END, id % 2", ["case", "?column?"]),
        ("CASE id WHEN 1 THEN 1 ELSE char_length(note) END", ["char_length"]),
        ("(SELECT mod(max(id), 2) FROM {orders})", ["mod"]),
    ],
)
def test_a_call_names_its_output_and_an_operator_does_not(
    shop: Oracle, projections: str, expected: list[str]
) -> None:
    sql = f"SELECT {projections} FROM {{orders}}"
    assert names(shop, "postgres", sql) == expected
    assert names(shop, "postgres", f"SELECT * FROM ({sql}) AS q") == expected


def test_a_comparison_is_no_end_of_the_projections(shop: Oracle) -> None:
    sql = "SELECT id IS DISTINCT FROM customer_id, abs(id) FROM {orders}"
    assert names(shop, "postgres", sql) == ["?column?", "abs"]


def test_a_query_that_is_a_value_needs_no_name(shop: Oracle) -> None:
    sql = "SELECT id FROM {orders} WHERE id IN (SELECT max(id) FROM {customers})"
    plan = shop.plan(sql, dialect="postgres")
    assert 'AS "max"' not in str(plan.transform.sql)


def test_the_engines_own_dialect_names_by_itself(shop: Oracle) -> None:
    sql = "SELECT * FROM (SELECT abs(id) FROM {orders}) AS q"
    assert names(shop, "duckdb", sql) == ["abs(id)"]


def test_projections_of_every_select_are_found() -> None:
    text = "WITH a AS (SELECT 1, f(2, 3)) SELECT x, (SELECT max(y) FROM b) FROM a, (SELECT 4) AS c"
    found = [
        (
            select.depth,
            select.is_table,
            [" ".join(token.text for token in tokens) for tokens in select.written],
        )
        for select in projections(Postgres().tokenize(text))
    ]
    assert found == [
        (1, True, ["1", "f ( 2 , 3 )"]),
        (0, False, ["x", "( SELECT max ( y ) FROM b )"]),
        (1, False, ["max ( y )"]),
        (1, True, ["4"]),
    ]
