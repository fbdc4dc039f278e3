"""A model's SQL → the queries to its sources: which conditions are pushed, and why others are not."""

from __future__ import annotations

import time

import pytest

from dvt.core.requests import Pushdown
from dvt.federation.plan.dialects import Language
from tests.acceptance.oracle import Oracle

PUSHED = {
    "SELECT id FROM {orders} WHERE total > 1": ['"total" > 1'],
    "SELECT id FROM {orders} WHERE 1 < total": ['1 < "total"'],
    "SELECT id FROM {orders} WHERE total >= -1.50": ['"total" >= -1.50'],
    "SELECT id FROM {orders} WHERE customer_id IN (1, 2) AND id <> 3": [
        '"customer_id" IN (1, 2)',
        '"id" <> 3',
    ],
    "SELECT id FROM {orders} WHERE customer_id NOT IN (1, 2)": ['NOT ("customer_id" IN (1, 2))'],
    "SELECT id FROM {orders} WHERE customer_id NOT IN (1, NULL)": [],
    "SELECT id FROM {orders} WHERE total BETWEEN 1 AND 2": ['"total" BETWEEN 1 AND 2'],
    "SELECT id FROM {orders} WHERE total IS NOT NULL": ['NOT ("total" IS NULL)'],
    "SELECT id FROM {orders} WHERE ordered >= '2024-01-01'": ["\"ordered\" >= CAST('2024-01-01' AS DATE)"],
    "SELECT id FROM {orders} WHERE ordered < DATE '2024-01-31' + INTERVAL 1 MONTH": [
        "\"ordered\" < CAST('2024-02-29' AS DATE)"
    ],
    "SELECT id FROM {orders} WHERE ordered < TIMESTAMP '2024-01-31 12:00:00'": [],
    "SELECT id FROM {orders} WHERE changed >= DATE '2024-01-01'": [
        "\"changed\" >= CAST('2024-01-01 00:00:00' AS TIMESTAMP)"
    ],
    "SELECT id FROM {orders} WHERE changed > now() - INTERVAL 1 DAY": [
        "\"changed\" > CAST('2026-02-28 12:30:15.25' AS TIMESTAMP)"
    ],
    "SELECT id FROM {orders} WHERE total = 1 OR customer_id = 2": ['"total" = 1 OR "customer_id" = 2'],
    "SELECT id FROM {orders} WHERE NOT (total = 1 AND id = 2)": [],
    "SELECT id FROM {orders} WHERE total + 1 > 2": [],
    "SELECT id FROM {orders} WHERE total > 1e0": [],
    "SELECT id FROM {orders} WHERE total > '1'": ['"total" > 1.00'],
    "SELECT id FROM {orders} WHERE score > 1": [],
    "SELECT id FROM {orders} WHERE note LIKE 'a%'": [],
    "SELECT id FROM {orders} WHERE random() < 0.5": [],
    "SELECT id FROM {orders} WHERE total = 1 / 0": [],
    "SELECT * FROM (SELECT id, total AS t FROM {orders}) q WHERE t > 1": ['"total" > 1'],
    "SELECT * FROM (SELECT id, total AS t FROM {orders} LIMIT 5) q WHERE t > 1": [],
    "SELECT * FROM (SELECT id, random() AS r FROM {orders}) q WHERE id > 1": [],
    "SELECT * FROM (SELECT id, sum(total) AS t FROM {orders} GROUP BY id) q WHERE id > 1 AND t > 1": [
        '"id" > 1'
    ],
    "SELECT * FROM (SELECT id, rank() OVER (PARTITION BY customer_id) AS r, customer_id FROM {orders}) q "
    "WHERE id > 1 AND customer_id = 2": ['"customer_id" = 2'],
    "SELECT id FROM (SELECT id, total FROM {orders} UNION SELECT id, 0 FROM {customers}) WHERE total > 1": [
        '"total" > 1'
    ],
    "WITH q AS (SELECT * FROM {orders}) SELECT a.id FROM q a, q b WHERE a.id > 1 AND b.id < 9": [
        '"id" > 1 OR "id" < 9'
    ],
    "WITH q AS (SELECT * FROM {orders}) SELECT a.id FROM q a, q b WHERE a.id > 1": [],
    "SELECT a.id FROM {orders} a, {orders} b WHERE a.id > 1 AND b.id < 9": ['(("id" > 1)) OR (("id" < 9))'],
    "SELECT a.id FROM {orders} a, {orders} b WHERE a.id > 1 AND b.id > 1": ['"id" > 1'],
    "SELECT a.id FROM {orders} a, {orders} b WHERE a.id > 1": [],
    "SELECT o.id FROM {customers} c LEFT JOIN {orders} o ON o.id = c.id AND o.total > 1": ['"total" > 1'],
    "SELECT o.id FROM {orders} o LEFT JOIN {customers} c ON o.id = c.id AND o.total > 1": [],
    "SELECT o.id FROM {customers} c LEFT JOIN {orders} o ON o.id = c.id WHERE o.total > 1": ['"total" > 1'],
    "SELECT o.id FROM {customers} c LEFT JOIN {orders} o ON o.id = c.id WHERE o.total IS NULL": [],
    "SELECT o.id FROM {customers} c FULL JOIN {orders} o ON o.id = c.id AND o.total > 1": [],
    "SELECT c.id FROM {customers} c WHERE EXISTS (SELECT * FROM {orders} o WHERE o.id = c.id AND o.id > 1)": [
        '"id" > 1'
    ],
    "SELECT o.id FROM {orders} o, {customers} c WHERE (o.id = 1 AND c.id = 2) OR (o.id = 3 AND c.id = 4)": [
        '"id" = 1 OR "id" = 3'
    ],
    "SELECT id FROM {orders} TABLESAMPLE 10% WHERE id > 1": [],
}


@pytest.mark.parametrize("sql", PUSHED)
def test_only_conditions_that_mean_the_same_there_are_pushed(shop: Oracle, sql: str) -> None:
    plan = shop.plan(sql)
    orders = next(query for query in plan.queries if query.connection == "pg")
    assert list(orders.where) == PUSHED[sql]


@pytest.mark.parametrize(
    ("sql", "predicate", "why"),
    [
        ("SELECT id FROM {orders} WHERE note LIKE 'a%'", "note LIKE 'a%'", "only =, <>"),
        ("SELECT id FROM {orders} WHERE score > 1", "score > 1", "score (double) may compare differently"),
        ("SELECT id FROM {orders} WHERE total = 1e0", "total = 1e0", "it compares with a DOUBLE"),
        ("SELECT id FROM {orders} WHERE total = NULL", "total = NULL", "it compares with NULL"),
        ("SELECT id FROM {orders} WHERE id = (SELECT 1)", "id = (SELECT 1)", "it contains a subquery"),
        (
            "SELECT o.id FROM {orders} o FULL JOIN {customers} c ON o.id = c.id WHERE o.total IS NULL",
            "o.total IS NULL",
            "an outer join may supply NULLs for this table after it",
        ),
        (
            "SELECT o.id FROM {orders} o LEFT JOIN {customers} c ON o.id = c.id AND o.id > 1",
            "o.id > 1",
            "an outer join keeps rows that do not meet it",
        ),
        (
            "SELECT o.id FROM {orders} o, {customers} c WHERE o.ordered < c.since",
            "o.ordered < c.since",
            "it compares columns of several tables",
        ),
        (
            "SELECT a.id FROM {orders} a, {orders} b WHERE a.id > 1",
            "a.id > 1",
            "the same table is read without it elsewhere",
        ),
        (
            "SELECT o.id FROM {orders} o POSITIONAL JOIN {customers} c WHERE o.id > 1",
            "o.id > 1",
            "a POSITIONAL JOIN chooses its rows in another way",
        ),
    ],
)
def test_a_condition_that_is_not_pushed_says_why(shop: Oracle, sql: str, predicate: str, why: str) -> None:
    orders = next(query for query in shop.plan(sql).queries if query.connection == "pg")
    assert [
        (condition.sql, condition.why)
        for condition in orders.not_pushed
        if condition.sql == predicate and condition.why.startswith(why)
    ]


def test_pushdown_off_reads_the_needed_columns_whole(shop: Oracle) -> None:
    plan = shop.plan("SELECT id FROM {orders} WHERE total > 1", pushdown=Pushdown.OFF)
    (query,) = plan.queries
    assert query.shown == 'SELECT "id" AS "id", "total" AS "total" FROM "main"."orders"'
    assert query.not_pushed[0].why == "pushdown is off"


@pytest.mark.parametrize("sql", list(PUSHED))
def test_the_transform_keeps_every_predicate(shop: Oracle, sql: str) -> None:
    on, off = shop.plan(sql), shop.plan(sql, pushdown=Pushdown.OFF)
    assert on.transform.shown == off.transform.shown


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT id FROM {orders}", ["id"]),
        ("SELECT count(*) AS n FROM {orders}", ["dvt_one"]),
        ("WITH o AS (SELECT * FROM {orders}) SELECT id FROM o WHERE paid", ["id", "paid"]),
        ("WITH o AS (SELECT id AS a, note AS b FROM {orders}) SELECT a FROM o", ["id"]),
        ("SELECT id FROM (SELECT DISTINCT id, note FROM {orders})", ["id", "note"]),
        ("SELECT 1 AS x WHERE EXISTS (SELECT * FROM {orders} WHERE id = 1)", ["id"]),
        (
            "SELECT c.id FROM {customers} c WHERE (SELECT max(id) FROM {orders} WHERE name = note) > 1",
            ["id", "note"],
        ),
        ("SELECT id FROM {orders} UNION SELECT id FROM {orders} WHERE paid", ["id", "paid"]),
        ("SELECT id FROM {customers} JOIN {orders} USING (id)", ["id"]),
    ],
)
def test_only_the_needed_columns_are_read(shop: Oracle, sql: str, columns: list[str]) -> None:
    orders = next(query for query in shop.plan(sql).queries if query.connection == "pg")
    assert [column.name for column in orders.columns] == columns


def test_names_are_quoted_as_the_source_quotes_them(shop: Oracle) -> None:
    shop.dialects = {"here": "mysql"}
    (query,) = shop.plan('SELECT "weird name", CamelCase FROM {odd} WHERE "Foo" = 1').queries
    assert query.shown == (
        "SELECT `Foo` AS `foo`, `weird name` AS `c_weird_name`, `CamelCase` AS `camelcase` FROM `main`.`odd` "
        "WHERE (`Foo` = 1)"
    )


def test_dates_are_rendered_only_for_dialects_whose_literals_are_known(shop: Oracle) -> None:
    sql = "SELECT id FROM {orders} WHERE changed > TIMESTAMP '2024-01-01 00:00:00.5' AND id > 1"
    shop.dialects = {"pg": "mysql"}
    assert shop.plan(sql).queries[0].where == (
        "`changed` > CAST('2024-01-01 00:00:00.5' AS DATETIME(6))",
        "`id` > 1",
    )
    shop.dialects = {"pg": "sqlite"}
    assert shop.plan(sql).queries[0].where == ('"id" > 1',)


def test_is_null_is_not_pushed_where_other_values_become_null(shop: Oracle) -> None:
    sql = "SELECT id FROM {orders} WHERE ordered IS NULL AND total IS NULL"
    assert shop.plan(sql).queries[0].where == ('"ordered" IS NULL', '"total" IS NULL')
    shop.nulls_inexact = {"ordered"}
    assert shop.plan(sql).queries[0].where == ('"total" IS NULL',)


def test_a_condition_that_reads_back_differently_is_not_pushed(
    shop: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.dialects = {"pg": "mysql"}
    monkeypatch.setattr(
        "dvt.federation.plan.safe.language", lambda _dialect: Language(literal_types={"DATE": "TIMESTAMP"})
    )
    (orders,) = shop.plan("SELECT id FROM {orders} WHERE ordered > DATE '2024-01-01' AND id > 1").queries
    assert orders.where == ("`id` > 1",)
    assert "reads back differently" in orders.not_pushed[0].why


@pytest.mark.parametrize("literal", ["{0}", "'{0}'"])
def test_a_long_list_of_constants_is_planned_quickly(shop: Oracle, literal: str) -> None:
    listed = ", ".join(literal.format(number) for number in range(1_000))
    column = "note" if "'" in literal else "id"
    started = time.process_time()
    (orders,) = shop.plan(f"SELECT id FROM {{orders}} WHERE {column} IN ({listed})").queries
    assert orders.where[0].count(",") == 999
    assert time.process_time() - started < 3
