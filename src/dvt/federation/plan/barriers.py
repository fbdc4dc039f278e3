"""Barriers to conditions: joins that are not understood, and outputs that conditions cannot pass."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

_JOINS = {"", "INNER", "OUTER", "CROSS"}
"""Kinds of joins that are understood."""
_VOLATILE = (exp.Rand, exp.Uuid, exp.Anonymous)
"""Expressions that may give another value for each row."""
_BLOCKING = ("limit", "offset", "fetch", "qualify", "having", "sample", "connect", "match", "pivots")
"""Clauses of a SELECT that no condition may pass."""


def join_problem(scope: Scope) -> str:
    """Return why the joins of this SELECT are not understood; empty if they are, over plain sources."""
    select = scope.expression
    from_ = select.args.get("from_")
    items = [from_.this] if from_ is not None else []
    for join in select.args.get("joins") or []:
        if join.method or join.kind.upper() not in _JOINS:
            return f"a {join.method or join.kind} JOIN chooses its rows in another way"
        items.append(join.this)
    for item in items:
        plain = isinstance(item, exp.Table | exp.Subquery) and not item.args.get("joins")
        if isinstance(item, exp.Subquery) and not isinstance(item.this, exp.Query):
            plain = False
        if item.args.get("sample") or item.args.get("pivots"):
            return "a sample or pivot is applied first"
        if not plain and not isinstance(item, exp.Lateral | exp.Unnest | exp.Values):
            return "the join is nested"
    if select.args.get("laterals") or select.args.get("pivots") or select.args.get("connect"):
        return "the FROM clause is not a plain list of joins"
    return ""


def names_through(scope: Scope) -> dict[str, exp.Expr]:
    """Return the outputs that a condition may pass through: name → the column of this SELECT."""
    select = scope.expression
    if not isinstance(select, exp.Select):
        return {}
    if any(select.args.get(key) for key in _BLOCKING) or _distinct_on(select) or _is_volatile(scope):
        return {}
    keys = _keys(select)
    passing: dict[str, exp.Expr] = {}
    ambiguous = set()
    for projection in select.expressions:
        name, column = projection.alias_or_name, projection.unalias().unnest()
        ambiguous |= {name} & passing.keys()
        if isinstance(column, exp.Column) and (keys is None or _same(column, keys)):
            passing[name] = column
    return {name: column for name, column in passing.items() if name not in ambiguous}


def _keys(select: exp.Select) -> list[exp.Column] | None:
    """Return the columns that are constant in every group and window; None without groups and windows."""
    lists: list[list[exp.Column]] = []
    group = select.args.get("group")
    aggregated = _in_scope(select, exp.AggFunc)
    if group is not None:
        plain = not any(group.args.get(key) for key in ("rollup", "cube", "grouping_sets", "all", "totals"))
        lists.append(_columns(group.expressions, select) if plain else [])
    elif any(not isinstance(aggregate.parent, exp.Window) for aggregate in aggregated):
        lists.append([])
    windows = _in_scope(select, exp.Window)
    lists += [
        _columns([] if window.args.get("alias") else window.args.get("partition_by") or [], select)
        for window in windows
    ]
    if not lists:
        return None
    return [column for column in lists[0] if all(_same(column, other) for other in lists[1:])]


def _columns(keys: list[exp.Expr], select: exp.Select) -> list[exp.Column]:
    columns = []
    for key in keys:
        inner = key.unnest()
        if isinstance(inner, exp.Literal) and inner.is_int and 0 < int(inner.this) <= len(select.expressions):
            inner = select.expressions[int(inner.this) - 1].unalias().unnest()
        if isinstance(inner, exp.Column):
            columns.append(inner)
    return columns


def _same(column: exp.Column, others: list[exp.Column]) -> bool:
    return any(column.name == other.name and column.table == other.table for other in others)


def _in_scope(select: exp.Select, *kinds: type[exp.Expr]) -> list[exp.Expr]:
    nodes = []
    for clause in [*select.expressions, *(select.args.get("windows") or [])]:
        nodes += [node for node in clause.find_all(*kinds) if node.parent_select is select or node is clause]
    return nodes


def _distinct_on(select: exp.Select) -> bool:
    distinct = select.args.get("distinct")
    return distinct is not None and distinct.args.get("on") is not None


def _is_volatile(scope: Scope) -> bool:
    return any(True for _ in scope.expression.find_all(*_VOLATILE))
