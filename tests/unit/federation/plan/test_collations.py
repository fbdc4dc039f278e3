"""Text compared by collation: the warning about it, and `collation: source`."""

from __future__ import annotations

import duckdb
import pytest

from dvt.core.errors import ComparingUnsupported
from dvt.core.plan import FederationPlan
from dvt.core.requests import TextComparison, Translate
from tests.acceptance.oracle import Oracle

CI = "utf8mb4_general_ci"
ROWS = "('Ann', 'x', 'k', 1), ('ANN ', 'y', 'K', 2), ('Bob', 'x', 'k', 3)"


@pytest.fixture
def shop(database: duckdb.DuckDBPyConnection) -> Oracle:
    for table in ("people", "orders_of"):
        database.execute(
            f"CREATE OR REPLACE TABLE {table} (name VARCHAR, note VARCHAR, kind VARCHAR, id INTEGER)"
        )
        database.execute(f"INSERT INTO {table} VALUES {ROWS}")
    return Oracle(
        database, connections={"people": "crm"}, collations={"name": CI, "kind": "utf8mb4_czech_ci"}
    )


def notes(plan: FederationPlan) -> list[str]:
    return [notice.message for notice in plan.notices if notice.code == "DVT025"]


@pytest.mark.parametrize("dialect", ["duckdb", "mysql", "postgres"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM {people} WHERE name = 'ann'",
        "SELECT id FROM {people} WHERE name LIKE 'a%'",
        "SELECT id FROM {people} WHERE 'a' < name",
        "SELECT id FROM {people} WHERE concat(name, '!') IN ('a')",
        "SELECT name, count(*) AS n FROM {people} GROUP BY name",
        "SELECT name, count(*) AS n FROM {people} GROUP BY 1",
        "SELECT DISTINCT name FROM {people}",
        "SELECT name FROM {people} ORDER BY name",
        "SELECT max(name) AS m FROM {people}",
        "SELECT count(DISTINCT name) AS n FROM {people}",
        "SELECT name FROM {people} UNION SELECT note FROM {people}",
        "SELECT a.id FROM {people} a JOIN {people} b ON a.name = b.note",
        "SELECT a.id FROM {people} a JOIN {people} b USING (name)",
        "SELECT rank() OVER (PARTITION BY name ORDER BY id) AS r FROM {people}",
        "SELECT CASE name WHEN 'x' THEN 1 END AS c FROM {people}",
        "SELECT nullif(name, 'x') AS c FROM {people}",
        "WITH p AS (SELECT name AS n FROM {people}) SELECT id FROM {people} WHERE note IN (SELECT n FROM p)",
    ],
)
def test_a_compared_column_is_named_once(shop: Oracle, sql: str, dialect: str):
    options = {"dialect": dialect, "translate": Translate.BEST_EFFORT}
    (warning,) = notes(shop.plan(sql, **options))
    assert f"name of crm:main.people ({CI})" in warning
    assert "kind" not in warning
    assert notes(shop.plan(sql, comparing=TextComparison.ENGINE, **options)) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name, left(name, 1) AS u, length(name) AS l FROM {people} WHERE id = 1",
        "SELECT name FROM {people} WHERE note = 'x' ORDER BY id",
        "SELECT id, count(name) AS n FROM {people} WHERE name IS NOT NULL GROUP BY id",
        "SELECT name FROM {people} UNION ALL SELECT name FROM {people}",
    ],
)
def test_a_column_that_is_only_read_is_not_named(shop: Oracle, sql: str):
    assert notes(shop.plan(sql)) == []
    assert "dvt_utf8" not in shop.plan(sql, comparing=TextComparison.SOURCE).transform.shown.lower()


def rows(shop: Oracle, sql: str, dialect: str = "duckdb") -> list[tuple[object, ...]]:
    options = {"comparing": TextComparison.SOURCE, "translate": Translate.BEST_EFFORT}
    return sorted(shop.run(shop.plan(sql, dialect=dialect, **options))[1])


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "mysql"])
def test_text_is_compared_by_collation_in_every_dialect(shop: Oracle, dialect: str):
    assert rows(shop, "SELECT id FROM {people} WHERE name = 'ann'", dialect) == [(1,), (2,)]
    assert rows(shop, "SELECT name, count(*) AS n FROM {people} GROUP BY name", dialect) == [
        ("ANN ", 2),
        ("Bob", 1),
    ]
    using = "SELECT a.id AS i, b.id AS j, name FROM {people} a JOIN {people} b USING (name) WHERE a.id < b.id"
    assert rows(shop, using, dialect) == [(1, 2, "Ann")]


def test_comparing_by_collation_keeps_the_names_of_outputs(shop: Oracle):
    for sql in (
        "SELECT DISTINCT name, upper(name) FROM {people}",
        "SELECT name, count(*) FROM {people} GROUP BY name",
        "SELECT name = 'ann', max(name) FROM {people} GROUP BY name",
        "SELECT * FROM (SELECT name, id FROM {people}) AS a UNION SELECT name, id FROM {people}",
    ):
        plain, folded = (
            shop.plan(sql, comparing=comparing).transform.columns
            for comparing in (TextComparison.ENGINE, TextComparison.SOURCE)
        )
        assert [column.name.lower() for column in folded] == [column.name.lower() for column in plain]


def test_a_text_that_compares_bytewise_follows_the_column_beside_it(shop: Oracle):
    assert rows(shop, "SELECT a.id FROM {people} a WHERE name = note OR note = 'X'") == []
    assert rows(shop, "SELECT id FROM {people} WHERE name = lower('ANN')") == [(1,), (2,)]


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT id FROM {people} WHERE kind = 'k'", "cannot copy utf8mb4_czech_ci"),
        ("SELECT id FROM {people} WHERE kind = name", "their collations differ"),
        ("SELECT kind FROM {people} UNION SELECT name FROM {people}", "their collations differ"),
        ("SELECT id FROM {people} WHERE contains(name, 'a')", "cannot be copied"),
        ("SELECT id FROM {people} WHERE name ILIKE 'a%'", "cannot be copied"),
        ("SELECT id FROM {people} WHERE name::VARCHAR = 'a'", "no column's collation comes through"),
        ("SELECT name, count(*) AS n FROM {people} GROUP BY ROLLUP (name)", "cannot be copied"),
        ("SELECT name, count(*) AS n FROM {people} GROUP BY name, ROLLUP (id)", "cannot be copied"),
        ("SELECT name, count(*) AS n FROM {people} GROUP BY ALL", "cannot be copied"),
        ("SELECT DISTINCT name FROM {people} ORDER BY id", "sorted by its outputs alone"),
        ("SELECT id FROM {people} NATURAL JOIN {orders_of}", "NATURAL"),
        ("SELECT list(DISTINCT name) AS l FROM {people}", "cannot be copied"),
        ("SELECT id FROM {people} WHERE name IN ('a', 1)", "other types"),
        ("SELECT name, count(*) AS n FROM {people} GROUP BY GROUPING SETS ((1), ())", "cannot be copied"),
    ],
)
def test_what_cannot_be_copied_names_column_collation_and_way_out(shop: Oracle, sql: str, problem: str):
    with pytest.raises(ComparingUnsupported) as caught:
        shop.plan(sql, comparing=TextComparison.SOURCE)
    assert problem in caught.value.message
    assert "of crm:main.people (utf8mb4_" in caught.value.message
    assert CI in caught.value.hint
    assert "collation='engine'" in caught.value.hint


def test_a_collate_clause_holds_over_the_columns_collation(shop: Oracle):
    sql = "SELECT id FROM {people} WHERE kind COLLATE utf8mb4_general_ci = 'K'"
    assert rows(shop, sql, "mysql") == [(1,), (2,), (3,)]
    assert rows(shop, sql.replace("general_ci", "bin"), "mysql") == [(2,)]


def test_comparing_by_collation_pushes_no_text_condition(shop: Oracle):
    plan = shop.plan("SELECT id FROM {people} WHERE name = 'ann' AND id > 1", comparing=TextComparison.SOURCE)
    assert [query.where for query in plan.queries] == [('"id" > 1',)]


def test_the_plan_names_the_functions_that_its_sql_calls(shop: Oracle):
    sql = "SELECT count(*) AS n FROM {people} WHERE name = 'ann' GROUP BY name"
    source = shop.plan(sql, comparing=TextComparison.SOURCE).transform
    assert source.functions == ("dvt_utf8mb4_general_ci",)
    assert shop.plan(sql, comparing=TextComparison.ENGINE).transform.functions == ()


def test_a_text_that_looks_like_a_function_brings_none(shop: Oracle):
    sql = "SELECT 'dvt_utf8mb4_general_ci(' AS a FROM {people}"
    assert shop.plan(sql, comparing=TextComparison.SOURCE).transform.functions == ()
