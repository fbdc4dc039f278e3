"""Rules by which a text is a value of a type, in DuckDB's SQL: a value that fits arrives unchanged.

DuckDB's casts are not such rules: they round 5.75 to the BIGINT 6, make 7 of 007, and cut the time off a
timestamp that becomes a DATE. Types come in two ways. An *inferred* type fits a text only if the type has one
way to write it, so that 007 is no number. A type that the user has *given* fits every text that means one
of its values: there, 007 is 7, and 5.75 is still no BIGINT.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dvt.core.types import INTEGERS, Kind, StageType, UnknownType
from dvt.drivers.duckdb.sql import literal

WHOLE = "-?(0|[1-9][0-9]*)"
"""Pattern of a whole number, as programs write it."""
NUMBER = r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)"
"""Pattern of a number without an exponent."""
FLOAT = rf"{NUMBER}([eE][+-]?[0-9]+)?"
"""Pattern of a number with or without an exponent."""
NOT_A_NUMBER = "(?i)(nan|[+-]?inf(inity)?)"
"""Pattern of a value of DOUBLE that is not a number."""
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
"""Pattern of a date in ISO's form, the only one that does not depend on a country."""
CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
"""Pattern of a time."""
MOMENT = rf"{DATE}([ T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?)?"
"""Pattern of a date, with or without a time."""
ZONED = rf"{DATE}[ T][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,6}})?(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)"
"""Pattern of a date with a time and a zone."""

_ANY_WHOLE = r"[+-]?[0-9]+(\.0*)?"
_ANY_DATE = r"[0-9]{4}([-/])[0-9]{1,2}[-/][0-9]{1,2}"
_FRACTIONS: Mapping[Kind, int] = {
    Kind.TIMESTAMP: 6,
    Kind.TIMESTAMP_S: 0,
    Kind.TIMESTAMP_MS: 3,
    Kind.TIMESTAMP_NS: 9,
    Kind.TIMESTAMPTZ: 6,
    Kind.TIME: 6,
}
"""Kind → digits that it holds of a second's fraction."""


def matches(text: str, pattern: str) -> str:
    """Return SQL that is true if all of the text, without blanks around it, matches."""
    whole = rf"\s*(?:{pattern})\s*"
    return f"regexp_full_match({text}, {literal(whole)})"


def digits(text: str) -> str:
    """Return SQL of a number's significant digits, without sign, point, exponent and zeros around them."""
    mantissa = f"regexp_replace({text}, '[eE].*$', '')"
    return f"trim(regexp_replace({mantissa}, '[^0-9]', '', 'g'), '0')"


def is_double(number: str) -> str:
    """Return SQL that is true if a DOUBLE, written as short as it can be, has the number's digits.

    `trim` also takes zeros off the end, so 100 and 1e2 have the same digits; the exponent is DuckDB's.
    """
    return f"{digits(number)} = {digits(f'CAST(TRY_CAST({number} AS DOUBLE) AS VARCHAR)')}"


def canonical(cursor: Any, type_: str) -> str:
    """Return a type that a user spells as DuckDB spells it: `int4` is INTEGER."""
    return str(cursor.execute(f"SELECT CAST(NULL AS {type_})").description[0][1])


@dataclass(frozen=True, slots=True)
class Reading:
    """How the texts of an output are written, by its options."""

    dateformat: str | None = None
    timestampformat: str | None = None
    decimal_separator: str = "."
    thousands: str = ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Reading:
        """Return what an output's options say."""
        return cls(
            options.get("dateformat"),
            options.get("timestampformat"),
            str(options.get("decimal_separator") or "."),
            str(options.get("thousands") or ""),
        )

    def number(self, text: str) -> str:
        """Return SQL of the text with a point before its fraction, and without thousands' separators."""
        point, group = self.decimal_separator, self.thousands
        if group:
            grouped = rf"[+-]?[0-9]{{1,3}}({re.escape(group)}[0-9]{{3}})*({re.escape(point)}[0-9]*)?"
            bare = f"replace({text}, {literal(group)}, '')"
            text = (
                f"CASE WHEN NOT contains({text}, {literal(group)}) OR {matches(text, grouped)}"
                f" THEN {bare} ELSE '?' END"
            )
        return text if point == "." else f"translate({text}, {literal(f'{point}.')}, {literal(f'.{point}')})"

    def date(self, text: str) -> str:
        """Return SQL of the date that an inferred DATE has for the text, else NULL."""
        if self.dateformat:
            return _at_midnight(f"try_strptime({text}, {literal(self.dateformat)})")
        cast = f"TRY_CAST({text} AS DATE)"
        written = f"length({text}) = 10 AND CAST({cast} AS VARCHAR) = {text}"
        return f"CASE WHEN {written} OR {matches(text, DATE)} THEN {cast} END"

    def timestamp(self, text: str) -> str:
        """Return SQL of the moment that an inferred TIMESTAMP has for the text, else NULL."""
        if self.timestampformat:
            moment = f"TRY_CAST(try_strptime({text}, {literal(self.timestampformat)}) AS TIMESTAMP)"
        else:
            moment = f"CASE WHEN {matches(text, MOMENT)} THEN TRY_CAST({text} AS TIMESTAMP) END"
        return f"coalesce({moment}, CAST({self.date(text)} AS TIMESTAMP))" if self.dateformat else moment

    def value(self, text: str, type_: str, *, given: bool) -> str:
        """Return SQL of the value of this type that the text is, else NULL: for a text that is not NULL."""
        try:
            parsed = StageType.parse(type_)
        except UnknownType:
            return f"TRY_CAST({text} AS {type_})"
        kind = parsed.kind
        if kind in INTEGERS or kind in {Kind.DECIMAL, Kind.FLOAT, Kind.DOUBLE}:
            return self._number(self.number(text), parsed, given=given)
        if kind is Kind.BOOLEAN:
            named = f"TRY_CAST({text} AS BOOLEAN)"
            return named if given else f"CASE WHEN lower({text}) IN ('true', 'false') THEN {named} END"
        if kind in _FRACTIONS or kind is Kind.DATE:
            return self._temporal(text, parsed, given=given)
        return f"TRY_CAST({text} AS {type_})"

    def _number(self, number: str, type_: StageType, *, given: bool) -> str:
        cast = f"TRY_CAST({number} AS {type_})"
        if type_.is_integer:
            return f"CASE WHEN {matches(number, _ANY_WHOLE if given else WHOLE)} THEN {cast} END"
        if type_.kind is Kind.DECIMAL:
            pattern = _decimal(type_.scale or 0, given=given)
            return f"CASE WHEN {matches(number, pattern)} THEN {cast} END"
        fits = f"(isfinite({cast}) OR {matches(number, NOT_A_NUMBER)})"
        if not given:
            exact = f"({matches(number, FLOAT)} AND {is_double(number)})"
            fits = f"({exact} OR {matches(number, NOT_A_NUMBER)})"
        return f"CASE WHEN {fits} THEN {cast} END"

    def _temporal(self, text: str, type_: StageType, *, given: bool) -> str:
        cast = f"TRY_CAST({text} AS {type_})"
        if type_.kind is Kind.DATE and (self.dateformat or not given):
            return self.date(text)
        if type_.kind is Kind.TIMESTAMP and (self.timestampformat or not given):
            return self.timestamp(text)
        if type_.kind is Kind.TIMESTAMPTZ and self.timestampformat:
            return f"TRY_CAST(try_strptime({text}, {literal(self.timestampformat)}) AS {type_})"
        return f"CASE WHEN {matches(text, _given_temporal(type_.kind))} THEN {cast} END"


def _given_temporal(kind: Kind) -> str:
    fraction = rf"(\.[0-9]{{0,{_FRACTIONS.get(kind, 0)}}}0*)?"
    clock = rf"[0-9]{{1,2}}:[0-9]{{2}}(:[0-9]{{2}}{fraction})?"
    if kind is Kind.DATE:
        return rf"{_ANY_DATE}([ T]00:00(:00(\.0*)?)?)?"
    if kind is Kind.TIME:
        return clock
    if kind is Kind.TIMESTAMPTZ:
        return rf"{_ANY_DATE}[ T]{clock}(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)"
    return rf"{_ANY_DATE}([ T]{clock}Z?)?"


def _decimal(scale: int, *, given: bool) -> str:
    """Return the pattern of numbers that have at most `scale` digits behind the point."""
    whole, zeros = ("[+-]?[0-9]+", "0*") if given else (WHOLE, "")
    fraction = rf"(\.[0-9]{{0,{scale}}}{zeros})?"
    bare = rf"|{'[+-]?' if given else '-?'}\.[0-9]{{1,{scale}}}{zeros}" if scale else ""
    return f"{whole}{fraction}{bare}"


def _at_midnight(moment: str) -> str:
    return f"CASE WHEN CAST({moment} AS TIME) = TIME '00:00:00' THEN CAST({moment} AS DATE) END"
