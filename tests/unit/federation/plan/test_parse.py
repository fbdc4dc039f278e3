"""A model's SQL is read once, however much is planned with it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlglot.dialects.dialect import Dialect
from sqlglot.parser import Parser

from dvt.core.names import TableRef
from dvt.core.requests import Input
from dvt.federation.connections import Connections
from dvt.federation.plan import Planner, make_plan, parse_model
from dvt.federation.planning import Planning
from dvt.resolution.output_types import output_type
from tests.acceptance.oracle import Oracle
from tests.databases.engines import NOW

SQL = "SELECT id, changed FROM {orders} WHERE changed > (SELECT max(changed) FROM {target_table})"


class _Source:
    """A connector that describes the oracle's tables."""

    def __init__(self, shop: Oracle) -> None:
        self._shop = shop
        self.capabilities = type("Can", (), {"dialect": "duckdb", "snapshot": True})()

    def describe(self, refs: list[TableRef]) -> dict[TableRef, Any]:
        return {ref: self._shop.table(ref.identifier) for ref in refs}

    def columns(self, columns: Any) -> Any:
        return self._shop.context().load(columns)

    def fill(self, load: Any, dataset: Any) -> int:
        raise AssertionError("planning moves nothing")

    def drop(self, stage: Any) -> None:
        raise AssertionError("planning moves nothing")

    def close(self) -> None:
        pass


def planning_of(shop: Oracle) -> tuple[Planning, Any]:
    """Return the planning of a run, and its engine."""
    duckdb = output_type("duckdb")
    connections = Connections(lambda name: _Source(shop), lambda name: duckdb)  # type: ignore[arg-type,return-value]
    engine: Any = type("Engine", (), {"dialect": "duckdb", "collations": {}})()
    engine.bind, engine.evaluate = shop.engine.bind, shop.engine.evaluate
    engine.narrowed = shop.engine.narrowed
    return Planning(connections, NOW), engine


def test_sql_is_parsed_and_tokenised_once(shop: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.this = "target_table"
    request = shop.request(SQL)
    read: list[str] = []
    parse, tokenize = Parser.parse, Dialect.tokenize

    def parsing(self: Any, tokens: Any, sql: str | None = None) -> Any:
        read.append(f"parsed {sql}")
        return parse(self, tokens, sql)

    def tokenizing(self: Any, sql: str, *arguments: Any) -> Any:
        read.append(f"tokenised {sql}")
        return tokenize(self, sql, *arguments)

    monkeypatch.setattr(Parser, "parse", parsing)
    monkeypatch.setattr(Dialect, "tokenize", tokenizing)
    planning, engine = planning_of(shop)
    plan = planning.plan(planning.resolve(request), engine)
    planning.copies(planning.resolve(request), engine)
    assert len(plan.scalar_queries) == 1
    of_the_model = [step for step in read if request.sql in step]
    assert of_the_model == [f"tokenised {request.sql}", f"parsed {request.sql}"]


def test_a_plan_is_made_once_until_its_tables_are_written_or_it_is_forgotten(
    shop: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table's columns stay the same, but types that follow its data may not."""
    request = shop.request("SELECT id, total FROM {orders}")
    planning, engine = planning_of(shop)
    made: list[str] = []

    def counted(name: str) -> None:
        make = getattr(Planner, name)
        monkeypatch.setattr(Planner, name, lambda planner: made.append(name) or make(planner))

    counted("plan")
    counted("copies")

    def plan() -> list[str]:
        made.clear()
        for _ in range(2):
            planning.plan(planning.resolve(request), engine)
            planning.copies(planning.resolve(request), engine)
        return made

    assert plan() == ["plan", "copies"]
    assert plan() == []
    table = request.inputs[next(iter(request.inputs))].table
    planning.connections.wrote(table.connection, TableRef(connection="x", identifier=table.identifier))
    assert plan() == ["plan", "copies"]
    planning.forget(request)
    assert plan() == ["plan", "copies"]


def test_a_plan_changes_nothing_of_what_it_was_made_from(shop: Oracle) -> None:
    shop.this = "target_table"
    parsed = parse_model(shop.request(SQL))
    tables = {key: shop.table(read.table.identifier) for key, read in parsed.inputs.items()}
    before = parsed.tree.sql()
    assert make_plan(parsed, tables, shop.context()) == make_plan(parsed, tables, shop.context())
    assert parsed.tree.sql() == before
    assert all(isinstance(read, Input) for read in parsed.inputs.values())


@pytest.mark.parametrize(
    ("dialect", "sql", "why"),
    [
        ("mysql", "SELECT id /*! , total */ FROM {orders}", "the server runs"),
        ("mysql", "SELECT id /*M!100100 , total */ FROM {orders}", "the server runs"),
        ("mysql", "SELECT id, '/*! x */' AS x /* !no */ FROM {orders} -- !neither", ""),
        ("postgres", "SELECT id /*! , total */ FROM {orders}", ""),
        ("postgres", "SELECT n FROM XMLTABLE('/r' PASSING ('<r/>') COLUMNS n FOR ORDINALITY) AS x", "n"),
    ],
)  # fmt: skip
def test_what_sqlglot_cannot_read_is_told_and_nothing_else(
    shop: Oracle, dialect: str, sql: str, why: str
) -> None:
    parsed = parse_model(shop.request(sql, dialect=dialect))
    assert (parsed.problem is None) is not bool(why)
    assert parsed.problem is None or why in parsed.problem.problem
