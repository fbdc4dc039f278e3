"""Comparisons of an enum's value with a constant, which its database makes by the order of the labels.

DuckDB compares an ENUM with a text as text, even by <. So a constant that is one of the labels is cast to the
ENUM: in the tree and, where the model's own text is run, in its place there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from dvt.core.types import Kind, StageType
from dvt.federation.plan.output_names import engine_name
from dvt.federation.plan.sql_types import sql_type
from dvt.federation.plan.state import PlanState, plan_pass

_Enums = dict[exp.DataType | None, StageType]
"""SQLGlot's type of an enum → the same in staging."""
_ORDERED = (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.Greatest, exp.Least)
"""Expressions whose value depends on the order of the labels."""
_TYPED = (exp.EQ, exp.NEQ, exp.In, exp.Coalesce, exp.Nullif, exp.Case, exp.If)
"""Expressions in which PostgreSQL gives a constant the other operand's type."""
_MIXED = (exp.Coalesce, exp.Case, exp.If, exp.Greatest, exp.Least)
"""Expressions that DuckDB makes text if any of their operands is."""


@plan_pass(needs="scans scans.columns", gives="names spans tree")
def order_enums(state: PlanState) -> None:
    """Cast constants that are compared with an enum to its type.

    Example:
        >>> sql = "SELECT id FROM {orders} WHERE state < 'paid' OR state > 'none'"
        >>> state = state_after(order_enums, sql, enum=("new", "paid"))
        >>> [str(state.request.sql[start:end]) for start, end in state.spans]
        ["'paid'"]
        >>> print(next(iter(state.spans.values())))
        CAST('paid' AS ENUM('new', 'paid'))
    """
    enums = _ranked_types(state)
    if not enums:
        return
    kinds = _ORDERED if state.dialect == state.context.engine else _ORDERED + _TYPED
    for node in reversed(list(state.tree.find_all(*kinds, bfs=False))):
        operands = list(_operands(node))
        type_ = _enum_of(operands, enums)
        if type_ is None:
            continue
        for label in [operand for operand in operands if _is_label(operand, type_)]:
            _cast(state, label, type_)


def _ranked_types(state: PlanState) -> _Enums:
    """Return the enums of columns that their databases sort by the order of the labels."""
    return {
        sql_type(column.stage): column.stage
        for scan in state.scans
        for column in scan.columns.values()
        if column.ranked and column.stage.kind is Kind.ENUM
    }


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the values that an expression compares, or of which it is one."""
    if isinstance(node, exp.Case | exp.If):
        branches = node.args.get("ifs") or []
        yield from (branch.args["true"] for branch in branches)
        yield from (node.args[key] for key in ("true", "false", "default") if node.args.get(key) is not None)
    elif isinstance(node, exp.Between):
        yield from (node.this, node.args["low"], node.args["high"])
    else:
        yield from (node.this, *node.expressions)
        if isinstance(node.args.get("expression"), exp.Expr):
            yield node.args["expression"]


def _enum_of(operands: Iterable[exp.Expr], enums: _Enums) -> StageType | None:
    """Return the enum that one of the operands is of; None if there is none."""
    types = (operand.unnest().type for operand in operands if _is_enum(operand, enums))
    return next((enums[type_] for type_ in types if type_ in enums), None)


def _is_enum(node: exp.Expr, enums: _Enums) -> bool:
    inner = node.unnest()
    if not isinstance(inner, _MIXED):
        return inner.type in enums
    return all(_is_enum(operand, enums) or isinstance(operand, exp.Null) for operand in _operands(inner))


def _is_label(operand: exp.Expr, type_: StageType) -> bool:
    return isinstance(operand, exp.Literal) and operand.is_string and operand.name in type_.values


def _cast(state: PlanState, literal: exp.Expr, type_: StageType) -> None:
    """Cast a constant, and keep the names of the outputs that it is in."""
    _keep_name(state, literal)
    cast = exp.Cast(this=literal.copy(), to=sql_type(type_), _type=sql_type(type_))
    start, end = literal.meta.get("start"), literal.meta.get("end")
    literal.replace(cast)
    if start is not None and end is not None:
        state.spans[start, end + 1] = cast.copy()


def _keep_name(state: PlanState, literal: exp.Expr) -> None:
    for number, projection in enumerate(state.tree.selects):
        inside = any(node is literal for node in projection.walk())
        if inside and number < len(state.names) and state.names[number] is None:
            state.names[number] = engine_name(state, projection)
