"""Limits that sources apply: only where all rows that they leave out are of no use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dvt.core.names import TableRef
from dvt.core.queries import SourceQuery
from dvt.federation.plan.source_queries import extract
from tests.unit.federation.plan.examples import copy_state_after, state_after

LIMITED = [
    "SELECT id FROM {orders} AS o LIMIT 5",
    "SELECT * FROM (SELECT id, total FROM {orders} AS o) AS x LIMIT 5",
    "WITH x AS (SELECT id FROM {orders} AS o) SELECT id + 1 AS n FROM x LIMIT 5",
    "SELECT id FROM {orders} AS o WHERE id > 3 LIMIT 5",
    "SELECT id FROM (SELECT id FROM {orders} AS o LIMIT 5) AS x LIMIT 9",
]
WHOLE = [
    "SELECT id FROM {orders} AS o WHERE id + 1 > 3 LIMIT 5",
    "SELECT id FROM (SELECT id, total FROM {orders} AS o) AS x WHERE id + 1 > 3 LIMIT 5",
    "SELECT id FROM {orders} AS o WHERE total = 1e3 LIMIT 5",
    "SELECT id FROM {orders} AS o ORDER BY total LIMIT 5",
    "SELECT DISTINCT total FROM {orders} AS o LIMIT 5",
    "SELECT count(*) AS n FROM {orders} AS o LIMIT 5",
    "SELECT total, count(*) AS n FROM {orders} AS o GROUP BY 1 LIMIT 5",
    "SELECT id, row_number() OVER (ORDER BY total) AS n FROM {orders} AS o LIMIT 5",
    "SELECT unnest([id]) AS n FROM {orders} AS o LIMIT 5",
    "SELECT o.id FROM {orders} AS o JOIN {customers} AS c ON c.id = o.id LIMIT 5",
    "SELECT id FROM {orders} AS o LIMIT 5 OFFSET 5",
    "WITH x AS (SELECT id FROM {orders} AS o) SELECT a.id FROM x AS a, x AS b LIMIT 5",
    "(SELECT id FROM {orders} AS o) UNION (SELECT id FROM {customers} AS c) LIMIT 5",
    "SELECT id FROM {orders} AS o UNION ALL SELECT id FROM {orders} AS p LIMIT 5",
    "SELECT id FROM (SELECT id FROM {orders} AS o LIMIT 9) AS x WHERE id > 3 LIMIT 5",
]


@pytest.mark.parametrize("sql", LIMITED)
def test_a_source_sends_no_more_rows_than_the_limit(sql: str) -> None:
    (query,) = state_after(extract, sql).queries
    assert query.limit == 5
    assert query.shown.endswith(" LIMIT 5")
    assert not query.scan


@pytest.mark.parametrize("sql", WHOLE)
def test_a_source_sends_all_rows_where_others_may_count(sql: str) -> None:
    assert [query.limit for query in state_after(extract, sql).queries if query.limit not in {None, 9}] == []


@pytest.mark.parametrize("sql", [*LIMITED, *WHOLE])
def test_a_copy_is_limited_as_an_extract(sql: str) -> None:
    copied, extracted = copy_state_after(extract, sql).queries, state_after(extract, sql).queries
    assert [query.limit for query in copied] == [query.limit for query in extracted]


def test_a_table_that_hooks_read_is_copied_whole() -> None:
    hooked = frozenset({"model.shop.orders"})
    (query,) = copy_state_after(extract, LIMITED[0], hooked=hooked).queries
    assert (query.limit, query.where) == (None, ())


def test_an_answer_with_a_limit_is_no_other_querys_answer() -> None:
    table = TableRef(connection="crm", identifier="t")
    whole = SourceQuery(
        alias="a",
        connection="crm",
        tables=(table,),
        select=(),
        columns=(),
    )
    limited = replace(whole, limit=5)
    assert whole.covers(limited)
    assert limited.covers(limited)
    assert not limited.covers(whole)
    assert not limited.covers(replace(whole, limit=6))
    assert not limited.covers(replace(limited, where=("a > 1",)))
    assert len({whole.key, limited.key, replace(whole, limit=6).key}) == 3
