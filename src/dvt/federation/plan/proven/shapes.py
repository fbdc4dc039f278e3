"""Shapes of arguments: what a construct's key says of each of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sqlglot import exp

ClassOf = Callable[[exp.Expr], str]
"""Gives the class of an argument, UNKNOWN if it is not known."""
UNKNOWN = "?"
"""Class of an argument of which no class is known."""
_BY_VALUE = {
    ("RegexpReplace", "modifiers"),
    ("AtTimeZone", "zone"),
    ("Trim", "position"),
    ("TimestampTrunc", "unit"),
    ("TimeToStr", "format"),
    ("StrToDate", "format"),
    ("StrToTime", "format"),
    ("DateTrunc", "unit"),
    ("SHA2", "length"),
}
"""Arguments that the key has by their value, not by their class."""
_MATCHES = ("RegexpLike", "RegexpILike", "RegexpReplace", "RegexpCount")
"""Constructs whose second argument is a regular expression."""
_PATTERN = re.compile(
    r"\^?((\(([A-Za-z0-9 _@:/,;#%&=<>!~\"'-]|\\d)+\)|[A-Za-z0-9 _@:/,;#%&=<>!~\"'-]|\\[.d]"
    r"|\[\^?[A-Za-z0-9 _-]+\]|\[\[:digit:\]\])[+*?]?)*\$?"
)
"""Matches regular expressions that every library reads alike: without alternatives, dots and classes of
letters."""
_GROUPS = re.compile(r"([^\\]|\\[1-9])*")
"""Matches replacements that name no more than groups by a backslash."""
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def shape(node: exp.Expr, class_of: ClassOf) -> str:
    """Return an argument's class, or its value where the value decides."""
    for kind, shown in _SHAPES.items():
        if isinstance(node, kind):
            return shown(node, class_of)
    return class_of(node)


def _distinct_shape(node: exp.Expr, class_of: ClassOf) -> str:
    return f"distinct {', '.join(shape(part, class_of) for part in node.expressions)}"


def _order_shape(node: exp.Expr, class_of: ClassOf) -> str:
    return f"{shape(node.this, class_of)} ordered" if node.this else "ordered"


def _quantified_shape(node: exp.Expr, class_of: ClassOf) -> str:
    return f"{type(node).__name__.lower()} {shape(node.this, class_of)}"


def _tuple_shape(node: exp.Expr, class_of: ClassOf) -> str:
    return f"({', '.join(shape(part, class_of) for part in node.expressions)})"


_SHAPES: Mapping[type[exp.Expr] | tuple[type[exp.Expr], ...], Callable[[exp.Expr, ClassOf], str]] = {
    exp.Var: lambda node, _: node.name.upper(),
    exp.Star: lambda _, __: "*",
    exp.DataType: lambda node, _: type_shape(node),
    exp.Distinct: _distinct_shape,
    exp.Order: _order_shape,
    exp.Slice: lambda _, __: "slice",
    exp.Kwarg: lambda node, class_of: f"{node.name.lower()} => {shape(node.expression, class_of)}",
    exp.JSONPath: lambda node, _: " ".join(_path_part(part) for part in node.expressions),
    (exp.Any, exp.All): _quantified_shape,
    exp.Tuple: _tuple_shape,
}
"""Kinds of arguments that are more than values of a class → how a key has them."""


def type_shape(type_: exp.Expr) -> str:
    """Return a type without its sizes."""
    name = type_.this.value.lower() if isinstance(type_.this, exp.DType) else str(type_.this).lower()
    name = _SPELLINGS.get(name, name)
    if type_.args.get("nested"):
        return f"{name}<{', '.join(type_shape(part) for part in type_.expressions)}>"
    return f"{name}({', '.join('n' for _ in type_.expressions)})" if type_.expressions else name


_SPELLINGS = {"timestampntz": "timestamp", "varchar": "text"}
"""SQLGlot's types that are one for the database, whatever their name."""


def _path_part(part: exp.Expr) -> str:
    if isinstance(part, exp.JSONPathKey):
        return "key" if isinstance(part.this, str) and _KEY.fullmatch(part.this) else "odd key"
    return type(part).__name__.removeprefix("JSONPath").lower()


def argument_shape(name: str, argument: str, value: exp.Expr, class_of: ClassOf) -> str:
    """Return the shape of a call's argument: its value where the construct depends on it."""
    if (name, argument) in _BY_VALUE and isinstance(value, exp.Literal | exp.Var):
        return value.sql() if isinstance(value, exp.Literal) else value.name.upper()
    if (name, argument) == ("RegexpReplace", "replacement") and isinstance(value, exp.Literal):
        if "\\" not in value.name:
            return "replacement"
        return "groups" if _GROUPS.fullmatch(value.name) else "odd groups"
    if (name, argument) == ("NthValue", "offset") and _is_no_position(value):
        return "no position"
    if name in _MATCHES and argument == "expression" and isinstance(value, exp.Literal):
        return "pattern" if value.name and _PATTERN.fullmatch(value.name) else "odd pattern"
    return shape(value, class_of)


def _is_no_position(value: exp.Expr) -> bool:
    """True for 0 and negative numbers."""
    inner = value.unnest()
    return isinstance(inner, exp.Neg) or (isinstance(inner, exp.Literal) and not inner.name.strip("0"))
