"""Source queries: their SQL, with tables and values in the places of placeholders."""

from __future__ import annotations

import doctest
from dataclasses import replace

import pytest

from dvt.core import queries
from dvt.core.names import TableRef
from dvt.core.plan import FederationPlan, Load, Transform
from dvt.core.queries import Need, SourceQuery, TablePlace, ValuePlace, joined
from dvt.core.tables import Column

TABLES = tuple(TableRef(connection="crm", identifier=name) for name in ("{1}", "%s"))
QUERY = SourceQuery(
    alias="t",
    connection="crm",
    tables=TABLES,
    select=("a.x AS x", "'{0}' AS y"),
    source=(TablePlace(0), " AS a JOIN ", TablePlace(1), " AS b ON a.k = '{1}' OR a.k = {'f': 1}"),
    where=("a.x <> '{}'", "b.y = '%s' OR b.y = '$1'"),
    columns=(),
)


def test_the_examples_hold() -> None:
    results = doctest.testmod(queries)
    assert (results.failed, results.attempted > 0) == (0, True)


def test_only_placeholders_of_tables_are_replaced() -> None:
    assert QUERY.sql(['"{1}"', '"%s"']) == (
        "SELECT a.x AS x, '{0}' AS y FROM \"{1}\" AS a JOIN \"%s\" AS b ON a.k = '{1}' OR a.k = {'f': 1} "
        "WHERE (a.x <> '{}') AND (b.y = '%s' OR b.y = '$1')"
    )


def test_group_by_is_left_out_where_all_rows_are_one_group() -> None:
    assert replace(QUERY, group_by=("a.x",)).sql(["a", "b"]).endswith(" GROUP BY a.x")
    assert replace(QUERY, group_by=()).sql(["a", "b"]) == QUERY.sql(["a", "b"])


def test_every_part_of_a_query_is_part_of_its_key() -> None:
    lenient = replace(TABLES[0], options=(("zero_dates", "null"),))
    others = (
        replace(QUERY, tables=(lenient, TABLES[1])),
        replace(QUERY, tables=(*TABLES[:1], TABLES[0])),
        replace(QUERY, where=QUERY.where[:1]),
        replace(QUERY, group_by=()),
        replace(QUERY, source=(TablePlace(0), " AS a")),
        replace(QUERY, select=QUERY.select[:1]),
    )
    assert len({QUERY.key, *(other.key for other in others)}) == len(others) + 1
    assert replace(QUERY, alias="u", rows=7).key == QUERY.key


def need(name: str, *answers: str) -> Need:
    return Need(name=name, answers=answers, value="1", column=Column(name="b", native="", stage="INTEGER"))


WAITING = replace(QUERY, where=("a.x = 1", joined("b.y > ", ValuePlace("v"), " AND b.y <> '$v'")))


def test_a_value_that_is_not_known_yet_is_shown_by_name() -> None:
    assert WAITING.sql(["a", "b"]).endswith("WHERE (a.x = 1) AND (b.y > $v AND b.y <> '$v')")


def test_a_value_replaces_its_own_placeholder_only() -> None:
    query = replace(WAITING, needs=(need("v", "first"),)).answered({"v": "'{0}'"})
    assert query.where == ("a.x = 1", "b.y > '{0}' AND b.y <> '$v'")
    assert query.needs == ()


def test_a_condition_whose_value_cannot_be_sent_is_left_out_with_a_reason() -> None:
    query = WAITING.answered({"v": None})
    assert query.where == ("a.x = 1",)
    assert [(condition.sql, condition.why) for condition in query.not_pushed] == [
        ("b.y > $v AND b.y <> '$v'", "its value, once it was known, could not be sent")
    ]


def test_queries_wait_for_the_answers_that_they_need() -> None:
    first, other = replace(QUERY, alias="first"), replace(QUERY, alias="other")
    second = replace(WAITING, alias="second", needs=(need("v", "first"),))
    third = replace(WAITING, alias="third", needs=(need("v", "first"), need("w", "second")))
    assert list(plan(third, other, second, first).waves()) == [(first, other), (second,), (third,)]
    with pytest.raises(ValueError, match="third need values that no query answers"):
        list(plan(third, first).waves())


def plan(*queries: SourceQuery) -> FederationPlan:
    first = [query for query in queries if query.alias == "first"]
    others = [query for query in queries if query.alias != "first"]
    load = Load(stage=TableRef(connection="crm", identifier="dvt_1"), columns=())
    transform = Transform(dialect="duckdb", sql="SELECT 1", columns=())
    return FederationPlan(
        node="m",
        file="m.sql",
        queries=tuple(others),
        scalar_queries=tuple(first),
        transform=transform,
        load=load,
    )
