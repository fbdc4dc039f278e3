"""How a database over JDBC is loaded: types of the columns, and what is sent for each value.

Values are sent as texts whose form does not depend on any setting, and the database's own functions make
its values of them; or as numbers and bytes, where rows are the parameters of a prepared INSERT.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dvt.core.types import MAX_DIGITS, Kind, StageType
from dvt.drivers.duckdb import refusal

TEXT, WHOLE, FLOATING, DECIMAL, BYTES = "s", "i", "d", "n", "x"
"""Kinds of parameters: texts, numbers of 64 bits, decimals (with their scale behind the letter), bytes.

Behind any of them, `@` and one of java.sql.Types is what the driver is told, unless it is to see by itself.
"""
_CARRIED = {TEXT: "VARCHAR", WHOLE: "BIGINT", FLOATING: "DOUBLE", BYTES: "BLOB"}
"""Kind of a parameter → DuckDB's type."""
_VALUE_HINT = "change the value in the model, or cast the column to text"
_LENGTH_HINT = "shorten the value in the model, or give the column a longer type by a contract"
_SHOWN = 60
"""Characters of a value that an error shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadType:
    """How the values of a stage type are sent, and the type of the column that takes them."""

    native: str
    """Type of the column in the database's DDL."""
    sent: str = "CAST({0} AS VARCHAR)"
    """DuckDB's SQL of what is sent for a value `{0}`: a text, or what `carrier` says."""
    carrier: str = TEXT
    """As what a prepared INSERT's parameter travels: a kind of the Java process. JSON has texts alone."""
    arrives: str = ""
    """The database's SQL of the value, from what is sent `{0}`; empty: a cast to the native type."""
    loses: str | None = None
    reads: Kind | None = None
    """Kind as which its column is read, if the stage type's does not tell."""
    impossible: str = ""
    """DuckDB's condition on a value `{0}` that the database cannot hold; empty: it holds all."""
    why: str = ""
    """What follows such a value in the error."""
    hint: str = _VALUE_HINT
    longest: int = 0
    """Highest length of the text that is sent, unless a contract gives its column another; 0: any."""
    is_in_bytes: bool = False
    """Whether that length is in bytes; otherwise it is in characters as Java counts them."""

    @property
    def carried(self) -> str:
        """DuckDB's type of what is sent."""
        if self.carrier.startswith(DECIMAL):
            return f"DECIMAL({MAX_DIGITS},{self.carrier.removeprefix(DECIMAL).partition('@')[0]})"
        return _CARRIED[self.carrier[0]]

    def of(self, text: str) -> str:
        """Return the database's SQL of a value, from what is sent."""
        return self.arrives.format(text) if self.arrives else f"CAST({text} AS {self.native})"

    def checked(self, value: str, where: str) -> str:
        """Return DuckDB's SQL of what is sent for `value`, which stops at one that cannot arrive."""
        sent = self.sent.format(value)
        stops = []
        if self.impossible:
            stops.append((self.impossible.format(value), self.why, self.hint))
        if self.longest:
            # The number of bytes first: it is known at once, and no other length is more.
            longer = f"strlen({sent}) > {self.longest}"
            if not self.is_in_bytes:
                longer += f" AND {_units(sent)} > {self.longest}"
            unit = "bytes" if self.is_in_bytes else "characters"
            why = f", which is longer than the {self.longest:,} {unit} of its column"
            stops.append((longer, why, _LENGTH_HINT))
        cases = " ".join(
            f"WHEN {condition} THEN {_stop(value, where, why, hint)}" for condition, why, hint in stops
        )
        return f"CASE {cases} ELSE {sent} END" if cases else sent


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonRows:
    """INSERTs of one literal each, in which every row is a list of texts in JSON."""

    around: Callable[[Sequence[str]], tuple[str, str]]
    """Function that returns the SQL of a table of texts, given its columns' names: what is before and behind
    its rows."""
    longest: int
    """Bytes of the rows in an INSERT, unless one row has more."""
    literal: Callable[[str], str]
    """Function that returns DuckDB's SQL of a text as it stands in a literal of the database."""

    def insert(self, into: str, types: Sequence[LoadType]) -> tuple[str, str]:
        """Return what of an INSERT is before and behind the rows; `into` is its beginning."""
        carriers = [f"c{place}" for place in range(len(types))]
        values = ", ".join(type_.of(carrier) for type_, carrier in zip(types, carriers, strict=True))
        before, behind = self.around(carriers)
        return f"{into} SELECT {values} FROM {before}", behind

    def row(self, sent: Sequence[str]) -> str:
        """Return DuckDB's SQL of a row, with a comma behind it, of that of its texts."""
        return self.literal(f"CAST(to_json([{', '.join(sent)}]) AS VARCHAR)") + " || ','"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What has to hold of a database."""

    sql: str
    """Query for one text."""
    met: re.Pattern[str]
    """Matches that text, as a whole, if it holds."""
    problem: str
    """What is wrong otherwise, with a place `{}` for the text."""
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """How a database is loaded."""

    types: Mapping[Kind, LoadType]
    """Kind of a stage type → how it is loaded."""
    decimals: Callable[[int, int], LoadType]
    """Function that returns how decimals are loaded, given their precision and scale."""
    others: LoadType
    """How lists, structs and the like are loaded."""
    json: JsonRows | None = None
    """How rows stand in statements; None: they are the parameters of a prepared INSERT."""
    drop: str = "DROP TABLE IF EXISTS {table}"
    """Statement that drops a table; without IF EXISTS, the table is looked for before."""
    has_databases: bool = True
    """Whether a database may stand before the schema in a table's name."""
    requires: Requirement | None = None
    """What has to hold of a database, or values would change."""
    ascii_alone: frozenset[int] = frozenset()
    """Codes in java.sql.Types of columns, in a contract, that are sure to hold no characters but ASCII."""
    options: str = ""
    """What follows the columns in CREATE TABLE."""
    refuses: re.Pattern[str]
    """Matches the database's message about a row that breaks a constraint."""
    converts_silently: bool = False
    """Whether an INSERT changes values that a column's type cannot hold."""

    def of(self, type_: StageType) -> LoadType:
        """Return how values of a type are loaded."""
        if type_.kind in self.types:
            return self.types[type_.kind]
        if type_.kind is Kind.DECIMAL:
            return self.decimals(type_.precision or MAX_DIGITS, type_.scale or 0)
        return self.others


def _stop(value: str, where: str, why: str, hint: str) -> str:
    """Return DuckDB's SQL that stops at a value, and shows it."""
    text = f"CAST({value} AS VARCHAR)"
    shown = f"CASE WHEN length({text}) > {_SHOWN} THEN left({text}, {_SHOWN}) || '…' ELSE {text} END"
    return refusal(where, f"'holds ' || {shown} || '{why}'", hint)


def _units(value: str) -> str:
    """Return DuckDB's SQL of a text's length as Java counts it: some characters are two units."""
    pairs = rf"regexp_replace({value}, '[^\x{{10000}}-\x{{10FFFF}}]', '', 'g')"
    return f"(length({value}) + length({pairs}))"
