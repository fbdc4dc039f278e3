"""DuckDB's types on their way into PostgreSQL: the column's type, and the value that is sent in binary.

Measured on DuckDB's writer of that format: right but for decimals of the largest scale that their width
can hold (9 of 9 digits, 17 and 18 of 18, 37 and 38 of 38: it overflows, and lands another number without
a word), for timestamps of the first 30 years of its calendar (they wrap around), and for lists of
decimals, which it cannot write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Packing:
    """What a staged value becomes."""

    native: str
    """Type of the column in PostgreSQL's DDL."""
    sent: str
    """DuckDB type that is written, which PostgreSQL reads as `native`."""
    value: str = "CAST({0} AS {1})"
    """DuckDB SQL of the value: `{0}` has the staged type, `{1}` is `sent`."""
    loses: str | None = None
    via: str | None = None
    """The column's type while it is filled, where the server has to convert it to `native` afterwards."""

    def of(self, value: str) -> str:
        """The SQL of what is sent."""
        return self.value.format(value, self.sent)


_TEXT = "VARCHAR"
_JSON = "CAST(to_json({0}) AS VARCHAR)"
_EARLY = (
    "CASE WHEN isfinite({0}) THEN greatest(CAST({0} AS {1}), '9999-01-01 (BC) 00:00:00'::{1}) "
    "ELSE CAST({0} AS {1}) END"
)
"""PostgreSQL's calendar begins in 4713 BC: what is before goes there as a year that it refuses."""
_ELEMENTS_AS_TEXT = (
    "'{{' || array_to_string(list_transform({0}, lambda one: coalesce(one::VARCHAR, 'NULL')), ',') || '}}'"
)
_WIDTH, _NEXT_WIDTH, _WIDEST = 9, 18, 38
"""Digits of the integers that decimals are stored in."""
_LARGEST_SCALES = {9: 9, 17: 18, 18: 18}
"""By scale, the precision up to which the writer's numbers are too narrow for it."""
_WIDEST_SCALE = 36
_SAME: Mapping[str, tuple[str, str]] = {
    "boolean": ("boolean", "BOOLEAN"),
    "tinyint": ("smallint", "SMALLINT"),
    "utinyint": ("smallint", "SMALLINT"),
    "smallint": ("smallint", "SMALLINT"),
    "usmallint": ("integer", "INTEGER"),
    "integer": ("integer", "INTEGER"),
    "uinteger": ("bigint", "BIGINT"),
    "bigint": ("bigint", "BIGINT"),
    "ubigint": ("numeric(20,0)", "DECIMAL(20,0)"),
    "hugeint": ("numeric(38,0)", "DECIMAL(38,0)"),
    "uhugeint": ("numeric(38,0)", "DECIMAL(38,0)"),
    "float": ("real", "FLOAT"),
    "double": ("double precision", "DOUBLE"),
    "varchar": ("text", _TEXT),
    "enum": ("text", _TEXT),
    "blob": ("bytea", "BLOB"),
    "uuid": ("uuid", "UUID"),
    "date": ("date", "DATE"),
    "time": ("time", "TIME"),
    "time with time zone": ("time with time zone", "TIME WITH TIME ZONE"),
    "interval": ("interval", "INTERVAL"),
    '"null"': ("integer", "INTEGER"),
}
"""By DuckDB's ids: values that survive. HUGEINT's beyond 38 digits are an error, not a loss."""

_OTHERS: Mapping[str, Packing] = {
    "timestamp": Packing("timestamp", "TIMESTAMP", _EARLY),
    "timestamp_s": Packing("timestamp", "TIMESTAMP", _EARLY),
    "timestamp_ms": Packing("timestamp", "TIMESTAMP", _EARLY),
    "timestamp with time zone": Packing("timestamp with time zone", "TIMESTAMP WITH TIME ZONE", _EARLY),
    "timestamp_ns": Packing("timestamp", "TIMESTAMP", _EARLY, "nanoseconds are cut to microseconds"),
    "time_ns": Packing("time", "TIME", loses="nanoseconds are cut to microseconds"),
    "bit": Packing("text", _TEXT, loses="it becomes text"),
    "bignum": Packing("text", _TEXT, loses="it becomes text"),
    "geometry": Packing("text", _TEXT, loses="it becomes text (WKT)"),
}
_ELEMENTS = (_SAME.keys() | {"timestamp", "timestamp with time zone"}) - {
    "hugeint", "uhugeint", "blob", "interval", "time with time zone", "ubigint"
}  # fmt: skip


def packing(type_: Any) -> Packing:
    """How values of a type (a `DuckDBPyType`) are loaded."""
    kind = str(type_.id)
    if str(type_) == "JSON":
        return Packing("json", _TEXT)
    if kind in _SAME:
        return Packing(*_SAME[kind])
    if kind in _OTHERS:
        return _OTHERS[kind]
    if kind == "decimal":
        return _decimal(**dict(type_.children))
    if kind in {"list", "array"}:
        return _array(dict(type_.children)["child"])
    return Packing("json", _TEXT, _JSON, "its type; it becomes json")


def _decimal(precision: int, scale: int) -> Packing:
    native = f"numeric({precision},{scale})"
    if scale > _WIDEST_SCALE:
        return Packing(native, _TEXT, via="text")
    wide = _LARGEST_SCALES.get(scale, 0) >= precision
    room = (_NEXT_WIDTH if precision <= _WIDTH else _WIDEST) if wide else precision
    return Packing(native, f"DECIMAL({room},{scale})")


def _array(element: Any) -> Packing:
    """Lists of plain values; deeper ones as json, since PostgreSQL's arrays are rectangles."""
    kind = str(element.id)
    inner = packing(element)
    if kind in {"decimal", "ubigint"}:
        return Packing(f"{inner.native}[]", _TEXT, _ELEMENTS_AS_TEXT, via="text")
    if kind not in _ELEMENTS or str(element) == "JSON":
        return Packing("json", _TEXT, _JSON, "its type; it becomes json")
    # DuckDB writes its texts as varchar, and PostgreSQL takes no array of another element type.
    native = "character varying" if inner.native == "text" else inner.native
    return Packing(f"{native}[]", f"{inner.sent}[]")
