"""What dvt changes in dbt beside wrapped functions: a test fails where dbt is no longer as we rely on it."""

from __future__ import annotations

import dataclasses
import dis
import functools
import importlib
import inspect
from collections import ChainMap
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from dvt.dbt_bridge.entry import patches
from dvt.dbt_bridge.entry.changed_objects import CHANGED_OBJECTS
from tests.dbt_bridge.federated.project import Project

NOTICED: dict[str, str] = {}
"""What is changed → the test that notices."""


def notices(changed: str) -> Callable[[Any], Any]:
    """Mark a test that fails when dbt moves what is changed: its failure names that."""

    def mark(test: Any) -> Any:
        @functools.wraps(test)
        def naming(*args: Any, **kwargs: Any) -> None:
            try:
                test(*args, **kwargs)
            except BaseException as error:
                error.add_note(f"dbt's {changed} is not as {CHANGED_OBJECTS[changed].by} needs it")
                raise

        NOTICED[changed] = test.__name__
        return naming

    return mark


def resolve(path: str) -> Any:
    module, _, symbols = path.partition(":")
    value = importlib.import_module(module)
    for name in symbols.split("."):
        value = getattr(value, name)
    return value


def names_in(function: Any, opcode: str = "") -> set[str]:
    """The names that a function's code mentions, those of its inner functions too.

    With the name of an opcode, such as `LOAD_GLOBAL`, only those that it is used with.
    """
    codes, names = [inspect.unwrap(function).__code__], set()
    while codes:
        code = codes.pop()
        names |= {*code.co_names, *code.co_freevars} if not opcode else set()
        names |= {step.argval for step in dis.get_instructions(code) if step.opname == opcode}
        codes += [value for value in code.co_consts if inspect.iscode(value)]
    return names


@pytest.fixture(autouse=True, scope="module")
def _patched() -> None:
    patches.apply()


def duckdb_credentials() -> Any:
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    return DuckDBCredentials.from_dict({"database": "x", "schema": "main", "path": "x.duckdb"})


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


@pytest.mark.parametrize("changed", CHANGED_OBJECTS)
def test_what_is_changed_and_what_changes_it_is_there_and_a_test_notices(changed: str) -> None:
    resolve(changed)
    resolve(f"dvt.dbt_bridge.{CHANGED_OBJECTS[changed].by}")
    assert NOTICED[changed] in globals()


def test_no_test_is_of_what_is_not_changed() -> None:
    assert not NOTICED.keys() - CHANGED_OBJECTS.keys()


@notices("dbt.adapters.factory:FACTORY")
def test_dbt_asks_the_container_that_is_in_the_factory_now() -> None:
    from dbt.adapters import factory

    from dvt.dbt_bridge.entry.adapters import TargetAdapters

    assert isinstance(factory.FACTORY, TargetAdapters)
    own = {name for name, member in vars(TargetAdapters).items() if isinstance(member, FunctionType)}
    inherited = own & set(dir(factory.AdapterContainer)) - {"__init__"}
    assert inherited == {
        "load_plugin",
        "_adapter_version",
        "register_adapter",
        "lookup_adapter",
        "get_adapter_package_names",
        "reset_adapters",
        "cleanup_connections",
    }
    for function in (factory.get_adapter, factory.register_adapter, factory.reset_adapters):
        assert "FACTORY" in names_in(function)


@notices("dbt.parser.manifest:PARTIAL_PARSE_FILE_NAME")
def test_the_loader_reads_and_writes_the_partial_parse_file_by_the_name_that_is_replaced() -> None:
    from dbt.parser import manifest

    from dvt.dbt_bridge.project.parsing import PARTIAL_PARSE_FILE

    assert manifest.PARTIAL_PARSE_FILE_NAME == PARTIAL_PARSE_FILE
    users = [
        name
        for name, member in vars(manifest.ManifestLoader).items()
        if isinstance(member, FunctionType) and "PARTIAL_PARSE_FILE_NAME" in names_in(member)
    ]
    assert {"read_manifest_for_partial_parse", "write_manifest_for_partial_parse"} <= set(users)


@notices("dbt.parser.manifest:ManifestLoader.__init__")
def test_a_loader_can_be_made_anew_from_what_it_holds() -> None:
    from dbt.parser.manifest import ManifestLoader

    parameters = tuple(inspect.signature(ManifestLoader.__init__).parameters)
    assert parameters == ("self", "root_project", "all_projects", "macro_hook", "file_diff")
    assert {"root_project", "macro_hook", "file_diff"} <= names_in(ManifestLoader.__init__)
    assert "load_dependencies" in names_in(ManifestLoader.get_full_manifest)


@notices("dbt.cli.main:cli")
def test_commands_get_our_options_in_place() -> None:
    from dbt.cli.main import cli

    from dvt.app.commands import COMMANDS
    from dvt.app.federation import make_federator
    from dvt.dbt_bridge.entry.invoke import prepare

    prepare(make_federator, ["explain"], COMMANDS)
    for name, command in COMMANDS.items():
        if command.needs_dbt and name != "docs":
            options = {param.name for param in cli.commands[name].params}
            assert ("compute" in options) == command.runs_nodes, name
        assert (cli.commands[name].epilog or "") == command.epilog
    assert [param.envvar[0] for param in cli.commands["run"].params if param.name == "profiles_dir"] == [
        "DVT_PROFILES_DIR"
    ]


@notices("dbt.adapters.contracts.connection:Credentials.type")
def test_the_container_is_asked_for_the_type_that_carries_the_output() -> None:
    from dbt.adapters import factory

    from dvt.dbt_bridge.outputs.target_type import TargetType
    from dvt.dbt_bridge.outputs.targets import mark_type

    credentials = duckdb_credentials()
    before = credentials.to_dict()
    mark_type(credentials, "barn")
    assert credentials.type == "duckdb"
    assert isinstance(credentials.type, TargetType)
    assert credentials.type.target == "barn"
    assert credentials.to_dict() == before
    assert not isinstance(duckdb_credentials().type, TargetType)
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory.FACTORY, "lookup_adapter", asked.append)
        factory.get_adapter(SimpleNamespace(credentials=credentials))
    assert [kind.target for kind in asked] == ["barn"]


@notices("dbt.adapters.contracts.connection:Credentials")
def test_credentials_take_the_outputs_name_and_do_not_tell_it() -> None:
    from dbt.config.profile import Profile
    from dbt.config.renderer import ProfileRenderer
    from dbt.flags import set_from_args

    from dvt.dbt_bridge.outputs.profiles import output_of

    set_from_args(SimpleNamespace(), {})
    output = {"type": "duckdb", "path": "x.duckdb", "schema": "main"}
    profile = Profile.from_raw_profile_info(
        {"target": "barn", "outputs": {"barn": output}}, "shop", ProfileRenderer({})
    )
    assert output_of(profile.credentials) == "barn"
    assert "output" not in profile.credentials.to_dict()
    assert output_of(duckdb_credentials()) == ""


@notices("dbt.adapters.duckdb.environments:Environment.initialize_db")
def test_dbt_duckdb_opens_files_by_the_name_that_is_another_for_it() -> None:
    from dbt.adapters.duckdb import environments

    (original,) = (
        cell.cell_contents
        for cell in environments.Environment.initialize_db.__func__.__closure__ or ()
        if isinstance(cell.cell_contents, FunctionType)
    )
    assert {"duckdb", "connect"} <= names_in(original)
    assert tuple(inspect.signature(original).parameters) == ("cls", "creds", "plugins")
    source = inspect.getsource(original)
    assert source.count("duckdb.") == source.count(
        "duckdb.connect(creds.path, read_only=False, config=config)"
    )


@notices("dbt.adapters.duckdb.impl:DuckDBAdapter")
def test_dbt_duckdb_keeps_its_environment_on_the_class_that_its_methods_name() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.duckdb.impl import DuckDBAdapter

    from dvt.dbt_bridge.outputs.dbt_duckdb import own_environment

    assert {"_ENV", "_LOCK"} <= vars(DuckDBConnectionManager).keys()
    own = own_environment(DuckDBAdapter)
    manager = own.ConnectionManager
    assert manager is not DuckDBConnectionManager
    assert manager._LOCK is not DuckDBConnectionManager._LOCK
    environment, before = object(), DuckDBConnectionManager._ENV
    manager._ENV = environment
    assert manager.env() is environment
    assert DuckDBConnectionManager._ENV is before
    for copied, original in ((own, DuckDBAdapter), (own.Relation, DuckDBAdapter.Relation)):
        functions = {name: _function(member) for name, member in vars(original).items()}
        naming = [name for name, member in functions.items() if member and _MANAGER in names_in(member)]
        assert naming, original
        for name in naming:
            assert _MANAGER in names_in(functions[name], "LOAD_GLOBAL"), name
            assert _function(vars(copied)[name]).__globals__[_MANAGER] is manager, name


_MANAGER = "DuckDBConnectionManager"


def _function(member: Any) -> Any:
    """The plain function of a class's member, else None."""
    function = inspect.unwrap(getattr(member, "__func__", member))
    return function if isinstance(function, FunctionType) else None


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

    from dvt.dbt_bridge.nodes.federated_runner import FEDERATED, federated_runner

    plain = MagicMock(resource_type=NodeType.Model)
    batched = MagicMock(resource_type=NodeType.Model)
    batched.config.materialized, batched.config.incremental_strategy = "incremental", "microbatch"
    for task in (RunTask, BuildTask):
        made = object.__new__(task)
        made.manifest, made.config = MagicMock(), MagicMock()
        assert made.get_runner_type(plain) in FEDERATED
        assert made.get_runner_type(batched) is MicrobatchModelRunner, (
            "it gives its batches to runners of ours"
        )
    for task in (TestTask, ShowTask):
        assert object.__new__(task).get_runner_type(plain) in FEDERATED
    assert {BuildTask.RUNNER_MAP[kind] for kind in (NodeType.Test, NodeType.Unit)} <= FEDERATED.keys()
    assert "MicrobatchBatchRunner" in names_in(RunTask._submit_batch)
    for kind, federated in FEDERATED.items():
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
    of_others = {"relation_name", "to"}  # of tests, and of constraints, each set to what it is already
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

    from dvt.dbt_bridge.jinja.hooks import connection_of

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
    assert contexts["b"]["run_hooks"] is macro
    assert contexts["b"]["dbt"]["run_hooks"] != "ours"
