"""Which columns are needed: those the SQL names, and those a * must still stand for."""

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
    kept = state.analysed
    if kept is not None and not state.no_pruning:
        try:
            if not _listed(state):
                pushdown_projections(kept)
        except SqlglotError as error:
            state.no_pruning = f"the columns in use could not be found ({type(error).__name__})"
    for one in state.scans:
        if state.no_pruning or one.no_pushdown:
            one.needed = set(one.columns)
    if kept is not None and not state.no_pruning:
        _mirror(state, kept)
        _need(state, kept)


def _listed(state: PlanState) -> bool:
    """True when columns count by their position, in names or in ORDER BY ALL: none of them may go."""
    if any(_orders_by_all(order) for order in state.tree.find_all(exp.Order)):
        return True
    aliases = state.tree.find_all(exp.TableAlias)
    return any(alias.args.get("columns") and not isinstance(alias.parent, exp.Unnest) for alias in aliases)


def _orders_by_all(order: exp.Order) -> bool:
    keys = [one.this if isinstance(one, exp.Ordered) else one for one in order.expressions]
    return any(isinstance(key, exp.Var) and key.name.upper() == "ALL" for key in keys)


def _mirror(state: PlanState, kept: exp.Query) -> None:
    """Make the tree's SELECT lists those of the pruned copy."""
    numbers = {node.meta[NUMBER] for node in kept.walk() if NUMBER in node.meta}
    for cte in list(state.tree.find_all(exp.CTE)):
        if cte.meta[NUMBER] not in numbers:
            _drop_cte(cte)
    selects = {node.meta[NUMBER]: node for node in state.tree.find_all(exp.Select)}
    for select in kept.find_all(exp.Select):
        mine = selects.get(select.meta.get(NUMBER, -1))
        if mine is not None:
            _same_list(mine, select)


def _drop_cte(cte: exp.CTE) -> None:
    with_ = cte.parent
    cte.pop()
    if with_ is not None and not with_.expressions:
        with_.pop()


def _same_list(mine: exp.Select, pruned: exp.Select) -> None:
    """The projections of `mine` that are left in `pruned`; a * that lost columns becomes a list."""
    written = {_number(one): one for one in mine.expressions if not one.is_star}
    left = [(_number(one), one) for one in pruned.expressions]
    starred = any(one.is_star for one in mine.expressions)
    if not starred and [number for number, _ in left] == list(written):
        return
    if starred and _is_whole(mine, pruned):
        return
    before = list(mine.expressions)
    after = [written[number] if number in written else one.copy() for number, one in left]
    for key in ("group", "order"):
        for literal in mine.args[key].find_all(exp.Literal) if mine.args.get(key) else ():
            _renumber(literal, before, after)
    mine.set("expressions", after)


def _renumber(literal: exp.Literal, before: list[exp.Expr], after: list[exp.Expr]) -> None:
    """An ordinal of GROUP BY or ORDER BY: where its projection is now, or the projection itself."""
    counts = isinstance(literal.parent, exp.Group | exp.Ordered | exp.Rollup | exp.Cube | exp.GroupingSets)
    if not counts or not literal.is_int or not 0 < int(literal.this) <= len(before):
        return
    meant = before[int(literal.this) - 1]
    places = [place for place, one in enumerate(after, start=1) if one is meant]
    literal.replace(exp.Literal.number(places[0]) if places else exp.Paren(this=meant.unalias().copy()))


def _is_whole(mine: exp.Select, pruned: exp.Select) -> bool:
    simple = not any(star.args.get("except_") for one in mine.expressions for star in one.find_all(exp.Star))
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
    found = projection.meta.get(NUMBER)
    return int(projection.unalias().meta.get(NUMBER, -1) if found is None else found)


def _need(state: PlanState, kept: exp.Query) -> None:
    for each in state.scans:
        each.needed |= state.unresolved & set(each.columns)
    root = build_scope(kept)
    for scope in root.traverse() if root is not None else ():
        for column, source in columns_of(scope):
            one = scan_of(state, source)
            if one is not None and column.name in one.columns:
                one.needed.add(column.name)
            elif source is None:
                _need_unresolved(state, column)
        for table_column in scope.table_columns:
            for one in state.scans:
                one.needed |= set(one.columns) if _alias(one) == table_column.name else set()


def _need_unresolved(state: PlanState, column: exp.Column) -> None:
    """A name SQLGlot could not place: whatever could be meant by it is needed."""
    for one in state.scans:
        if column.name in one.columns:
            one.needed.add(column.name)
        elif _alias(one) == column.name:
            one.needed |= set(one.columns)


def _alias(one: TableScan) -> str:
    return (one.node.alias or one.node.name).lower()
