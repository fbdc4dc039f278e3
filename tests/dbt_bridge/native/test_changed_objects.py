"""What dvt changes in dbt beside wrapped functions: a test fails where dbt is no longer as we rely on it.

Here what is changed when dbt starts and in its outputs; `test_changed_nodes.py` has the rest.
"""

from __future__ import annotations

import inspect
from types import FunctionType, SimpleNamespace
from typing import Any

import pytest

from dvt.dbt_bridge.entry import patches
from dvt.dbt_bridge.entry.changed_objects import CHANGED_OBJECTS
from tests.dbt_bridge.native import test_changed_nodes
from tests.dbt_bridge.native.changed_objects import NOTICED, names_in, notices, resolve


@pytest.fixture(autouse=True, scope="module")
def _patched() -> None:
    patches.apply()


def duckdb_credentials() -> Any:
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    return DuckDBCredentials.from_dict({"database": "x", "schema": "main", "path": "x.duckdb"})


@pytest.mark.parametrize("changed", CHANGED_OBJECTS)
def test_what_is_changed_and_what_changes_it_is_there_and_a_test_notices(changed: str) -> None:
    resolve(changed)
    resolve(f"dvt.dbt_bridge.{CHANGED_OBJECTS[changed].by}")
    assert NOTICED[changed] in {*globals(), *vars(test_changed_nodes)}


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


@notices("dbt.adapters.base.impl:DEFAULT_BASE_BEHAVIOR_FLAGS")
def test_an_adapter_gets_its_flags_from_the_list_when_it_is_made() -> None:
    from dbt.adapters.base.impl import BaseAdapter

    assert "DEFAULT_BASE_BEHAVIOR_FLAGS" in names_in(BaseAdapter.__init__)


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


@notices("dbt.parser.manifest:ManifestLoader")
def test_a_loader_reads_macros_by_methods_that_may_be_called_while_it_parses() -> None:
    from dbt.parser.macros import MacroParser
    from dbt.parser.manifest import ManifestLoader
    from dbt.parser.read_files import ReadFilesFromFileSystem

    assert {"all_projects", "manifest", "root_project"} <= names_in(ManifestLoader.__init__)
    assert {"macro_resolver", "manifest"} <= names_in(ManifestLoader.build_macro_resolver)
    assert {"macro_resolver", "manifest", "macros"} <= names_in(ManifestLoader.macro_depends_on)
    for method in ("build_manifest_state_check", "build_macro_resolver", "macro_depends_on"):
        assert tuple(inspect.signature(getattr(ManifestLoader, method)).parameters) == ("self",)
    assert tuple(inspect.signature(MacroParser).parameters)[:2] == ("project", "manifest")
    assert {"all_projects", "files", "project_parser_files"} <= set(
        inspect.signature(ReadFilesFromFileSystem).parameters
    )


@notices("dbt.context.context_config:ContextConfig")
def test_the_calls_of_config_are_kept_in_two_dictionaries() -> None:
    from dbt.context.context_config import ContextConfig

    config = ContextConfig(None, [], "model", "shop")
    config.add_config_call({"target": "barn"})
    config.add_unrendered_config_call({"target": "barn"})
    assert config._config_call_dict == config._unrendered_config_call_dict == {"target": "barn"}


@notices("dbt.cli.main:cli")
def test_commands_get_our_options_in_place() -> None:
    from dbt.cli.main import cli

    from dvt.app.commands import COMMANDS
    from dvt.app.federation import make_federator
    from dvt.dbt_bridge.entry.invoke import prepare

    prepare(make_federator, list(COMMANDS), COMMANDS)
    for name, command in COMMANDS.items():
        if command.needs_dbt and name != "docs":
            options = {param.name for param in cli.commands[name].params}
            assert ("compute" in options) == command.runs_nodes, name
        assert (cli.commands[name].epilog or "") == command.epilog
        help_text = cli.commands[name].help or ""
        assert "current target database" not in help_text
        assert not command.help or help_text == command.help
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
    assert not hasattr(type(profile.credentials), "output"), "dbt means something by that name"
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
