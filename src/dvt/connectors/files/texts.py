"""SELECTs that turn a file's texts into typed columns, and stop at a value that is not of its type."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dvt.drivers.duckdb.sql import quoted

MISFIT = "dvt_misfit"
"""A column of every SELECT of texts: true for a row with a value that is not of its column's type."""
_MARK = "dvt: a value is not of its column's type"
"""Message with which DuckDB stops at such a value; `stopped_by_misfit` knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """A column as it is read, and as it is cast."""

    name: str
    type: str
    raw: str
    """SQL of the value as it stands in the file."""
    value: str
    """SQL of the value in `type`; NULL if it is not of that type."""
    checked: bool = True
    """False if every value is of the type, such as a text."""

    @property
    def misfits(self) -> str:
        """The condition that a value is not of the type."""
        return f"({self.raw} IS NOT NULL AND {self.value} IS NULL)"


def as_is(name: str, type_: str) -> TextColumn:
    """Return a column whose values need neither cast nor check."""
    return TextColumn(name=name, type=type_, raw=quoted(name), value=quoted(name), checked=False)


def typed(columns: Sequence[TextColumn], source: str, read: Collection[str]) -> str:
    """Return a SELECT of the columns, which stops at a value that is not of its type, and of MISFIT."""
    values = [f"{_value(column)} AS {quoted(column.name)}" for column in columns]
    conditions = [column.misfits for column in columns if column.checked and column.name in read]
    return f"SELECT {', '.join([*values, f'{any_of(conditions)} AS {MISFIT}'])} FROM {source}"


def misfits(columns: Sequence[TextColumn], source: str) -> str:
    """Return a SELECT of the first row with a value that does not fit: its number, and each such value."""
    checked = [column for column in columns if column.checked]
    values = [f"CASE WHEN {column.misfits} THEN CAST({column.raw} AS VARCHAR) END" for column in checked]
    numbered = f"(SELECT row_number() OVER () AS dvt_row, * FROM {source})"
    return (
        f"SELECT {', '.join(['dvt_row', *values])} FROM {numbered}"
        f" WHERE {any_of([column.misfits for column in checked])} LIMIT 1"
    )


def any_of(conditions: Sequence[str]) -> str:
    """Join conditions by OR; without any, no row meets them."""
    return f"({' OR '.join(conditions)})" if conditions else "false"


def stopped_by_misfit(error: BaseException) -> bool:
    """Tell whether a SELECT of `typed` stopped at a value."""
    return _MARK in str(error)


def _value(column: TextColumn) -> str:
    if not column.checked:
        return column.value
    stop = "error('" + _MARK.replace("'", "''") + "')"
    return f"CASE WHEN {column.raw} IS NOT NULL THEN coalesce({column.value}, {stop}) END"
