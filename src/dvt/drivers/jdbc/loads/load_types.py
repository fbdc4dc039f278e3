"""How a database over JDBC is loaded: types of the columns, and what is sent for each value.

Values are sent as texts whose form does not depend on any setting, and the database's own functions make
its values of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from dvt.core.errors import ValueLost
from dvt.core.types import INTEGERS, Kind, StageType
from dvt.drivers.duckdb import refusal
from dvt.drivers.jdbc.types import JdbcColumn

_VALUE_HINT = "change the value in the model, or cast the column to text"
_LENGTH_HINT = "shorten the value in the model, or give the column a longer type"
_UNBOUNDED = 2**31 - 1
"""Length of a text's type without a length, as drivers have it."""
_SHOWN = 60
"""Characters of a value that an error shows."""
_INTEGER_NAMES = frozenset({"tinyint", "smallint", "integer", "bigint"})
_TEXT_NAMES = frozenset({"varchar", "char"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadType:
    """How the values of a stage type are sent, and the type of the column that takes them."""

    native: str
    """Type of the column in the database's DDL."""
    sent: str = "CAST({0} AS VARCHAR)"
    """DuckDB's SQL of the text that is sent for a value `{0}`."""
    arrives: str = ""
    """The database's SQL of the value, from the text `{0}`; empty: a cast to the native type."""
    loses: str | None = None
    impossible: str = ""
    """DuckDB's condition on a value `{0}` that the database cannot hold; empty: it holds all."""
    why: str = ""
    """What follows such a value in the error."""
    hint: str = _VALUE_HINT

    def of(self, text: str) -> str:
        """Return the database's SQL of a value, from its text."""
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
class Loads:
    """How a database is loaded."""

    types: Mapping[Kind, LoadType]
    """Kind of a stage type → how it is loaded."""
    decimals: str
    """Type of decimals, with places for `{precision}` and `{scale}`."""
    others: LoadType
    """How lists, structs and the like are loaded."""
    rows: Callable[[Sequence[str]], tuple[str, str]]
    """Function that returns the SQL of a table of texts, given its columns' names: what is before and behind
    its rows, each of which is a list in JSON."""
    options: str = ""
    """What follows the columns in CREATE TABLE."""
    longest_statement: int
    """Bytes of the rows in an INSERT, unless one row has more."""
    literal: Callable[[str], str]
    """Function that returns DuckDB's SQL of a text as it stands in a literal of the database."""
    refuses: re.Pattern[str]
    """Matches the database's message about a row that breaks a constraint."""
    converts_silently: bool = False
    """Whether an INSERT changes values that a column's type cannot hold."""

    def of(self, type_: StageType) -> LoadType:
        """Return how values of a type are loaded."""
        if type_.kind in self.types:
            return self.types[type_.kind]
        if type_.kind is Kind.DECIMAL:
            return LoadType(native=self.decimals.format(precision=type_.precision, scale=type_.scale))
        return self.others


def exact(load_type: LoadType, column: JdbcColumn, where: str) -> LoadType:
    """Return how values are loaded into a contract's column that has dvt's own type, or that without NULLs.

    ValueLost for any other one, where the database would change what its type cannot hold.
    """
    told, native = column.native.replace(" ", ""), load_type.native.replace(" ", "")
    if told == native:
        return load_type
    bare = native.removeprefix("Nullable(").removesuffix(")")
    if native != f"Nullable({bare})" or told != bare:
        problem = f"the contract has {column.native}, but values arrive unchanged in {bare} alone"
        raise ValueLost(where, problem, f"give it the data_type {bare}, or cast the column in the model")
    return replace(load_type, native=bare, arrives=f"CAST({load_type.of('{0}')} AS {bare})")


def fitted(load_type: LoadType, type_: StageType, column: JdbcColumn) -> LoadType:
    """Return how values are loaded into a column whose type a contract gives.

    A text that is too long is refused, not cut. Whole numbers are cast to the column's own type, and the cast
    refuses what that cannot hold.
    """
    native = column.native.partition("(")[0].lower()
    if type_.kind in INTEGERS and native in _INTEGER_NAMES:
        return replace(load_type, native=native, arrives="")
    if type_.kind is Kind.VARCHAR and native in _TEXT_NAMES and 0 < column.precision < _UNBOUNDED:
        why = f", which is longer than the {column.precision} characters of its column"
        return replace(
            load_type, impossible=f"length({{0}}) > {column.precision}", why=why, hint=_LENGTH_HINT
        )
    return load_type
