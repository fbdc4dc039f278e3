"""MySQL's texts in DuckDB."""

from __future__ import annotations

import re

from sqlglot import exp

from dvt.federation.plan.dialects.duckdb.expressions import function, is_a, typed

_TEXT = exp.DataType.TEXT_TYPES


_LONG = 10**9
"""Characters that no text has."""


def _text(node: exp.Expr) -> exp.Expr:
    return typed(exp.Paren(this=node.copy()), "VARCHAR")


def _integer(node: exp.Expr | None) -> exp.Expr:
    return typed(exp.Paren(this=node.copy() if node is not None else exp.null()), "INTEGER")


def length(node: exp.Expr) -> exp.Expr:
    """Count bytes (LENGTH) or characters (CHAR_LENGTH)."""
    count = "strlen" if node.args.get("binary") else "length"
    return typed(function(count, _text(node.this)), "INTEGER")


def bytes_of(node: exp.Expr) -> exp.Expr:
    """Count the bytes of an argument (OCTET_LENGTH)."""
    return typed(function("strlen", _text(node.expressions[0])), "INTEGER")


def upper(node: exp.Expr) -> exp.Expr:
    """Turn to upper case, in which the server leaves ß as it is."""
    return function("dvt_pg_upper", node.this.copy())


def substring(node: exp.Expr) -> exp.Expr:
    """Take a part of a text; a start of 0, or one before the first character, gives an empty text."""
    called = node.expressions if isinstance(node, exp.Anonymous) else ()
    text, start, size = called or (node.this, node.args.get("start"), node.args.get("length"))
    wanted = exp.Literal.number(_LONG) if size is None else _integer(size)
    return function("dvt_my_substring", _text(text), _integer(start), wanted)


def has_three_arguments(node: exp.Expr) -> bool:
    """True for a call of three arguments."""
    return len(node.expressions) == 3  # noqa: PLR2004


def side(node: exp.Expr) -> exp.Expr:
    """Take the first or the last characters of a text."""
    name = "dvt_my_left" if isinstance(node, exp.Left) else "dvt_my_right"
    return function(name, _text(node.this), _integer(node.expression))


def parts(node: exp.Expr) -> exp.Expr:
    """Take what is before or after the n-th delimiter."""
    count = _integer(node.args["count"])
    return function("dvt_my_parts", _text(node.this), node.args["delimiter"].copy(), count)


def trims_words(node: exp.Expr) -> bool:
    """True for a TRIM of another text than one character: DuckDB trims each of its characters."""
    word = node.args.get("expression")
    return isinstance(word, exp.Literal) and len(word.name) != 1


def trimmed(node: exp.Expr) -> exp.Expr:
    """Trim a word, as often as it stands at the ends."""
    word, position = node.expression.name, str(node.args.get("position") or "BOTH").upper()
    text: exp.Expr = exp.Paren(this=node.this.copy())
    if not word:
        return text
    words = f"({re.escape(word)})+"
    ends = [f"^{words}"] * (position != "TRAILING") + [f"{words}$"] * (position != "LEADING")
    for end in ends:
        text = function("regexp_replace", text, exp.Literal.string(end), exp.Literal.string(""))
    return text


def concatenation(node: exp.Expr) -> exp.Expr:
    """Make a text of each argument before they are joined."""
    new = node.copy()
    for part in list(new.expressions):
        if not is_a(part, *_TEXT) or not isinstance(part, exp.Column | exp.Literal):
            part.replace(typed(exp.Paren(this=part.copy()), "VARCHAR"))
    return exp.Paren(this=new) if isinstance(node, exp.Concat) else new


def listed(node: exp.Expr) -> exp.Expr:
    """Join the texts of a group by commas, unless it says otherwise."""
    new = node.copy()
    if new.args.get("separator") is None:
        new.set("separator", exp.Literal.string(","))
    return new


def is_sized(node: exp.Expr) -> bool:
    """True for a cast to CHAR(n)."""
    to = node.args["to"]
    return to.this in _TEXT and bool(to.expressions)


def truncated(node: exp.Expr) -> exp.Expr:
    """Cut a text to n characters."""
    size = node.args["to"].expressions[0].this.copy()
    return function("left", typed(node.this.copy(), "VARCHAR"), size)
