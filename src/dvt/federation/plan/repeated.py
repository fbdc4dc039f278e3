"""Tables that a database reads again and again for one query, because it knows no better way."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from dvt.core.plan import RepeatedRead
from dvt.federation.plan.analyse import scan_of
from dvt.federation.plan.state import PlanState, TableScan, plan_pass


@plan_pass(
    needs="analysed scans scans.columns scans.compared scans.input scans.number scans.table", gives="repeated"
)
def find_repeated(state: PlanState) -> None:
    """Note the target's own tables that it reads for each row of others: below correlated subqueries.

    What EXISTS and IN ask is joined instead, where they stand alone in WHERE and are correlated by equality
    only; a database may expect few rows of other joins, and loop. Copies have an index on what is compared,
    and so has a table whose key begins with it.

    Example:
        >>> sql = "SELECT id FROM {orders} o WHERE o.id < (SELECT max(t.id) FROM {this} t WHERE t.id <> o.id)"
        >>> (read,) = copy_state_after(find_repeated, sql).repeated
        >>> str(read.table), [str(table) for table in read.outer]
        ('target:main.this', ['crm:main.orders'])
    """
    root = build_scope(state.analysed) if state.analysed is not None else None
    target = state.request.stage.connection
    repeated = []
    for scope in root.traverse() if root is not None else ():
        if scope.parent is None or not scope.is_correlated_subquery or _is_joined(scope):
            continue
        outer = _scans(state, scope.parent.expression) - _scans(state, scope.expression)
        repeated += [
            RepeatedRead(
                state.scans[number].table.ref, tuple(state.scans[n].table.ref for n in sorted(outer))
            )
            for number in sorted(_scans(state, scope.expression))
            if state.scans[number].input.table.connection == target and not _has_index(state.scans[number])
        ]
    state.repeated = tuple(repeated)


def _scans(state: PlanState, node: exp.Expr) -> set[int]:
    """Return the numbers of the scans below a node of the analysed copy."""
    scans = (scan_of(state, table) for table in node.find_all(exp.Table))
    return {scan.number for scan in scans if scan is not None}


def _has_index(scan: TableScan) -> bool:
    compared = {scan.columns[name].name for name in scan.compared}
    return bool(scan.table.key) and scan.table.key[0] in compared


def _is_joined(scope: Scope) -> bool:
    """True for a subquery of EXISTS or IN that is a conjunct of WHERE, which databases turn into a join."""
    node = scope.expression.parent
    while isinstance(node, exp.Subquery | exp.Paren):
        node = node.parent
    if not isinstance(node, exp.Exists | exp.In):
        return False
    while isinstance(node, exp.Exists | exp.In | exp.Not | exp.And | exp.Paren):
        node = node.parent
    return isinstance(node, exp.Where) and all(
        isinstance(column.parent, exp.EQ) for column in scope.external_columns
    )
