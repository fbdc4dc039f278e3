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
        if not self.impossible:
            return sent
        text = f"CAST({value} AS VARCHAR)"
        shown = f"CASE WHEN length({text}) > {_SHOWN} THEN left({text}, {_SHOWN}) || '…' ELSE {text} END"
        stop = refusal(where, f"'holds ' || {shown} || '{self.why}'", self.hint)
        return f"CASE WHEN {self.impossible.format(value)} THEN {stop} ELSE {sent} END"


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
    drops_what_is_not_there: bool = True
    """Whether it has DROP TABLE IF EXISTS."""
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
