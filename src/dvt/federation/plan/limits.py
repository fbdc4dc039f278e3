"""Limits on the rows of scans: of a SELECT whose first rows are asked for, a source need send no more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlglot import exp

from dvt.core.requests import Pushdown
from dvt.federation.plan.analyse import scan_of
from dvt.federation.plan.conditions import conjuncts
from dvt.federation.plan.state import PlanState, plan_pass

_ROW_BY_ROW = {"expressions", "from_", "where", "limit", "with_", "operation_modifiers"}
"""Clauses of a SELECT that gives one row for each row that meets its WHERE."""
_PLAIN_TABLE = {"this", "db", "catalog", "alias"}
_PLAIN_UNION = {"this", "expression", "distinct", "limit", "with_"}
_SCALAR = (
    exp.Alias, exp.Binary, exp.Boolean, exp.Case, exp.Cast, exp.Coalesce, exp.Column, exp.DataType,
    exp.DataTypeParam, exp.Identifier, exp.If, exp.Literal, exp.Lower, exp.Null, exp.Nullif, exp.Paren,
    exp.Star, exp.Trim, exp.TryCast, exp.Unary, exp.Upper,
)  # fmt: skip
"""Expressions that give one value for each row: no aggregates, windows and set-returning functions."""


@dataclass(frozen=True, slots=True)
class _Names:
    """The CTEs of a model, and how often each name is read as a table."""

    ctes: dict[str, exp.Expr]
    uses: Counter[str]


@plan_pass(
    needs="analysed scans scans.number scans.candidates scans.input scans.no_pushdown", gives="scans.limit"
)
def limit_scans(state: PlanState) -> None:
    """Limit the scans of which only the first rows are of use: the request's limit, or the SQL's LIMIT.

    Example:
        >>> sql = "SELECT id FROM (SELECT id, total FROM {orders} AS o WHERE id > 1) AS x LIMIT 5"
        >>> [scan.limit for scan in state_after(limit_scans, sql).scans]
        [5]
        >>> [scan.limit for scan in state_after(limit_scans, "SELECT count(*) FROM {orders} LIMIT 5").scans]
        [None]
    """
    if state.analysed is None or state.request.pushdown is Pushdown.OFF:
        return
    tables = Counter(table.name for table in state.analysed.find_all(exp.Table))
    found = list(state.analysed.find_all(exp.CTE))
    recursive = any(with_.recursive for with_ in state.analysed.find_all(exp.With))
    once = Counter(cte.alias for cte in found)
    ctes = {cte.alias: cte.this for cte in found if once[cte.alias] == 1 and not recursive}
    _limit(state, state.analysed, state.request.limit, [], _Names(ctes, tables))


def _limit(
    state: PlanState, query: exp.Expr, bound: int | None, conditions: list[exp.Expr], names: _Names
) -> None:
    """Pass `bound` down to the scans of a query, of whose rows only those that meet `conditions` count."""
    clauses = {key for key, value in query.args.items() if value}
    bound = _smaller(bound, query.args.get("limit"))
    if bound is None:
        return
    if isinstance(query, exp.Union) and clauses <= _PLAIN_UNION and not query.args.get("distinct"):
        if not conditions:
            for branch in (query.this, query.expression):
                _limit(state, branch, bound, [], names)
        return
    from_ = query.args.get("from_")
    if not isinstance(query, exp.Select) or from_ is None or not clauses <= _ROW_BY_ROW:
        return
    if query.args.get("limit") and conditions:
        return  # the conditions apply to what the LIMIT leaves
    if all(isinstance(node, _SCALAR) for column in query.expressions for node in column.walk()):
        where = query.args.get("where")
        own = conjuncts(where.this) if where is not None else []
        _limit_source(state, from_.this, bound, [*conditions, *own], names)


def _limit_source(
    state: PlanState, source: exp.Expr, bound: int, conditions: list[exp.Expr], names: _Names
) -> None:
    clauses = {key for key, value in source.args.items() if value}
    if isinstance(source, exp.Subquery) and clauses <= {"this", "alias"}:
        _limit(state, source.this, bound, conditions, names)
    elif isinstance(source, exp.Table) and clauses <= _PLAIN_TABLE:
        scan = scan_of(state, source)
        if scan is None:
            if source.name in names.ctes and names.uses[source.name] == 1:
                _limit(state, names.ctes[source.name], bound, conditions, names)
        elif scan.input.unique_id in state.request.hooked:
            return  # hooks read all of it
        elif not scan.why_whole and _are_candidates(conditions, [c.condition for c in scan.candidates]):
            scan.limit = bound


def _are_candidates(conditions: list[exp.Expr], candidates: list[exp.Expr]) -> bool:
    """Return whether the scan's candidates are exactly these conditions, and not weaker ones."""
    return len(conditions) == len(candidates) and all(condition in candidates for condition in conditions)


def _smaller(bound: int | None, limit: exp.Expr | None) -> int | None:
    """Return the smaller of two limits; a LIMIT that is no plain number does not count."""
    count = limit.args.get("expression") if isinstance(limit, exp.Limit) else None
    if not isinstance(count, exp.Literal) or not count.is_int:
        return bound
    return int(count.this) if bound is None else min(bound, int(count.this))
