"""PostgreSQL's texts in Spark."""

from __future__ import annotations

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.exact_numbers import DECIMAL, FLOATS, INTEGERS
from dvt.federation.plan.dialects.duckdb.expressions import function, is_a
from dvt.federation.plan.dialects.spark.expressions import typed
from dvt.federation.plan.dialects.spark.templates import filled

_TEXT = exp.DataType.TEXT_TYPES
_DAYS = (exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ)
_TESTS = {
    **dict.fromkeys(INTEGERS, "whole_text"),
    **dict.fromkeys((*DECIMAL, *FLOATS), "number_text"),
    exp.DataType.Type.DATE: "date_text",
    exp.DataType.Type.TIMESTAMP: "moment_text",
    exp.DataType.Type.TIMESTAMPNTZ: "moment_text",
    exp.DataType.Type.BOOLEAN: "boolean_text",
}
"""SQLGlot's type → template that lets those texts pass which both databases read alike."""


def is_read(node: exp.Expr) -> bool:
    """True for a cast of a text that is no literal to a type that texts are read as."""
    is_literal = isinstance(node.this, exp.Literal | exp.Null)
    return not is_literal and node.args["to"].this in _TESTS and is_a(node.this, *_TEXT)


def read(node: exp.Expr) -> exp.Expr:
    """Cast a text that both databases read alike; any other is an error."""
    to = node.args["to"].copy()
    if to.this in DECIMAL and not to.expressions:
        to = exp.DataType.build("DECIMAL(38, 15)")
    return exp.Cast(this=filled(_TESTS[to.this], s=node.this), to=to)


def is_sized(node: exp.Expr) -> bool:
    """True for a cast to a text of at most so many characters."""
    to = node.args["to"]
    return to.this in (exp.DataType.Type.VARCHAR, exp.DataType.Type.NVARCHAR) and bool(to.expressions)


def cut(node: exp.Expr) -> exp.Expr:
    """Cast to text, and cut off what is too long."""
    return function("left", as_text(node.this, short=False), node.args["to"].expressions[0].this.copy())


def is_padded(node: exp.Expr) -> bool:
    """True for a cast to a text that is filled up with spaces."""
    return node.args["to"].this in (exp.DataType.Type.CHAR, exp.DataType.Type.NCHAR)


def cased(node: exp.Expr) -> exp.Expr:
    """Turn to upper or lower case, letter by letter."""
    return filled("upper" if isinstance(node, exp.Upper) else "lower", s=node.this)


def is_no_ascii(node: exp.Expr) -> bool:
    """True for a character of a number that is no literal from 1 to 127."""
    number = node.expressions[0] if node.expressions else node.this
    is_literal = isinstance(number, exp.Literal) and number.is_int
    return not (is_literal and 0 < int(number.name) < 128)  # noqa: PLR2004


def side(node: exp.Expr) -> exp.Expr:
    """Take characters from the left or right; all but so many for a negative number."""
    return filled("left" if isinstance(node, exp.Left) else "right", s=node.this, n=node.expression)


def substring(node: exp.Expr) -> exp.Expr:
    """Take characters from a place that may lie before the first one."""
    start = node.args.get("start") or exp.Literal.number(1)
    length = node.args.get("length")
    if length is None:
        return filled("from", s=node.this, start=start)
    return filled("part", s=node.this, start=start, size=length)


def concatenation(node: exp.Expr) -> exp.Expr:
    """Give each argument of CONCAT and CONCAT_WS PostgreSQL's text: a boolean is t or f there."""
    new = node.copy()
    for new_part, part in zip(list(new.expressions), node.expressions, strict=True):
        new_part.replace(as_text(part, short=True))
    return new


def joined(node: exp.Expr) -> exp.Expr:
    """Give both sides of `||` PostgreSQL's text."""
    new = node.copy()
    for name in ("this", "expression"):
        new.set(name, as_text(node.args[name], short=False))
    return new


def as_text(node: exp.Expr, *, short: bool) -> exp.Expr:
    """Turn a value to text; a boolean to t or f if it is to be `short`."""
    if is_a(node, *_TEXT) or isinstance(node, exp.Null):
        return node.copy()
    if short and is_a(node, exp.DataType.Type.BOOLEAN):
        value = exp.Paren(this=node.copy())
        true, false = exp.Literal.string("t"), exp.Literal.string("f")
        return exp.Case(
            ifs=[
                exp.If(this=value, true=true),
                exp.If(this=exp.Not(this=value.copy()), true=false),
            ]
        )
    return filled("moment_as_text", x=node) if is_a(node, *_DAYS) else typed(node, "STRING")


def is_moment_to_text(node: exp.Expr) -> bool:
    """True for a cast of a date, or of a date with a time, to text."""
    return node.args["to"].this in _TEXT and is_a(node.this, *_DAYS)


def moment_as_text(node: exp.Expr) -> exp.Expr:
    """Write a date, or a date with a time, as text."""
    return as_text(node.this, short=False)


def by_pattern(node: exp.Expr) -> bool:
    """True for a match of a pattern that is written out."""
    return isinstance(node.expression, exp.Literal)


def matched(node: exp.Expr) -> exp.Expr:
    """Match a pattern as Java's library reads it."""
    any_case = isinstance(node, exp.RegexpILike)
    new = exp.RegexpLike() if any_case else node.copy()
    new.set("this", node.this.copy())
    new.set("expression", _pattern(node, "(?iu)" if any_case else ""))
    return new


def _pattern(node: exp.Expr, flags: str = "") -> exp.Expr:
    """Return a pattern for Java, to which the end of a text is also before its last line break."""
    text = node.expression.name.replace("[:digit:]", "0-9")
    return exp.Literal.string(flags + (text[:-1] + "\\z" if text.endswith("$") else text))


def replaced(node: exp.Expr) -> exp.Expr:
    """Replace what matches a pattern, everywhere, by a text in which a dollar means itself."""
    value = exp.Literal.string(node.args["replacement"].name.replace("$", "\\$"))
    return function("regexp_replace", node.this.copy(), _pattern(node), value)


def replaces_all(node: exp.Expr) -> bool:
    """True for a replacement of all that matches a pattern, by a text without groups."""
    modifiers, text = node.args.get("modifiers"), node.args.get("replacement")
    plain = isinstance(text, exp.Literal) and "\\" not in text.name
    return by_pattern(node) and plain and isinstance(modifiers, exp.Literal) and modifiers.name == "g"
