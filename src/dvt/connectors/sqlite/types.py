"""Maps declared SQLite types to stage types, and checks that each value has its column's type.

SQLite does not enforce a column's declaration: INTEGER may hold 'abc'. A value that is not of the stage
type stops the run with its column's name and its own type; it never becomes NULL or another value.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from dvt.core.errors import ValueLost
from dvt.core.types import (
    BIGINT,
    BLOB,
    BOOLEAN,
    DATE,
    DOUBLE,
    MAX_DIGITS,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    VARCHAR,
    Kind,
    StageType,
    decimal,
)
from dvt.drivers.duckdb import refusal

_DECIMAL = re.compile(r"^(?:DECIMAL|DEC|NUMERIC|NUMBER)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$")
_DIGITS_OF_REAL = 15
"""Digits that a REAL keeps for certain: a decimal of more is sent as text."""
_SHOWN_CHARACTERS = 60
"""Highest number of characters of a value that a message shows."""
_ENFORCED = ("PRIMARY KEY", "STRICT")
"""Suffixes of native types that SQLite itself enforces."""
_DATE_PATTERN = r"\d\d\d\d-\d\d-\d\d"
_TIME_PATTERN = r"\d\d:\d\d(:\d\d(\.\d\d?\d?\d?\d?\d?)?)?"
_HINT = "correct the value, or read the table through a view that casts or leaves out such values"


@dataclass(frozen=True, slots=True)
class Check:
    """How values of one stage type leave SQLite; `{0}` in SQL is the column."""

    wire: str
    """Type of the column in the private file."""
    send: str
    """SQL that gives the value, or NULL for one that does not fit."""
    sure: str
    """SQL condition that only values which fit can meet; some of them may not."""


def declared(type_: str) -> StageType | None:
    """Return the stage type of a declared type; None if it is empty or allows any value, as in views."""
    name = " ".join(type_.upper().split())
    if (match := _DECIMAL.match(name)) and int(match[1]) <= MAX_DIGITS:
        return decimal(int(match[1]), int(match[2] or 0))
    for test, stage in _BY_NAME:
        if test(name):
            return stage
    return VARCHAR


def undeclared(types: Collection[str]) -> StageType:
    """Return the stage type of an undeclared column that holds values of these SQLite types."""
    held = set(types) - {"null"}
    if held == {"integer"}:
        return BIGINT
    if held and held <= {"integer", "real"}:
        return DOUBLE
    return BLOB if held == {"blob"} else VARCHAR


def is_sure(native: str) -> bool:
    """Return True if SQLite itself enforces the type."""
    return native.upper().endswith(_ENFORCED)


def check(stage: StageType) -> Check:
    """Return how values of a stage type are checked in SQLite."""
    if stage.precision is not None and stage.scale is not None:
        return _decimal(stage.precision, stage.scale)
    return _CHECKS.get(stage, _CHECKS[VARCHAR])


def unpack(stage: StageType, where: str) -> str:
    """Return DuckDB SQL that makes a staged value of one in the private file; `where` names its column."""
    if stage in _PATTERNS:
        pattern = _PATTERNS[stage]
        fits = f"regexp_full_match({{0}}, '{pattern}') AND TRY_CAST({{0}} AS {stage}) IS NOT NULL"
        return _checked(fits, stage, where)
    if stage.kind is Kind.DECIMAL:
        difference = f"abs(CAST({{0}} AS DOUBLE) - CAST(TRY_CAST({{0}} AS {stage}) AS DOUBLE))"
        return _checked(f"coalesce({difference} <= abs(CAST({{0}} AS DOUBLE)) * 1e-15, false)", stage, where)
    if stage == VARCHAR:
        not_text = refusal(where, "'holds bytes that are no UTF-8 text'", _HINT)
        is_text = "{0} IS NULL OR TRY(decode(encode({0}))) IS NOT NULL"
        return f"CASE WHEN {is_text} THEN {{0}} ELSE {not_text} END"
    return "CAST({0} AS BOOLEAN)" if stage == BOOLEAN else "{0}"


def wrong_type(where: str, stage: StageType, value: object) -> ValueLost:
    """Return the error for a value that SQLite holds and the stage type does not."""
    kind = {int: "integer", float: "real", str: "text", bytes: "blob"}.get(type(value), "value")
    text = repr(value)
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
    return ValueLost(where, f"holds the {kind} {shown}, which is no {stage}", _HINT)


def _checked(fits: str, stage: StageType, where: str) -> str:
    problem = f"'holds ' || CAST({{0}} AS VARCHAR) || ', which is no {stage}'"
    return (
        f"CASE WHEN {{0}} IS NULL THEN NULL WHEN {fits} THEN CAST({{0}} AS {stage}) "
        f"ELSE {refusal(where, problem, _HINT)} END"
    )


def _decimal(precision: int, scale: int) -> Check:
    limit = f"1e{precision - scale}"
    fits = f"typeof({{0}}) IN ('integer', 'real') AND {{0}} < {limit} AND {{0}} > -{limit}"
    sure = f"{fits} AND round({{0}}, {scale}) = {{0}}"
    if precision <= _DIGITS_OF_REAL:
        return Check("REAL", f"CASE WHEN {fits} THEN {{0}} END", sure)
    text = "CASE typeof({0}) WHEN 'integer' THEN CAST({0} AS TEXT) WHEN 'real' THEN printf('%!.17g', {0}) END"
    return Check("TEXT", text, sure)


_AS_TEXT = (
    "CASE WHEN typeof({0}) IN ('text', 'integer') OR typeof({0}) = 'real' "
    "AND CAST(CAST({0} AS TEXT) AS REAL) = {0} THEN CAST({0} AS TEXT) END"
)
"""SQL: a text, or a number as text if no digit is lost."""
_EXACT_REAL = (
    "typeof({0}) = 'real' OR typeof({0}) = 'integer' AND {0} BETWEEN -9007199254740992 AND 9007199254740992"
)
"""SQL condition: a number that a DOUBLE holds exactly."""


def _only(wire: str, condition: str, sure: str = "") -> Check:
    """Check that values meet a condition, and send them as they are."""
    return Check(wire, f"CASE WHEN {condition} THEN {{0}} END", sure or condition)


_CHECKS = {
    BIGINT: _only("INTEGER", "typeof({0}) = 'integer'"),
    BOOLEAN: _only("INTEGER", "typeof({0}) = 'integer' AND {0} IN (0, 1)"),
    DOUBLE: _only("REAL", _EXACT_REAL),
    BLOB: _only("BLOB", "typeof({0}) = 'blob'"),
    VARCHAR: Check("TEXT", _AS_TEXT, "typeof({0}) IN ('text', 'integer')"),
    DATE: _only("TEXT", "typeof({0}) = 'text'", "date({0}) = {0}"),
    TIME: _only("TEXT", "typeof({0}) = 'text'", "time({0}) = {0}"),
    TIMESTAMP: _only(
        "TEXT",
        "typeof({0}) = 'text'",
        "length({0}) = 19 AND datetime({0}) = replace({0}, 'T', ' ') OR date({0}) = {0}",
    ),
    TIMESTAMPTZ: _only("TEXT", "typeof({0}) = 'text'", "false"),
}
"""Stage type → check; a DECIMAL's depends on its size."""
_PATTERNS = {
    DATE: _DATE_PATTERN,
    TIME: _TIME_PATTERN,
    TIMESTAMP: rf"{_DATE_PATTERN}([ T]{_TIME_PATTERN})?",
    TIMESTAMPTZ: rf"{_DATE_PATTERN}[ T]{_TIME_PATTERN} ?(Z|[+-]\d\d(:?\d\d)?)",
}
"""Stage type → regular expression of its texts, which DuckDB checks."""
_INTEGER = re.compile(r"\b(BIG|SMALL|TINY|MEDIUM|U)?INT(EGER)?\d*\b")
_WITH_ZONE = re.compile(r"^TIMESTAMP(TZ| ?(\(\d+\))? WITH TIME ZONE)$")
_BY_NAME = (
    (lambda name: name in {"", "ANY", "NUM"}, None),
    (lambda name: name.startswith("BOOL"), BOOLEAN),
    (lambda name: name == "DATE", DATE),
    (lambda name: bool(_WITH_ZONE.match(name)), TIMESTAMPTZ),
    (lambda name: name.startswith(("TIMESTAMP", "DATETIME")), TIMESTAMP),
    (lambda name: name.startswith("TIME"), TIME),
    (lambda name: any(part in name for part in ("REAL", "FLOA", "DOUB")), DOUBLE),
    (lambda name: bool(_INTEGER.search(name)), BIGINT),
    (lambda name: "BLOB" in name, BLOB),
    (lambda name: name.startswith(("DECIMAL", "DEC", "NUMERIC", "NUMBER")), DOUBLE),
)
"""Condition on a declared type's name → stage type; the first that holds counts."""
