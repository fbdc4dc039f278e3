"""Derivation of a text's collation from the columns in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from dvt.core.requests import TextComparison
from dvt.core.tables import Column
from dvt.federation.plan.analyse import columns_of, resolve, scan_of
from dvt.federation.plan.proven.classes import dialect_classes
from dvt.federation.plan.state import NUMBER, PlanState, TableScan

_Type = exp.DataType.Type
_MAYBE_TEXT = (*exp.DataType.TEXT_TYPES, _Type.UNKNOWN, _Type.NULL)
"""Types of expressions that are or may be text."""


@dataclass(frozen=True, slots=True)
class CollationOf:
    """A collation, and the columns that it comes from."""

    name: str
    columns: frozenset[str]
    explicit: bool = False
    """True if it is given by COLLATE, which overrides the columns' collations."""
    unclear: str = ""
    """Why no single collation can be derived, else empty."""
    ranked: bool = False
    """The column's values are sorted by their positions in a list, not as text."""
    only_order: bool = False
    """True if it decides only the order: texts are equal if their bytes are."""
    is_lost: bool = False
    """True if copies on the model's target lack it, so that the target compares bytes, as the engine does."""


def own_collation(state: PlanState, column: Column) -> str:
    """Return the engine's own collation by which it compares a column; empty if it compares bytes."""
    if column.collation is None or state.request.comparing is not TextComparison.SOURCE:
        return ""
    functions = state.context.collations.get(column.collation)
    return functions.own if functions is not None else ""


def combine(parts: Iterable[CollationOf | None]) -> CollationOf | None:
    """Combine the collations of several texts: columns override literals, and must agree.

    One that decides what is equal overrides those that decide only the order.
    """
    present = [collation for collation in parts if collation is not None]
    if not present:
        return None
    explicit = [collation for collation in present if collation.explicit]
    deciding = explicit or [collation for collation in present if not collation.only_order] or present
    columns = frozenset(column for collation in deciding for column in collation.columns)
    unclear = next((collation.unclear for collation in deciding if collation.unclear), "")
    if not unclear and len({collation.name for collation in deciding}) > 1:
        unclear = "their collations differ"
    ranked = any(collation.ranked for collation in deciding)
    only_order = all(collation.only_order for collation in deciding)
    is_lost = all(collation.is_lost for collation in deciding)
    return CollationOf(deciding[0].name, columns, deciding[0].explicit, unclear, ranked, only_order, is_lost)


def is_text(node: exp.Expr) -> bool:
    """False only for an expression that is known not to be text."""
    return node.type is None or node.type.this in _MAYBE_TEXT


class Collations:
    """Derives the collation of any expression of a state's tree."""

    def __init__(self, state: PlanState) -> None:
        self._state = state
        self._sources: dict[int, object] = {}
        self._numbers: dict[int, tuple[object, str, str]] = {}
        self._scopes: dict[int, Scope] = {}
        self._queries: dict[int, exp.Query] = {}
        self._visiting: set[int] = set()
        root = build_scope(state.analysed) if state.analysed is not None else None
        for scope in root.traverse() if root is not None else ():
            self._index(scope)

    def of(self, node: exp.Expr) -> CollationOf | None:
        """Return an expression's collation; None if it is not text, or contains no collated column."""
        if not is_text(node):
            return None
        if isinstance(node, exp.Column):
            return self._of_column(node)
        if isinstance(node, exp.Collate):
            name = node.expression.name.lower()
            return CollationOf(name, frozenset({f"COLLATE {name}"}), explicit=True)
        parts = _PARTS.get(type(node))
        if parts is not None:
            return combine(self.of(part) for part in parts(node))
        if isinstance(node, exp.Query):
            outputs = self.outputs(node)
            return outputs[0][1] if outputs else None
        inside = combine(self.of(column) for column in node.find_all(exp.Column))
        called = node.sql_name() if isinstance(node, exp.Func) else type(node).__name__.upper()
        return inside and replace(inside, unclear=f"no column's collation comes through {called}")

    def outputs(self, query: exp.Expr) -> list[tuple[str, CollationOf | None]]:
        """Return name and collation of each of a query's outputs."""
        inner = query
        while isinstance(inner, exp.Subquery):
            inner = inner.this
        analysed = self._queries.get(inner.meta.get(NUMBER, -1))
        inner = inner if analysed is None else analysed
        if isinstance(inner, exp.SetOperation):
            left, right = self.outputs(inner.left), self.outputs(inner.right)
            return [
                (name, combine((collation, other)))
                for (name, collation), (_, other) in zip(left, right, strict=False)
            ]
        if not isinstance(inner, exp.Select) or id(inner) in self._visiting:
            return []
        self._visiting.add(id(inner))
        try:
            return [(projection.alias_or_name, self.of(projection)) for projection in inner.expressions]
        finally:
            self._visiting.discard(id(inner))

    def alias_of(self, column: exp.Column) -> str:
        """Return the alias of the table that a column belongs to; empty if it is an output's name."""
        return column.table or self._numbers.get(column.meta.get(NUMBER, -1), (None, "", ""))[2]

    def identity(self, column: exp.Column) -> str:
        """Return a text that is the same for the same column, however it is qualified."""
        return f"{self.alias_of(column).lower()}.{column.name.lower()}"

    def _index(self, scope: Scope) -> None:
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
            source = self._outer_source(column)
        if source is not None:
            return self._of_source(source, name)
        named = [] if column.table else self.projections(column)
        if named:
            return self.of(named[0])
        return self._guess(name)

    def _outer_source(self, column: exp.Column) -> object | None:
        """Return the source of a qualified column without a number, in this SELECT or one around it."""
        select = column.parent_select if column.table else None
        while select is not None:
            scope = self._scopes.get(select.meta.get(NUMBER, -1))
            owner = resolve(scope, column.table.lower()) if scope is not None else None
            if owner is not None:
                return owner[1]
            select = select.parent_select
        return None

    def _of_source(self, source: object, name: str) -> CollationOf | None:
        scan = scan_of(self._state, source)
        if scan is not None:
            return self._of_table(scan, name)
        if not isinstance(source, Scope):
            return None
        if isinstance(source.expression, exp.Query):
            return next(
                (collation for output, collation in self.outputs(source.expression) if output == name), None
            )
        inside = combine(self.of(column) for column in source.expression.find_all(exp.Column))
        return inside and replace(inside, unclear="it comes out of a table function")

    def projections(self, column: exp.Column) -> list[exp.Expr]:
        """Return the projections that an alias of the surrounding SELECT stands for."""
        select = column.parent_select
        listed = select.selects if select is not None else []
        return [
            projection.unalias()
            for projection in listed
            if projection.alias_or_name.lower() == column.name.lower() and not _inside(column, projection)
        ]

    def _guess(self, name: str) -> CollationOf | None:
        """Return the collation of any column that an unresolved name may mean."""
        collation = combine(self._of_table(scan, name) for scan in self._state.scans)
        return collation and replace(collation, unclear=f"it cannot be told which {name} is meant")

    def _of_table(self, scan: TableScan, name: str) -> CollationOf | None:
        column = scan.columns.get(name)
        if column is None or column.collation is None or own_collation(self._state, column):
            return None
        description = f"{column.name} of {scan.table.ref} ({column.collation})"
        return CollationOf(
            column.collation,
            frozenset({description}),
            ranked=column.ranked,
            only_order=column.only_order,
            is_lost=_is_lost(self._state, scan),
        )


def _is_lost(state: PlanState, scan: TableScan) -> bool:
    """True if the target of a translated model copies a table's text without its collations."""
    if state.dialect == state.context.engine or dialect_classes(state.dialect).copies_collations:
        return False
    return state.context.dialects.get(scan.table.ref.connection) != state.dialect


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
    results = [branch.args["true"] for branch in node.args.get("ifs") or []]
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
"""Expressions whose value is one of their argument's values, or a part of one."""
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
"""Expressions whose value is made of all their arguments."""
_PARTS: dict[type[exp.Expr], Callable[[exp.Expr], Iterable[exp.Expr]]] = {
    **dict.fromkeys(_FROM_ONE, _this),
    **dict.fromkeys(_FROM_ALL, _all),
    exp.Case: _results,
    exp.If: _results,
    exp.Coalesce: _first_and_rest,
    **dict.fromkeys((exp.Literal, exp.Null, exp.Boolean, exp.Star, exp.Placeholder), lambda _: ()),
}
"""Expression → function that gives the texts whose collations its own follows from."""
