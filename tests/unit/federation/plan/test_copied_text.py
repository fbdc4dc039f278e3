"""The text of a model over copies, where a relation is named in PostgreSQL's own ways."""

from __future__ import annotations

import pytest

from dvt.federation.plan.copies import write_copies
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
