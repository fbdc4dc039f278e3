"""Runs seeds with `engine: dvt`: dvt reads and loads the file, dbt's own seed materialization publishes it.

The materialization reads no file and inserts no rows one by one: macros of it are replaced in its context. A
new table is the stage table, renamed; a table that is kept gets the stage table's rows, in one transaction.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.task.seed import SeedRunner

from dvt.core.errors import DvtError
from dvt.core.names import TableRef, stage_name
from dvt.core.plan import Load
from dvt.core.seeds import SeedFacts, SeedRequest, SeedType
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.overriding import override
from dvt.dbt_bridge.jinja.relations import table_ref
from dvt.dbt_bridge.nodes.federated_runner import add_moved
from dvt.dbt_bridge.nodes.publish import DbtPublisher, check_schema, has_any, renaming_type, stage_relation
from dvt.dbt_bridge.nodes.seed_configs import seed_file, unused
from dvt.dbt_bridge.nodes.seed_types import SeedTable, seed_types
from dvt.dbt_bridge.outputs import dialects

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session

_SHOWN = 10
"""Number of rows that `dbt seed --show` prints."""


class SeedPublisher(DbtPublisher):
    """Publishes a seed's stage table; the seed's pre-hooks run in dbt's materialization, as always."""

    def __init__(self, adapter: Any, node: Any, run: Any, names: Callable[[], Sequence[str]]) -> None:
        """`names` returns the columns as the file names them."""
        super().__init__(adapter, node, run)
        self._names = names
        self._types: dict[str, str] = {}

    def publish(self, load: Load) -> int:
        """See DbtPublisher. A table that dbt makes gets the stage table's types."""
        natives = [column.native for column in load.columns]
        self._types = dict(zip(self._names(), natives, strict=True))
        return super().publish(load)

    def _stand_in(self, stage: Any) -> Any:
        del stage
        copied = without_engine(self._node)
        copied.config.column_types = self._types
        return copied


def without_engine(node: Any) -> Any:
    """Return a copy of a seed without `engine`, which dvt's runner has acted on."""
    copied = copy.copy(node)
    copied.config = copy.copy(node.config)
    copied.config._extra = {key: value for key, value in node.config._extra.items() if key != "engine"}  # noqa: SLF001
    return copied


class BulkSeedRunner(SeedRunner):
    """Runs a seed that dvt reads and loads."""

    session: Session
    _manifest: Manifest
    _stage: Any = None
    _facts: SeedFacts
    _types: Sequence[SeedType] = ()

    def execute(self, model: Any, manifest: Manifest) -> Any:
        """Load the seed's file, and publish it by dbt's materialization."""
        self._manifest = manifest
        with as_dbt_errors():
            try:
                federator = self.session.federator()
                request = self._request(model, federator.run)
                self._stage = stage_relation(self.adapter, request.stage)
                publisher = SeedPublisher(self.adapter, model, self._materialize, self._names)
                outcome = federator.seed(request, self._typed(model), publisher)
            except DvtError as error:
                error.about(model.name, model.original_file_path)
                raise
        publisher.result.node = model
        return add_moved(publisher.result, outcome)

    def _typed(self, model: Any) -> Any:
        def typed(facts: SeedFacts) -> Sequence[SeedType]:
            self._facts, self._types = facts, seed_types(facts, model, self.adapter)
            return self._types

        return typed

    def _names(self) -> Sequence[str]:
        return [column.name for column in self._facts.columns]

    def _materialize(self, stand_in: Any) -> Any:
        return super().execute(stand_in, self._manifest)

    def _execute_model(self, *args: Any, **kwargs: Any) -> Any:
        """Run the materialization as dbt does, with macros in its context that publish the stage table."""
        execute = super()._execute_model
        call = signature(execute).bind(*args, **kwargs)
        node, context = call.arguments["model"], call.arguments["context"]
        SeedMacros(self.adapter, node, context, self._stage, self._types, SeedTable(self._facts)).replace()
        return execute(*call.args, **call.kwargs)

    def _request(self, model: Any, run: str) -> SeedRequest:
        target = self.session.output_of(model.unique_id)
        relation = self.adapter.Relation.create_from(self.config, model)
        table = table_ref(relation, target, dialects.of_type(self.adapter.type()))
        file = seed_file(model, self._path(model))
        return SeedRequest(
            unique_id=model.unique_id,
            name=model.name,
            file=model.original_file_path,
            source=file,
            stage=TableRef(
                connection=target,
                database=table.database,
                schema=table.schema,
                identifier=stage_name(run, model.unique_id),
            ),
            given=frozenset(model.config.column_types or {}),
            unused=unused(model, file),
            sample=_SHOWN if getattr(self.config.args, "show", False) else 0,
            bucket=self.session.bucket_of(model),
        )

    def _path(self, model: Any) -> Path:
        """Return the file's path, as dbt finds it; that of a package's seed is in the packages' folder."""
        root = Path(self.config.project_root)
        if model.package_name != self.config.project_name:
            root = root / self.config.packages_install_path / model.package_name
        path = root / model.original_file_path
        return (
            path if path.exists() or not model.root_path else Path(model.root_path, model.original_file_path)
        )


def bulk_runner(session: Session, runner: Any) -> BulkSeedRunner:
    """Return a runner of seeds with the attributes of dbt's."""
    bulk: BulkSeedRunner = object.__new__(BulkSeedRunner)
    bulk.__dict__.update(vars(runner), session=session)
    return bulk


class SeedMacros:
    """The macros of a seed's materialization that dvt replaces, for one seed."""

    def __init__(  # noqa: PLR0917 - the parts of one publication
        self, adapter: Any, node: Any, context: Any, stage: Any, types: Sequence[SeedType], table: SeedTable
    ) -> None:
        self._adapter = adapter
        self._node = node
        self._context = context
        self._stage = stage
        self._table = table
        self._columns = ", ".join(type_.quoted for type_ in types)
        self._kind = renaming_type(adapter)
        self._renames = bool(self._kind.rename) and not has_any(node, self._kind.own_table_configs)
        self._is_renamed = False

    def replace(self) -> None:
        """Replace the macros in the context: those of dbt's materialization, and of dvt's own adapters."""
        override(self._context, "load_agate_table", lambda _: self.load_agate_table)
        override(self._context, "create_csv_table", self._creating)
        override(self._context, "reset_csv_table", lambda _: self.reset_csv_table)
        override(self._context, "load_csv_rows", lambda _: lambda *_: self._insert(self._context["this"]))
        for own in ("mysql", "jdbc"):
            override(self._context, f"{own}__seed_ddl", self._own_ddl)
            override(
                self._context, f"{own}__insert_seed", lambda _: lambda relation, *_: self._insert(relation)
            )

    def load_agate_table(self) -> SeedTable:
        """Return what stands in for the table, once the columns of a table that is kept are checked."""
        context = self._context
        existing = context["load_cached_relation"](context["this"])
        if existing is not None and existing.type == "table" and not context["should_full_refresh"]():
            check_schema(self._adapter, self._node, existing, self._stage)
        return self._table

    def reset_csv_table(self, model: Any, full_refresh: bool, old_relation: Any, agate_table: Any) -> str:
        """Empty the table, or drop it and make it anew; both are seen when dbt commits."""
        self._adapter.add_query("select 1")  # begins the transaction, which dropping does not
        if full_refresh:
            self._adapter.drop_relation(old_relation)
            return str(self._context["create_csv_table"](model, agate_table))
        return self._run(f"delete from {old_relation.render()}")

    def _creating(self, create_csv_table: Any) -> Any:
        def create(model: Any, agate_table: Any) -> str:
            if not self._renames:
                return str(create_csv_table(model, agate_table))
            return self._run(self._renaming(self._context["this"]))

        return create

    def _own_ddl(self, seed_ddl: Any) -> Any:
        def ddl(relation: Any, model: Any, agate_table: Any) -> str:
            return self._renaming(relation) if self._renames else str(seed_ddl(relation, model, agate_table))

        return ddl

    def _renaming(self, relation: Any) -> str:
        self._is_renamed = True
        name = relation.include(database=False, schema=False)
        return self._kind.rename_statement(
            stage=str(self._stage), table=str(relation), name=str(name), bare_name=relation.identifier
        )

    def _insert(self, relation: Any) -> str:
        if self._is_renamed:
            return ""
        return self._run(
            f"insert into {relation} ({self._columns}) select {self._columns} from {self._stage}"
        )

    def _run(self, sql: str) -> str:
        self._adapter.add_query(sql)
        return sql
