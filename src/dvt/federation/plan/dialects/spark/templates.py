"""Spark's SQL of what answers as another database's functions do, with places for their arguments.

A value that is needed several times is named by a lambda over a list of one element: a function of SQL would
compute its arguments also where a CASE does not reach them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import sqlglot
from sqlglot import exp

_DIALECT = "spark"
_PREFIX = "dvt_arg_"
"""What the names of the places begin with."""
_LAMBDAS = frozenset({"c", "o", "p", "q", "s", "u", "x"})
"""Names of the lambdas' parameters."""
_WHOLE = "DECIMAL(38,0)"
_TEN = "CAST(10000000000 AS DECIMAL(11,0))"
"""10^10, by which a remainder of 28 digits can be multiplied."""


def _let(value: str, name: str, body: str) -> str:
    return f"element_at(transform(array({value}), {name} -> {body}), 1)"


def _weight(number: str) -> str:
    """Return SQL of the position of a number's first digit, in PostgreSQL's base 10000."""
    return f"CAST((length(CAST({number} AS STRING)) - 1) DIV 4 AS INT)"


def _first_digit(number: str) -> str:
    text = f"CAST({number} AS STRING)"
    return f"CAST(left({text}, 1 + pmod(length({text}) - 1, 4)) AS INT)"


def _whole(number: str, divisor: str, digits: int) -> str:
    return f"CAST(({number} - {number} % {divisor}) / {divisor} AS DECIMAL({digits},0))"


def _quotient() -> str:
    """Return SQL that divides whole numbers as PostgreSQL divides numerics: see select_div_scale there."""
    scale = (
        f"least(20, greatest(16 - 4 * ({_weight('p.n')} - {_weight('p.d')}"
        f" - CAST({_first_digit('p.n')} <= {_first_digit('p.d')} AS INT)), {_PREFIX}scale, 0))"
    )
    rest = f"CAST(({{0}}.{{1}} % {{0}}.d) * {_TEN} AS {_WHOLE}) AS r"
    first = f"STRUCT(p.d AS d, p.sign AS sign, {scale} AS scale, {_whole('p.n', 'p.d', 18)} AS whole, "
    second = (
        "STRUCT(q.d AS d, q.sign AS sign, q.scale AS scale, q.whole AS whole,"
        f" {_whole('q.r', 'q.d', 10)} AS f, "
    )
    digits = (
        "CAST(concat('0.', lpad(CAST(s.f AS STRING), 10, '0'),"
        f" lpad(CAST({_whole('s.r', 's.d', 10)} AS STRING), 10, '0')) AS DECIMAL(20,20))"
    )
    third = (
        f"STRUCT(s.sign AS sign, s.scale AS scale, s.whole AS whole, {digits} AS f,"
        " 2 * (s.r % s.d) >= s.d AS more)"
    )
    up = "CAST(CASE WHEN u.more THEN '0.00000000000000000001' ELSE '0' END AS DECIMAL(20,20))"
    cut = " ".join(f"WHEN {places} THEN CAST(round(u.f, {places}) AS DECIMAL(21,20))" for places in range(20))
    fraction = f"CASE u.scale {cut} ELSE CAST(u.f + {up} AS DECIMAL(21,20)) END"
    total = f"CAST(CAST(u.whole + {fraction} AS DECIMAL(38,20)) * u.sign AS DECIMAL(38,20))"
    lets = _let(
        first + rest.format("p", "n") + ")",
        "q",
        _let(second + rest.format("q", "r") + ")", "s", _let(third, "u", total)),
    )
    signed = (
        "STRUCT(abs(o.n) AS n, abs(o.d) AS d, CASE WHEN (o.n < 0) <> (o.d < 0) THEN -1 ELSE 1 END AS sign)"
    )
    return _let(
        f"STRUCT(CAST({_PREFIX}n AS {_WHOLE}) AS n, CAST({_PREFIX}d AS {_WHOLE}) AS d)",
        "o",
        "CASE WHEN o.n IS NULL OR o.d IS NULL THEN NULL"
        f" WHEN o.d = 0 THEN raise_error('division by zero') ELSE {_let(signed, 'p', lets)} END",
    )


def _of_text(test: str, otherwise: str) -> str:
    """Return SQL that gives a text that passes a test, and an error for any other."""
    return _let(
        f"{_PREFIX}s",
        "s",
        f"CASE WHEN s IS NULL OR {test} THEN trim(s) ELSE raise_error(concat('{otherwise}: ', s)) END",
    )


def _within(function: str) -> str:
    """Return SQL of the first or the last place of a part of a text, kept within the text."""
    return f"least(greatest({function}(p.start, p.start + p.size), 0), length(p.s))"


def _cased(function: str, others: str = "", instead: str = "") -> str:
    """Return SQL of UPPER or LOWER letter by letter: one letter stays one, whatever stands beside it.

    `others` become those `instead`.
    """
    each = f"CASE WHEN length({function}(c)) = 1 THEN {function}(c) ELSE c END"
    if others:
        each = each.replace(
            "CASE", f"CASE WHEN contains('{others}', c) THEN translate(c, '{others}', '{instead}')", 1
        )
    if function == "lower":
        each = each.replace("CASE", "CASE WHEN c = 'İ' THEN 'i'", 1)
    return _let(
        f"{_PREFIX}s",
        "s",
        f"CASE WHEN s RLIKE '^[\\\\x00-\\\\x7F]*$' THEN {function}(s)"
        f" ELSE array_join(transform(split(s, ''), c -> {each}), '') END",
    )


_TITLES = (*range(0x1F80, 0x1F88), *range(0x1F90, 0x1F98), *range(0x1FA0, 0x1FA8))
_FURTHER = (0x1FB3, 0x1FC3, 0x1FF3)
_RAISED = (
    ("ß", *map(chr, (*_TITLES, *_FURTHER))),
    ("ẞ", *(chr(n + 8) for n in _TITLES), *(chr(n + 9) for n in _FURTHER)),
)
"""Letters that are two in Java's upper case, and what DuckDB makes of them."""
_NEW_LOWER = "".join(map(chr, (0x19B, 0x264, 0x1C8A, 0xA7CD, 0xA7DB, *range(0x10D70, 0x10D86))))
_NEW_UPPER = "".join(map(chr, (0x1C89, 0xA7CB, 0xA7CC, 0xA7DA, 0xA7DC, *range(0x10D50, 0x10D66))))
"""Letters that are newer than DuckDB's tables of Unicode, which leave them as they are."""
_BLANK = "[ \\\\t\\\\n\\\\r\\\\f]*"
_NUMBER = "[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?"

_TEMPLATES: Mapping[str, str] = {
    "quotient": _quotient(),
    "whole_text": _of_text(
        f"s RLIKE '^{_BLANK}[-+]?[0-9]+{_BLANK}$'", "invalid input syntax for type integer"
    ),
    "number_text": _of_text(f"s RLIKE '^{_BLANK}{_NUMBER}{_BLANK}$'", "it is no number"),
    "date_text": _of_text(f"s RLIKE '^{_DAY}$'", "it is no date"),
    "moment_text": _of_text(f"s RLIKE '^{_DAY}([ T]{_TIME})?$'", "it is no date and time"),
    "boolean_text": _of_text(
        "lower(trim(s)) IN ('true', 'false', 't', 'f', 'yes', 'no', 'y', 'n', '1', '0')", "it is no boolean"
    ),
    "upper": _cased("upper"),
    "lower": _cased("lower"),
    "duck_upper": _cased("upper", "".join(_RAISED[0]) + _NEW_LOWER, "".join(_RAISED[1]) + _NEW_LOWER),
    "duck_lower": _cased("lower", _NEW_UPPER, _NEW_UPPER),
    "left": _let(
        f"STRUCT({_PREFIX}s AS s, {_PREFIX}n AS n)",
        "p",
        "CASE WHEN p.n < 0 THEN substring(p.s, 1, greatest(length(p.s) + p.n, 0)) ELSE left(p.s, p.n) END",
    ),
    "right": _let(
        f"STRUCT({_PREFIX}s AS s, {_PREFIX}n AS n)",
        "p",
        "CASE WHEN p.n < 0 THEN substring(p.s, 1 - p.n, greatest(length(p.s), 1)) ELSE right(p.s, p.n) END",
    ),
    "from": _let(
        f"STRUCT({_PREFIX}s AS s, {_PREFIX}start AS start)",
        "p",
        "CASE WHEN p.start IS NOT NULL THEN substring(p.s, greatest(p.start, 1)) END",
    ),
    "part": _let(
        f"STRUCT({_PREFIX}s AS s, CAST({_PREFIX}start AS BIGINT) AS start,"
        f" CAST({_PREFIX}size AS BIGINT) AS size)",
        "p",
        "CASE WHEN p.s IS NULL OR p.start IS NULL OR p.size IS NULL THEN NULL"
        " WHEN p.size < 0 THEN raise_error('negative substring length not allowed')"
        " ELSE substring(p.s, CAST(least(greatest(p.start, 1), 2147483647) AS INT),"
        " CAST(least(greatest(p.size + least(p.start, 1) - 1, 0), 2147483647) AS INT)) END",
    ),
    "whole_double": _let(
        f"CAST({_PREFIX}x AS DOUBLE)",
        "x",
        "CASE WHEN abs(x) < 9007199254740992D THEN CAST({0} AS DOUBLE) ELSE x END",
    ),
    "power": _let(
        f"STRUCT(CAST({_PREFIX}x AS DOUBLE) AS x, CAST({_PREFIX}y AS DOUBLE) AS y)",
        "p",
        "CASE WHEN p.x = 0 AND p.y < 0 THEN raise_error('zero raised to a negative power is undefined')"
        " WHEN p.x < 0 AND p.x > double('-infinity') AND p.y > double('-infinity')"
        " AND p.y < double('infinity') AND p.y <> rint(p.y)"
        " THEN raise_error('a negative number raised to a non-integer power yields a complex result')"
        " ELSE power(p.x, p.y) END",
    ),
    "of_no_negative": _let(
        f"CAST({_PREFIX}x AS DOUBLE)",
        "x",
        "CASE WHEN x < 0 THEN raise_error('it is not defined for negative numbers') ELSE {0} END",
    ),
    "of_positive": _let(
        f"CAST({_PREFIX}x AS DOUBLE)",
        "x",
        "CASE WHEN x <= 0 THEN raise_error('the logarithm of such a number is not defined') ELSE {0} END",
    ),
    "kept_quotient": _let(
        f"STRUCT(CAST({_PREFIX}n AS {_WHOLE}) AS n, CAST({_PREFIX}d AS {_WHOLE}) AS d,"
        f" CAST({_PREFIX}power AS {_WHOLE}) AS power)",
        "p",
        "CASE WHEN p.n IS NULL OR p.d IS NULL THEN NULL WHEN p.d = 0 THEN raise_error('division by zero')"
        f" ELSE CAST({_whole('p.n', 'p.d', 20)} * p.power"
        f" + {_whole('((p.n % p.d) * p.power)', 'p.d', 20)} AS {_WHOLE})"
        f" * {_PREFIX}unit END",
    ),
    "in_range": _let(
        f"CAST({_PREFIX}x AS DOUBLE)",
        "x",
        "CASE WHEN isnan(x) OR abs(x) = double('infinity')"
        " THEN raise_error('DOUBLE value is out of range') ELSE x END",
    ),
    "root_or_null": _let(f"CAST({_PREFIX}x AS DOUBLE)", "x", "CASE WHEN x >= 0 THEN sqrt(x) END"),
    "my_part": _let(
        f"STRUCT({_PREFIX}s AS s, {_PREFIX}start AS start, {_PREFIX}size AS size)",
        "p",
        "CASE WHEN p.s IS NULL OR p.start IS NULL OR p.size IS NULL THEN NULL"
        " WHEN p.start = 0 OR p.size < 1 OR -p.start > length(p.s) THEN ''"
        " WHEN p.start > 0 THEN substring(p.s, p.start, p.size)"
        " ELSE substring(p.s, length(p.s) + p.start + 1, p.size) END",
    ),
    "my_left": _let(
        f"STRUCT({_PREFIX}s AS s, {_PREFIX}size AS size)",
        "p",
        "CASE WHEN p.s IS NULL OR p.size IS NULL THEN NULL WHEN p.size < 1 THEN ''"
        " ELSE left(p.s, p.size) END",
    ),
    "my_right": _let(
        f"STRUCT({_PREFIX}s AS s, {_PREFIX}size AS size)",
        "p",
        "CASE WHEN p.s IS NULL OR p.size IS NULL THEN NULL WHEN p.size < 1 THEN ''"
        " ELSE right(p.s, p.size) END",
    ),
    "my_parts": _let(
        f"STRUCT({_PREFIX}s AS s, {_PREFIX}delimiter AS delimiter, {_PREFIX}size AS size)",
        "p",
        "CASE WHEN p.s IS NULL OR p.delimiter IS NULL OR p.size IS NULL THEN NULL"
        " WHEN p.delimiter = '' OR p.size = 0 THEN ''"
        " ELSE substring_index(p.s, p.delimiter, p.size) END",
    ),
    "my_moment": _let(
        f"CAST({_PREFIX}x AS TIMESTAMP_NTZ)",
        "x",
        "CASE WHEN year(x) NOT BETWEEN 1 AND 9999"
        " THEN raise_error('Datetime function: datetime field overflow') ELSE x END",
    ),
    "my_cut": _let(
        f"STRUCT({_PREFIX}x AS x, CASE WHEN {_PREFIX}x >= 0 THEN 1 ELSE -1 END AS sign)",
        "p",
        "p.sign * floor(abs(p.x), {0})",
    ),
    "ieee_quotient": _let(
        f"STRUCT(CAST({_PREFIX}n AS DOUBLE) AS n, CAST({_PREFIX}d AS DOUBLE) AS d)",
        "p",
        "CASE WHEN p.n IS NULL OR p.d IS NULL THEN NULL WHEN p.d <> 0 THEN p.n / p.d"
        " WHEN p.n = 0 OR isnan(p.n) THEN double('NaN')"
        " WHEN (p.n < 0) = (CAST(p.d AS STRING) = '-0.0') THEN double('infinity')"
        " ELSE double('-infinity') END",
    ),
    "rounded_double": _let(
        f"{_PREFIX}x",
        "x",
        "CASE WHEN isnan(x) OR abs(x * {0}) = double('infinity') THEN x ELSE round(x * {0}) / {0} END",
    ),
    "moved_day": _let(
        f"STRUCT({_PREFIX}d AS d, CAST({_PREFIX}n AS BIGINT) AS n)",
        "o",
        _let(
            "STRUCT(o.d AS d, CASE WHEN abs(o.n) > 10000000"
            " THEN raise_error('a date is moved too far') ELSE CAST(o.n AS INT) END AS n)",
            "p",
            "{0}",
        ),
    ),
    "duck_part": _let(
        f"STRUCT({_PREFIX}s AS s, CAST({_PREFIX}start AS BIGINT) AS start,"
        f" CAST({_PREFIX}size AS BIGINT) AS size)",
        "o",
        _let(
            "STRUCT(o.s AS s, o.size AS size, CASE WHEN o.start > 0 THEN o.start - 1"
            " WHEN o.start < 0 THEN length(o.s) + o.start WHEN o.start = 0 THEN -1 END AS start)",
            "p",
            "CASE WHEN p.s IS NULL OR p.start IS NULL OR p.size IS NULL THEN NULL ELSE"
            f" substring(p.s, CAST({_within('least')} + 1 AS INT),"
            f" CAST({_within('greatest')} - {_within('least')} AS INT)) END",
        ),
    ),
    "moment_as_text": _let(
        f"{_PREFIX}x",
        "x",
        "CASE WHEN year(x) NOT BETWEEN 1 AND 9999"
        " THEN raise_error('only years of four digits are written as text') ELSE CAST(x AS STRING) END",
    ),
    "year": _let(f"{_PREFIX}x", "x", "CASE WHEN x <= 0 THEN x - 1 ELSE x END"),
}
"""Name → SQL, with places named `dvt_arg_<name>` and, where a function is to be chosen, `{0}`."""


def filled(template: str, inner: str = "", /, **arguments: exp.Expr) -> exp.Expr:
    """Return the SQL of a template with these arguments.

    Example:
        >>> filled("year", x=exp.column("y")).sql("spark")
        'ELEMENT_AT(TRANSFORM(ARRAY((y)), dvt_x -> CASE WHEN dvt_x <= 0 THEN dvt_x - 1 ELSE dvt_x END), 1)'
    """
    holder = exp.Paren(this=_parsed(template, inner).copy())
    for column in list(holder.find_all(exp.Column)):
        name = column.name.removeprefix(_PREFIX)
        if column.name.startswith(_PREFIX):
            column.replace(exp.Paren(this=arguments[name].copy()))
    tree: exp.Expr = holder.this
    return tree


@cache
def _parsed(template: str, inner: str) -> exp.Expr:
    sql = _TEMPLATES[template]
    tree: exp.Expr = sqlglot.parse_one(sql.replace("{0}", inner) if inner else sql, dialect=_DIALECT)
    for identifier in tree.find_all(exp.Identifier):
        if identifier.name in _LAMBDAS:  # a table of the model could have such a name
            identifier.set("this", f"dvt_{identifier.name}")
    return tree
