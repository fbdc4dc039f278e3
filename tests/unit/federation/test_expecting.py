"""Nodes are planned before they run, where that can be done, and never fail there."""

from __future__ import annotations

import pytest

from dvt.core.errors import ConnectFailed, TableNotFound
from dvt.core.estimates import ExtractLimits
from dvt.core.names import TableRef
from dvt.core.requests import Input, NodeRequest
from dvt.federation.expecting import ExpectedNodes
from tests.unit.federation.test_sharing import query

STAGE = TableRef(connection="house", schema="s", identifier="stage")


def node(name: str, *tables: str) -> NodeRequest:
    """Return a node that reads tables, named `connection.table`."""
    refs = [TableRef(connection=table.split(".")[0], identifier=table.split(".")[1]) for table in tables]
    inputs = {
        f"source.{ref}": Input(table=ref, unique_id=f"source.{ref}", name=("d", "s", ref.identifier))
        for ref in refs
    }
    return NodeRequest(
        unique_id=f"model.{name}",
        name=name,
        file=f"{name}.sql",
        sql="select 1",
        dialect="duckdb",
        inputs=inputs,
        stage=STAGE,
        extract_limits=ExtractLimits(rows=7),
    )


class Planner:
    """Plans nodes, or fails as a test tells it to."""

    def __init__(self) -> None:
        self.planned: list[str] = []
        self.failures: dict[str, Exception] = {}
        self.limits: list[ExtractLimits] = []
        self.nodes = ExpectedNodes(self.queries_of, lambda _, limits: self.limits.append(limits))

    def queries_of(self, request):
        self.planned.append(request.name)
        if request.name in self.failures:
            raise self.failures[request.name]
        return [query("p")]


@pytest.fixture
def planner() -> Planner:
    return Planner()


def test_only_nodes_that_share_a_table_are_planned(planner: Planner) -> None:
    planner.nodes.add([node("a", "pg.t"), node("b", "pg.u", "pg.t"), node("c", "pg.v")])
    assert planner.planned == ["a", "b"]
    assert planner.limits == [ExtractLimits(rows=7)] * 2


def test_a_node_is_planned_once_what_it_reads_is_built(planner: Planner) -> None:
    planner.failures = {name: TableNotFound("pg.T", "pg", []) for name in ("a", "b", "c")}
    a, b, c = node("a", "pg.T"), node("b", "pg.T", "pg.u"), node("c", "pg.u")
    planner.nodes.add([a, b, c])
    planner.failures = {}
    planner.planned.clear()
    planner.nodes.wrote(None)
    planner.nodes.begins(c, [])
    assert planner.planned == []
    planner.nodes.wrote(TableRef(connection="other output of the database", identifier="t"))
    planner.nodes.begins(a, [query("p")])
    assert planner.planned == ["b"]
    planner.nodes.begins(b, [query("p")])
    planner.nodes.wrote(TableRef(connection="pg", identifier="u"))
    planner.nodes.begins(a, [])
    assert planner.planned == ["b"], "what has begun is not planned ahead"


def test_a_server_that_does_not_answer_is_asked_once(planner: Planner) -> None:
    planner.failures["a"] = ConnectFailed("pg", "host", "no answer")
    planner.nodes.add([node("a", "pg.t", "lite.x"), node("b", "pg.t"), node("c", "lite.x", "pg.t")])
    assert planner.planned == ["a"]


def test_whatever_goes_wrong_is_told_when_the_node_runs(planner: Planner) -> None:
    planner.failures["a"] = RecursionError()
    planner.nodes.add([node("a", "pg.t"), node("b", "pg.t")])
    assert planner.planned == ["a", "b"]
