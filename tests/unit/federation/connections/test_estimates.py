"""The cache of estimates, with writes in between, and what stands in for a database without any."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.queries import ExtractedColumn, Need, SourceQuery, ValuePlace
from dvt.core.tables import Column
from dvt.core.types import DATE, INTEGER
from dvt.federation.connections.estimates import EstimateCache

COLUMN = Column(name="id", native="int", stage=INTEGER)
DAY = Column(name="day", native="date", stage=DATE)
QUERY = SourceQuery(
    alias="x",
    connection="pg",
    tables=(TableRef(connection="pg", schema="s", identifier="a"),),
    select=('"id" AS "id"', '"day" AS "day"'),
    columns=(ExtractedColumn(name="id", column=COLUMN), ExtractedColumn(name="day", column=DAY)),
    rows=900,
)


class Estimating:
    """A connector that counts what it is asked to estimate."""

    def __init__(self, estimate: Estimate | None) -> None:
        self.asked: list[list[SourceQuery]] = []
        self.answer = estimate

    def estimate(self, queries):
        self.asked.append(list(queries))
        return [self.answer for _ in queries]


def test_a_query_is_estimated_once_until_the_run_writes(writes):
    source = Estimating(Estimate(5, 50))
    cache = EstimateCache(source, writes)
    assert cache.estimate([QUERY, replace(QUERY, alias="y")]) == [Estimate(5, 50)] * 2
    assert cache.estimate([QUERY]) == [Estimate(5, 50)]
    assert source.asked == [[replace(QUERY, alias="y")]]
    writes.add(QUERY.tables[0])
    cache.estimate([QUERY])
    assert len(source.asked) == 2


def test_a_write_to_another_table_asks_for_estimates_of_views_only(writes):
    source = Estimating(Estimate(5, 50))
    cache = EstimateCache(source, writes)
    of_table, of_view = replace(QUERY, scan=True), replace(QUERY, where=("id = 1",))
    cache.estimate([of_table, of_view])
    writes.add(TableRef(connection="pg", schema="s", identifier="other"))
    cache.estimate([of_table, of_view])
    assert source.asked == [[of_table, of_view], [of_view]]
    writes.add(None)
    cache.estimate([of_table])
    assert source.asked[2:] == [[of_table]]


def test_a_condition_whose_value_is_not_known_yet_is_left_out(writes):
    need = Need(name="v", answers=("first",), value="1", column=COLUMN)
    unknown = replace(QUERY, where=("day > '2020-01-01'", ("id > ", ValuePlace("v"))), needs=(need,))
    source = Estimating(Estimate(5, 50))
    EstimateCache(source, writes).estimate([unknown])
    ((sent,),) = source.asked
    assert sent.where == ("day > '2020-01-01'",)
    assert sent.needs == ()


@pytest.mark.parametrize(
    ("query", "expected"),
    {
        "a whole table": (QUERY, Estimate(900, 7200)),
        "a condition keeps a third": (replace(QUERY, where=("id = 1",)), Estimate(300, 2400)),
        "all rows are one group": (replace(QUERY, group_by=()), Estimate(1, 8)),
        "groups": (replace(QUERY, group_by=("id",)), None),
        "a table of unknown size": (replace(QUERY, rows=None), None),
    }.values(),
)
@pytest.mark.parametrize("source", [object(), Estimating(None)])
def test_where_the_database_estimates_nothing_the_description_tells(source, query, expected, writes):
    assert EstimateCache(source, writes).estimate([query]) == [expected]
