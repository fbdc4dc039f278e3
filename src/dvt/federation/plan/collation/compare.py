"""Text that its database compares by a collation: compared so, too (`collation: source`), or warned of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from dvt.core.errors import ComparingUnsupported
from dvt.core.requests import TextComparison
from dvt.core.tables import Column
from dvt.federation.plan.collation.comparisons import Kind, Place, collation_of, merging, places
from dvt.federation.plan.collation.derivation import CollationOf, Collations, own_collation
from dvt.federation.plan.collation.merging import Merged, merge, order_of
from dvt.federation.plan.collation.rewriting import Rewriter
from dvt.federation.plan.collation.using import write_out_using
from dvt.federation.plan.output_names import engine_name, keeps_name
from dvt.federation.plan.outputs import names_in_engine
from dvt.federation.plan.state import SETTLED, PlanState, TableScan, plan_pass

_AS_SOURCE = "config(collation='source') compares as the database does"
_IN_TARGET = "config(compute='target') lets the target compare, by its own collation"
Compared = list[tuple[Place, CollationOf]]
"""Comparisons of text that a collation decides, each with that collation."""


@plan_pass(
    needs=(
        "analysed places samples scans scans.number scans.columns scans.input scans.place scans.table "
        "spans unclear"
    ),
    gives="functions is_rewritten tree",
)
def compare_text(state: PlanState) -> None:
    """Make the engine compare text by the columns' collations, or warn that it does not.

    Example:
        >>> sql = "SELECT id FROM {customers} AS c WHERE name = 'Ann'"
        >>> after(compare_text, sql, comparing=TextComparison.SOURCE)
        SELECT id FROM {customers} AS c WHERE DVT_UTF8MB4_GENERAL_CI(name) = DVT_UTF8MB4_GENERAL_CI('Ann')
    """
    if not _collated(state):
        return
    collations = Collations(state)
    compared = _compared_places(state, collations)
    if state.request.comparing is TextComparison.SOURCE:
        _refuse_orders(state, collations, compared)
        if any(not column.only_order for _, column in _collated(state)):
            _rewrite(state, collations)
        return
    merged = [collation for query in merging(state.tree) for _, collation in collations.outputs(query)]
    for place, _ in compared:
        place.node.meta[SETTLED] = True
    if state.request.comparing is TextComparison.UNSET:
        equal = [collation for collation in merged if collation is not None and not collation.only_order]
        _warn(state, [*(collation for _, collation in compared), *equal])


def compared_texts(state: PlanState) -> Iterator[tuple[exp.Expr, CollationOf]]:
    """Yield what compares text by a column's collation, also the queries that put equal rows together."""
    if not _collated(state):
        return
    collations = Collations(state)
    for place, collation in _compared_places(state, collations):
        yield place.node, collation
    for query in merging(state.tree):
        for _, merged in collations.outputs(query):
            if merged is not None:
                yield query, merged


def _collated(state: PlanState) -> list[tuple[TableScan, Column]]:
    """Return the columns with a collation that the SQL may read: all of them if it has a *."""
    named = {identifier.name.lower() for identifier in state.tree.find_all(exp.Identifier)}
    every = bool(state.unclear) or state.tree.find(exp.Star) is not None
    return [
        (scan, column)
        for scan in state.scans
        for name, column in scan.columns.items()
        if column.collation and (every or name in named) and not own_collation(state, column)
    ]


def _compared_places(state: PlanState, collations: Collations) -> Compared:
    with_collations = ((place, collation_of(place, collations)) for place in places(state.tree))
    return [(place, collation) for place, collation in with_collations if collation is not None]


def _warn(state: PlanState, compared: Sequence[CollationOf]) -> None:
    for what, only_order in (("compared", False), ("ordered", True)):
        deciding = [collation for collation in compared if collation.only_order is only_order]
        columns = sorted({column for collation in deciding for column in collation.columns})
        if columns:
            known = all(collation.name in state.context.collations for collation in deciding)
            state.warn(
                "DVT025",
                f"text is {what} byte by byte here, by a collation in its database: {', '.join(columns)}",
                f"{_AS_SOURCE if known else _IN_TARGET}; config(collation='engine') keeps the bytes, without"
                " this warning",
            )


def _refuse_orders(state: PlanState, collations: Collations, compared: Compared) -> None:
    """Refuse orders by a collation that decides nothing else: nothing of what is equal needs rewriting."""
    for place, collation in compared:
        if collation.only_order:
            Rewriter(state, collations).ordering(place, collation)


def _rewrite(state: PlanState, collations: Collations) -> None:
    """Rewrite every comparison; all collations are derived before the first one is rewritten."""
    state.is_rewritten = True
    # Order: comparisons, group keys (which contain comparisons), sort keys, queries whose rows are merged.
    _refuse_unanalysed(state)
    rewriter = Rewriter(state, collations)
    write_out_using(state, collations)
    _keep_names(state)
    compared = _compared_places(state, collations)
    merged = [
        wrapped for query in _merging(state) if (wrapped := Merged.of(state, query, collations)) is not None
    ]
    rewriter.mark_cases()
    lifted = {id(key) for query in merged for key in query.order}
    inner_first = list(reversed(compared))
    for place, collation in inner_first:
        if not _is_key(place):
            rewriter.compare(place, collation)
    for place, collation in inner_first:
        if _is_group(place):
            rewriter.group(place, collation)
    for place, collation in inner_first:
        if order_of(place) is not None and id(place.node) not in lifted:
            rewriter.order(place, collation)
    for query in reversed(merged):
        merge(state, query, rewriter)
    rewriter.finish()


def _refuse_unanalysed(state: PlanState) -> None:
    if state.analysed is not None and not state.unclear:
        return
    columns = [
        f"{column.name} of {scan.table.ref} ({column.collation})"
        for scan, column in _collated(state)
        if not column.only_order
    ]
    raise ComparingUnsupported("the model", columns, state.unclear, state.context.collations)


def _keep_names(state: PlanState) -> None:
    """Give outputs without a name the name that the engine gives them, before they are rewritten."""
    listed = state.tree.selects
    engine = names_in_engine(state)
    engine_names = (
        {id(projection): name for projection, name in zip(listed, engine, strict=True)}
        if len(listed) == len(engine)
        else {}
    )
    for select in state.tree.find_all(exp.Select):
        for projection in list(select.expressions):
            if not keeps_name(projection):
                name = engine_names.get(id(projection)) or engine_name(state, projection) or ""
                holder = exp.alias_(exp.null(), name, quoted=True)
                projection.replace(holder)
                holder.set("this", projection)


def _is_key(place: Place) -> bool:
    return _is_group(place) or order_of(place) is not None


def _is_group(place: Place) -> bool:
    return isinstance(place.node, exp.Group) and place.kind is Kind.EQUAL


def _merging(state: PlanState) -> list[exp.Query]:
    """Return queries whose rows are merged, and ordered set operations, outer ones first."""
    wrapped = {id(query) for query in merging(state.tree)}
    wrapped |= {id(query) for query in state.tree.find_all(exp.SetOperation) if query.args.get("order")}
    return [
        node for node in state.tree.walk(bfs=False) if isinstance(node, exp.Query) and id(node) in wrapped
    ]
