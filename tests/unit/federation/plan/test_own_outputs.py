"""Types, names and errors of what only a model's own database has."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dvt.core.errors import TranslationWrong
from dvt.federation.plan.outputs import bind_transform
from dvt.federation.plan.own_types import keep_own_types
from tests.acceptance.oracle import Oracle
from tests.unit.federation.plan.examples import state_after


@pytest.mark.parametrize(("dialect", "type_"), [("postgres", "VARCHAR"), ("duckdb", "INTEGER")])
def test_a_null_without_a_type_has_the_type_of_its_dialect(shop: Oracle, dialect: str, type_: str) -> None:
    plan = shop.plan("SELECT NULL AS v, id FROM {orders}", dialect=dialect)
    assert [str(column.type) for column in plan.transform.columns] == [type_, "INTEGER"]
    both = shop.plan("SELECT NULL AS v FROM {orders} UNION ALL SELECT id FROM {orders}", dialect=dialect)
    assert [str(column.type) for column in both.transform.columns] == ["INTEGER"]


def test_an_alias_of_columns_by_a_pattern_is_the_engines(shop: Oracle) -> None:
    for pattern, names in (("^(id|to).*", ["x_id", "x_to"]), ("^(id)$", ["x_id"])):
        plan = shop.plan(f"SELECT COLUMNS('{pattern}') AS 'x_\\1' FROM {{orders}}")
        assert [column.name for column in plan.load.columns] == names


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT id,\n trim(both from note, 'xyz') AS t FROM {orders}", "cannot be read: .*, line 2"),
        ("SELECT regexp_matches(note, '[', 'g') AS v FROM {orders}", "."),
    ],
)
def test_sql_that_only_its_database_reads_is_not_called_invalid(shop: Oracle, sql: str, why: str) -> None:
    with pytest.raises(TranslationWrong, match="postgres") as caught:
        shop.plan(sql, dialect="postgres")
    assert "not valid" not in caught.value.message
    assert re.search(why, f"{caught.value.message}, line {caught.value.sql_line}")


def test_an_output_whose_own_type_the_engine_loses_is_named() -> None:
    sql = "SELECT q.id AS place, total FROM (SELECT * FROM {orders}) AS q"
    state = state_after(bind_transform, sql, target="mysql", dialect="mysql")
    state.context = replace(state.context, dialects={**state.context.dialects, "crm": "mysql"})
    (scan,) = state.scans
    point = replace(scan.columns["id"], native="point", is_misread=True, loses="its SRID")
    scan.columns = {**scan.columns, "id": point}
    keep_own_types(state)
    (lost,) = [notice for notice in state.notices if notice.output]
    assert lost.output == "place"
    assert "(point as INTEGER): its SRID" in lost.message
