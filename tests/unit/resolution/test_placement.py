"""Targets, connections, paths and their errors, resolved from a graph without dbt."""

from __future__ import annotations

from typing import Any

import pytest

from dvt.core.errors import (
    ConflictingConnections,
    ConnectionRequired,
    DvtError,
    EphemeralFederated,
    NotATarget,
    NotFederable,
    SelfReference,
    SeveralErrors,
    SnapshotFederated,
    TestFederated,
    UnknownCompute,
    UnknownConnection,
    UnknownMaterialization,
    UnknownTarget,
)
from dvt.resolution.graph import Graph, Node
from dvt.resolution.placement import Outputs, Path, Resolver

TYPES = {"house": "duckdb", "pg": "postgres", "lite": "sqlite"}


def node(name: str, *reads: str, kind: str = "model", **fields: Any) -> Node:
    fields.setdefault("materialized", "table" if kind == "model" else "")
    return Node(unique_id=name, name=name, kind=kind, file=f"models/{name}.sql", reads=reads, **fields)


def source(name: str, connection: str | None = None) -> Node:
    keys = {"config.connection": connection} if connection else {}
    return node(name, kind="source", connection=keys)


def resolver(*nodes: Node, **outputs: Any) -> Resolver:
    return Resolver(
        Graph({node.unique_id: node for node in nodes}), Outputs(types=TYPES, default="house", **outputs)
    )


def place(resolved: Resolver, name: str) -> tuple[str, Path]:
    placement = resolved.placement(name)
    return placement.target, placement.path


def test_a_model_is_built_on_its_own_target_or_the_default():
    resolved = resolver(node("a"), node("b", target="pg"))
    assert place(resolved, "a") == ("house", Path.NATIVE)
    assert place(resolved, "b") == ("pg", Path.NATIVE)


def test_a_model_that_reads_elsewhere_is_federated_and_says_why():
    placement = resolver(source("s", "lite"), node("a", "s")).placement("a")
    assert placement.path is Path.FEDERATED
    assert placement.elsewhere == {"s": "lite"}
    assert placement.why == "lives on house, reads lite"


def test_a_model_on_a_non_default_target_that_reads_only_there_is_native():
    resolved = resolver(source("s", "pg"), node("a", "s", target="pg"), node("b", "a", target="pg"))
    assert place(resolved, "a") == ("pg", Path.NATIVE)
    assert place(resolved, "b") == ("pg", Path.NATIVE)


def test_upstream_targets_count_and_not_the_sources_behind_them():
    resolved = resolver(source("s", "lite"), node("a", "s"), node("b", "a"))
    assert place(resolved, "b") == ("house", Path.NATIVE)


def test_target_on_the_command_line_overrides_every_model_and_no_source():
    resolved = resolver(source("s", "house"), node("a", "s", target="house"), forced="pg")
    assert place(resolved, "a") == ("pg", Path.FEDERATED)


def test_compute_on_the_command_line_overrides_the_models():
    model = node("a", source("s", "lite").unique_id, compute="small")
    computes = ("duckdb", "small", "big")
    graph = (source("s", "lite"), model)
    assert resolver(*graph, computes=computes).placement("a").compute == "small"
    assert resolver(*graph, computes=computes, compute="big").placement("a").compute == "big"


def test_an_ephemeral_models_reads_count_as_its_readers():
    eph = node("e", "s", materialized="ephemeral")
    resolved = resolver(source("s", "pg"), eph, node("a", "e"), node("b", "e", target="pg"))
    assert place(resolved, "a") == ("house", Path.FEDERATED)
    assert place(resolved, "b") == ("pg", Path.NATIVE)


def test_a_test_runs_on_the_target_of_what_it_tests():
    resolved = resolver(node("a", target="pg"), node("t", "a", kind="test"))
    assert place(resolved, "t") == ("pg", Path.NATIVE)


def test_a_test_of_a_source_runs_on_its_connection_despite_target_option():
    resolved = resolver(source("s", "pg"), node("t", "s", kind="test"), forced="house")
    assert place(resolved, "t") == ("pg", Path.NATIVE)


def test_a_plain_project_needs_no_connections():
    resolved = resolver(source("s"), node("a", "s"))
    assert not resolved.uses_dvt
    resolved.check(["a", "s"])
    assert place(resolved, "a") == ("house", Path.NATIVE)


BROKEN: list[tuple[type[DvtError], list[Node], dict[str, Any]]] = [
    (ConnectionRequired, [source("s"), node("a", "s", target="pg")], {}),
    (ConnectionRequired, [source("s"), node("a", "s")], {"require_connections": True}),
    (UnknownConnection, [source("s", "pgg"), node("a", "s")], {}),
    (
        ConflictingConnections,
        [node("s", kind="source", connection={"connection": "pg", "config.connection": "lite"})],
        {},
    ),
    (UnknownTarget, [node("a", target="hose")], {}),
    (UnknownCompute, [node("a", compute="big")], {}),
    (NotATarget, [node("a", target="lite")], {}),
    (SelfReference, [node("a", "a")], {}),
    (SnapshotFederated, [source("s", "pg"), node("a", "s", kind="snapshot", compute="duckdb")], {}),
    (
        TestFederated,
        [node("m"), node("n", target="pg"), node("a", "m", "n", kind="test", federate=False)],
        {},
    ),
    (TestFederated, [source("s", "lite"), node("a", "s", kind="test", federate=False)], {}),
    (NotFederable, [source("s", "pg"), node("a", "s", language="python")], {}),
    (UnknownMaterialization, [source("s", "pg"), node("a", "s", materialized="dynamic_table")], {}),
    (UnknownMaterialization, [source("s", "pg"), node("a", "s", materialized="own", compute="duckdb")], {}),
    (
        EphemeralFederated,
        [
            source("s", "pg"),
            source("l", "lite"),
            node("e", "s", "l", materialized="ephemeral"),
            node("a", "e"),
        ],
        {},
    ),
]


@pytest.mark.parametrize(("error", "nodes", "outputs"), BROKEN, ids=[case[0].__name__ for case in BROKEN])
def test_a_graph_that_cannot_run_is_one_error_with_node_and_hint(error, nodes, outputs):
    with pytest.raises(error) as raised:
        resolver(*nodes, **outputs).check(["a"])
    names = [node.name for node in nodes]
    assert any(f"{name!r}" in str(raised.value) or f"{name} (" in str(raised.value) for name in names)
    assert raised.value.hint


def test_names_are_checked_in_the_whole_project_and_paths_of_what_is_selected():
    snapshot = node("snap", "s", kind="snapshot")
    graph = (source("s", "pg"), snapshot, node("a"))
    resolver(*graph).check(["a"])
    with pytest.raises(UnknownTarget):
        resolver(*graph, node("b", target="nowhere")).check(["a"])


def test_all_wrong_names_of_a_project_are_one_error_that_lists_each_of_them():
    graph = (source("s", "pgg"), node("a", target="hose", compute="big"), node("b"), node("c", target="hose"))
    with pytest.raises(SeveralErrors) as raised:
        resolver(*graph).check()
    codes = [error.code for error in raised.value.errors]
    assert codes == ["DVT110", "DVT116", "DVT101", "DVT116"]
    assert "4 errors" in str(raised.value)
    assert all(name in str(raised.value) for name in ("'s'", "'a'", "a (models/a.sql)", "'c'", "hint:"))


def test_all_selected_nodes_without_a_path_are_one_error():
    graph = (source("s", "pg"), node("x", "s", kind="snapshot"), node("y", "s", kind="snapshot"), node("a"))
    with pytest.raises(SeveralErrors) as raised:
        resolver(*graph, compute="duckdb").check(["x", "a", "y"])
    assert [error.code for error in raised.value.errors] == ["DVT104", "DVT104"]


def test_a_test_of_several_databases_runs_where_it_is_declared():
    nodes = (node("m"), node("n", target="pg"), node("t", "m", "n", kind="test", tests="n"))
    resolved = resolver(*nodes)
    resolved.check(["t"])
    assert place(resolved, "t") == ("pg", Path.FEDERATED)


@pytest.mark.parametrize("kind", ["test", "sql_operation", "analysis"])
def test_what_reads_an_output_that_can_only_be_read_runs_where_its_models_are(kind):
    sources = (source("s", "lite"), source("p", "pg"))
    readers = (node("t", "s", kind=kind), node("u", "s", "m", kind=kind), node("v", "s", "p", kind=kind))
    resolved = resolver(*sources, node("m", target="pg"), *readers)
    resolved.check(["t", "u", "v"])
    assert place(resolved, "t") == ("house", Path.FEDERATED)
    assert place(resolved, "u") == ("pg", Path.FEDERATED)
    assert place(resolved, "v") == ("house", Path.FEDERATED), "nothing is written beside sources"


def test_a_query_of_the_command_line_is_placed_like_a_node_of_the_project():
    resolved = resolver(source("s", "lite"))
    assert "q" not in resolved
    resolved.add(node("q", "s", kind="sql_operation"))
    assert place(resolved, "q") == ("house", Path.FEDERATED)


def test_a_self_reference_is_fine_where_the_model_is_incremental():
    resolved = resolver(node("a", "a", materialized="incremental"))
    resolved.check(["a"])
    assert resolved.placement("a").path is Path.NATIVE


@pytest.mark.parametrize("compute", [None, "auto", "target"])
def test_a_target_builds_what_an_engine_cannot(compute):
    graph = [
        source("s", "pg"),
        node("a", "s", kind="snapshot", compute=compute),
        node("b", "s", materialized="own", compute=compute),
    ]
    resolver(*graph).check({"a", "b"})


def test_the_flag_overrides_the_model_which_overrides_the_default():
    graph = [node("a"), node("b", compute="source")]
    options = {"default_compute": "target", "computes": ("duckdb",)}
    placements = resolver(*graph, **options)
    assert (placements.placement("a").compute, placements.placement("b").compute) == (
        "target",
        "source",
    )
    assert resolver(*graph, **options, compute="duckdb").placement("b").compute == "duckdb"
    assert resolver(node("a")).placement("a").compute == "auto"
