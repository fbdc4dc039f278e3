"""By whose rules a text is compared: the collations of the columns that it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from dvt.federation.plan.analyse import columns_of, resolve, scan_of
from dvt.federation.plan.state import NUMBER, PlanState, TableScan

_Type = exp.DataType.Type
_OPEN = (*exp.DataType.TEXT_TYPES, _Type.UNKNOWN, _Type.NULL)
"""Types that text has, or may have."""


@dataclass(frozen=True, slots=True)
class CollationOf:
    """A collation, and the columns that bring it."""

    name: str
    columns: frozenset[str]
    explicit: bool = False
    """Said by COLLATE, which holds over what columns say."""
    unclear: str = ""
    """Why no single collation can be told, else empty."""
    ranked: bool = False
    """Its column's values are ordered by their places in a list, not as text."""


def combine(rules: Iterable[CollationOf | None]) -> CollationOf | None:
    """The collation of what several texts make: columns hold over literals, and must agree."""
    found = [one for one in rules if one is not None]
    if not found:
        return None
    said = [one for one in found if one.explicit] or found
    columns = frozenset(column for one in said for column in one.columns)
    unclear = next((one.unclear for one in said if one.unclear), "")
    if not unclear and len({one.name for one in said}) > 1:
        unclear = "their collations differ"
    ranked = any(one.ranked for one in said)
    return CollationOf(said[0].name, columns, said[0].explicit, unclear, ranked)


def is_text(node: exp.Expr) -> bool:
    """False only for what is known to be no text."""
    return node.type is None or node.type.this in _OPEN


class Collations:
    """Tells the collation of any expression of a draft's tree."""

    def __init__(self, draft: PlanState) -> None:
        self._draft = draft
        self._sources: dict[int, object] = {}
        self._numbers: dict[int, tuple[object, str, str]] = {}
        self._scopes: dict[int, Scope] = {}
        self._queries: dict[int, exp.Query] = {}
        self._asking: set[int] = set()
        root = build_scope(draft.analysed) if draft.analysed is not None else None
        for scope in root.traverse() if root is not None else ():
            self._learn(scope)

    def of(self, node: exp.Expr) -> CollationOf | None:
        """Its collation; None for what is no text, and for text that no collated column is in."""
        if not is_text(node):
            return None
        if isinstance(node, exp.Column):
            return self._of_column(node)
        if isinstance(node, exp.Collate):
            name = node.expression.name.lower()
            return CollationOf(name, frozenset({f"COLLATE {name}"}), explicit=True)
        parts = _PARTS.get(type(node))
        if parts is not None:
            return combine(self.of(one) for one in parts(node))
        if isinstance(node, exp.Query):
            outputs = self.outputs(node)
            return outputs[0][1] if outputs else None
        inside = combine(self.of(one) for one in node.find_all(exp.Column))
        called = node.sql_name() if isinstance(node, exp.Func) else type(node).__name__.upper()
        return inside and replace(inside, unclear=f"no column's collation comes through {called}")

    def outputs(self, query: exp.Expr) -> list[tuple[str, CollationOf | None]]:
        """Name and collation of each of a query's outputs."""
        inner = query
        while isinstance(inner, exp.Subquery):
            inner = inner.this
        known = self._queries.get(inner.meta.get(NUMBER, -1))
        inner = inner if known is None else known
        if isinstance(inner, exp.SetOperation):
            left, right = self.outputs(inner.left), self.outputs(inner.right)
            return [
                (name, combine((one, other))) for (name, one), (_, other) in zip(left, right, strict=False)
            ]
        if not isinstance(inner, exp.Select) or id(inner) in self._asking:
            return []
        self._asking.add(id(inner))
        try:
            return [(one.alias_or_name, self.of(one)) for one in inner.expressions]
        finally:
            self._asking.discard(id(inner))

    def alias_of(self, column: exp.Column) -> str:
        """The alias of the table that a column belongs to, empty when it is an output's name."""
        return column.table or self._numbers.get(column.meta.get(NUMBER, -1), (None, "", ""))[2]

    def identity(self, column: exp.Column) -> str:
        """One text for one column, however it is qualified."""
        return f"{self.alias_of(column).lower()}.{column.name.lower()}"

    def _learn(self, scope: Scope) -> None:
        number = scope.expression.meta.get(NUMBER)
        if number is not None and isinstance(scope.expression, exp.Query):
            self._scopes[number] = scope
            self._queries[number] = scope.expression
        for column, source in columns_of(scope):
            if source is None:
                continue
            self._sources[id(column)] = source
            if NUMBER in column.meta:
                self._numbers[column.meta[NUMBER]] = (source, column.name, column.table)

    def _of_column(self, column: exp.Column) -> CollationOf | None:
        name = column.name.lower()
        source = self._sources.get(id(column))
        if source is None and column.meta.get(NUMBER) in self._numbers:
            source, name, _ = self._numbers[column.meta[NUMBER]]
        if source is None:
            source = self._around(column)
        if source is not None:
            return self._of_source(source, name)
        named = [] if column.table else self.projections(column)
        if named:
            return self.of(named[0])
        return self._guess(name)

    def _around(self, column: exp.Column) -> object | None:
        """The source of a qualified column that the analysis has not numbered."""
        select = column.parent_select if column.table else None
        while select is not None:
            scope = self._scopes.get(select.meta.get(NUMBER, -1))
            found = resolve(scope, column.table.lower()) if scope is not None else None
            if found is not None:
                return found[1]
            select = select.parent_select
        return None

    def _of_source(self, source: object, name: str) -> CollationOf | None:
        one = scan_of(self._draft, source)
        if one is not None:
            return _of_table(one, name)
        if not isinstance(source, Scope):
            return None
        if isinstance(source.expression, exp.Query):
            return next((rule for found, rule in self.outputs(source.expression) if found == name), None)
        inside = combine(self.of(found) for found in source.expression.find_all(exp.Column))
        return inside and replace(inside, unclear="it comes out of a table function")

    def projections(self, column: exp.Column) -> list[exp.Expr]:
        """What an alias of the SELECT around it stands for."""
        select = column.parent_select
        listed = select.selects if select is not None else []
        return [
            one.unalias()
            for one in listed
            if one.alias_or_name.lower() == column.name.lower() and not _inside(column, one)
        ]

    def _guess(self, name: str) -> CollationOf | None:
        """A name that could not be placed: any collated column that it may be."""
        found = combine(_of_table(one, name) for one in self._draft.scans)
        return found and replace(found, unclear=f"it cannot be told which {name} is meant")


def _of_table(one: TableScan, name: str) -> CollationOf | None:
    column = one.columns.get(name)
    if column is None or column.collation is None:
        return None
    said = f"{column.name} of {one.table.ref} ({column.collation})"
    return CollationOf(column.collation, frozenset({said}), ranked=column.ranked)


def _inside(column: exp.Expr, projection: exp.Expr) -> bool:
    node: exp.Expr | None = column
    while node is not None and node is not projection:
        node = node.parent
    return node is projection


def _this(node: exp.Expr) -> list[exp.Expr]:
    return [node.this] if isinstance(node.this, exp.Expr) else []


def _all(node: exp.Expr) -> list[exp.Expr]:
    return list(node.iter_expressions())


def _results(node: exp.Expr) -> list[exp.Expr]:
    results = [one.args["true"] for one in node.args.get("ifs") or []]
    results += [node.args[key] for key in ("true", "false", "default") if node.args.get(key) is not None]
    return results


def _first_and_rest(node: exp.Expr) -> Iterator[exp.Expr]:
    yield node.this
    yield from node.expressions


_FROM_ONE = (
    exp.Alias, exp.Paren, exp.Subquery, exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.Order,
    exp.Ordered, exp.Nullif, exp.Lower, exp.Upper, exp.Substring, exp.Left, exp.Right, exp.Repeat,
    exp.Reverse, exp.Min, exp.Max, exp.AnyValue, exp.First, exp.Last, exp.FirstValue, exp.LastValue,
    exp.NthValue, exp.Distinct,
)  # fmt: skip
"""What gives one of its argument's values, or a part of one."""
_FROM_ALL = (
    exp.Concat,
    exp.ConcatWs,
    exp.DPipe,
    exp.Trim,
    exp.Pad,
    exp.Replace,
    exp.Lag,
    exp.Lead,
    exp.GroupConcat,
)
_PARTS: dict[type[exp.Expr], Callable[[exp.Expr], Iterable[exp.Expr]]] = {
    **dict.fromkeys(_FROM_ONE, _this),
    **dict.fromkeys(_FROM_ALL, _all),
    exp.Case: _results,
    exp.If: _results,
    exp.Coalesce: _first_and_rest,
    **dict.fromkeys((exp.Literal, exp.Null, exp.Boolean, exp.Star, exp.Placeholder), lambda _: ()),
}
