"""What is proven of MySQL's dialect depends on the classes that only it has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlglot import exp

from dvt.core.errors import TranslationWrong
from dvt.core.requests import TextComparison
from dvt.core.tables import Column
from dvt.core.types import StageType
from dvt.federation.plan import parse_model, unproven
from dvt.federation.plan.proven.classes import ValueType, dialect_classes
from tests.acceptance.oracle import Oracle

_CI = "utf8mb4_general_ci"


@pytest.fixture
def maria(shop: Oracle) -> Oracle:
    shop.dialects = dict.fromkeys(("pg", "maria", "target", "here"), "mysql")
    return shop


def _unproven(shop: Oracle, sql: str, **options: object) -> list[str]:
    parsed = parse_model(shop.request(sql, dialect="mysql", **options))
    tables = {key: shop.table(read.table.identifier) for key, read in parsed.inputs.items()}
    return [part.construct for part in unproven(parsed, tables, shop.context())]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id + 1 AS n, id * customer_id AS m, total / id AS q FROM {orders}",
        "SELECT round(100 * sum(total) / count(*), 2) AS share FROM {orders} GROUP BY customer_id",
        "SELECT 100 * total / id * customer_id AS share, total / id * 2 AS twice FROM {orders}",
        "SELECT (id > 1) + (total > 2) AS points FROM {orders} WHERE id AND total",
        "SELECT concat(note, ': ', id) AS label, if(id > 1, 'many', 'few') AS word FROM {orders}",
        "SELECT ordered + interval 1 day AS a, date_format(ordered, '%Y-%m') AS month FROM {orders}",
        "SELECT note FROM {orders} WHERE note LIKE 'a%' OR note = 'x'",
        "SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY id) AS r FROM {orders}",
    ],
)
def test_everyday_sql_is_proven(maria: Oracle, sql: str) -> None:
    assert _unproven(maria, sql) == []


@pytest.mark.parametrize(
    ("sql", "construct"),
    [
        ("SELECT note || id AS n FROM {orders}", "note OR id"),
        ("SELECT id FROM {orders} WHERE note", "note"),
        ("SELECT note = 1 AS n FROM {orders}", "note = 1"),
        ("SELECT week(ordered) AS w FROM {orders}", "WEEK(ordered)"),
        ("SELECT id & 1 AS n FROM {orders}", "id & 1"),
        ("SELECT customer_id, id FROM {orders} GROUP BY customer_id WITH ROLLUP", "GROUP BY"),
        ("SELECT q.m * 3 AS n FROM (SELECT total / id AS m FROM {orders}) AS q", "q.m * 3"),
        ("SELECT concat(id) = 'a' AS n FROM {orders}", "CONCAT(id) = 'a'"),
        ("SELECT crc32(note) AS n FROM {orders}", "CRC32(note)"),
        ("SELECT q.id FROM (SELECT id FROM {orders} ORDER BY id OFFSET 2 ROWS) AS q", "OFFSET without LIMIT"),
        ("SELECT ordered + interval '1:30' minute_second AS n FROM {orders}", "ordered + INTERVAL"),
    ],
)
def test_what_differs_or_was_not_tried_is_not_proven(maria: Oracle, sql: str, construct: str) -> None:
    findings = _unproven(maria, sql)
    assert any(construct in finding for finding in findings), findings
    with pytest.raises(TranslationWrong):
        maria.plan(sql, dialect="mysql")


def test_text_of_a_collation_is_proven_where_the_model_says_how_to_compare_it(maria: Oracle) -> None:
    maria.collations = {"note": _CI}
    sql = "SELECT id FROM {orders} WHERE note = 'x'"
    assert _unproven(maria, sql) == ["note = 'x'"]
    assert _unproven(maria, "SELECT note FROM {orders} GROUP BY note") != []
    assert _unproven(maria, "SELECT DISTINCT note FROM {orders}") != []
    assert _unproven(maria, "SELECT id, note FROM {orders} WHERE id = 1") == []
    for comparing in (TextComparison.SOURCE, TextComparison.ENGINE):
        assert _unproven(maria, sql, comparing=comparing) == []


def test_text_of_another_database_has_the_collation_of_its_copy(maria: Oracle) -> None:
    maria.dialects["pg"] = "postgres"
    assert _unproven(maria, "SELECT upper(note) AS n FROM {orders}") == []
    assert _unproven(maria, "SELECT id FROM {orders} WHERE note = 'x'") == ["note = 'x'"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT note, count(*) AS n FROM {orders} GROUP BY note",
        "SELECT concat(note) AS t, count(*) AS n FROM {orders} GROUP BY t",
        "SELECT if(id > 1, 'Big', 'big') AS t, count(*) AS n FROM {orders} GROUP BY if(id > 1, 'Big', 'big')",
        "SELECT DISTINCT note FROM {orders}",
        "SELECT count(DISTINCT note) AS n FROM {orders}",
        "SELECT id, count(*) OVER (PARTITION BY note) AS n FROM {orders}",
        "SELECT note FROM {orders} UNION SELECT note FROM {orders}",
        "SELECT id FROM {orders} WHERE note IN (SELECT lower(note) FROM {orders})",
        "SELECT o.id FROM {orders} AS o JOIN {orders} AS p USING (note)",
        "SELECT o.id FROM {orders} AS o JOIN {orders} AS p ON o.note LIKE p.note",
        "SELECT max(note) AS m FROM {orders}",
        "SELECT id FROM {orders} ORDER BY note LIMIT 1",
    ],
)
def test_the_target_decides_which_texts_of_another_database_are_one(maria: Oracle, sql: str) -> None:
    maria.dialects["pg"] = "postgres"
    assert _unproven(maria, sql) != []


def test_numbers_of_another_database_are_joined_by_using(maria: Oracle) -> None:
    maria.dialects["pg"] = "postgres"
    sql = "SELECT o.total FROM {orders} AS o JOIN {orders} AS p USING (id)"
    assert _unproven(maria, sql) == []


@pytest.mark.parametrize(
    ("native", "stage", "class_"),
    [
        ("int(10) unsigned", "UINTEGER", "unsigned"),
        ("year(4)", "SMALLINT", "year"),
        ("year(2)", "SMALLINT", "short year"),
        ("bit(1)", "UTINYINT", "bit"),
        ("time(6)", "INTERVAL", "duration"),
        ("timestamp", "TIMESTAMP WITH TIME ZONE", "timestamptz"),
        ("enum('b','a')", "VARCHAR", "enum"),
        ("inet6", "VARCHAR", "inet"),
        ("int(11)", "INTEGER", "integer"),
    ],
)
def test_a_class_follows_from_the_columns_own_type(native: str, stage: str, class_: str) -> None:
    column = Column(name="x", native=native, stage=StageType.parse(stage))
    value_type = dialect_classes("mysql").of_column(column, collated=False, foreign=False)
    assert value_type is not None
    assert value_type.name == class_


@pytest.mark.parametrize("dialect", ["mysql", "postgres"])
def test_nothing_is_proven_of_a_type_that_is_staged_as_another(dialect: str) -> None:
    column = Column(name="x", native="odd", stage=StageType.parse("VARCHAR"), loses="it becomes text")
    assert dialect_classes(dialect).of_column(column, collated=False, foreign=False) is None
    assert dialect_classes(dialect).of_column(replace(column, loses=None), collated=False, foreign=False)


def test_checked_doubles_are_grouped_by(maria: Oracle) -> None:
    sql = "SELECT score * id * 2 + 1 AS a, count(*) AS n FROM {orders} GROUP BY score * id * 2"
    assert maria.plan(sql, dialect="mysql").transform.functions == ("dvt_my_in_range",)


@pytest.mark.parametrize(
    "condition",
    ["id = 1", "NOT id", "id AND total > 1", "id IN (1, 2)", "note IS NULL", "id BETWEEN 1 AND 2"],
)
def test_a_condition_is_a_number_where_it_is_a_value(shop: Oracle, condition: str) -> None:
    plan = shop.plan(f"SELECT {condition} AS x FROM {{orders}}", dialect="mysql")
    assert [str(column.type) for column in plan.transform.columns] == ["INTEGER"]
    assert shop.plan(f"SELECT id FROM {{orders}} WHERE {condition}", dialect="mysql")


@pytest.mark.parametrize("name", ["unsigned", "bigint", "text", "timestamptz", "integer[]", "decimal"])
def test_a_class_has_a_type_for_sqlglot(name: str) -> None:
    assert ValueType(name, 9, 2).sql_type().this != exp.DataType.Type.UNKNOWN
