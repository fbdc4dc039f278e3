"""DISTINCT, UNION and ordered set operations over collated text: their rows pass through a derived table."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from dvt.federation.plan.collation.comparisons import Kind, Place, meant
from dvt.federation.plan.collation.derivation import CollationOf, Collations, combine
from dvt.federation.plan.collation.rewriting import Rewriter
from dvt.federation.plan.state import NUMBER, SETTLED, PlanState

_LIFTED = ("order", "limit", "offset", "fetch")


def order_of(place: Place) -> exp.Query | None:
    """The query that a place is a sort key of, None for other places."""
    order = place.node.parent if isinstance(place.node, exp.Ordered) else None
    return order.parent if order is not None and isinstance(order.parent, exp.Query) else None


@dataclass(frozen=True, slots=True)
class Merged:
    """A query that is to be wrapped, and what was known of it before anything was rewritten."""

    query: exp.Query
    outputs: tuple[tuple[str, CollationOf | None], ...]
    order: tuple[exp.Ordered, ...]
    keys: tuple[int | None, ...]
    """Which output each sort key is."""

    @classmethod
    def of(cls, draft: PlanState, query: exp.Query, collations: Collations) -> Merged | None:
        """None for a query in which no collation matters."""
        outputs = collations.outputs(query)
        rules = [rule for _, rule in outputs if rule is not None]
        if not rules:
            return None
        order = query.args.get("order")
        keys = tuple(one for one in (order.expressions if order else []) if isinstance(one, exp.Ordered))
        names = [name for name, _ in _named(draft, query, outputs)]
        places = tuple(_place(query, names, one) for one in keys)
        return cls(query, tuple(_named(draft, query, outputs)), keys, places)


def merge(draft: PlanState, merged: Merged, rewriter: Rewriter) -> None:
    """Group the query's rows by what is compared of the outputs; of each group one spelling is shown."""
    query = merged.query
    distinct = bool(query.args.get("distinct"))
    whole = Place(query, Kind.EQUAL, ())
    rules = [rule for _, rule in merged.outputs if rule is not None]
    if not isinstance(query, exp.Select | exp.Union) or _recursive(query):
        joined = combine(rules)
        if joined is not None:
            raise rewriter.refusal(query, joined, "rows that such a query merges cannot be compared so")
    places = [f"c{place}" for place in range(len(merged.outputs))]
    shown: list[exp.Expr] = []
    keys: list[exp.Expr] = []
    for place, (_, rule) in zip(places, merged.outputs, strict=True):
        column = exp.column(place)
        function = rewriter.functions(whole, rule).equal if rule is not None and distinct else ""
        keys.append(rewriter.call(function, column) if function else column)
        shown.append(_settled(exp.Min(this=column.copy())) if function else column.copy())
    ordered = _ordered(merged, rewriter, shown)
    names = [name for name, _ in merged.outputs]
    outputs = [exp.alias_(one.copy(), name, quoted=True) for one, name in zip(shown, names, strict=True)]
    new = exp.Select(expressions=outputs)
    if distinct:
        new.set("group", exp.Group(expressions=keys))
    if ordered:
        new.set("order", exp.Order(expressions=ordered))
    for key in _LIFTED[1:]:
        new.set(key, query.args.get(key))
    new.meta.update(query.meta)
    _put_around(draft, query, new, places)


def _put_around(draft: PlanState, query: exp.Query, new: exp.Select, places: list[str]) -> None:
    if query is draft.tree:
        draft.tree = new
    else:
        query.replace(new)
    for key in _LIFTED:
        query.set(key, None)
    query.set("distinct", False if isinstance(query, exp.SetOperation) else None)
    query.meta.pop(NUMBER, None)
    alias = exp.TableAlias(
        this=exp.to_identifier("dvt_rows"), columns=[exp.to_identifier(one) for one in places]
    )
    new.set("from_", exp.From(this=exp.Subquery(this=query, alias=alias)))


def _ordered(merged: Merged, rewriter: Rewriter, shown: list[exp.Expr]) -> list[exp.Expr]:
    keys: list[exp.Expr] = []
    for one, place in zip(merged.order, merged.keys, strict=True):
        if place is None:
            rule = combine(rule for _, rule in merged.outputs)
            if rule is not None:
                raise rewriter.refusal(one, rule, "a query that merges rows is sorted by its outputs alone")
            continue
        rule = merged.outputs[place][1]
        key = shown[place].copy()
        if rule is not None:
            at = Place(one, Kind.ORDER, ())
            if rule.ranked:
                raise rewriter.refusal(one, rule, "its values are sorted by their places in its list")
            key = rewriter.call(rewriter.ordering(at, rule), key)
        new = one.copy()
        new.set("this", key)
        keys.append(new)
    return keys


def _place(query: exp.Query, names: list[str], key: exp.Ordered) -> int | None:
    """Which output a sort key is: by position, by name, or as the same expression."""
    inner = key.this.unnest()
    if isinstance(inner, exp.Literal) and inner.is_int and 0 < int(inner.this) <= len(names):
        return int(inner.this) - 1
    low = [name.lower() for name in names]
    if isinstance(inner, exp.Column) and inner.name.lower() in low:
        return low.index(inner.name.lower())
    written = [one.unalias() for one in query.selects] if isinstance(query, exp.Select) else []
    return next((place for place, one in enumerate(written) if one == meant(query, key.this)), None)


def _named(
    draft: PlanState, query: exp.Query, outputs: list[tuple[str, CollationOf | None]]
) -> list[tuple[str, CollationOf | None]]:
    """The outputs' names as the query itself gives them, where it has no *."""
    first: exp.Expr = query
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    written = first.expressions if isinstance(first, exp.Select) else []
    if len(written) != len(outputs) or any(one.is_star for one in written):
        return outputs
    names = [one.alias_or_name or draft.in_engine(one) for one in written]
    return [(name, rule) for name, (_, rule) in zip(names, outputs, strict=True)]


def _recursive(query: exp.Query) -> bool:
    cte = query.parent
    with_ = cte.parent if isinstance(cte, exp.CTE) else None
    if not isinstance(with_, exp.With) or not with_.recursive or not isinstance(cte, exp.CTE):
        return False
    return any(table.name.lower() == cte.alias.lower() for table in query.find_all(exp.Table))


def _settled(node: exp.Expr) -> exp.Expr:
    node.meta[SETTLED] = True
    return node
