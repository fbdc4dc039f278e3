"""Types of outputs as the target itself would give them, had it computed the model.

An output that is a column's values unchanged has that column's type, as in a copy of its table; what
PostgreSQL computes of numbers is numeric, without precision and scale, unless a cast gives them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from dvt.core.tables import Column, StageColumn
from dvt.core.types import MAX_DIGITS, Kind, StageType, decimal
from dvt.federation.plan.analyse import resolve, scan_of
from dvt.federation.plan.dialects import language
from dvt.federation.plan.loads import definition
from dvt.federation.plan.state import PlanState, TableScan, plan_pass


@dataclass(frozen=True, slots=True)
class _Lost:
    """The type of a column that is passed on, and that the target would have kept."""

    native: str
    why: str


_Type = str | StageType | _Lost | None
"""Type in the target; staged type of a column that is loaded as in a copy; None for what is computed."""
_CHOICES = (exp.Coalesce, exp.Case, exp.If, exp.Greatest, exp.Least)
"""Expressions that give the values of some of their arguments."""


@plan_pass(
    needs="analysed outputs scans scans.number scans.columns scans.input", gives="definition loads outputs"
)
def keep_own_types(state: PlanState) -> None:
    """Give outputs the types of the target's own, where the model speaks its language and has no contract.

    Example:
        >>> state = state_after(keep_own_types, "SELECT o.total, o.total * 2 AS t FROM {orders} AS o")
        >>> [(load.name, load.native) for load in state.loads]
        [('total', 'DECIMAL(10,2)'), ('t', 'DECIMAL(18,2)')]
    """
    state.loads = state.context.load(state.outputs)
    _choose_types(state)
    for load in state.loads:
        if load.loses:
            message = f"output column {load.name} ({load.stage} as {load.native}): {load.loses}"
            state.warn("DVT002", message, output=load.name)


def _choose_types(state: PlanState) -> None:
    target = state.context.dialects[state.request.stage.connection]
    if state.request.contract or target != state.dialect or target == state.context.engine:
        return
    own = _own_types(state, build_scope(state.analysed) if state.analysed is not None else None)
    if len(own) != len(state.outputs):
        return
    if language(target).sizes_by_cast:
        state.outputs = tuple(
            _without_precision(column) if type_ is None else column
            for column, type_ in zip(state.outputs, own, strict=True)
        )
        state.loads = state.context.load(state.outputs)
    state.loads = tuple(
        replace(load, native=type_, loses=None) if isinstance(type_, str) else load
        for load, type_ in zip(state.loads, own, strict=True)
    )
    if any(isinstance(type_, str) for type_ in own):
        state.definition = definition(state.loads, target)
    for load, type_ in zip(state.loads, own, strict=True):
        if isinstance(type_, _Lost):
            message = f"output column {load.name} ({type_.native} as {load.native}): {type_.why}"
            state.warn("DVT002", message, output=load.name)


def _without_precision(column: StageColumn) -> StageColumn:
    if column.type.kind is not Kind.DECIMAL:
        return column
    return replace(column, widest=column.widest or decimal(MAX_DIGITS, column.type.scale or 0))


def _own_types(state: PlanState, scope: Scope | None, inside: tuple[Scope, ...] = ()) -> list[_Type]:
    """Return for each output of a query its type in the target; None where no rule tells it."""
    if scope is None or scope in inside:
        return []
    query = scope.expression
    if isinstance(query, exp.SetOperation):
        left, right = (_own_types(state, side, (*inside, scope)) for side in scope.set_operation_scopes)
        return [one if one == other else None for one, other in zip(left, right, strict=False)]
    if not isinstance(query, exp.Select):
        return []
    return [_own_type(state, scope, projection.unalias(), (*inside, scope)) for projection in query.selects]


def _own_type(state: PlanState, scope: Scope, node: exp.Expr, inside: tuple[Scope, ...]) -> _Type:
    node = node.unnest()
    if isinstance(node, exp.Column):
        return _of_column(state, scope, node, inside)
    if isinstance(node, _CHOICES):
        types = {_own_type(state, scope, part, inside) for part in _given(node)}
        return types.pop() if len(types) == 1 else None
    if isinstance(node, exp.Cast) and node.to.is_type("decimal") and node.to.expressions:
        is_kept = language(state.dialect).sizes_by_cast
        return str(node.to.sql(state.dialect)).lower() if is_kept else None
    return None


def _of_column(state: PlanState, scope: Scope, node: exp.Column, inside: tuple[Scope, ...]) -> _Type:
    owner = resolve(scope, node.table) if node.table else None
    if owner is None:
        return None
    scan = scan_of(state, owner[1])
    if scan is not None:
        return _as_read(state, scan, scan.columns.get(node.name))
    query = owner[1]
    if not isinstance(query, Scope) or not isinstance(query.expression, exp.Query):
        return None
    names = query.expression.named_selects
    types = _own_types(state, query, inside)
    if len(types) != len(names) or names.count(node.name) != 1:
        return None
    return types[names.index(node.name)]


def _as_read(state: PlanState, scan: TableScan, column: Column | None) -> _Type:
    if column is None:
        return None
    source = state.context.dialects[scan.input.table.connection]
    own = state.context.own_type(column, source)
    if own is None and column.is_misread and source == state.dialect:
        return _Lost(column.native, column.loses or "its type")
    return own or column.stage


def _given(node: exp.Expr) -> list[exp.Expr]:
    """Return the arguments whose values an expression gives."""
    if isinstance(node, exp.Case | exp.If):
        branches = [branch.args["true"] for branch in node.args.get("ifs", [])] or [node.args["true"]]
        other = node.args.get("default") or node.args.get("false")
        return [*branches, other if other is not None else exp.null()]
    return [node.this, *node.expressions]
