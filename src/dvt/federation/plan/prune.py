"""The columns that are needed: those that the SQL names, and those of every * that remains."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.scope import build_scope

from dvt.federation.plan.analyse import columns_of, scan_of
from dvt.federation.plan.state import NUMBER, PlanState, TableScan, plan_pass

_FULL = "dvt_full"
"""Meta key of a SELECT: how many outputs it had before any was dropped."""


@plan_pass(
    needs="no_pruning scans scans.columns scans.no_pushdown scans.node unresolved",
    gives="analysed scans.needed tree",
)
def prune(state: PlanState) -> None:
    """Drop outputs of inner SELECTs that nobody reads, and note the columns that remain in use.

    Example:
        >>> after(prune, "SELECT a FROM (SELECT id AS a, total AS b FROM {orders} AS o) AS x")
        SELECT a FROM (SELECT id AS a FROM {orders} AS o) AS x
    """
    pruned = state.analysed
    if pruned is not None and not state.no_pruning:
        try:
            if not _counts_positions(state):
                pushdown_projections(pruned)
        except SqlglotError as error:
            state.no_pruning = f"the columns in use could not be found ({type(error).__name__})"
    for scan in state.scans:
        if state.no_pruning or scan.no_pushdown:
            scan.needed = set(scan.columns)
    if pruned is not None and not state.no_pruning:
        _copy_lists(state, pruned)
        _mark_needed(state, pruned)


def _counts_positions(state: PlanState) -> bool:
    """True if columns count by position, in column aliases or ORDER BY ALL, so that none may be dropped."""
    if any(_orders_by_all(order) for order in state.tree.find_all(exp.Order)):
        return True
    aliases = state.tree.find_all(exp.TableAlias)
    return any(alias.args.get("columns") and not isinstance(alias.parent, exp.Unnest) for alias in aliases)


def _orders_by_all(order: exp.Order) -> bool:
    keys = [ordered.this if isinstance(ordered, exp.Ordered) else ordered for ordered in order.expressions]
    return any(isinstance(key, exp.Var) and key.name.upper() == "ALL" for key in keys)


def _copy_lists(state: PlanState, pruned: exp.Query) -> None:
    """Give the tree's SELECTs the lists of the pruned copy."""
    numbers = {node.meta[NUMBER] for node in pruned.walk() if NUMBER in node.meta}
    for cte in list(state.tree.find_all(exp.CTE)):
        if cte.meta[NUMBER] not in numbers:
            _drop_cte(cte)
    selects = {node.meta[NUMBER]: node for node in state.tree.find_all(exp.Select)}
    for select in pruned.find_all(exp.Select):
        original = selects.get(select.meta.get(NUMBER, -1))
        if original is not None:
            _reduce_list(original, select)


def _drop_cte(cte: exp.CTE) -> None:
    with_ = cte.parent
    cte.pop()
    if with_ is not None and not with_.expressions:
        with_.pop()


def _reduce_list(original: exp.Select, pruned: exp.Select) -> None:
    """Reduce `original` to the projections that remain in `pruned`; a * that lost columns becomes a list."""
    written = {
        _number(projection): projection for projection in original.expressions if not projection.is_star
    }
    remaining = [(_number(projection), projection) for projection in pruned.expressions]
    starred = any(projection.is_star for projection in original.expressions)
    if not starred and [number for number, _ in remaining] == list(written):
        return
    if starred and _is_whole(original, pruned):
        return
    before = list(original.expressions)
    after = [written[number] if number in written else projection.copy() for number, projection in remaining]
    for key in ("group", "order"):
        for literal in original.args[key].find_all(exp.Literal) if original.args.get(key) else ():
            _renumber(literal, before, after)
    original.set("expressions", after)


def _renumber(literal: exp.Literal, before: list[exp.Expr], after: list[exp.Expr]) -> None:
    """Replace an ordinal of GROUP BY or ORDER BY by its projection's new position, or by the projection."""
    is_key = isinstance(literal.parent, exp.Group | exp.Ordered | exp.Rollup | exp.Cube | exp.GroupingSets)
    if not is_key or not literal.is_int or not 0 < int(literal.this) <= len(before):
        return
    projection = before[int(literal.this) - 1]
    places = [place for place, kept in enumerate(after, start=1) if kept is projection]
    literal.replace(exp.Literal.number(places[0]) if places else exp.Paren(this=projection.unalias().copy()))


def _is_whole(original: exp.Select, pruned: exp.Select) -> bool:
    """True if no output of a SELECT with a * was dropped."""
    simple = not any(
        star.args.get("except_")
        for projection in original.expressions
        for star in projection.find_all(exp.Star)
    )
    return simple and len(pruned.expressions) == pruned.meta.get(_FULL)


@plan_pass(gives="analysed")
def count_outputs(state: PlanState) -> None:
    """Note how many outputs each SELECT has before any is dropped.

    Example:
        >>> state = state_after(count_outputs, "SELECT a FROM (SELECT id AS a, 1 AS b FROM {orders}) AS x")
        >>> [select.meta[_FULL] for select in state.analysed.find_all(exp.Select)]
        [1, 2]
    """
    for select in state.analysed.find_all(exp.Select) if state.analysed is not None else ():
        select.meta[_FULL] = len(select.expressions)


def _number(projection: exp.Expr) -> int:
    number = projection.meta.get(NUMBER)
    return int(projection.unalias().meta.get(NUMBER, -1) if number is None else number)


def _mark_needed(state: PlanState, pruned: exp.Query) -> None:
    for scan in state.scans:
        scan.needed |= state.unresolved & set(scan.columns)
    root = build_scope(pruned)
    for scope in root.traverse() if root is not None else ():
        for column, source in columns_of(scope):
            owner = scan_of(state, source)
            if owner is not None and column.name in owner.columns:
                owner.needed.add(column.name)
            elif source is None:
                _mark_unresolved(state, column)
        for table_column in scope.table_columns:
            for scan in state.scans:
                scan.needed |= set(scan.columns) if _alias(scan) == table_column.name else set()


def _mark_unresolved(state: PlanState, column: exp.Column) -> None:
    """Mark as needed whatever a name that SQLGlot could not resolve may mean."""
    for scan in state.scans:
        if column.name in scan.columns:
            scan.needed.add(column.name)
        elif _alias(scan) == column.name:
            scan.needed |= set(scan.columns)


def _alias(scan: TableScan) -> str:
    return (scan.node.alias or scan.node.name).lower()
