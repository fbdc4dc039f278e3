"""Publishes a filled stage table by dbt's own materialization on the node's target.

The materialization of a table renames the stage table instead of creating and filling a new table. With the
answer of an engine, the stage table already has the types and constraints of an enforced contract. With the
answer of a source it has the types that the SELECT would have on the target: dbt compares these with the
contract, and makes the table. If a config gives the table properties that the stage table lacks (partitions,
unlogged), the adapter's DDL copies the stage table into a new one. Incremental models and snapshots run dbt's
own macros over `select * from <stage>`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from dbt.artifacts.schemas.results import NodeStatus

from dvt.core.errors import SchemaChanged
from dvt.core.names import TableRef
from dvt.core.places import Place
from dvt.core.plan import Load
from dvt.core.requests import TextComparison
from dvt.core.types import MAX_DIGITS, Kind, StageType, UnknownType, decimal
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.jinja.overriding import define, override
from dvt.dbt_bridge.nodes.keep import MACRO as KEEP
from dvt.dbt_bridge.nodes.transactions import cancel_if_client_dies, commit_open, rollback_open
from dvt.resolution.output_types import OutputType, output_type

_COMPARISONS = frozenset(TextComparison)
"""Values of the config `collation` that say how text is compared; all others are collations of the table."""
_SUM_TYPE = decimal(38, 0)
"""The type in which a table may hold `_SUM_KINDS`."""
_SUM_KINDS = frozenset({Kind.HUGEINT, Kind.UHUGEINT})
"""Types of sums of whole numbers."""
_INTEGER_BYTES = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "integer": 4, "bigint": 8}
"""Signed whole numbers, as the targets name them → bytes of a value."""
_SHOWN_WIDTH = re.compile(r"\(\d+\)\Z")
"""Matches how many digits MariaDB shows of a whole number, which says nothing of its values."""
_DECIMAL = re.compile(r"(?:decimal|numeric)\((\d+), ?(\d+)\)")
"""Matches a decimal type with its precision and scale, as the targets name it."""
_KINDS_AS_TEXT = frozenset({Kind.INTERVAL, Kind.BIT, Kind.BIGNUM, Kind.ENUM})
"""Types that DuckDB converts to the text that it shows, when they are inserted into a text column."""


class DbtPublisher:
    """Implements `core.ports.bridge.Publisher` for one node, on the thread that runs the node."""

    def __init__(self, adapter: Any, node: Any, run: Callable[[Any], Any]) -> None:
        self._adapter = adapter
        self._node = node
        self._run = run
        """Runs a copy of the node by dbt's runner; returns dbt's result."""
        self.result: Any = None
        """dbt's result, once published."""

    def publish(self, load: Load) -> int:
        """Run dbt's materialization over the stage table; return the rows that dbt says it wrote, or -1."""
        stage = stage_relation(self._adapter, load.stage)
        node = self._stand_in(stage)
        succeeded = False
        try:
            with as_dbt_errors():
                cancel_if_client_dies(self._adapter)
                self.result = self._run(node)
            succeeded = getattr(self.result, "status", NodeStatus.Success) == NodeStatus.Success
        finally:
            # Release all locks: another connection drops the stage table next.
            (commit_open if succeeded else rollback_open)(self._adapter)
        self._node.build_path = node.build_path
        response = getattr(self.result, "adapter_response", None) or {}
        return int(response.get("rows_affected", -1))

    def _stand_in(self, stage: Any) -> Any:
        """Return the copy of the node that dbt runs, given the stage table."""
        return stand_in(self._node, f"select * from {stage}")


def stage_relation(adapter: Any, stage: TableRef) -> Any:
    """Return the stage table as the adapter's relation, with every part of its name quoted."""
    return adapter.Relation.create(
        database=stage.database,
        schema=stage.schema,
        identifier=stage.identifier,
        type="table",
        quote_policy={"database": True, "schema": True, "identifier": True},
    )


def stand_in(node: Any, select: str) -> Any:
    """Return a copy of the node that dbt runs instead: its SQL is `select`, and it has no pre-hooks."""
    copied = copy.copy(node)
    copied.config = copy.copy(node.config)
    if hasattr(copied.config, "pre_hook"):
        copied.config.pre_hook = []
    build_no_view(copied.config)
    copied.compiled_code = select
    copied.extra_ctes, copied.extra_ctes_injected = [], True
    return copied


def build_no_view(config: Any) -> None:
    """Make the config of a node build a table instead of a view: what the view would read goes."""
    if config.materialized == "view":
        config.materialized = "table"
    if getattr(config, "store_failures_as", None) == "view":
        config.store_failures_as = "table"


def keeps_table(node: Any) -> bool:
    """Return whether the node has `publish: keep`, which replaces rows and leaves the table object."""
    return (node.config.get("publish") or "swap") == "keep"


def is_filled_by_statements(node: Any) -> bool:
    """Return whether statements of the target fill the table, with other rows than those of the SQL."""
    return bool(node.resource_type == "snapshot")


def is_made_by_dbt(node: Any, place: Place) -> bool:
    """Return whether dbt makes the node's table of the stage table's rows, because the two tables differ."""
    contract = getattr(node, "contract", None)
    has_contract = contract is not None and contract.enforced
    return is_filled_by_statements(node) or (place is Place.SOURCE and has_contract)


def rename_stage_table(context: dict[str, Any], adapter: Any, node: Any, stage: Any) -> None:
    """Make `create_table_as` in the context rename the stage table, where that results in the same table."""
    kind = renaming_type(adapter)
    if not kind.rename or has_any(node, kind.own_table_configs):
        return
    for macro in ("create_table_as", "get_create_table_as_sql"):
        override(context, macro, partial(_renaming_macro, kind, stage))


def renaming_type(adapter: Any) -> OutputType:
    """Return the type of an adapter's output, with the statement by which its database renames tables."""
    kind = output_type(adapter.type())
    return replace(kind, rename=getattr(adapter, "stage_rename", kind.rename))


def has_any(node: Any, keys: Iterable[str]) -> bool:
    """Return whether the node has any of these configs; a TextComparison as `collation` does not count."""
    values = (node.config.get(key) for key in keys)
    return any(value and value not in _COMPARISONS for value in values)


def _renaming_macro(kind: OutputType, stage: Any, create_table_as: Callable[..., Any]) -> Callable[..., Any]:
    """Return a macro that renames the stage table, or calls `create_table_as` for a table of another kind."""

    def rename(temporary: bool, relation: Any, *args: Any, **kwargs: Any) -> Any:
        if temporary or kwargs.get("partitioned_by") or kwargs.get("sorted_by"):
            return create_table_as(temporary, relation, *args, **kwargs)
        name = relation.include(database=False, schema=False)
        return kind.rename_statement(
            stage=str(stage), table=str(relation), name=str(name), bare_name=relation.identifier
        )

    return rename


def materialization(context: dict[str, Any], node: Any, stage: Any, macro: Any, place: Place) -> Any:
    """Return the materialization that publishes: dbt's `macro`, or the one of `publish: keep`.

    `stage` has the new rows, computed at `place`; None: the target computes them from the node's own SQL.
    """
    existing = context["load_cached_relation"](context["this"])
    if existing is None or existing.type != "table" or context["should_full_refresh"]():
        return macro
    check = partial(check_schema, context["adapter"], node, existing)
    if node.config.materialized == "incremental":
        if place is Place.ENGINE and node.config.on_schema_change == "ignore":
            check(stage)
        return macro
    if not keeps_table(node) or node.config.materialized != "table":
        return macro
    define(context, "dvt_stage", stage)
    define(context, "dvt_check_columns", check)
    define(context, "dvt_ddl_commits", output_type(context["adapter"].type()).ddl_commits)
    return KEEP


def check_schema(adapter: Any, node: Any, existing: Any, stage: Any) -> None:
    """Raise SchemaChanged if a column of the existing table is missing in the result, or has another type."""
    new = {column.name: column for column in adapter.get_columns_in_relation(stage)}
    changes = [
        change
        for column in adapter.get_columns_in_relation(existing)
        if (change := _describe_change(column, new.get(column.name)))
    ]
    if changes:
        raise SchemaChanged(node.name, changes).about(node.name, node.original_file_path)


def _describe_change(old: Any, new: Any) -> str | None:
    if new is None:
        return f"column {old.name} ({old.data_type}) is gone"
    if old.data_type == new.data_type or (old.is_string() and new.is_string()):
        return None
    if _is_wider(old, new) or _takes(old, new):
        return None
    return f"column {old.name} was {old.data_type}, is {new.data_type}"


def _is_wider(old: Any, new: Any) -> bool:
    """Return whether both are signed whole numbers, or decimals, and the old one holds all of the new."""
    types = [_SHOWN_WIDTH.sub("", str(column.data_type).lower()) for column in (old, new)]
    before, after = map(_INTEGER_BYTES.get, types)
    if before is not None and after is not None:
        return before > after
    decimals = [_DECIMAL.fullmatch(type_) for type_ in types]
    if not all(decimals):
        return False
    (precision, scale), (new_precision, new_scale) = (map(int, match.groups()) for match in decimals if match)
    # MariaDB types a sum decimal(41,0); what an engine has computed has no more digits than its decimals.
    new_precision = min(new_precision, MAX_DIGITS)
    return scale >= new_scale and precision - scale >= new_precision - new_scale


def _takes(old: Any, new: Any) -> bool:
    """Return whether the old column takes the new one's values unchanged, or fails for a number too large.

    True only on DuckDB: no other database spells these types as the staging does. Other databases also write
    an interval as another text than the staging does.
    """
    try:
        type_ = StageType.parse(str(new.data_type))
    except UnknownType:
        return False
    return (type_.kind in _SUM_KINDS and old.data_type == str(_SUM_TYPE)) or (
        type_.kind in _KINDS_AS_TEXT and old.is_string()
    )
