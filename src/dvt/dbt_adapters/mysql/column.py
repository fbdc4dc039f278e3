"""Columns with their types as the server shows them, and the types that CAST takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from dbt.adapters.base.column import Column

from dvt.drivers.mysql import quoted

_SIZES = {"tinytext": 255, "text": 65535, "mediumtext": 16777215, "longtext": 4294967295}
"""Text type without a size in its name → the most bytes that it holds."""
_TEXT = frozenset({"char", "varchar", *_SIZES})
"""Types of text."""
_SIZED = frozenset({"char", "varchar", "decimal"})
"""Types with a size in brackets."""
_KINDS: dict[str, str] = {
    **dict.fromkeys(
        ("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "bool", "boolean"), "integer"
    ),
    **dict.fromkeys(("int1", "int2", "int3", "int4", "int8", "signed", "unsigned", "serial"), "integer"),
    **dict.fromkeys(("decimal", "numeric", "dec", "fixed"), "decimal"),
    **dict.fromkeys(("float", "double", "double precision", "real", "float4", "float8"), "double"),
    **dict.fromkeys(("datetime", "timestamp"), "datetime"),
    **dict.fromkeys(("date", "time", "year", "bit", "json"), ""),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "bytes"),
    **dict.fromkeys(
        ("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"), "geometry"
    ),
    **dict.fromkeys(("multipolygon", "geometrycollection"), "geometry"),
}
"""Native type → the kind that a contract compares ("": the type itself); all other types are text."""


def kind_of(native: str) -> str:
    """Return the kind of values that a type holds, which is what a contract compares."""
    name = base_of(native)
    return _KINDS.get(name, "text") or name


def base_of(native: str) -> str:
    """Return the type without size and sign, in lower case."""
    return re.split(r"[(\s]", native.strip().lower(), maxsplit=1)[0]


def _bare(native: str) -> str:
    """Return the type without MariaDB's comments, and without the display width of an integer.

    The width of a literal's type depends on its digits. A boolean, tinyint(1), keeps its width.
    """
    native = re.sub(r"\s*/\*.*?\*/", "", native)
    if kind_of(native) != "integer" or native.lower() == "tinyint(1)" or "zerofill" in native:
        return native
    return re.sub(r"\(\d+\)", "", native)


@dataclass
class MySQLColumn(Column):
    """A column. `dtype` is the type's name alone; `native` the whole type, as the server shows it."""

    TYPE_LABELS: ClassVar[dict[str, str]] = {
        "STRING": "longtext",
        "VARCHAR": "longtext",
        "TIMESTAMP": "datetime(6)",
        "FLOAT": "double",
        "BOOLEAN": "boolean",
    }
    native: str = ""
    collation: str | None = None
    nullable: bool = True

    @classmethod
    def from_description(cls, name: str, raw_data_type: str) -> MySQLColumn:
        """Return a column of a type as DDL takes it: dbt's own drops a second's digits, and signs."""
        return cls.from_row(name, raw_data_type)

    @classmethod
    def from_row(
        cls, name: str, native: str, collation: str | None = None, *, nullable: bool = True
    ) -> MySQLColumn:
        """Return a column from a row of SHOW COLUMNS."""
        base = base_of(native)
        native = _bare(native)
        numbers = [int(number) for number in re.findall(r"\d+", native)] if base in _SIZED else []
        size = numbers[0] if base in _TEXT and numbers else _SIZES.get(base)
        digits, scale = numbers if base == "decimal" and numbers[1:] else (None, None)
        return cls(name, base, size, digits, scale, native, collation, nullable)

    @property
    def quoted(self) -> str:
        """The name in backticks."""
        return quoted(self.column)

    @property
    def data_type(self) -> str:
        """The type as DDL takes it."""
        return self.native or str(super().data_type)

    def is_string(self) -> bool:
        """Return True for text of any size."""
        return self.dtype.lower() in _TEXT

    def string_size(self) -> int:
        """Return the longest text that the column takes, in characters (bytes for types without a size)."""
        return int(self.char_size or _SIZES.get(self.dtype.lower(), 255))

    def can_expand_to(self, other_column: Any) -> bool:
        """Return True if the other column holds longer text."""
        return (
            self.is_string() and other_column.is_string() and other_column.string_size() > self.string_size()
        )

    @classmethod
    def string_type(cls, size: int) -> str:
        """Return the smallest type for text of `size` characters."""
        if size <= 16383:  # noqa: PLR2004 - of four bytes each in a row of 65535
            return f"varchar({size})"
        return next((name for name, limit in _SIZES.items() if size <= limit), "longtext")

    def literal(self, value: Any) -> str:
        """Write a value as a literal of this type."""
        return f"cast({value} as {cast_type(self.data_type)})"


def cast_type(native: str, json: str | None = None, *, sized: bool = True) -> str:
    """Return the type that CAST takes for a column's; `json` is its type for JSON, None if JSON is text."""
    base, kind = base_of(native), kind_of(native)
    size = "".join(re.findall(r"\([\d,\s]+\)", native)[:1])
    if kind == "integer":
        return "unsigned" if "unsigned" in native.lower() else "signed"
    if base in {"char", "varchar", "character", "nchar", "nvarchar"}:
        return f"char{size}" if sized else "char"
    if base in {"binary", "varbinary"}:
        return f"binary{size}" if sized else "binary"
    return {
        "decimal": f"decimal{size}",
        "double": "double",
        "datetime": f"datetime{size}" if size else "datetime(6)",
        "time": f"time{size}" if size else "time(6)",
        "date": "date",
        "year": "unsigned",
        "bit": "unsigned",
        "bytes": "binary",
        "json": json or "char",
    }.get(kind, "char")
