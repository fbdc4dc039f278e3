"""PostgreSQL's texts, patterns and JSON in DuckDB."""

from __future__ import annotations

import re

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.expressions import function, is_a, typed

_TIMES = (exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ)
_PATH = re.compile(r"\{[A-Za-z_]\w*(,[A-Za-z_]\w*)*\}")
"""Matches a path of plain keys, as `#>>` takes it."""


def as_text(node: exp.Expr) -> exp.Expr:
    """Write a value as PostgreSQL does where it is joined to text."""
    if is_a(node, *_TIMES):
        return function("dvt_pg_date_text", typed(node.copy(), "VARCHAR"))
    return node.copy()


def as_concatenated(node: exp.Expr) -> exp.Expr:
    """Write a value as `concat` does, which has t and f for booleans."""
    if is_a(node, exp.DataType.Type.BOOLEAN):
        true, false = exp.Literal.string("t"), exp.Literal.string("f")
        is_false = exp.Not(this=exp.Paren(this=node.copy()))
        return exp.Case(
            ifs=[exp.If(this=exp.Paren(this=node.copy()), true=true), exp.If(this=is_false, true=false)]
        )
    return as_text(node)


def concatenation(node: exp.Expr) -> exp.Expr:
    """Give each argument of CONCAT and CONCAT_WS PostgreSQL's text."""
    new = node.copy()
    for new_part, part in zip(list(new.expressions), node.expressions, strict=True):
        new_part.replace(as_concatenated(part))
    return new


def joined(node: exp.Expr) -> exp.Expr:
    """Give both sides of `||` PostgreSQL's text."""
    new = node.copy()
    for side in ("this", "expression"):
        new.set(side, as_text(node.args[side]))
    return new


def joins_times(node: exp.Expr) -> bool:
    """True where a date or time is joined to text."""
    return any(is_a(part, *_TIMES, exp.DataType.Type.BOOLEAN) for part in node.iter_expressions())


def time_to_text(node: exp.Expr) -> exp.Expr:
    """Cast a date or time to text."""
    return function("dvt_pg_date_text", typed(node.this.copy(), "VARCHAR"))


def text_to_integer(node: exp.Expr) -> exp.Expr:
    """Cast a text that is a whole number."""
    new = node.copy()
    new.this.replace(function("dvt_pg_integer", node.this.copy()))
    return new


def text_to_number(node: exp.Expr) -> exp.Expr:
    """Cast a text that is a number, in which no digits are grouped."""
    new = node.copy()
    new.this.replace(function("dvt_pg_number", node.this.copy()))
    if new.args["to"].this is exp.DataType.Type.DECIMAL and not new.args["to"].expressions:
        new.set("to", exp.DataType.build("DECIMAL(38, 15)"))
    return new


def upper(node: exp.Expr) -> exp.Expr:
    """Turn to upper case, in which PostgreSQL's libraries leave ß as it is."""
    return function("dvt_pg_upper", node.this.copy())


def split(node: exp.Expr) -> exp.Expr:
    """Split by a delimiter that may be empty."""
    return function("dvt_pg_split", *(node.args[name].copy() for name in ("this", "delimiter", "part_index")))


def json_text(node: exp.Expr) -> exp.Expr:
    """Give a JSON value as text."""
    json = exp.JSONExtract(this=node.this.copy(), expression=node.expression.copy(), only_json_types=True)
    return function("dvt_pg_json_text", json)


def by_plain_path(node: exp.Expr) -> bool:
    """True for `#>` and `#>>` with a literal path of plain keys."""
    return isinstance(node.expression, exp.Literal) and bool(_PATH.fullmatch(node.expression.name))


def json_by_path(node: exp.Expr) -> exp.Expr:
    """Follow a path of keys."""
    keys = [exp.JSONPathKey(this=key) for key in node.expression.name[1:-1].split(",")]
    path = exp.JSONPath(expressions=[exp.JSONPathRoot(), *keys])
    json = exp.JSONExtract(this=node.this.copy(), expression=path, only_json_types=True)
    return function("dvt_pg_json_text", json) if isinstance(node, exp.JSONBExtractScalar) else json


def joined_list(node: exp.Expr) -> exp.Expr:
    """Join a list's elements: without any that is not NULL, they are an empty text."""
    text = function("array_to_string", node.this.copy(), node.expression.copy())
    is_known = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    value = exp.Coalesce(this=text, expressions=[exp.Literal.string("")])
    return exp.Case(ifs=[exp.If(this=is_known, true=value)])


def element(node: exp.Expr) -> exp.Expr:
    """Take an element of a list by an index that may lie before it."""
    return function("dvt_pg_element", node.this.copy(), node.expressions[0].copy())


def by_computed_index(node: exp.Expr) -> bool:
    """True for a subscript that is no literal."""
    (index, *_) = node.expressions
    return not isinstance(index, exp.Literal | exp.Slice)


def is_untyped_output(node: exp.Expr) -> bool:
    """True for a NULL that is an output of a SELECT, unless a UNION decides its type."""
    output = node.parent if isinstance(node.parent, exp.Alias) else node
    if not isinstance(output.parent, exp.Select) or output.arg_key != "expressions":
        return False
    holder = output.parent.parent
    while isinstance(holder, exp.Subquery | exp.Paren):
        holder = holder.parent
    return not isinstance(holder, exp.SetOperation)


def untyped(node: exp.Expr) -> exp.Expr:
    """Make a text of a NULL without a type."""
    return typed(node.copy(), "VARCHAR")
