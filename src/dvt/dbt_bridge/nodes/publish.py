"""Publishing a filled stage table: dbt's own materialization on the node's target.

A table takes over the stage table by renaming it where dbt would have filled a new one; an enforced
contract's types and constraints are the stage table's already. Where the adapter's own DDL has more to
say (partitions, unlogged tables), it creates its table from the stage table instead. Incremental models
are dbt's own macros with `select * from <stage>`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from dbt.artifacts.schemas.results import NodeStatus

from dvt.core.errors import SchemaChanged
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.core.requests import TextComparison
from dvt.core.types import Kind, StageType, UnknownType, decimal
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.overriding import define, override
from dvt.dbt_bridge.nodes.keep import MACRO as KEEP
from dvt.dbt_bridge.nodes.transactions import cancel_if_client_dies, commit_open, rollback_open
from dvt.resolution.output_types import OutputType, output_type

_OURS = frozenset(TextComparison)
"""Words of `collation` that are about comparing and not about the table."""
_SUMS = decimal(38, 0)
_HUGE = frozenset({Kind.HUGEINT, Kind.UHUGEINT})
"""Types of sums of whole numbers, which a table may hold as `_SUMS`."""
_TEXTS = frozenset({Kind.INTERVAL, Kind.BIT, Kind.BIGNUM, Kind.ENUM})
"""Types whose values DuckDB puts into a column of text as they are shown."""


class DbtPublisher:
    """Publishes one node's stage table (`core.ports.bridge.Publisher`), on the thread that runs the node."""

    def __init__(self, adapter: Any, node: Any, run: Callable[[Any], Any]) -> None:
        self._adapter = adapter
        self._node = node
        self._run = run
        """What dbt does with the node, given the stand-in for it."""
        self.result: Any = None

    def publish(self, load: Load) -> int:
        """Let dbt run the node over the stage table; how many rows it says it wrote."""
        stage = stage_relation(self._adapter, load.stage)
        node = stand_in(self._node, f"select * from {stage}")
        done = False
        try:
            with as_dbt_errors():
                cancel_if_client_dies(self._adapter)
                self.result = self._run(node)
            done = getattr(self.result, "status", NodeStatus.Success) == NodeStatus.Success
        finally:
            # The stage table is dropped next, over another connection: no lock of ours may stay on it.
            (commit_open if done else rollback_open)(self._adapter)
        self._node.build_path = node.build_path
        response = getattr(self.result, "adapter_response", None) or {}
        return int(response.get("rows_affected", -1))


def stage_relation(adapter: Any, stage: TableRef) -> Any:
    """The stage table as the target's adapter names it, exactly."""
    return adapter.Relation.create(
        database=stage.database,
        schema=stage.schema,
        identifier=stage.identifier,
        type="table",
        quote_policy={"database": True, "schema": True, "identifier": True},
    )


def stand_in(node: Any, select: str) -> Any:
    """A copy of the node for dbt to run: it selects the stage table, and its pre-hooks have run."""
    made = copy.copy(node)
    made.config = copy.copy(node.config)
    if hasattr(made.config, "pre_hook"):
        made.config.pre_hook = []
    if made.config.materialized == "view":
        made.config.materialized = "table"
    made.compiled_code = select
    made.extra_ctes, made.extra_ctes_injected = [], True
    return made


def keeps(node: Any) -> bool:
    """True for `publish: keep`: the table object stays."""
    return (node.config.get("publish") or "swap") == "keep"


def rename_stage_table(context: dict[str, Any], adapter: Any, node: Any, stage: Any) -> None:
    """Make `create_table_as` in the context rename the stage table wherever that gives the same table."""
    kind = output_type(adapter.type())
    if not kind.rename or _says(node, kind.own_table_configs):
        return
    for macro in ("create_table_as", "get_create_table_as_sql"):
        override(context, macro, partial(_renaming, kind, stage))


def _says(node: Any, keys: Iterable[str]) -> bool:
    said = (node.config.get(key) for key in keys)
    return any(one and one not in _OURS for one in said)


def _renaming(kind: OutputType, stage: Any, create_table_as: Callable[..., Any]) -> Callable[..., Any]:
    def rename(temporary: bool, relation: Any, *args: Any, **kwargs: Any) -> Any:
        if temporary or kwargs.get("partitioned_by") or kwargs.get("sorted_by"):
            return create_table_as(temporary, relation, *args, **kwargs)
        name = relation.include(database=False, schema=False)
        return kind.rename_statement(
            stage=str(stage), table=str(relation), name=str(name), bare_name=relation.identifier
        )

    return rename


def materialization(context: dict[str, Any], node: Any, stage: Any, chosen: Any) -> Any:
    """The materialization macro that publishes: the adapter's own, or the one that keeps the table."""
    existing = context["load_cached_relation"](context["this"])
    if existing is None or existing.type != "table" or context["should_full_refresh"]():
        return chosen
    incremental = node.config.materialized == "incremental"
    kept = not incremental and keeps(node)
    if kept or (incremental and node.config.on_schema_change == "ignore"):
        _check_schema(context["adapter"], node, stage, existing)
    if not kept:
        return chosen
    define(context, "dvt_stage", stage)
    define(context, "dvt_ddl_commits", output_type(context["adapter"].type()).ddl_commits)
    return KEEP


def _check_schema(adapter: Any, node: Any, stage: Any, existing: Any) -> None:
    """Raise when the table that stays lacks nothing but differs: columns lost, or of other types."""
    new = {column.name: column for column in adapter.get_columns_in_relation(stage)}
    changes = [
        change
        for column in adapter.get_columns_in_relation(existing)
        if (change := _change(column, new.get(column.name)))
    ]
    if changes:
        raise SchemaChanged(node.name, changes).about(node.name, node.original_file_path)


def _change(old: Any, new: Any) -> str | None:
    if new is None:
        return f"column {old.name} ({old.data_type}) is gone"
    if old.data_type == new.data_type or (old.is_string() and new.is_string()) or _holds(old, new):
        return None
    return f"column {old.name} was {old.data_type}, is {new.data_type}"


def _holds(old: Any, new: Any) -> bool:
    """True where DuckDB's column takes values of another type as they are, or refuses what is too large.

    Other databases spell no such types: their text of an interval, say, is not that of the staging.
    """
    try:
        given = StageType.parse(str(new.data_type))
    except UnknownType:
        return False
    return (given.kind in _HUGE and old.data_type == str(_SUMS)) or (given.kind in _TEXTS and old.is_string())
