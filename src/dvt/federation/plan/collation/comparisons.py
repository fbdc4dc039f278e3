"""Text comparisons of a model: every place in its SQL at which a collation would matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from sqlglot import exp

from dvt.federation.plan.collation.derivation import CollationOf, Collations, combine, is_text


class Kind(Enum):
    """The property of texts that decides a comparison."""

    EQUAL = auto()
    """Equality: which texts are equal."""
    ORDER = auto()
    """Order: which text comes first."""
    LIKE = auto()
    """Pattern matching, character by character, without padding."""
    OWN = auto()
    """The function's own way, which is not known."""


@dataclass(frozen=True, slots=True)
class Place:
    """Texts that are compared with each other."""

    node: exp.Expr
    """The comparison; for keys, the clause or query that they are of."""
    kind: Kind
    operands: tuple[exp.Expr, ...]
    key: exp.Expr | None = None
    """The key as written, if it is named by its position or alias."""

    @property
    def orders(self) -> bool:
        """True if the answer depends on which text comes first."""
        ordering = self.kind is Kind.OWN and isinstance(self.node, _ORDERING)
        return self.kind is Kind.ORDER or ordering


def places(tree: exp.Expr) -> Iterator[Place]:
    """Yield every comparison in a tree, inner ones after those around them."""
    for node in tree.walk(bfs=False):
        places_of = _PLACES.get(type(node))
        if places_of is not None:
            yield from places_of(node)
        elif _may_compare(node):
            yield Place(node, Kind.OWN, tuple(_arguments(node)))


def collation_of(place: Place, collations: Collations) -> CollationOf | None:
    """Return the collation that decides a comparison; None if none does."""
    collation = combine(collations.of(operand) for operand in place.operands)
    return None if collation is not None and collation.only_order and not place.orders else collation


def meant(select: exp.Expr, key: exp.Expr) -> exp.Expr:
    """Return the projection that a key of GROUP BY or ORDER BY names by position, or the key itself."""
    listed = select.selects if isinstance(select, exp.Query) else []
    inner = key.unnest()
    if isinstance(inner, exp.Literal) and inner.is_int and 0 < int(inner.this) <= len(listed):
        return listed[int(inner.this) - 1].unalias()
    return key


def _pair(kind: Kind) -> Callable[[exp.Expr], Iterator[Place]]:
    def compared(node: exp.Expr) -> Iterator[Place]:
        left, right = node.this, node.expression
        if isinstance(right, exp.Any | exp.All):
            yield Place(node, Kind.OWN, (left, right.this))
        elif isinstance(left.unnest(), exp.Tuple) and isinstance(right.unnest(), exp.Tuple):
            for item, counterpart in zip(left.unnest().expressions, right.unnest().expressions, strict=False):
                yield Place(node, kind, (item, counterpart))
        else:
            yield Place(node, kind, (left, right))

    return compared


def _between(node: exp.Expr) -> Iterator[Place]:
    yield Place(node, Kind.ORDER, (node.this, node.args["low"], node.args["high"]))


def _in(node: exp.Expr) -> Iterator[Place]:
    query = node.args.get("query")
    if query is not None or node.args.get("unnest") or node.args.get("field"):
        inner = query.unnest() if query is not None else None
        listed = inner.selects if isinstance(inner, exp.Select) else []
        sides = node.this.unnest().expressions if isinstance(node.this.unnest(), exp.Tuple) else [node.this]
        if len(listed) == len(sides) and not any(projection.is_star for projection in listed):
            for side, projection in zip(sides, listed, strict=True):
                yield Place(node, Kind.EQUAL, (side, projection))
        else:
            yield Place(node, Kind.OWN, (*sides, *([query] if query is not None else [])))
        return
    rows = [row.unnest() for row in (node.this, *node.expressions)]
    if all(isinstance(row, exp.Tuple) for row in rows):
        for column in zip(*(row.expressions for row in rows), strict=False):
            yield Place(node, Kind.EQUAL, column)
        return
    yield Place(node, Kind.EQUAL, (node.this, *node.expressions))


def _like(node: exp.Expr) -> Iterator[Place]:
    kind = Kind.OWN if isinstance(node.expression, exp.Any | exp.All | exp.Tuple) else Kind.LIKE
    yield Place(node, kind, (node.this, node.expression))


def _case(node: exp.Expr) -> Iterator[Place]:
    if node.this is not None:
        yield Place(node, Kind.EQUAL, (node.this, *(branch.this for branch in node.args["ifs"])))


def _nullif(node: exp.Expr) -> Iterator[Place]:
    yield Place(node, Kind.EQUAL, (node.this, node.expression))


def _extreme(node: exp.Expr) -> Iterator[Place]:
    yield Place(node, Kind.ORDER, (node.this,))


def _ordered(node: exp.Expr) -> Iterator[Place]:
    order = node.parent
    holder = order.parent if isinstance(order, exp.Order) else None
    if isinstance(holder, exp.WithinGroup):
        yield Place(node, Kind.OWN, (node.this,))
        return
    key = meant(holder, node.this) if isinstance(holder, exp.Query) else node.this
    yield Place(node, Kind.ORDER, (key,), node.this)


def _window(node: exp.Expr) -> Iterator[Place]:
    for key in node.args.get("partition_by") or []:
        yield Place(node, Kind.EQUAL, (key,))


def _group(node: exp.Expr) -> Iterator[Place]:
    select = node.parent
    if not isinstance(select, exp.Select):
        return
    if node.args.get("all"):
        plain = (projection for projection in select.expressions if projection.find(exp.AggFunc) is None)
        yield from (Place(node, Kind.OWN, (projection,)) for projection in plain)
    sets = [grouping for key in ("rollup", "cube", "grouping_sets") for grouping in node.args.get(key) or []]
    sets += [grouping for grouping in node.expressions if isinstance(grouping, _SETS)]
    for member in (part for listed in sets for key in listed.expressions for part in _members(key)):
        yield Place(node, Kind.OWN, (meant(select, member),))
    for key in node.expressions:
        if not isinstance(key, _SETS):
            yield Place(node, Kind.OWN if sets else Kind.EQUAL, (meant(select, key),), key)


def _members(node: exp.Expr) -> list[exp.Expr]:
    inner = node.unnest()
    return list(inner.expressions) if isinstance(inner, exp.Tuple) else [inner]


_SETS = (exp.Rollup, exp.Cube, exp.GroupingSets)
"""Elements of GROUP BY that hold several groupings."""


def _distinct(node: exp.Expr) -> Iterator[Place]:
    """Yield the keys of an aggregate's DISTINCT and of DISTINCT ON; `merging` yields SELECT DISTINCT."""
    on = node.args.get("on")
    keys = on.expressions if isinstance(on, exp.Tuple) else [on] if on is not None else []
    for argument in (*node.expressions, *keys):
        equality = bool(keys) or isinstance(node.parent, exp.Count)
        harmless = isinstance(node.parent, exp.Min | exp.Max)
        if not harmless:
            yield Place(node, Kind.EQUAL if equality else Kind.OWN, (argument,))


def _join(node: exp.Expr) -> Iterator[Place]:
    for identifier in node.args.get("using") or []:
        yield Place(node, Kind.EQUAL, (exp.column(identifier.name),))


def merging(tree: exp.Expr) -> Iterator[exp.Query]:
    """Yield queries that merge equal rows: SELECT DISTINCT, UNION and the like."""
    for node in tree.walk(bfs=False):
        if isinstance(node, exp.Select):
            distinct = node.args.get("distinct")
            if distinct is not None and distinct.args.get("on") is None:
                yield node
        elif isinstance(node, exp.SetOperation) and (
            node.args.get("distinct") or not isinstance(node, exp.Union)
        ):
            yield node


def _may_compare(node: exp.Expr) -> bool:
    """True for a function or operator that is not known to be harmless."""
    if not isinstance(node, exp.Func | exp.Predicate | exp.Binary | exp.Bracket):
        return False
    return not isinstance(node, _HARMLESS) and node.name.lower() not in _HARMLESS_NAMES


def _arguments(node: exp.Expr) -> Iterable[exp.Expr]:
    return [
        argument
        for argument in node.iter_expressions()
        if is_text(argument) and not isinstance(argument, exp.DataType)
    ]


_ORDERING = (
    exp.Greatest, exp.Least, exp.ArgMin, exp.ArgMax, exp.Ordered, exp.LT, exp.LTE, exp.GT,
    exp.GTE,
)  # fmt: skip
"""Expressions that order texts in a way of their own."""
_PLACES: Mapping[type[exp.Expr], Callable[[exp.Expr], Iterator[Place]]] = {
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ), _pair(Kind.EQUAL)),
    **dict.fromkeys((exp.LT, exp.LTE, exp.GT, exp.GTE), _pair(Kind.ORDER)),
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.Case: _case,
    exp.Nullif: _nullif,
    **dict.fromkeys((exp.Min, exp.Max), _extreme),
    exp.Ordered: _ordered,
    exp.Window: _window,
    exp.Group: _group,
    exp.Distinct: _distinct,
    exp.Join: _join,
}
"""Expression → function that yields its comparisons; for others, see `_may_compare`."""
_HARMLESS = (
    exp.And, exp.Or, exp.Xor, exp.Not, exp.Is, exp.Exists, exp.If, exp.Coalesce, exp.Escape, exp.Collate,
    exp.Count, exp.AnyValue, exp.First, exp.Last, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Lag,
    exp.Lead,
    exp.GroupConcat, exp.ArrayAgg, exp.RowNumber, exp.Concat, exp.ConcatWs, exp.DPipe, exp.Lower, exp.Upper,
    exp.Initcap, exp.Substring, exp.SubstringIndex, exp.Left, exp.Right, exp.Pad, exp.Repeat, exp.Reverse,
    exp.Replace, exp.Trim, exp.Length, exp.Ascii, exp.Unicode, exp.Hex, exp.Unhex, exp.MD5, exp.SHA, exp.SHA2,
    exp.ToBase64, exp.Cast, exp.TryCast, exp.StrToDate, exp.StrToTime, exp.StrToUnix, exp.Date,
    exp.TsOrDsToDate,
    exp.TsOrDsToTimestamp, exp.TimeToStr, exp.JSONExtract, exp.JSONExtractScalar, exp.JSONBExtract,
    exp.JSONBExtractScalar, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Dot,
)  # fmt: skip
"""Expressions that take collated text without comparing it."""
_HARMLESS_NAMES = frozenset({"crc32", "quote", "mid", "ord", "octet_length", "bit_length"})
"""Names of functions, unknown to SQLGlot, that take collated text without comparing it."""
