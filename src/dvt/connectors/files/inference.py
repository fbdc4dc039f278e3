"""Infers the types of columns from their texts.

A sample gives the kind of a column's values, and all values give how large they are.

The kind (numbers, dates, texts …) is that of the first rows: a value of another kind later in the files
is an error when it is read, not another kind. Within its kind a column's type holds every value exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dvt.connectors.files import rules
from dvt.connectors.files.rules import Reading, matches
from dvt.drivers.duckdb.sql import quoted

_PRECISION = 18
"""Digits of an inferred DECIMAL if they are enough, so that its type seldom changes with its values."""
_MAX_PRECISION = 38
"""Highest number of digits of a DECIMAL."""
_FLOATS_FROM = 10
"""Digits behind the point from which numbers are taken for a program's floating point, if all are exact."""


class Family(StrEnum):
    """Kinds of values of a column."""

    EMPTY = "empty"
    BOOLEAN = "boolean"
    NUMBER = "number"
    TEMPORAL = "temporal"
    ZONED = "zoned"
    TIME = "time"
    TEXT = "text"
    MIXED = "mixed"
    """JSON values of several kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """SQL of a column's values as texts, each NULL where the value cannot be of that kind."""

    value: str
    number: str
    text: str
    boolean: str
    texts_are_all: bool = True
    """False for JSON, where a value may also be no text."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """Types of columns, and the number of rows where all of them were read."""

    types: Mapping[str, str]
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    """Numbers of values of a column by their form, and the highest numbers of digits."""

    values: int = 0
    texts: int = 0
    booleans: int = 0
    small: int = 0
    """Whole numbers that are BIGINTs."""
    whole: int = 0
    """Other whole numbers."""
    plain: int = 0
    """Numbers with a point, without an exponent."""
    floats: int = 0
    """Numbers with an exponent."""
    specials: int = 0
    before: int = 0
    """Digits before the point."""
    behind: int = 0
    dates: int = 0
    moments: int = 0
    """Dates with a time."""
    zoned: int = 0
    times: int = 0

    @property
    def numbers(self) -> int:
        """Numbers, without NaN and infinities."""
        return self.small + self.whole + self.plain + self.floats


_FORMS = ("small", "whole", "plain", "floats", "specials")
"""Facts that `_number_form` counts, by its number."""


def _number_form(number: str) -> str:
    """Return SQL of the form of a number, as its place in `_FORMS`; NULL for other texts.

    Most numbers need no pattern: a BIGINT that is written like the text is one.
    """
    point = f"WHEN contains({number}, '.') AND {matches(number, rules.NUMBER)} THEN 2"
    bigint = f"TRY_CAST({number} AS BIGINT)"
    whole = f"WHEN {matches(number, rules.WHOLE)} THEN if({bigint} IS NULL, 1, 0)"
    return (
        f"CASE {point} WHEN CAST({bigint} AS VARCHAR) = {number} THEN 0 {whole}"
        f" WHEN {matches(number, rules.FLOAT)} THEN 3"
        f" WHEN {matches(number, rules.NOT_A_NUMBER)} THEN 4 END"
    )


def _aggregates(
    texts: Texts, reading: Reading, family: Family | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return SQL of what is found out of each value, and of the facts of a column of this family."""
    number, text = reading.number(texts.number), texts.text
    values, facts = {"value": texts.value}, {"values": "count({value})"}
    if family in {None, Family.NUMBER}:
        values |= {
            "form": _number_form(number),
            "digits": f"length(ltrim(trim({number}), '-'))",
            "point": f"strpos(ltrim(trim({number}), '-'), '.')",
        }
        facts |= {fact: f"count_if({{form}} = {place})" for place, fact in enumerate(_FORMS)}
        facts |= {
            "before": "max(if({point} = 0, {digits}, {point} - 1)) FILTER (WHERE {form} <= 2)",
            "behind": "max({digits} - {point}) FILTER (WHERE {form} = 2)",
        }
    if family in {None, Family.TEMPORAL}:
        date = reading.date(text)
        values |= {"date": date, "moment": f"CASE WHEN {date} IS NULL THEN {reading.timestamp(text)} END"}
        facts |= {"dates": "count({date})", "moments": "count({moment})"}
    if family in {None, Family.ZONED}:
        values["zoned"] = f"CASE WHEN {matches(text, rules.ZONED)} THEN TRY_CAST({text} AS TIMESTAMPTZ) END"
        facts["zoned"] = "count({zoned})"
    if family is None:
        values |= {
            "text": text,
            "truth": f"lower({texts.boolean}) IN ('true', 'false')",
            "time": f"CASE WHEN {matches(text, rules.CLOCK)} THEN TRY_CAST({text} AS TIME) END",
        }
        facts |= {"texts": "count({text})", "booleans": "count_if({truth})", "times": "count({time})"}
    return values, facts


def _family(facts: _Facts, texts: Texts) -> Family:
    candidates = {
        Family.EMPTY: 0,
        Family.BOOLEAN: facts.booleans,
        Family.NUMBER: facts.numbers + facts.specials if facts.numbers else -1,
        Family.TEMPORAL: facts.dates + facts.moments,
        Family.ZONED: facts.zoned,
        Family.TIME: facts.times,
    }
    for family, count in candidates.items():
        if count == facts.values:
            return family
    return Family.TEXT if texts.texts_are_all or facts.texts == facts.values else Family.MIXED


def infer(
    source: str, columns: Mapping[str, Texts], reading: Reading, *, ordered: Any, cursor: Any, sample: int
) -> Inferred:
    """Return the type of each column of `source`, a FROM item.

    `ordered` is a connection that reads in the order of the files; its first `sample` rows give the kinds
    (-1: all rows do).
    """
    if not columns:
        return Inferred({})
    families: dict[str, Family | None] = dict.fromkeys(columns)
    if sample >= 0:
        first = f"(SELECT * FROM {source} LIMIT {sample})"
        sampled, _ = _ask(ordered, first, columns, reading, families)
        families = {name: _family(facts, columns[name]) for name, facts in sampled.items()}
    sized = [
        name
        for name, family in families.items()
        if family in {None, Family.EMPTY, Family.NUMBER, Family.TEMPORAL, Family.ZONED}
    ]
    asked = {name: None if families[name] is Family.EMPTY else families[name] for name in sized}
    facts, rows = _ask(cursor, source, columns, reading, asked)
    final = {name: family or _family(facts[name], columns[name]) for name, family in families.items()}
    final |= {name: _family(facts[name], columns[name]) for name in sized if families[name] is Family.EMPTY}
    exact = _floats(cursor, source, columns, reading, [name for name in sized if _asks(facts[name])])
    types = {
        name: _type(family, facts.get(name, _Facts()), floats=exact.get(name, False))
        for name, family in final.items()
    }
    return Inferred(types, rows)


def _ask(
    cursor: Any,
    source: str,
    columns: Mapping[str, Texts],
    reading: Reading,
    families: Mapping[str, Family | None],
) -> tuple[dict[str, _Facts], int | None]:
    """Return the facts of the columns of `families`, and the number of rows, found in one pass."""
    if not families:
        return {}, None
    inner: list[str] = []
    wanted: list[tuple[str, str, str]] = []
    for place, (name, family) in enumerate(families.items()):
        values, aggregates = _aggregates(columns[name], reading, family)
        names = {value: f"{value}{place}" for value in values}
        inner += [f"{sql} AS {names[value]}" for value, sql in values.items()]
        wanted += [(name, fact, sql.format(**names)) for fact, sql in aggregates.items()]
    outer = ", ".join([*(sql for _, _, sql in wanted), "count(*)"])
    row = cursor.execute(f"SELECT {outer} FROM (SELECT {', '.join(inner)} FROM {source})").fetchone()
    facts: dict[str, dict[str, int]] = {name: {} for name in families}
    for (name, fact, _), count in zip(wanted, row[:-1], strict=True):
        facts[name][fact] = count or 0
    return {name: _Facts(**counts) for name, counts in facts.items()}, int(row[-1])


def _asks(facts: _Facts) -> bool:
    """Tell whether a column of numbers may be a program's floating point, written without exponents."""
    is_plain = bool(facts.plain) and not facts.floats and not facts.specials
    return is_plain and (facts.behind >= _FLOATS_FROM or facts.before + facts.behind > _MAX_PRECISION)


def _floats(
    cursor: Any, source: str, columns: Mapping[str, Texts], reading: Reading, names: Sequence[str]
) -> dict[str, bool]:
    """Return for each column whether each of its numbers is exactly a DOUBLE."""
    if not names:
        return {}
    tests = ", ".join(f"bool_and({rules.is_double(reading.number(columns[name].number))})" for name in names)
    row = cursor.execute(f"SELECT {tests} FROM {source}").fetchone()
    return dict(zip(names, row, strict=True))


def _type(family: Family, facts: _Facts, *, floats: bool) -> str:
    if family is Family.NUMBER:
        return _number(facts, floats=floats)
    if family is Family.TEMPORAL:
        return "TIMESTAMP" if facts.moments else "DATE"
    named = {
        Family.BOOLEAN: "BOOLEAN",
        Family.ZONED: "TIMESTAMP WITH TIME ZONE",
        Family.TIME: "TIME",
        Family.MIXED: "JSON",
    }
    return named.get(family, "VARCHAR")


def _number(facts: _Facts, *, floats: bool) -> str:
    if floats or facts.specials or facts.floats:
        return "DOUBLE"
    if not facts.plain:
        return "HUGEINT" if facts.whole else "BIGINT"
    precision = facts.before + facts.behind
    scale = min(facts.behind, _MAX_PRECISION)
    return f"DECIMAL({_PRECISION if precision <= _PRECISION else _MAX_PRECISION},{scale})"


def as_texts(name: str) -> Texts:
    """Return the texts of a column whose values are texts."""
    column = quoted(name)
    return Texts(value=column, number=column, text=column, boolean=column)
