"""Passes of the planner read and change what they declare, in an order that gives each what it needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from itertools import product
from typing import Any

import pytest
from sqlglot import exp

from dvt.core.errors import DvtError
from dvt.core.requests import TextComparison
from dvt.federation.plan import parse_model
from dvt.federation.plan.planner import COPY_STAGES, STAGES
from dvt.federation.plan.state import GIVEN, PlanState, TableScan, reach_of
from tests.acceptance.oracle import Oracle

PLANS = [
    [plan_pass for passes in stages.values() for plan_pass in passes] for stages in (STAGES, COPY_STAGES)
]
"""The passes of each kind of plan, in their order."""
PASSES = list(dict.fromkeys(plan_pass for passes in PLANS for plan_pass in passes))
FIELDS = {field.name for field in fields(PlanState)} | {f"scans.{field.name}" for field in fields(TableScan)}
QUIET = {"request", "tables", "context", "notices"}
"""Fields that every pass may read, and the list to which every pass may add a warning."""

MODELS: list[tuple[str, dict[str, Any]]] = [
    (
        "SELECT o.id, c.name FROM {orders} o LEFT JOIN {customers} c ON o.customer_id = c.id AND c.id > 3",
        {},
    ),
    ("SELECT count(*), now() FROM (SELECT id, total FROM {orders}) AS x WHERE id > 1 AND total IS NULL", {}),
    ("SELECT id FROM {orders} WHERE changed > (SELECT max(changed) FROM {target_table})", {}),
    ("SELECT id, missing FROM {orders} JOIN (SELECT 1 AS missing) AS x ON TRUE WHERE note LIKE 'a%'", {}),
    ("SELECT * FROM {orders} WHERE EXISTS (SELECT c.id FROM {customers} c WHERE c.id = customer_id)", {}),
    ("SELECT id FROM {orders} TABLESAMPLE (100 PERCENT) WHERE id < 9", {}),
    ("SELECT COLUMNS('id|total') FROM {orders}", {}),
    ("SELECT id, orders FROM {orders} WHERE id = 1", {}),
    ("SELECT (id + 1) / 2, max(total) / 3 FROM {orders} GROUP BY 1", {"dialect": "postgres"}),
    ("SELECT id, total * 2 AS t FROM {orders}", {"dialect": "postgres", "target": "postgres"}),
    ("SELECT age(ordered) AS a FROM {orders}", {"dialect": "postgres"}),
    ("SELECT id + 1 AS more FROM {orders}", {"dialect": "postgres", "asks_speaker": True}),
    ("SELECT note, count(*) FROM {orders} JOIN {customers} USING (id) GROUP BY note", {}),
    ("SELECT note FROM {orders} ORDER BY note", {"comparing": TextComparison.SOURCE}),
    ('SELECT x."A" + x.a AS s FROM (SELECT id AS "A", 2 AS a FROM {orders}) AS x', {"dialect": "postgres"}),
    ("SELECT (SELECT max(id) FROM {target_table}) AS m, id FROM {orders} WHERE note = 'a'", {}),
    ("SELECT a FROM (SELECT id AS a, total AS b FROM {orders}) AS x", {}),
    ("SELECT {orders}.id FROM {orders}", {}),
    ("SELECT list_sum(note) FROM {orders}", {}),
    ("SELECT id, state < 'sent' FROM {parcels}", {}),
    ("SELECT nope(id) FROM {orders}", {}),
    ("SELECT (SELECT max(id) FROM {target_table}), id FROM {orders}", {}),
    ("SELECT (SELECT max(c.id) FROM {customers} c), id FROM {orders}", {}),
    ("SELECT id FROM (SELECT * FROM {orders} WHERE false LIMIT 0)", {}),
    ("SELECT id FROM {orders} LIMIT 3", {}),
    ("SELECT id FROM {orders} WHERE id = 1", {"hooked": frozenset({"model.shop.orders"})}),
    ("SELECT o.id FROM {orders} o JOIN {target_table} t ON o.id = t.id", {}),
    ("SELECT id FROM {orders} o WHERE id = (SELECT max(t.id) FROM {target_table} t WHERE t.id = o.id)", {}),
    ("SELECT id FROM {orders} WHERE total < '5'", {}),
    ("SELECT x.nope FROM (SELECT id FROM {orders}) AS x", {"dialect": "postgres"}),
    ("SELECT id FROM {orders} WHERE changed > timestamp '2024-01-01 10:00:00' + interval '1 day'", {}),
    ("SELECT x.nope FROM (SELECT id FROM {orders}) AS x", {}),
    ("SELECT id FROM {orders} AS o FORCE INDEX (x)", {"dialect": "mysql", "target": "mysql"}),
    ("SELECT id FROM {orders} WHERE id < 3 UNION ALL SELECT id FROM {orders} WHERE total > 1 AND id < 3", {}),
]


def logged(kind: type, prefix: str, read: set[str]) -> Any:
    """Return a subclass that records which of its fields are read."""
    names = {field.name for field in fields(kind)}

    class Logged(kind):
        def __getattribute__(self, name: str) -> Any:
            if name in names:
                read.add(prefix + name)
            return super().__getattribute__(name)

    return Logged


def texts_of(state: PlanState) -> dict[tuple[str, int], str]:
    """Return every field of the state and of each scan as text, so that a change inside of a field shows."""
    texts = {
        (field.name, 0): text_of(getattr(state, field.name))
        for field in fields(state)
        if field.name != "scans"
    }
    texts["scans", 0] = str([id(scan) for scan in state.scans])
    for scan in state.scans:
        for field in fields(scan):
            texts[f"scans.{field.name}", id(scan)] = text_of(getattr(scan, field.name))
    return texts


def text_of(value: Any) -> str:
    if isinstance(value, exp.Table):
        return str(id(value))
    if isinstance(value, exp.Expr):
        return repr([(repr(node.args.get("this")), node.meta, str(node.type)) for node in value.walk()])
    if isinstance(value, set):
        return str(sorted(value)) if value else ""
    return str(value) if value else ""


def run(state: PlanState, read: set[str], passes: list[Any]) -> Iterator[tuple[str, set[str], set[str]]]:
    """Run the passes and yield each one's name, the fields it read and the fields it changed."""
    for plan_pass in passes:
        before = texts_of(state)
        read.clear()
        with suppress(DvtError):
            plan_pass(state)
        fields_read = set(read)
        after = texts_of(state)
        # A new scan counts as one whose fields were empty; a removed scan counts as unchanged.
        changed = {name for (name, scan), text in after.items() if before.get((name, scan), "") != text}
        yield plan_pass.__name__, fields_read - QUIET, changed - QUIET


def observed(shop: Oracle, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[set[str], set[str]]]:
    """Return the fields that each pass reads and changes over all the models, by the pass's name."""
    shop.this, shop.collations = "target_table", {"note": "utf8mb4_general_ci"}
    reaches: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    log: set[str] = set()
    monkeypatch.setattr("dvt.federation.plan.parse.TableScan", logged(TableScan, "scans.", log))
    logged_state = logged(PlanState, "", log)
    for (sql, options), passes in product(MODELS, PLANS):
        config = dict(options)
        shop.dialects = {"target": config.pop("target", "duckdb")}
        shop.own_type = lambda column, _: column.native
        shop.speaker = shop.engine if config.pop("asks_speaker", False) else None
        request = shop.request(sql, **config)
        parsed = parse_model(request)
        tables = {key: shop.table(read.table.identifier) for key, read in request.inputs.items()}
        state = logged_state(
            request=request,
            tables=tables,
            context=shop.context(),
            tree=parsed.tree.copy(),
            tokens=parsed.tokens,
            places=parsed.places,
        )
        for name, fields_read, changed in run(state, log, passes):
            reaches[name][0].update(fields_read)
            reaches[name][1].update(changed)
    return reaches


def test_each_pass_reads_and_changes_what_it_declares(shop: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    reaches = observed(shop, monkeypatch)
    for plan_pass in PASSES:
        read, changed = reaches[plan_pass.__name__]
        assert changed == reach_of(plan_pass).gives, plan_pass.__name__
        assert read - changed == reach_of(plan_pass).needs - changed, plan_pass.__name__


def test_each_pass_comes_after_those_that_give_what_it_needs() -> None:
    fields_given: set[str] = set()
    for passes in PLANS:
        available = GIVEN | {"scans.limit"}  # a copy has none
        for plan_pass in passes:
            assert reach_of(plan_pass).needs <= available, plan_pass.__name__
            available |= reach_of(plan_pass).gives
        fields_given |= available
    assert fields_given | QUIET == FIELDS


def test_a_plan_has_stages_that_a_reader_can_see() -> None:
    assert list(STAGES) == ["parsed", "analysed", "placed", "written", "bound", "extracted"]
    assert list(COPY_STAGES) == ["parsed", "analysed", "placed", "chosen", "extracted", "written"]
    assert all(len(set(passes)) == len(passes) for passes in PLANS)


def test_every_pass_has_an_example() -> None:
    for plan_pass in PASSES:
        assert ">>> " in (plan_pass.__doc__ or ""), plan_pass.__name__
