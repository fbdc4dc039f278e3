"""What dvt changes in dbt for a node: a test fails where dbt is no longer as we rely on it."""

from __future__ import annotations

import dataclasses
import inspect
from collections import ChainMap
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from dvt.dbt_bridge.entry import patches
from tests.dbt_bridge.federated.project import Project
from tests.dbt_bridge.native.changed_objects import names_in, notices


@pytest.fixture(autouse=True, scope="module")
def _patched() -> None:
    patches.apply()


def model(unique_id: str, **fields: Any) -> Any:
    from dbt.contracts.graph.nodes import ModelNode

    name = unique_id.rsplit(".", 1)[-1]
    known = {
        "resource_type": "model",
        "package_name": "p",
        "path": f"{name}.sql",
        "original_file_path": f"models/{name}.sql",
        "fqn": ["p", name],
        "alias": name,
        "checksum": {"name": "sha256", "checksum": ""},
        "database": "x",
        "schema": "main",
        "name": name,
        "unique_id": unique_id,
    }
    return ModelNode.from_dict(known | fields)


@notices("dbt.task.base:BaseRunner.compile")
def test_a_runner_compiles_by_the_attribute_that_is_set_on_it() -> None:
    from dbt.flags import set_from_args
    from dbt.task.base import BaseRunner
    from dbt.task.freshness import FreshnessRunner

    class Compiled(Exception):
        pass

    def compile_it(manifest: Any) -> None:
        assert manifest == "manifest"
        raise Compiled

    set_from_args(SimpleNamespace(), {})
    assert tuple(inspect.signature(BaseRunner.compile).parameters) == ("self", "manifest")
    runner = object.__new__(FreshnessRunner)
    runner.adapter, runner.node, runner.compile = MagicMock(), MagicMock(), compile_it  # type: ignore[method-assign]
    with pytest.raises(Compiled):
        runner.compile_and_execute("manifest", MagicMock(node=MagicMock(node_info={})))


@notices("dbt.task.run:ModelRunner")
def test_a_federated_runner_holds_all_that_dbts_holds() -> None:
    from dbt.node_types import NodeType
    from dbt.task.build import BuildTask
    from dbt.task.run import MicrobatchModelRunner, RunTask
    from dbt.task.show import ShowTask
    from dbt.task.test import TestTask

    from dvt.dbt_bridge.nodes.federated_runner import FEDERATED_RUNNERS, federated_runner

    plain = MagicMock(resource_type=NodeType.Model)
    batched = MagicMock(resource_type=NodeType.Model)
    batched.config.materialized, batched.config.incremental_strategy = "incremental", "microbatch"
    for task in (RunTask, BuildTask):
        made = object.__new__(task)
        made.manifest, made.config = MagicMock(), MagicMock()
        assert made.get_runner_type(plain) in FEDERATED_RUNNERS
        assert made.get_runner_type(batched) is MicrobatchModelRunner, (
            "it gives its batches to runners of ours"
        )
    for task in (TestTask, ShowTask):
        assert object.__new__(task).get_runner_type(plain) in FEDERATED_RUNNERS
    assert {BuildTask.RUNNER_MAP[kind] for kind in (NodeType.Test, NodeType.Unit)} <= FEDERATED_RUNNERS.keys()
    assert "MicrobatchBatchRunner" in names_in(RunTask._submit_batch)
    for kind, federated in FEDERATED_RUNNERS.items():
        assert issubclass(federated, kind.__mro__[0]) or issubclass(kind, federated.__bases__[-1])
        assert not [base for base in kind.__mro__ if getattr(base, "__slots__", ())], (
            "its state is in its dict"
        )
        runner = object.__new__(kind)
        vars(runner).update(node="n", batch_idx=3)
        session: Any = object()
        made = federated_runner(session, runner)
        assert type(made) is federated
        assert vars(made) == {"node": "n", "batch_idx": 3, "session": session}


@notices("dbt.task.seed:SeedRunner")
def test_a_seed_is_executed_by_a_runner_with_dbts_attributes() -> None:
    from dbt.task.run import ModelRunner
    from dbt.task.seed import SeedRunner

    from dvt.dbt_bridge.nodes.seeding import BulkSeedRunner, bulk_runner

    assert issubclass(SeedRunner, ModelRunner)
    assert "execute" not in vars(SeedRunner), "the patch of ModelRunner.execute is to be met"
    assert "load_result" in SeedRunner._build_run_model_result.__code__.co_consts
    runner = object.__new__(SeedRunner)
    vars(runner).update(node="n", adapter="a")
    bulk = bulk_runner(MagicMock(), runner)
    assert type(bulk) is BulkSeedRunner
    assert (bulk.node, bulk.adapter) == ("n", "a")


@notices("dbt.task.test:TestRunner")
def test_a_unit_test_is_compiled_by_the_runners_own_compiler() -> None:
    from dbt.task.test import TestRunner

    assert {"compiler", "compile_node"} <= names_in(TestRunner.execute_unit_test)
    parameters = tuple(inspect.signature(TestRunner.execute_unit_test).parameters)
    assert parameters == ("self", "unit_test_def", "manifest")
    assert "build_unit_test_manifest_from_test" in vars(TestRunner)
    runner = object.__new__(TestRunner)
    for compiler in ("ours", "dbt's"):
        runner.compiler = compiler  # type: ignore[assignment]
        assert runner.compiler == compiler


@notices("dbt.task.runnable:GraphRunnableTask")
def test_a_task_reads_its_manifest_and_config_when_it_looks_at_what_exists() -> None:
    from dbt.flags import set_from_args
    from dbt.task.runnable import GraphRunnableTask

    class Task(GraphRunnableTask):
        def get_node_selector(self) -> Any:
            return None

        def raise_on_first_error(self) -> bool:
            return False

        def get_runner_type(self, _: Any) -> Any:
            return None

    set_from_args(SimpleNamespace(), {})
    node = MagicMock(
        unique_id="model.p.a", is_external_node=False, is_ephemeral_model=False, is_ephemeral=False
    )
    task = object.__new__(Task)
    task.args = MagicMock(populate_cache=True)
    for config in ("config", "another config"):
        adapter = MagicMock()
        task.manifest, task.config = SimpleNamespace(nodes={config: node}), config  # type: ignore[assignment]
        inspect.unwrap(GraphRunnableTask.populate_adapter_cache)(task, adapter)
        assert adapter.set_relations_cache.call_args.args == ([node],)
        task.get_model_schemas(adapter, ["model.p.a"])
        adapter.Relation.create_from.assert_called_once_with(config, node)


@notices("dbt.task.docs.generate:Catalog")
def test_a_catalog_knows_its_parts_by_target() -> None:
    from dbt.task.docs.generate import Catalog

    row = {
        "table_database": "x",
        "table_schema": "main",
        "table_name": "a",
        "table_type": "BASE TABLE",
        "table_comment": None,
        "table_owner": None,
        "column_name": "id",
        "column_index": 1,
        "column_type": "INTEGER",
        "column_comment": None,
    }
    catalog = Catalog([{**row, "dvt_target": "house"}, {**row, "dvt_target": "barn"}])
    assert sorted(catalog.by_target) == ["barn", "house"]
    assert all(len(part) == 1 for part in catalog.by_target.values())
    assert Catalog([row]).by_target == {}


@notices("dbt.compilation:Compiler._recursively_prepend_ctes")
def test_ephemeral_models_are_looked_up_in_the_manifest_that_a_node_is_compiled_with() -> None:
    from dbt.artifacts.resources import InjectedCTE
    from dbt.compilation import Compiler
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.jinja.compiling import Mode, make_view

    ephemeral = model("model.p.e", config={"materialized": "ephemeral"}, compiled=True, compiled_code="x")
    plain = model("model.p.a")
    manifest = Manifest(nodes={node.unique_id: node for node in (ephemeral, plain)})
    view = make_view(manifest, Mode("barn"))
    assert view.macros is manifest.macros
    assert isinstance(view.nodes, ChainMap)
    assert view.nodes["model.p.e"] is not ephemeral
    assert view.nodes["model.p.a"] is plain
    assert view.ref_lookup.find("a", "p", None, view) is plain
    assert ephemeral.compiled
    assert manifest.nodes["model.p.e"] is ephemeral
    compiled = []

    class Compiling(Compiler):
        def _compile_code(self, node: Any, manifest: Any, extra_context: Any = None) -> Any:
            compiled.append((node, manifest))
            node.compiled, node.compiled_code = True, "select 1"
            return node

        def _write_node(self, node: Any, **_: Any) -> Any:
            return node

        def add_ephemeral_prefix(self, name: str) -> str:
            return f"cte_{name}"

    reader = model("model.p.r", compiled=True, compiled_code="select * from cte_e")
    reader.extra_ctes = [InjectedCTE(id="model.p.e", sql="")]
    compiler = Compiling(SimpleNamespace(args=SimpleNamespace()))
    sql, _ = compiler._recursively_prepend_ctes(reader, view, {})
    assert [(node is view.nodes["model.p.e"], seen is view) for node, seen in compiled] == [(True, True)]
    assert "select 1" in sql.compiled_code
    assert ephemeral.compiled_code == "x"


@notices("dbt.contracts.graph.nodes:CompiledNode")
def test_a_compiled_node_is_set_back_by_the_fields_that_dbt_compiles_into() -> None:
    from dbt.compilation import Compiler

    from dvt.dbt_bridge.jinja.compiling import fresh_copy

    steps = (Compiler._compile_code, Compiler._recursively_prepend_ctes, Compiler._write_node)
    node = model("model.p.e")
    filled = {"compiled": True, "compiled_code": "x", "compiled_path": "y", "_pre_injected_sql": "x"}
    vars(node).update(filled, extra_ctes=[object()], extra_ctes_injected=True)
    made, never = fresh_copy(node), model("model.p.e")
    fields = {field.name for field in dataclasses.fields(node)}
    assert {*filled, "extra_ctes", "extra_ctes_injected"} <= fields
    # Of tests and of constraints, each set to what it is already; of functions, from dbt-core 1.12 on.
    of_others = {"relation_name", "to", "compiled_body"}
    assert set().union(*(names_in(step, "STORE_ATTR") for step in steps)) - of_others == {
        *filled,
        "extra_ctes",
        "extra_ctes_injected",
    }
    assert {name: getattr(made, name) for name in fields - {"created_at"}} == {
        name: getattr(never, name) for name in fields - {"created_at"}
    }


@notices("dbt.contracts.graph.manifest:Manifest")
def test_a_manifest_takes_an_attribute_and_does_not_write_it() -> None:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.project.relation_names import _GIVEN

    manifest = Manifest()
    before = manifest.to_msgpack()
    setattr(manifest, _GIVEN, ("house", {"model.p.a"}))
    assert manifest.to_msgpack() == before


@notices("dbt.artifacts.resources.v1.config:Hook")
def test_a_hook_keeps_its_sql_alone_and_its_connection_renders_to_nothing() -> None:
    from dbt.artifacts.resources.v1.config import Hook
    from dbt.clients.jinja import get_rendered
    from dbt.hooks import get_hook_dict

    from dvt.dbt_bridge.outputs.hook_connections import connection_of

    assert {field.name for field in dataclasses.fields(Hook)} == {"sql", "transaction", "index"}
    hook = Hook.from_dict(get_hook_dict({"sql": "select {{ 1 }}", "connection": "crm"}))
    kept = hook.to_dict(omit_none=True)
    assert connection_of(kept) == "crm"
    assert get_rendered(kept["sql"], {}) == "select 1"


@notices("dbt.context.providers:generate_runtime_model_context")
def test_a_nodes_context_takes_macros_of_its_own_and_others_do_not_see_them() -> None:
    from dvt.dbt_bridge.jinja.overriding import override

    shared = {"run_hooks": "dbt's", "dbt": {"run_hooks": "dbt's"}}
    for context in ({**shared, "dbt": {**shared["dbt"]}}, ChainMap({"model": "a"}, shared)):  # type: ignore[dict-item]
        override(context, "run_hooks", lambda macro: f"ours over {macro}")
        assert context["run_hooks"] == context["dbt"]["run_hooks"] == "ours over dbt's"
    assert shared == {"run_hooks": "dbt's", "dbt": {"run_hooks": "dbt's"}}


@pytest.mark.slow
@notices("dbt.context.providers:generate_runtime_model_context")
def test_the_context_that_dbt_makes_for_a_node_takes_them(shop: Project) -> None:
    from dbt.task import run

    from dvt.dbt_bridge.jinja.overriding import override

    for name in ("a", "b"):
        shop.model(name, "select 1 as one", materialized="table")
    contexts: dict[str, Any] = {}
    make = run.generate_runtime_model_context

    def keep(node: Any, *args: Any) -> Any:
        contexts[node.name] = made = make(node, *args)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "generate_runtime_model_context", keep)
        assert shop.dvt("run"), shop.messages()
    macro = contexts["b"]["run_hooks"]
    override(contexts["a"], "run_hooks", lambda _: "ours")
    assert contexts["a"]["run_hooks"] == contexts["a"]["dbt"]["run_hooks"] == "ours"
    assert contexts["b"]["run_hooks"].macro is macro.macro  # dbt-core 1.12 makes a generator per look
    assert contexts["b"]["dbt"]["run_hooks"] != "ours"
