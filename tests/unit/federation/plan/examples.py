"""Functions for the examples in the planner's docstrings; `{orders}` and `{customers}` are tables there."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import duckdb

from dvt.core.types import enum_of
from dvt.federation.plan import parse_model
from dvt.federation.plan.planner import COPY_STAGES, STAGES, first_state
from dvt.federation.plan.state import PlanState
from tests.acceptance.oracle import Oracle

_TABLES = """
CREATE TABLE orders (id INTEGER, customer INTEGER, total DECIMAL(10,2), changed TIMESTAMP);
CREATE TABLE customers (id INTEGER, name VARCHAR);
CREATE TABLE "this" (id INTEGER, changed TIMESTAMP);
"""
_MARKED = re.compile(r'"__dvt__\d+"\."?(\w+)"?')


def state_after(
    last: Callable[[PlanState], None],
    sql: str,
    *,
    target: str = "duckdb",
    enum: Sequence[str] = (),
    stages: Any = STAGES,
    **config: Any,
) -> PlanState:
    """Return the state of a plan of `sql` after the pass `last`; orders are on `crm`, customers on `erp`.

    With `enum`, orders have a column `state` with these labels in their order.
    """
    db = duckdb.connect()
    db.execute(_TABLES)
    if enum:
        db.execute(f"ALTER TABLE orders ADD COLUMN state {enum_of(enum)}")
    shop = Oracle(db, connections={"orders": "crm", "customers": "erp", "this": "target"}, this="this")
    shop.dialects = {"target": target}
    shop.collations = {"name": "utf8mb4_general_ci"}
    request = shop.request(sql, **config)
    parsed = parse_model(request)
    tables = {key: shop.table(read.table.identifier) for key, read in parsed.inputs.items()}
    state = first_state(parsed, tables, shop.context())
    for plan_pass in (plan_pass for passes in stages.values() for plan_pass in passes):
        plan_pass(state)
        if plan_pass is last:
            return state
    raise ValueError(f"{last} is no pass")


def copy_state_after(last: Callable[[PlanState], None], sql: str, **config: Any) -> PlanState:
    """Return the state of a plan of copies."""
    return state_after(last, sql, stages=COPY_STAGES, **config)


def after(last: Callable[[PlanState], None], sql: str, **config: Any) -> None:
    """Print the planner's SQL after the pass `last`."""
    state = state_after(last, sql, **config)
    print(_MARKED.sub(r"{\1}", state.tree.sql(dialect=state.dialect)))  # noqa: T201  what a doctest reads
