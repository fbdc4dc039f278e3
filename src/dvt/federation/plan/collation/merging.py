"""DISTINCT, UNION and ordered set operations over collated text: their rows pass through a derived table."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from dvt.federation.plan.collation.comparisons import Kind, Place, meant
from dvt.federation.plan.collation.derivation import CollationOf, Collations, combine
from dvt.federation.plan.collation.rewriting import Rewriter
from dvt.federation.plan.state import NUMBER, SETTLED, PlanState

_LIFTED = ("order", "limit", "offset", "fetch")
"""Clauses that move from the query to the SELECT around it."""


def order_of(place: Place) -> exp.Query | None:
    """Return the query that a place is a sort key of; None for other places."""
    order = place.node.parent if isinstance(place.node, exp.Ordered) else None
    return order.parent if order is not None and isinstance(order.parent, exp.Query) else None


@dataclass(frozen=True, slots=True)
class Merged:
    """A query to be wrapped, with its outputs and sort keys before anything is rewritten."""

    query: exp.Query
    outputs: tuple[tuple[str, CollationOf | None], ...]
    order: tuple[exp.Ordered, ...]
    keys: tuple[int | None, ...]
    """For each sort key the index of the output that it is; None if it is no output."""

    @classmethod
    def of(cls, state: PlanState, query: exp.Query, collations: Collations) -> Merged | None:
        """Describe a query; None if no collation matters in it."""
        outputs = [
            (name, None if collation is not None and collation.only_order else collation)
            for name, collation in collations.outputs(query)
        ]
        if all(collation is None for _, collation in outputs):
            return None
        order = query.args.get("order")
        keys = tuple(key for key in (order.expressions if order else []) if isinstance(key, exp.Ordered))
        names = [name for name, _ in _named(state, query, outputs)]
        places = tuple(_place(query, names, key) for key in keys)
        return cls(query, tuple(_named(state, query, outputs)), keys, places)


def merge(state: PlanState, merged: Merged, rewriter: Rewriter) -> None:
    """Group the query's rows by what the collations compare of the outputs; each group shows one spelling."""
    query = merged.query
    distinct = bool(query.args.get("distinct"))
    whole = Place(query, Kind.EQUAL, ())
    if not isinstance(query, exp.Select | exp.Union) or _recursive(query):
        combined = combine(collation for _, collation in merged.outputs)
        if combined is not None:
            raise rewriter.refusal(query, combined, "rows that such a query merges cannot be compared so")
    places = [f"c{place}" for place in range(len(merged.outputs))]
    shown: list[exp.Expr] = []
    keys: list[exp.Expr] = []
    for place, (_, collation) in zip(places, merged.outputs, strict=True):
        column = exp.column(place)
        function = rewriter.functions(whole, collation).equal if collation is not None and distinct else ""
        keys.append(rewriter.call(function, column) if function else column)
        shown.append(_settled(exp.Min(this=column.copy())) if function else column.copy())
    ordered = _ordered(merged, rewriter, shown)
    names = [name for name, _ in merged.outputs]
    outputs = [
        exp.alias_(projection.copy(), name, quoted=True)
        for projection, name in zip(shown, names, strict=True)
    ]
    new = exp.Select(expressions=outputs)
    if distinct:
        new.set("group", exp.Group(expressions=keys))
    if ordered:
        new.set("order", exp.Order(expressions=ordered))
    for key in _LIFTED[1:]:
        new.set(key, query.args.get(key))
    new.meta.update(query.meta)
    _put_around(state, query, new, places)


def _put_around(state: PlanState, query: exp.Query, new: exp.Select, places: list[str]) -> None:
    if query is state.tree:
        state.tree = new
    else:
        query.replace(new)
    for key in _LIFTED:
        query.set(key, None)
    query.set("distinct", False if isinstance(query, exp.SetOperation) else None)
    query.meta.pop(NUMBER, None)
    alias = exp.TableAlias(
        this=exp.to_identifier("dvt_rows"), columns=[exp.to_identifier(place) for place in places]
    )
    new.set("from_", exp.From(this=exp.Subquery(this=query, alias=alias)))


def _ordered(merged: Merged, rewriter: Rewriter, shown: list[exp.Expr]) -> list[exp.Expr]:
    keys: list[exp.Expr] = []
    for sort_key, place in zip(merged.order, merged.keys, strict=True):
        if place is None:
            collation = combine(collation for _, collation in merged.outputs)
            if collation is not None:
                raise rewriter.refusal(
                    sort_key, collation, "a query that merges rows is sorted by its outputs alone"
                )
            continue
        collation = merged.outputs[place][1]
        key = shown[place].copy()
        if collation is not None:
            comparison = Place(sort_key, Kind.ORDER, ())
            if collation.ranked:
                raise rewriter.refusal(
                    sort_key, collation, "its values are sorted by their places in its list"
                )
            key = rewriter.call(rewriter.ordering(comparison, collation), key)
        new = sort_key.copy()
        new.set("this", key)
        keys.append(new)
    return keys


def _place(query: exp.Query, names: list[str], key: exp.Ordered) -> int | None:
    """Return the index of the output that a sort key is: by position, by name, or as the same expression."""
    inner = key.this.unnest()
    if isinstance(inner, exp.Literal) and inner.is_int and 0 < int(inner.this) <= len(names):
        return int(inner.this) - 1
    lower_names = [name.lower() for name in names]
    if isinstance(inner, exp.Column) and inner.name.lower() in lower_names:
        return lower_names.index(inner.name.lower())
    written = [projection.unalias() for projection in query.selects] if isinstance(query, exp.Select) else []
    return next(
        (place for place, projection in enumerate(written) if projection == meant(query, key.this)), None
    )


def _named(
    state: PlanState, query: exp.Query, outputs: list[tuple[str, CollationOf | None]]
) -> list[tuple[str, CollationOf | None]]:
    """Return the outputs with the names that the query itself gives them, if it has no *."""
    first: exp.Expr = query
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    written = first.expressions if isinstance(first, exp.Select) else []
    if len(written) != len(outputs) or any(projection.is_star for projection in written):
        return outputs
    names = [projection.alias_or_name or state.in_engine(projection) for projection in written]
    return [(name, collation) for name, (_, collation) in zip(names, outputs, strict=True)]


def _recursive(query: exp.Query) -> bool:
    """True for the query of a recursive CTE that reads itself."""
    cte = query.parent
    with_ = cte.parent if isinstance(cte, exp.CTE) else None
    if not isinstance(with_, exp.With) or not with_.recursive or not isinstance(cte, exp.CTE):
        return False
    return any(table.name.lower() == cte.alias.lower() for table in query.find_all(exp.Table))


def _settled(node: exp.Expr) -> exp.Expr:
    node.meta[SETTLED] = True
    return node
