"""The text of a model over copies: how relations are named, and what no copy can answer."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dvt.core.errors import PlaceImpossible
from dvt.federation.plan.copied_names import keep_output_names
from dvt.federation.plan.copies import write_copies
from dvt.federation.plan.questions_to_tables import refuse_questions_to_tables
from dvt.federation.plan.source_queries import extract
from tests.unit.federation.plan.examples import copy_state_after


@pytest.mark.parametrize(
    ("sql", "before", "after"),
    [
        ("TABLE {orders}", "TABLE ", ""),
        ("SELECT id FROM {orders}* WHERE id > 1", "SELECT id FROM ", ' AS "orders" WHERE id > 1'),
        ("SELECT id FROM {orders} * AS o", "SELECT id FROM ", " * AS o"),
        ("SELECT id FROM {orders}", "SELECT id FROM ", ' AS "orders"'),
    ],
)
def test_a_copy_has_an_alias_where_one_may_follow(sql: str, before: str, after: str) -> None:
    text = copy_state_after(write_copies, sql, target="postgres", dialect="postgres").sql
    assert isinstance(text, tuple)
    first, _, *rest = text
    assert (first, "".join(map(str, rest))) == (before, after)


@pytest.mark.parametrize(
    ("dialect", "sql", "asked"),
    [
        ("mysql", "SELECT id FROM {orders} WHERE total = DEFAULT(total)", "default()"),
        ("mysql", "SELECT id FROM {orders} FOR SYSTEM_TIME ALL", "for system_time"),
        ("mysql", "SELECT c.id FROM {this} JOIN {customers} c ON MATCH(c.name) AGAINST ('a')", "match()"),
        ("mysql", "SELECT id FROM {this} JOIN {orders} AS o FORCE INDEX (x) USING (id)", "force index"),
        ("mysql", "SELECT id FROM {orders} PARTITION (p0)", "partition"),
        ("postgres", "SELECT tableoid::regclass AS t FROM {orders}", "tableoid"),
        ("postgres", "SELECT o.ctid FROM {orders} AS o", "ctid"),
    ],
)
def test_what_a_table_alone_can_tell_is_not_asked_of_a_copy(dialect: str, sql: str, asked: str) -> None:
    with pytest.raises(PlaceImpossible, match=re.escape(f"{asked} tells of a table itself")):
        copy_state_after(refuse_questions_to_tables, sql, target=dialect, dialect=dialect)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("mysql", "SELECT `default`, 'DEFAULT(x)' AS t FROM {orders} AS o"),
        ("mysql", "SELECT id AS system_time, 1 AS `for` FROM {orders}"),
        ("mysql", "SELECT DEFAULT(id) AS d FROM {this}"),
        ("mysql", "SELECT changed FROM {this} WHERE MATCH(id) AGAINST (1)"),
        ("mysql", "SELECT t.changed FROM {this} t USE INDEX (x) JOIN {customers} ON t.id = 1"),
        ("mysql", "SELECT t.changed FROM {this} FOR SYSTEM_TIME ALL AS t, {customers} AS c"),
        ("mysql", "SELECT sum(id) OVER (PARTITION BY name) AS s FROM {customers}"),
        ("postgres", "SELECT 'ctid' AS t FROM {orders}"),
    ],
)
def test_what_only_looks_like_it_is_copied(dialect: str, sql: str) -> None:
    assert copy_state_after(refuse_questions_to_tables, sql, target=dialect, dialect=dialect)


@pytest.mark.parametrize("source", ["duckdb", "mysql"])
def test_a_copy_that_functions_would_misread_is_not_made(source: str) -> None:
    state = copy_state_after(extract, "SELECT id FROM {orders}")
    state.context = replace(state.context, dialects={**state.context.dialects, "crm": source})
    (query,) = state.queries
    columns = (
        replace(read, column=replace(read.column, is_misread=True, native="point")) for read in query.columns
    )
    state.queries = (replace(query, columns=tuple(columns)),)
    if source == "mysql":  # the target never had the type
        write_copies(state)
        return
    with pytest.raises(PlaceImpossible, match=re.escape("column id (point)")):
        write_copies(state)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT q.* FROM (SELECT (SELECT max(total) FROM {orders}), 1 AS x) AS q",
        "WITH q AS (SELECT (SELECT max(total) FROM {orders}), 1 AS x UNION ALL SELECT 2, 3) SELECT * FROM q",
    ],
)
def test_no_name_of_an_inner_output_has_the_name_of_a_copy_in_it(sql: str) -> None:
    text = copy_state_after(write_copies, sql, target="mysql", dialect="mysql").sql
    written = "".join(map(str, text))
    assert " AS `(SELECT max(total) FROM ``crm``.``main``.``orders``)`, 1 AS x" in written
    with pytest.raises(PlaceImpossible, match="an inner query, would have a copy's name") as error:
        copy_state_after(keep_output_names, sql, target="duckdb", dialect="duckdb")
    assert error.value.hint == "give that column an alias"
    copy_state_after(
        keep_output_names, sql.replace("), 1 AS", ") AS m, 1 AS"), target="duckdb", dialect="duckdb"
    )
