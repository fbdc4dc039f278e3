"""Reads a node's enforced contract: the columns of its result, and the DDL of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dbt.context.providers import generate_runtime_model_context
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.core.requests import Contract, ContractColumn
from dvt.dbt_bridge.jinja.relations import normalized
from dvt.dbt_bridge.outputs import dialects


def contract_of(
    node: Any, adapter: Any, config: Any, manifest: Any, engine: Callable[[], str]
) -> Contract | None:
    """Return the node's contract, with column names as the target stores them; None if none is enforced.

    The target's own macros render the definition of the table. `engine` returns the dialect of the node's
    compute engine, in which the columns' types are written too.
    """
    contract = getattr(node, "contract", None)
    if contract is None or not contract.enforced:
        return None
    columns = tuple(_columns(node, adapter, engine()))
    # dbt's macros read the constraints from the model, and warn about those that the target ignores.
    context = generate_runtime_model_context(node, config, manifest)
    return Contract(columns=columns, definition=str(context["get_table_columns_and_constraints"]()).strip())


def _columns(node: Any, adapter: Any, engine: str) -> Iterator[ContractColumn]:
    dialect = dialects.of_type(adapter.type())
    for column in node.columns.values():
        native = str(column.data_type or "")
        if node.contract.alias_types:
            native = adapter.Column.translate_type(native)
        name = normalized(column.name, quote=bool(column.quote), dialect=dialect) or column.name
        yield _contract_column(name, native, dialect, engine)


def _contract_column(name: str, native: str, dialect: str, engine: str) -> ContractColumn:
    try:
        kind = exp.DataType.build(native, dialect=dialect)
    except (SqlglotError, ValueError):
        return ContractColumn(name, native, None)
    if kind.is_type(exp.DataType.Type.DECIMAL) and dialect != engine and not kind.expressions:
        return ContractColumn(name, native, None, any_number=True)
    return ContractColumn(name, native, str(kind.sql(dialect=engine)))
