"""The class of every expression's values: of columns from their tables, of the rest from the proofs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from dvt.core.types import rounded_precision
from dvt.federation.plan.proven.classes import (
    DECIMALS,
    NULL,
    QUOTIENT,
    STORED_QUOTIENT,
    DialectClasses,
    ValueType,
    class_of_literal,
    class_of_sql,
    common_digits,
    decimal_result,
    dialect_classes,
    quotient,
)
from dvt.federation.plan.proven.keys import MOMENTS, keys, pairs
from dvt.federation.plan.proven.shapes import UNKNOWN

Results = Callable[[str], str | None]
"""Key of a construct → class of its values; None if it is not proven."""
ColumnClass = Callable[[exp.Column, object], ValueType | None]
"""Column and the table that it belongs to → the class of its values."""


@dataclass
class ValueTypes:
    """Finds classes on demand, in any order, in a qualified tree with its scopes."""

    results: Results
    dialect: str
    column_class: ColumnClass
    root: Scope
    scope_of: dict[int, Scope] = field(default_factory=dict)
    classes: DialectClasses = field(init=False)
    _known: dict[int, ValueType | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.classes = dialect_classes(self.dialect)
        for scope in self.root.traverse():
            for column in scope.columns:
                self.scope_of[id(column)] = scope

    def of(self, node: exp.Expr) -> ValueType | None:
        """Return the class of a node's values; None if it is not known."""
        if id(node) not in self._known:
            self._known[id(node)] = None  # a recursive query meets itself
            self._known[id(node)] = self._find(node)
        return self._known[id(node)]

    def name(self, node: exp.Expr) -> str:
        """Return the name of the class of a node's values."""
        type_ = self.of(node)
        return type_.name if type_ else UNKNOWN

    def source(self, column: exp.Column) -> object:
        """Return the table or query that a column belongs to; None if it is not known."""
        scope = self.scope_of.get(id(column))
        while scope is not None and column.table not in scope.selected_sources:
            scope = scope.parent
        return scope.selected_sources[column.table][1] if scope is not None else None

    def _find(self, node: exp.Expr) -> ValueType | None:
        for kind, find in _FINDERS.items():
            if isinstance(node, kind):
                return find(self, node)
        return _result(self, node)

    def common(self, name: str, types: list[ValueType | None]) -> ValueType | None:
        """Return the class of what takes one of several values, as proven for each two of them."""
        known = [type_ for type_ in types if type_ is not None]
        if len(known) < len(types):
            return None
        result = known[0]
        for type_ in known[1:]:
            (key,) = pairs(name, [result.name, type_.name])
            class_ = self.results(key)
            if class_ is None:
                return None
            result = ValueType(class_)
        if len({type_.name for type_ in known}) == 1:
            class_ = self.results(pairs(name, [known[0].name])[0])
            result = ValueType(class_ or known[0].name)
        numbers = [type_ for type_ in known if type_.name != NULL]
        if result.name == QUOTIENT and self.classes.quotient_digits is None:
            return quotient()
        return ValueType(result.name, *common_digits(numbers)) if result.is_decimal else result


def _column(types: ValueTypes, node: exp.Column) -> ValueType | None:
    source = types.source(node)
    if source is None:
        return None
    if not isinstance(source, Scope):
        return types.column_class(node, source)
    query = source.expression
    names = [projection.alias_or_name for projection in query.selects] if isinstance(query, exp.Query) else []
    return _stored(types, _output(types, query, names.index(node.name))) if node.name in names else None


def _stored(types: ValueTypes, type_: ValueType | None) -> ValueType | None:
    """Return the class of what a query within the query gives."""
    if type_ is None or type_.name != QUOTIENT or types.classes.quotient_digits is None:
        return type_
    return replace(type_, name=STORED_QUOTIENT)


def _output(types: ValueTypes, query: exp.Expr, place: int = 0) -> ValueType | None:
    """Return the class of an output of a query."""
    if isinstance(query, exp.SetOperation):
        sides = [_output(types, side, place) for side in (query.left, query.right)]
        return types.common("SetOperation", sides)
    if isinstance(query, exp.Subquery):
        return _stored(types, _output(types, query.this, place))
    selects = query.selects if isinstance(query, exp.Query) else []
    return types.of(selects[place]) if place < len(selects) else None


def _cast(types: ValueTypes, node: exp.Expr) -> ValueType | None:
    type_ = class_of_sql(node.args["to"])
    if type_ is not None and type_.name == "text":
        shown = [types.results(key) for key in keys(node, types.name)]
        return ValueType(shown[0]) if shown and shown[0] else type_
    if type_ is None or type_.scale >= 0:
        return type_
    inner = types.of(node.this)  # a cast to numeric without digits keeps those that there are
    if inner is None or inner.is_decimal:
        return inner
    return ValueType("decimal", *inner.digits) if inner.is_integer else ValueType(QUOTIENT, 38, 15)


def _case(types: ValueTypes, node: exp.Expr) -> ValueType | None:
    values = [branch.args["true"] for branch in node.args["ifs"]]
    default = node.args.get("default")
    return types.common("Case", [types.of(value) for value in (*values, *([default] if default else ()))])


def _if(types: ValueTypes, node: exp.Expr) -> ValueType | None:
    values = [value for value in (node.args.get("true"), node.args.get("false")) if value is not None]
    return types.common("Case", [types.of(value) for value in values])


def _interval(types: ValueTypes, node: exp.Expr) -> ValueType:
    return ValueType(f"interval {node.text('unit').lower()}" if types.classes.units else "interval")


def _moment(types: ValueTypes, node: exp.Expr) -> ValueType | None:
    return ValueType("timestamp") if types.name(node.this) in MOMENTS else _result(types, node)


def _variadic(types: ValueTypes, node: exp.Expr) -> ValueType | None:
    values = (*([node.this] if node.this else ()), *node.expressions)
    return types.common(type(node).__name__, [types.of(value) for value in values])


def _result(types: ValueTypes, node: exp.Expr) -> ValueType | None:
    """Return the class of a construct's values as its proof has found it."""
    node_keys = keys(node, types.name)
    class_ = types.results(node_keys[0]) if node_keys else None
    if class_ is None or class_ not in DECIMALS:
        return ValueType(class_) if class_ else None
    if isinstance(node, exp.Extract):
        return decimal_result(class_, *_PARTS.get(node.name.upper(), _WHOLE_PART))
    arguments = [_inner(value) for value in node.args.values() if isinstance(value, exp.Expr)]
    known = [type_ for value in arguments if (type_ := types.of(value)) is not None and type_.name != NULL]
    return result_digits(class_, node, known, types.classes)


def _inner(value: exp.Expr) -> exp.Expr:
    """Return what an aggregate takes in, without DISTINCT and ORDER BY."""
    if isinstance(value, exp.Distinct):
        return value.expressions[0] if value.expressions else value
    return value.this if isinstance(value, exp.Order) and value.this else value


def result_digits(
    class_: str, node: exp.Expr, types: list[ValueType], classes: DialectClasses
) -> ValueType | None:
    """Return a decimal result with its digits, as the engine computes them."""
    if classes.quotient_digits is None and isinstance(node, exp.Div | exp.Avg):
        return quotient()
    if not types:
        return ValueType(class_)
    digits = [type_.digits for type_ in types]
    precision, scale = digits[0]
    if isinstance(node, exp.Mul):
        width = classes.narrowed(sum(p for p, _ in digits), [p for p, _ in digits])
        return decimal_result(class_, width, sum(s for _, s in digits))
    if isinstance(node, exp.Sum | exp.Div | exp.Avg):
        more = 0 if isinstance(node, exp.Sum) else classes.quotient_digits or 0
        return decimal_result(class_, 38, scale + more)
    if isinstance(node, exp.Round | exp.Trunc | exp.Ceil | exp.Floor):
        decimals = _wanted_digits(node)
        is_kept = classes.quotient_digits is None
        digits_kept = precision if is_kept else rounded_precision(precision, scale, decimals)
        return decimal_result(class_, digits_kept, min(scale, decimals) if is_kept else decimals)
    precision, scale = common_digits(types)
    if isinstance(node, exp.Add | exp.Sub):
        precision = classes.narrowed(precision + 1, [p for p, _ in digits])
    return decimal_result(class_, precision, scale)


_WHOLE_PART = (18, 0)
"""Digits of a part of a date or time that is whole."""
_PARTS = {
    "SECOND": (25, 6),
    "SECONDS": (25, 6),
    "MILLISECOND": (22, 3),
    "MILLISECONDS": (22, 3),
    "EPOCH": (27, 6),
}
"""Part of a date or time → its digits, where it has some behind the point."""


def _wanted_digits(node: exp.Expr) -> int:
    """Return the digits behind the point that a rounding asks for."""
    wanted = node.args.get("decimals")
    return int(wanted.name) if isinstance(wanted, exp.Literal) and wanted.is_int else 0


def _truth(types: ValueTypes, _node: exp.Expr) -> ValueType:
    return ValueType(types.classes.truth)


_FINDERS: Mapping[type[exp.Expr] | tuple[type[exp.Expr], ...], Callable[..., ValueType | None]] = {
    exp.Column: _column,
    exp.Literal: lambda types, node: class_of_literal(node, types.classes.integer_digits),
    exp.Null: lambda _, __: ValueType(NULL),
    exp.Boolean: _truth,
    (exp.Paren, exp.Alias, exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls): (
        lambda types, node: types.of(node.this)
    ),
    (exp.Subquery, exp.Select, exp.SetOperation): _output,
    exp.Cast: _cast,
    exp.Case: _case,
    (exp.Coalesce, exp.Greatest, exp.Least): _variadic,
    (exp.In, exp.Between, exp.Exists): _truth,
    exp.If: _if,
    exp.TsOrDsToTimestamp: _moment,
    exp.Interval: _interval,
}
"""Kinds of nodes → how the class of their values is found. Any other is a construct with an entry."""
