"""What places cost: what moves, and what the target reads of its own tables, again and again at worst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dvt.core.estimates import Estimate
from dvt.core.names import TableRef
from dvt.core.places import Option, Place
from dvt.core.plan import CopyPlan, PlannedCopy, RepeatedRead
from dvt.core.queries import SourceQuery
from dvt.federation.choice import Weighed, option
from dvt.federation.plan.repeated import find_repeated
from dvt.resolution.output_types import output_type
from tests.unit.federation.plan.examples import copy_state_after

OWN, COPIED = TableRef(connection="wh", identifier="facts"), TableRef(connection="crm", identifier="names")
CORRELATED = "SELECT id FROM {orders} o WHERE id < (SELECT max(t.id) FROM {this} t WHERE t.id = o.id)"


def query(table: TableRef) -> SourceQuery:
    return SourceQuery(
        alias=table.identifier, connection=table.connection, tables=(table,), select=(), columns=()
    )


def cost_at_target(type_: str, *, own: int, copied: int, repeated: Sequence[RepeatedRead] = ()) -> int:
    copy = PlannedCopy(unique_id="source.names", query=query(COPIED), columns=(), surrogates=())
    plan = CopyPlan(node="m", file="m.sql", sql="", copies=(copy,), repeated=tuple(repeated))
    names, facts = Estimate(1000, copied), Estimate(10_000_000, own)
    by_table: Any = {OWN: facts, COPIED: names}
    weighed = Weighed(Option(Place.TARGET), copies=plan)
    target = option(weighed, {query(COPIED): names}, by_table, "wh", output_type(type_))
    assert (target.rows, target.bytes) == (1000, copied)
    assert target.cost is not None
    return target.cost


@pytest.mark.parametrize(
    ("own", "copied", "is_target_cheaper"),
    [(300_000_000, 200_000, True), (100_000_000, 50_000_000, False), (0, 24_000_000, False)],
)
def test_the_target_is_dear_for_large_copies_only(own: int, copied: int, is_target_cheaper: bool) -> None:
    assert (cost_at_target("postgres", own=own, copied=copied) < own + copied) is is_target_cheaper


def test_a_table_read_for_each_row_of_another_is_dear_unless_the_database_joins_it() -> None:
    once = cost_at_target("postgres", own=100_000_000, copied=20_000)
    repeated = [RepeatedRead(OWN, (COPIED, OWN))]
    often = cost_at_target("postgres", own=100_000_000, copied=20_000, repeated=repeated)
    assert often > 500 * once
    assert cost_at_target("duckdb", own=100_000_000, copied=20_000, repeated=repeated) == once


@pytest.mark.parametrize(
    ("sql", "is_repeated"),
    [
        (CORRELATED, True),
        (CORRELATED.replace("{this}", "{customers}"), False),
        (CORRELATED.replace("WHERE t.id = o.id", ""), False),
        ("SELECT id, (SELECT count(*) FROM {this} t WHERE t.id = o.id) AS n FROM {orders} o", True),
        ("SELECT id FROM {orders} o WHERE EXISTS (SELECT 1 FROM {this} t WHERE t.id = o.id)", False),
        ("SELECT id FROM {orders} o WHERE NOT EXISTS (SELECT 1 FROM {this} t WHERE t.id = o.id)", False),
        ("SELECT id FROM {orders} o WHERE EXISTS (SELECT 1 FROM {this} t WHERE t.id <> o.id)", True),
        ("SELECT id FROM {orders} o WHERE id = 1 OR EXISTS (SELECT 1 FROM {this} t WHERE t.id = o.id)", True),
        ("SELECT id FROM {orders} o WHERE id IN (SELECT t.id FROM {this} t WHERE t.id = o.total)", False),
    ],
)
def test_only_correlated_subqueries_on_the_targets_tables_are_repeated(sql: str, is_repeated: bool) -> None:
    assert bool(copy_state_after(find_repeated, sql).repeated) is is_repeated
