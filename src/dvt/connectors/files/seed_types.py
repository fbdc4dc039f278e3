"""Finds the types of a seed's columns in all of its cells: those that dbt's own seeds have.

dbt tries number, date, timestamp, boolean and text, in this order, on every cell; the first one that all
cells are is the column's. Its numbers may have a percent sign, a currency, commas and zeros before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dvt.connectors.files.rules import Reading
from dvt.core.errors import SeedColumnInDoubt
from dvt.core.ports.seeds import surrogate
from dvt.core.seeds import SeedFile, SeedKind
from dvt.core.types import BIGINT, BOOLEAN, DATE, DOUBLE, INTEGER, TIMESTAMP, VARCHAR, StageType, decimal
from dvt.drivers.duckdb.sql import listed, literal

_SAMPLE = 2_000
"""Number of rows that rule out types before all rows are looked at: what one cell is not, no column is."""
_BLANKS = "".join(
    chr(code)
    for code in (
        *range(9, 14),
        *range(28, 33),
        0x85,
        0xA0,
        0x1680,
        *range(0x2000, 0x200B),
        0x2028,
        0x2029,
        0x202F,
        0x205F,
        0x3000,
    )
)
"""Characters that Python takes off both ends of a text."""
_CURRENCIES = "؋$ƒ៛¥₡₱£€¢﷼₪₩₭₮₦฿₤₫"
"""Characters that dbt takes off both ends of a number."""
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_FRACTION = r"[+-]?[0-9]*\.[0-9]*[1-9][0-9]*"
_DIGITS = r"_*\p{Nd}[\p{Nd}_]*"
_PYTHONS = (
    rf"(?i)[+-]{{0,2}}(({_DIGITS}(\.[\p{{Nd}}_]*)?|\.{_DIGITS})(e[+-]?{_DIGITS})?|s?nan[0-9]*|inf(inity)?)"
)
"""Pattern of what Python takes for a number, and more."""
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?"
"""Pattern of a timestamp with a T. DuckDB knows the hour 24 besides, and Python does not."""
_ISOS = r"[0-9W:+-]{4,}T[0-9:.,Z+-]{2,}"
"""Pattern of what dbt may take for a timestamp of ISO 8601, and more."""
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_MOMENT = rf"{_DATE}\s+([01]?[0-9]|2[0-3]):[0-9]{{1,2}}:[0-9]{{1,2}}"
_INT, _LONG, _HUGE = 2**31, 2**63, 10**38
_GIVE_TYPE = "say what the column is: `column_types: {{{column}: text}}`, or another type"


@dataclass(frozen=True, slots=True)
class Found:
    """A column's kind, the smallest type that holds its cells, and the bytes of its longest text."""

    kind: SeedKind
    stage: StageType
    longest: int = 0


class Cells:
    """SQL of the cells of a seed's columns, each column by its surrogate."""

    def __init__(self, seed: SeedFile) -> None:
        self._seed = seed
        self.reading = Reading(dateformat=seed.date_format, timestampformat=seed.timestamp_format)

    def stripped(self, place: int) -> str:
        """Return SQL of a cell without the blanks around it."""
        return f"trim({surrogate(place)}, {literal(_BLANKS)})"

    def is_null(self, place: int) -> str:
        """Return the condition that a cell is NULL."""
        return f"(lower({self.stripped(place)}) IN ({listed(self._seed.nulls)[1:-1]}))"

    def number(self, place: int) -> str:
        """Return SQL of a cell without what dbt takes off a number: signs of percent and currency, commas."""
        bare = f"trim({self.stripped(place)}, '%')"
        off = literal(_CURRENCIES)
        signed = (
            f"CASE WHEN starts_with({bare}, '-') THEN '-' || trim(substr({bare}, 2), {off})"
            f" ELSE trim({bare}, {off}) END"
        )
        return f"replace({signed}, ',', '')"

    def date(self, place: int) -> str:
        """Return SQL of the date that a cell is, else NULL."""
        text = self.stripped(place)
        if self._seed.date_format:
            return self.reading.date(text)
        valid = f"regexp_full_match({text}, {literal(_DATE)}) AND NOT starts_with({text}, '0000')"
        return f"CASE WHEN {valid} THEN TRY_CAST({text} AS DATE) END"

    def moment(self, place: int) -> str:
        """Return SQL of the timestamp that a cell is, written with a blank, else NULL."""
        text = self.stripped(place)
        if self._seed.timestamp_format:
            return self.reading.timestamp(text)
        valid = f"regexp_full_match({text}, {literal(_MOMENT)}) AND NOT starts_with({text}, '0000')"
        return f"CASE WHEN {valid} THEN TRY_CAST({text} AS TIMESTAMP) END"

    def iso(self, place: int) -> str:
        """Return SQL of the timestamp that a cell is, written with a T, else NULL."""
        text = self.stripped(place)
        valid = f"regexp_full_match({text}, {literal(_ISO)}) AND NOT starts_with({text}, '0000')"
        return f"CASE WHEN {valid} THEN TRY_CAST({text} AS TIMESTAMP) END"

    def truth(self, place: int) -> str:
        """Return SQL of the boolean that a cell is, whatever commas are in it, else NULL."""
        text = f"lower(trim(replace({surrogate(place)}, ',', ''), {literal(_BLANKS)}))"
        return f"CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END"


_TESTS = ("number", "date", "moment", "iso", "truth", "pythons", "isos")
"""What is tried on the cells of a column."""


def find(
    cells: Cells, seed: SeedFile, source: str, names: Mapping[int, str], cursor: Any
) -> dict[int, Found]:
    """Return what the columns at these places are, of `source`, a FROM item; SeedColumnInDoubt if unclear."""
    left: dict[int, Sequence[str]] = dict.fromkeys(names, _TESTS)
    first = _counts(cells, f"(SELECT * FROM {source} LIMIT {_SAMPLE})", left, cursor)
    left = {place: _possible(first[place], tests) for place, tests in left.items()}
    counts = _counts(cells, source, left, cursor)
    found: dict[int, Found] = {}
    for place, name in names.items():
        kind = _kind(counts[place], left[place])
        if kind is SeedKind.TEXT:
            _check_text(cells, seed, source, place, name, _possible(counts[place], left[place]), cursor)
        found[place] = Found(kind, _stage(kind, counts[place]), int(counts[place]["bytes"] or 0))
    return found


def _possible(counts: Mapping[str, Any], tests: Sequence[str]) -> Sequence[str]:
    """Return the tests that every cell has passed."""
    return tuple(test for test in tests if counts[test] == counts["cells"])


def _counts(
    cells: Cells, source: str, tests: Mapping[int, Sequence[str]], cursor: Any
) -> dict[int, dict[str, Any]]:
    """Return for each column how many cells it has, how many pass each test, and what its numbers need."""
    inner: list[str] = []
    wanted: list[tuple[int, str, str]] = []
    for place, tried in tests.items():
        values, facts = _asked(cells, place, tried)
        inner += [f"{sql} AS {name}{place}" for name, sql in values.items()]
        wanted += [
            (place, fact, sql.format(**{name: f"{name}{place}" for name in values}))
            for fact, sql in facts.items()
        ]
    if not wanted:
        return {}
    outer = ", ".join(sql for _, _, sql in wanted)
    row = cursor.execute(f"SELECT {outer} FROM (SELECT {', '.join(inner)} FROM {source})").fetchone()
    answer: dict[int, dict[str, Any]] = {place: {} for place in tests}
    for (place, fact, _), value in zip(wanted, row, strict=True):
        answer[place][fact] = value
    return answer


def _asked(cells: Cells, place: int, tests: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return SQL of values of a cell, and of facts about all of them, in which `{name}` is such a value."""
    null, text = cells.is_null(place), cells.stripped(place)
    values = {"cell": f"CASE WHEN NOT {null} THEN {surrogate(place)} END"}
    facts = {"cells": "count({cell})", "bytes": "max(strlen({cell}))"}
    if "number" in tests:
        number = cells.number(place)
        valid = f"NOT {null} AND regexp_full_match({number}, {literal(_NUMBER)})"
        values["n"] = f"CASE WHEN {valid} THEN {number} END"
        part = "regexp_full_match({n}, " + literal(_FRACTION).replace("{", "{{").replace("}", "}}") + ")"
        power = "(contains(lower({n}), 'e') AND trunc(TRY_CAST({n} AS DOUBLE)) IS DISTINCT FROM"
        facts |= {
            "number": "count({n})",
            "fractions": f"count_if({part} OR {power} TRY_CAST({{n}} AS DOUBLE)))",
            "low": "min(TRY_CAST({n} AS HUGEINT))",
            "high": "max(TRY_CAST({n} AS HUGEINT))",
            "beyond": "count_if({n} IS NOT NULL AND TRY_CAST({n} AS HUGEINT) IS NULL)",
        }
    for test in ("date", "moment", "iso", "truth"):
        if test in tests:
            values[test] = f"CASE WHEN NOT {null} THEN {getattr(cells, test)(place)} END"
            facts[test] = f"count({{{test}}})"
    if "pythons" in tests:
        values["p"] = f"NOT {null} AND regexp_full_match({cells.number(place)}, {literal(_PYTHONS)})"
        facts["pythons"] = "count_if({p})"
    if "isos" in tests:
        values["i"] = f"NOT {null} AND regexp_full_match({text}, {literal(_ISOS)})"
        facts["isos"] = "count_if({i})"
    return values, facts


def _kind(counts: Mapping[str, Any], tests: Sequence[str]) -> SeedKind:
    passed = _possible(counts, tests)
    kinds = {
        "number": SeedKind.NUMBER,
        "date": SeedKind.DATE,
        "moment": SeedKind.TIMESTAMP,
        "iso": SeedKind.TIMESTAMP,
        "truth": SeedKind.BOOLEAN,
    }
    return next((kind for test, kind in kinds.items() if test in passed), SeedKind.TEXT)


def _stage(kind: SeedKind, counts: Mapping[str, Any]) -> StageType:
    if kind is SeedKind.NUMBER:
        return _number(counts)
    stages = {
        SeedKind.DATE: DATE,
        SeedKind.TIMESTAMP: TIMESTAMP,
        SeedKind.BOOLEAN: BOOLEAN,
        SeedKind.TEXT: VARCHAR,
    }
    return stages[kind]


def _number(counts: Mapping[str, Any]) -> StageType:
    if counts["fractions"]:
        return DOUBLE
    low, high = int(counts["low"] or 0), int(counts["high"] or 0)
    if counts["beyond"] or low <= -_HUGE or high >= _HUGE:
        return decimal(38, 0)  # the cell that does not fit is an error, which names it
    if low >= -_INT and high < _INT:
        return INTEGER
    return BIGINT if low >= -_LONG and high < _LONG else decimal(38, 0)


def _check_text(  # noqa: PLR0917 - what one query needs
    cells: Cells, seed: SeedFile, source: str, place: int, name: str, passed: Sequence[str], cursor: Any
) -> None:
    """Raise SeedColumnInDoubt for texts that dbt may take for numbers or timestamps."""
    if not {"pythons", "isos"} & set(passed):
        return
    example = f"SELECT {surrogate(place)} FROM {source} WHERE NOT {cells.is_null(place)} LIMIT 1"
    if "pythons" in passed:
        known = f"regexp_full_match({cells.number(place)}, {literal(_NUMBER)})"
        example = example.replace(" LIMIT", f" AND NOT {known} LIMIT")
    (value,) = cursor.execute(example).fetchone()
    what = "a number" if "pythons" in passed else "a timestamp"
    hint = _GIVE_TYPE.format(column=name)
    raise SeedColumnInDoubt(seed.shown, name, str(value), f"may be {what} for dbt, or a text", hint)
