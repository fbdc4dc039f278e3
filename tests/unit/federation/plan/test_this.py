"""Scalars over `{{ this }}` alone: the target answers them first, and the other queries get literals."""

from __future__ import annotations

from typing import Any

import pytest
import sqlglot

from dvt.core.plan import FederationPlan
from dvt.core.queries import ValuePlace, rendered
from dvt.core.requests import Pushdown
from dvt.federation.plan.values import answer_place, with_places
from tests.acceptance.oracle import Oracle

_INCREMENTAL = "SELECT id, changed FROM {orders} WHERE changed > (SELECT max(changed) FROM {target_table})"


def _plan(shop: Oracle, sql: str, **config: Any) -> FederationPlan:
    """Return the plan, with `target_table` as the model's own table."""
    shop.this = "target_table"
    return shop.plan(sql, **config)


def _pushed(shop: Oracle, sql: str) -> tuple[str, ...]:
    shop.this = "target_table"
    return next(query for query in shop.sent_queries(shop.plan(sql)) if query.connection == "pg").where


def test_a_scalar_over_this_is_asked_of_the_target(shop: Oracle) -> None:
    plan = _plan(shop, _INCREMENTAL)
    (question,) = plan.scalar_queries
    assert question.connection == "target"
    assert question.shown == 'SELECT MAX("changed") AS "dvt_value" FROM "main"."target_table"'
    assert f"${question.alias}" in plan.transform.shown
    (orders,) = plan.queries
    assert orders.shown.endswith('WHERE ("changed" > $dvt_value_1)')
    assert [(need.name, need.answers, rendered(need.value)) for need in orders.needs] == [
        ("dvt_value_1", ("dvt_this_1",), "(CAST($dvt_this_1 AS TIMESTAMP))")
    ]
    assert list(plan.waves()) == [(question,), (orders,)]


def test_the_answer_is_pushed_as_a_literal(shop: Oracle) -> None:
    shop.db.execute(
        "INSERT INTO target_table (id, changed, total, note) VALUES (1, '2023-05-06 07:08:09.5', 1.00, 'a')"
    )
    assert _pushed(shop, _INCREMENTAL) == ("\"changed\" > CAST('2023-05-06 07:08:09.5' AS TIMESTAMP)",)
    assert shop.run(shop.plan(_INCREMENTAL))[1] == shop.single_engine_answer(_INCREMENTAL)[1]


def test_an_empty_table_answers_null(shop: Oracle) -> None:
    assert _pushed(shop, _INCREMENTAL) == ()
    assert shop.run(shop.plan(_INCREMENTAL))[1] == []


@pytest.mark.parametrize(
    ("scalar", "where"),
    [
        (
            "(SELECT coalesce(max(changed), TIMESTAMP '1900-01-01') FROM {target_table})",
            "1900-01-01 00:00:00",
        ),
        ("(SELECT coalesce(max(t.changed), '1900-01-01') FROM {target_table} AS t)", "1900-01-01 00:00:00"),
        ("(SELECT min(changed) FROM {target_table} WHERE id >= 2)", "2024-03-03 00:00:00"),
        ("(SELECT max(changed) - INTERVAL 1 DAY FROM {target_table} WHERE id = 2)", "2024-03-02 00:00:00"),
    ],
)
def test_expressions_and_exact_filters_are_evaluated_by_the_target(
    shop: Oracle, scalar: str, where: str
) -> None:
    shop.db.execute("INSERT INTO target_table (id, changed) VALUES (2, '2024-03-03'), (1, '2000-01-01')")
    sql = f"SELECT id FROM {{orders}} WHERE changed > {scalar}"
    if "1900" in where:
        shop.db.execute("DELETE FROM target_table")
    assert _pushed(shop, sql) == (f"\"changed\" > CAST('{where}' AS TIMESTAMP)",)


@pytest.mark.parametrize(
    "scalar", ["count(*)", "count(total)", "sum(id)", "sum(total)", "min(id)", "max(total) + 1"]
)
def test_other_aggregates_answer_like_one_engine(shop: Oracle, scalar: str) -> None:
    shop.this = "target_table"
    shop.db.execute("INSERT INTO target_table (id, total) VALUES (2, 1.25), (3, 2.00)")
    shop.check(f"SELECT id, (SELECT {scalar} FROM {{target_table}}) AS v FROM {{orders}}")


@pytest.mark.parametrize(
    "scalar",
    [
        "(SELECT max(note) FROM {target_table} WHERE note LIKE 'a%')",
        "(SELECT id FROM {target_table} LIMIT 1)",
        "(SELECT max(id) FROM {target_table} GROUP BY note LIMIT 1)",
        "(SELECT max(t.id) FROM {target_table} t WHERE t.id < orders.id)",
        "(SELECT count(DISTINCT id) FROM {target_table})",
        "(SELECT avg(total) FROM {target_table})",
        "(SELECT max(score) FROM {target_table})",
    ],
)
def test_other_reads_of_this_are_extractions(shop: Oracle, scalar: str) -> None:
    shop.db.execute("INSERT INTO target_table (id, changed, total, note) VALUES (2, NULL, 1.25, 'abc')")
    sql = f"SELECT id, {scalar} AS v FROM {{orders}}"
    plan = _plan(shop, sql)
    assert plan.scalar_queries == ()
    assert [query.this for query in plan.queries if query.connection == "target"] == [True]
    shop.check(sql)


def test_without_pushdown_nothing_is_asked_first(shop: Oracle) -> None:
    plan = _plan(shop, _INCREMENTAL, pushdown=Pushdown.OFF)
    assert plan.scalar_queries == ()
    assert {query.connection for query in plan.queries} == {"pg", "target"}


def test_a_join_with_this_is_an_extraction(shop: Oracle) -> None:
    plan = _plan(
        shop, "SELECT o.id FROM {orders} o LEFT JOIN {target_table} t ON o.id = t.id WHERE t.id IS NULL"
    )
    assert {query.connection: query.this for query in plan.queries} == {"pg": False, "target": True}


def test_texts_that_look_like_placeholders_stay_texts(shop: Oracle) -> None:
    shop.db.execute("INSERT INTO target_table (id, changed) VALUES (1, '2000-01-01')")
    texts = "'dvt_place0x $dvt_this_1 {0}' AS t, '%s' AS \"{1} dvt_place0x\""
    sql = f"SELECT id, {texts} FROM {{orders}} WHERE note <> 'dvt_place0x $dvt_value_1'"
    plain = sql.replace("{orders}", "orders")
    shop.this = "target_table"
    plan = shop.plan(f"{sql} AND changed > (SELECT max(changed) FROM {{target_table}})")
    assert len(plan.scalar_queries) == 1
    assert shop.run(plan)[1] == shop.db.execute(plain).fetchall() != []


def test_a_place_that_is_written_twice_is_there_twice() -> None:
    condition = sqlglot.parse_one("a > :dvt_this_1")
    sql = with_places(condition, lambda tree: f"{tree.sql()} OR {tree.sql()}", answer_place)
    place = ValuePlace("dvt_this_1")
    assert [piece for piece in sql if piece] == ["a > ", place, " OR a > ", place]
