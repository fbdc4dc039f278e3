"""Columns, with their types as DDL takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from dbt.adapters.base.column import Column

from dvt.drivers.jdbc import JdbcColumn

_TEXTS = frozenset({1, 12, -15, -9})
"""CHAR, VARCHAR, NCHAR, NVARCHAR, as codes of java.sql.Types."""
_SIZED = _TEXTS | {-2, -3}
"""These, BINARY and VARBINARY."""
_DECIMALS = frozenset({2, 3})
"""NUMERIC and DECIMAL."""
_TIMES = {92: (0, 8), 93: (6, 19), 2013: (0, 14), 2014: (6, 25)}
"""TIME and TIMESTAMP, without and with a time zone → the digits of a second where none are written, and the
characters of a value without any."""
_UNBOUNDED = 1_000_000_000
"""Size that H2 tells of a type that has none."""


def spelled(column: JdbcColumn, *, sized_times: bool = True) -> str:
    """Return a column's type as DDL takes it, from what its driver tells of it.

    `sized_times`: types of time may say how many digits of a second they have.

    Example:
        >>> spelled(JdbcColumn("a", 2014, "TIMESTAMP WITH TIME ZONE", 35, 9, True))
        'TIMESTAMP(9) WITH TIME ZONE'
        >>> spelled(JdbcColumn("a", 12, "CHARACTER VARYING", 20, 0, True))
        'CHARACTER VARYING(20)'
    """
    native, code = column.native, column.code
    if "()" in native:  # Derby's VARCHAR () FOR BIT DATA
        return native.replace("()", f"({column.precision})")
    if "(" in native:
        return native
    if code in _SIZED and 0 < column.precision < _UNBOUNDED:
        return f"{native}({column.precision})"
    if code in _DECIMALS and column.precision and not native.upper().startswith("DECFLOAT"):
        return f"{native}({column.precision},{column.scale})"
    return _time(column) if sized_times and code in _TIMES else native


def _time(column: JdbcColumn) -> str:
    """Return a type of time: HSQLDB's driver tells digits by the length of values alone."""
    usual, bare = _TIMES[column.code]
    digits = max(0, column.precision - bare - 1)
    if digits == usual:
        return column.native
    first, _, rest = column.native.partition(" ")
    return f"{first}({digits}) {rest}".strip()


@dataclass
class JdbcColumnOfDbt(Column):
    """A column. `dtype` is the type's name alone; `native` the whole type."""

    TYPE_LABELS: ClassVar[dict[str, str]] = {
        "STRING": "varchar(16384)",
        "TIMESTAMP": "timestamp",
        "FLOAT": "double precision",
        "INTEGER": "integer",
        "BOOLEAN": "boolean",
    }
    native: str = ""
    is_text: bool = False

    @classmethod
    def of(cls, column: JdbcColumn, *, sized_times: bool) -> JdbcColumnOfDbt:
        """Return the column that a driver has described; see `spelled`."""
        is_text = column.code in _TEXTS
        is_decimal = column.code in _DECIMALS
        return cls(
            column=column.name,
            dtype=column.native,
            char_size=column.precision if is_text else None,
            numeric_precision=column.precision if is_decimal else None,
            numeric_scale=column.scale if is_decimal else None,
            native=spelled(column, sized_times=sized_times),
            is_text=is_text,
        )

    @property
    def quoted(self) -> str:
        """The name in quotes."""
        return '"' + str(self.column).replace('"', '""') + '"'

    @property
    def data_type(self) -> str:
        """The type as DDL takes it."""
        return self.native or str(super().data_type)

    def is_string(self) -> bool:
        """Return True for text with a size."""
        return self.is_text or super().is_string()

    def can_expand_to(self, other_column: Any) -> bool:
        """Return True if the other column holds longer text."""
        both = self.is_text and other_column.is_text
        return bool(both and (other_column.char_size or 0) > (self.char_size or 0))

    @classmethod
    def string_type(cls, size: int) -> str:
        """Return the type for text of `size` characters."""
        return f"varchar({size})"

    def string_size(self) -> int:
        """Return the longest text that the column takes, in characters."""
        return int(self.char_size or 0)
