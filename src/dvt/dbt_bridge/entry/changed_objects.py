"""Lists what dvt changes in dbt besides the functions in `patches.WRAPPED`: classes, code, attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one object of dbt's."""

    by: str
    """Dotted path, below `dvt.dbt_bridge`, of the code that makes the change."""
    what: str
    why: str


CHANGED_OBJECTS: Mapping[str, Change] = {
    "dbt.adapters.factory:FACTORY": Change(
        "entry.adapters:TargetAdapters",
        "replaced by a subclass of its class",
        "several outputs of one type each have an adapter",
    ),
    "dbt.adapters.base.impl:DEFAULT_BASE_BEHAVIOR_FLAGS": Change(
        "entry.adapters:_make",
        "restored after each adapter that is made",
        "each adapter adds its own flags, for good, and dbt inspects the whole stack for each flag",
    ),
    "dbt.parser.manifest:PARTIAL_PARSE_FILE_NAME": Change(
        "project.parsing:PARTIAL_PARSE_FILE",
        "replaced by another name",
        "stock dbt would silently go on with what dvt parsed",
    ),
    "dbt.parser.manifest:ManifestLoader": Change(
        "project.macro_packages:MacroPackages",
        "while it parses, gets more macros, files and projects, by its own methods",
        "which adapters' macros a project needs is known once its nodes are met",
    ),
    "dbt.context.context_config:ContextConfig": Change(
        "project.parsing:_NodeState",
        "its calls of `config()` are set back, and those of the second rendering are kept",
        "a node's Jinja says which target it is to be rendered for",
    ),
    "dbt.cli.main:cli": Change(
        "entry.invoke:prepare",
        "commands get options, examples and other defaults, and are wrapped; commands of ours are added",
        "--compute, --bucket, --keep-staging and --resume, help, the place of profiles.yml, the record",
    ),
    "dbt.adapters.contracts.connection:Credentials.type": Change(
        "outputs.targets:mark_type",
        "their class is swapped for one whose `type` carries the output's name, for all but the default",
        "dbt asks its container of adapters for `credentials.type` and nothing else",
    ),
    "dbt.adapters.contracts.connection:Credentials": Change(
        "outputs.profiles:from_raw_profile_info",
        "an attribute `output` beside the fields",
        "adapters of ours and files of DuckDB's are kept by the name of the output",
    ),
    "dbt.adapters.duckdb.environments:Environment.initialize_db": Change(
        "outputs.dbt_duckdb:share_files",
        "rebuilt from its code, with another `duckdb` among its global names",
        "a file is opened once per process, whoever opens it",
    ),
    "dbt.adapters.duckdb.impl:DuckDBAdapter": Change(
        "outputs.dbt_duckdb:own_environment",
        "subclassed, and methods that name DuckDBConnectionManager rebuilt from their code",
        "the environment is kept on that class: two DuckDB outputs would close each other's",
    ),
    "dbt.task.base:BaseRunner.compile": Change(
        "nodes.task_patches:runner_init",
        "set on one runner, whose node's target cannot be used",
        "that is the node's error, not the command's",
    ),
    "dbt.task.run:ModelRunner": Change(
        "nodes.federated_runner:federated_runner",
        "a runner of our subclass is made without its constructor, from the attributes of dbt's runner",
        "a batch's runner carries state that dbt sets after its constructor",
    ),
    "dbt.task.seed:SeedRunner": Change(
        "nodes.seeding:bulk_runner",
        "a runner of our subclass is made without its constructor, from the attributes of dbt's runner",
        "`engine: dvt` is a config of the node, which dbt looks at only when it executes it",
    ),
    "dbt.task.test:TestRunner": Change(
        "nodes.testing:FederatedTestRunner.execute_unit_test",
        "its `compiler` is swapped while a unit test runs",
        "the node is compiled already, and its SQL is to be the stage table's",
    ),
    "dbt.task.runnable:GraphRunnableTask": Change(
        "nodes.task_patches:populate_adapter_cache",
        "its `manifest` and `config` are swapped while it does something for one output",
        "dbt's code for one output is run once for each",
    ),
    "dbt.task.docs.generate:Catalog": Change(
        "commands.catalog:catalog_init",
        "an attribute `by_target`",
        "a table of one target is never a node of another",
    ),
    "dbt.compilation:Compiler._recursively_prepend_ctes": Change(
        "jinja.compiling:make_view",
        "its manifest is made without the constructor, has a ChainMap of nodes, and attributes of ours",
        "an ephemeral model's SQL depends on its reader, and dbt keeps one for all readers",
    ),
    "dbt.contracts.graph.nodes:CompiledNode": Change(
        "jinja.compiling:fresh_copy",
        "copies of ephemeral models are set back to not compiled",
        "each kind of reader compiles its own",
    ),
    "dbt.contracts.graph.manifest:Manifest": Change(
        "project.relation_names:recompute",
        "an attribute `dvt_names_given`",
        "a manifest may serve several invocations, which may have other targets",
    ),
    "dbt.artifacts.resources.v1.config:Hook": Change(
        "outputs.hook_connections:with_connection",
        "a hook's `connection` travels in its SQL as a Jinja comment",
        "dbt's hook has no other field for it, and drops keys that it does not know",
    ),
    "dbt.context.providers:generate_runtime_model_context": Change(
        "jinja.overriding:override",
        "macros in the context of one node are replaced by others of the same names",
        "hooks on other outputs, and the stage table where `create_table_as` would fill a new one",
    ),
}
"""`module:symbol` of dbt → the change. Each has a test in `test_changed_objects.py` or
`test_changed_nodes.py`,
whose failure names it."""
