"""Keys of constructs: a name, and the classes of the arguments, as the table of proofs has them.

Examples: `Add(integer, bigint)`, `Cast(text to date)`, `Coalesce[decimal|integer]`, `Join.side=LEFT`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations

from sqlglot import exp

from dvt.federation.plan.called import called
from dvt.federation.plan.proven.classes import LITERAL, NULL
from dvt.federation.plan.proven.shapes import UNKNOWN, ClassOf, argument_shape, shape, type_shape

MOMENTS = ("date", "timestamp")
"""Classes of points in time without a zone."""

_SILENT = (
    *(exp.Alias, exp.Column, exp.Identifier, exp.TableAlias, exp.Paren, exp.Literal, exp.Null),
    *(exp.Boolean, exp.Star, exp.DataType, exp.DataTypeParam, exp.Var, exp.Tuple, exp.Placeholder),
    *(exp.Any, exp.All, exp.Kwarg, exp.JSONPath, exp.JSONPathPart, exp.Slice),
)
"""Nodes that are proven with what is around them."""
_STRUCTURE = (
    *(exp.Query, exp.Join, exp.From, exp.With, exp.CTE, exp.Table, exp.Having, exp.Group, exp.Order),
    *(exp.Limit, exp.Offset, exp.Fetch, exp.Lateral, exp.Unnest, exp.Values, exp.Cube, exp.Rollup),
    *(exp.GroupingSets, exp.Window, exp.WindowSpec, exp.Filter, exp.WithinGroup, exp.Exists, exp.Distinct),
)
"""Nodes of queries, which are proven feature by feature."""
_CALLS = (exp.Func, exp.Binary, exp.Unary, exp.Predicate, exp.Bracket, exp.Interval, exp.Cast, exp.AtTimeZone)
_CONTEXT_WORDS: Mapping[type[exp.Expr], str] = {
    exp.Window: "over",
    exp.Filter: "filter",
    exp.IgnoreNulls: "ignore nulls",
    exp.RespectNulls: "respect nulls",
    exp.WithinGroup: "within group",
}
"""What makes another construct of an aggregate."""
_CONTEXTS = tuple(_CONTEXT_WORDS)
_INTERVAL = re.compile(
    r"(\s*[-+]?\d{1,9}\s*(years?|mons?|months?|weeks?|days?|hours?|minutes?|mins?|seconds?|secs?)\b)+\s*",
    re.IGNORECASE,
)
"""Matches texts of intervals of whole numbers with units."""


def keys(node: exp.Expr, class_of: ClassOf) -> tuple[str, ...]:
    """Return the keys of all that a node is proven by; empty for nodes that need no proof."""
    special = _SPECIAL.get(type(node))
    if special is not None:
        return tuple(special(node, class_of))
    if isinstance(node, _SILENT) or isinstance(node.parent, exp.WithinGroup):
        return ()
    if isinstance(node, _STRUCTURE) or not isinstance(node, _CALLS):
        return tuple(features(node, class_of))
    return (_call(node, class_of),)


def is_structure(node: exp.Expr) -> bool:
    """True for a node that any passing query proves, wherever in it the node is."""
    ordered = isinstance(node, exp.Ordered)
    return ordered or isinstance(node, _STRUCTURE) or not isinstance(node, (*_CALLS, *_SILENT))


def features(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    """Yield the features of a node of a query."""
    name = type(node).__name__
    yield name
    for argument, value in _arguments(node):
        if isinstance(value, str):
            yield f"{name}.{argument}={value.upper()}"
        elif argument not in ("this", "expressions", "alias", "from_", "where"):
            yield f"{name}.{argument}"
    yield from _grouped(node, class_of)


def pairs(name: str, classes: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of a construct that finds one type for all its arguments: one for each two classes."""
    distinct = sorted(set(classes) - {NULL}) or [NULL]
    if len(distinct) == 1:
        return (f"{name}[{distinct[0]}]",)
    return tuple(f"{name}[{first}|{second}]" for first, second in combinations(distinct, 2))


def _arguments(node: exp.Expr) -> Iterator[tuple[str, object]]:
    for argument in node.arg_types:
        value = node.args.get(argument)
        if value or isinstance(value, exp.Expr):
            yield argument, value


def _call(node: exp.Expr, class_of: ClassOf) -> str:
    anonymous = isinstance(node, exp.Anonymous)
    name = f"{node.name.lower()}()" if anonymous else type(node).__name__
    parts = []
    for argument, value in _arguments(node):
        if anonymous and argument == "this":
            continue
        if isinstance(value, exp.Expr):
            parts.append(argument_shape(name, argument, value, class_of))
        elif isinstance(value, list):
            parts += [shape(part, class_of) for part in value if isinstance(part, exp.Expr)]
        else:
            parts.append(argument if value is True else f"{argument}={value}")
    return f"{name}({', '.join(parts)}){_context(node)}"


def _context(node: exp.Expr) -> str:
    words = []
    while isinstance(node.parent, _CONTEXTS) and node.parent.this is node:
        node = node.parent
        words.append(_CONTEXT_WORDS[type(node)])
    return "".join(f" {word}" for word in words)


def _grouped(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    """Yield the classes of values of which equal ones are put together."""
    parts: list[exp.Expr] = []
    if isinstance(node, exp.Group):
        parts = [part for part in _listed(node) if not (isinstance(part, exp.Literal) and part.is_int)]
    elif isinstance(node, exp.Window):
        parts = list(node.args.get("partition_by") or [])
    elif isinstance(node, exp.Select) and node.args.get("distinct"):
        on = node.args["distinct"].args.get("on")
        parts = list(on.expressions) if isinstance(on, exp.Tuple) else node.selects
    for part in parts:
        if not part.is_star:
            yield f"Grouped[{shape(part.unalias(), class_of)}]"


def _listed(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the expressions that a GROUP BY lists, also those of its grouping sets."""
    for part in node.iter_expressions():
        if isinstance(part, exp.GroupingSets | exp.Rollup | exp.Cube | exp.Tuple | exp.Paren):
            yield from _listed(part)
        else:
            yield part


def _variadic(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    arguments = [
        value for _, part in _arguments(node) for value in (part if isinstance(part, list) else [part])
    ]
    classes = [shape(value, class_of) for value in arguments if isinstance(value, exp.Expr)]
    yield from pairs(type(node).__name__, classes)


def _each_argument(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    for part in node.expressions:
        yield f"{type(node).__name__}[{shape(part, class_of)}]"


def _case(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    branches = [branch.args["true"] for branch in node.args["ifs"]]
    default = node.args.get("default")
    yield from pairs("Case", [class_of(value) for value in (*branches, *([default] if default else ()))])
    for branch in node.args["ifs"]:
        if node.this:
            yield f"EQ({class_of(node.this)}, {class_of(branch.this)})"
        else:
            yield f"Case.when[{class_of(branch.this)}]"


def _if(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    """Yield the keys of a call of IF, which is another way to write a CASE."""
    if isinstance(node.parent, exp.Case):
        return
    values = [value for value in (node.args.get("true"), node.args.get("false")) if value is not None]
    yield from pairs("Case", [class_of(value) for value in values])
    yield f"Case.when[{class_of(node.this)}]"


def _moment(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    """Yield a key for what SQLGlot puts around an argument, unless that is a moment already."""
    class_ = class_of(node.this)
    if class_ not in MOMENTS:
        yield f"{type(node).__name__}({class_})"


def _where(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    yield from _condition(node.this, class_of)


def _having(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    yield from features(node, class_of)
    yield from _condition(node.this, class_of)


def _join(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    yield from features(node, class_of)
    if node.args.get("on") is not None:
        yield from _condition(node.args["on"], class_of)


def _condition(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    """Yield the class of a condition that is no boolean."""
    class_ = class_of(node)
    if class_ not in ("boolean", NULL, UNKNOWN) or (class_ == UNKNOWN and isinstance(node, exp.Column)):
        yield f"Condition[{class_}]"


def _in(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    if node.args.get("query") is not None:
        yield f"In.query[{shape(node.this, class_of)}|{class_of(node.args['query'])}]"
    elif node.expressions:
        yield from pairs("In", [shape(part, class_of) for part in (node.this, *node.expressions)])
    else:
        yield "In(unnest)"


def _cast(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    if isinstance(node.this, exp.Literal) and not node.this.is_string and "dvt" not in node.this.meta:
        return  # the analysis has typed a literal
    if isinstance(node.this, exp.Placeholder):
        return  # the planner has typed an answer
    yield f"{type(node).__name__}({class_of(node.this)} to {type_shape(node.args['to'])})"


def _interval(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    value, unit = node.this, node.args.get("unit")
    if not isinstance(value, exp.Literal):
        yield f"Interval({class_of(value) if value else UNKNOWN}, {unit})"
    elif unit is not None:
        text = "number" if re.fullmatch(r"-?\d{1,9}", value.name) else "text"
        yield f"Interval({text}, {unit.name.upper().removesuffix('S')})"
    else:
        yield f"Interval({'units' if _INTERVAL.fullmatch(value.name) else LITERAL})"


def _ordered(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    desc = " desc" if node.args.get("desc") else ""
    nulls = " nulls first" if node.args.get("nulls_first") else ""
    if isinstance(node.this, exp.Literal) and node.this.is_int:
        yield f"Ordered(position{desc}{nulls})"
    else:
        yield f"Ordered({shape(node.this, class_of)}{desc}{nulls})"


def _set_operation(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    yield from features(node, class_of)
    sides = (_outputs(node.this), _outputs(node.expression))
    for left, right in zip(*sides, strict=False):
        yield from pairs("SetOperation", [shape(left, class_of), shape(right, class_of)])


def _outputs(query: exp.Expr) -> list[exp.Expr]:
    selects = query.selects if isinstance(query, exp.Query) else []
    return [projection.unalias() for projection in selects if not projection.is_star]


def _logarithm(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    """Yield the key of a logarithm: SQLGlot reads log10(x) as log(10, x), which has another type."""
    is_decadic = called(node) == "log10" and node.expression is not None
    yield (
        f"Log10({shape(node.expression, class_of)}){_context(node)}" if is_decadic else _call(node, class_of)
    )


def _within_group(node: exp.Expr, class_of: ClassOf) -> Iterator[str]:
    ordered = [_only(_ordered(part, class_of)) for part in node.expression.expressions]
    yield f"{_call(node.this, class_of)} {', '.join(ordered)}"


def _only(parts: Iterator[str]) -> str:
    return next(parts)


_SPECIAL: Mapping[type[exp.Expr], Callable[[exp.Expr, ClassOf], Iterator[str]]] = {
    exp.Coalesce: _variadic,
    exp.Greatest: _variadic,
    exp.Least: _variadic,
    exp.Between: _variadic,
    exp.Array: _variadic,
    exp.Concat: _each_argument,
    exp.ConcatWs: _each_argument,
    exp.Case: _case,
    exp.If: _if,
    exp.TsOrDsToTimestamp: _moment,
    exp.Where: _where,
    exp.Having: _having,
    exp.Join: _join,
    exp.In: _in,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Interval: _interval,
    exp.Ordered: _ordered,
    exp.Union: _set_operation,
    exp.Except: _set_operation,
    exp.Intersect: _set_operation,
    exp.WithinGroup: _within_group,
    exp.Log: _logarithm,
}
