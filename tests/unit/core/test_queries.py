"""Source queries: one text of clauses, with tables where their places are."""

from __future__ import annotations

import doctest
from dataclasses import replace

from dvt.core import queries
from dvt.core.names import TableRef
from dvt.core.queries import SourceQuery, TablePlace

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
    done = doctest.testmod(queries)
    assert (done.failed, done.attempted > 0) == (0, True)


def test_nothing_but_a_place_is_replaced() -> None:
    assert QUERY.sql(['"{1}"', '"%s"']) == (
        "SELECT a.x AS x, '{0}' AS y FROM \"{1}\" AS a JOIN \"%s\" AS b ON a.k = '{1}' OR a.k = {'f': 1} "
        "WHERE (a.x <> '{}') AND (b.y = '%s' OR b.y = '$1')"
    )


def test_groups_are_said_unless_all_rows_are_one() -> None:
    assert replace(QUERY, group_by=("a.x",)).sql(["a", "b"]).endswith(" GROUP BY a.x")
    assert replace(QUERY, group_by=()).sql(["a", "b"]) == QUERY.sql(["a", "b"])


def test_every_part_of_a_question_is_part_of_its_key() -> None:
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
