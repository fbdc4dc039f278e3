"""DuckDB's types on their way into PostgreSQL: the column's type, and the value that is sent in binary."""

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

    def of(self, value: str) -> str:
        """The SQL of what is sent."""
        return self.value.format(value, self.sent)


_TEXT = "VARCHAR"
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
    "timestamp": ("timestamp", "TIMESTAMP"),
    "timestamp_s": ("timestamp", "TIMESTAMP"),
    "timestamp_ms": ("timestamp", "TIMESTAMP"),
    "timestamp with time zone": ("timestamp with time zone", "TIMESTAMP WITH TIME ZONE"),
    "interval": ("interval", "INTERVAL"),
    '"null"': ("integer", "INTEGER"),
}
"""By DuckDB's ids: values that survive. HUGEINT's beyond 38 digits are an error, not a loss."""

_CHANGED: Mapping[str, Packing] = {
    "timestamp_ns": Packing("timestamp", "TIMESTAMP", loses="nanoseconds are cut to microseconds"),
    "time_ns": Packing("time", "TIME", loses="nanoseconds are cut to microseconds"),
    "bit": Packing("text", _TEXT, loses="it becomes text"),
    "bignum": Packing("text", _TEXT, loses="it becomes text"),
    "geometry": Packing("text", _TEXT, loses="it becomes text (WKT)"),
}
_ELEMENTS = (_SAME.keys() | {"decimal"}) - {"hugeint", "uhugeint", "blob", "interval", "time with time zone"}


def packing(type_: Any) -> Packing:
    """How values of a type (a `DuckDBPyType`) are loaded."""
    kind = str(type_.id)
    if kind in _SAME:
        return Packing(*_SAME[kind])
    if kind in _CHANGED:
        return _CHANGED[kind]
    if kind == "decimal":
        digits = dict(type_.children)
        words = f"({digits['precision']},{digits['scale']})"
        return Packing(f"numeric{words}", f"DECIMAL{words}")
    if str(type_) == "JSON":
        return Packing("json", _TEXT)
    if kind in {"list", "array"}:
        return _array(type_)
    return Packing("json", _TEXT, "CAST(to_json({0}) AS VARCHAR)", "its type; it becomes json")


def _array(type_: Any) -> Packing:
    """Lists of plain values; deeper ones as json, since PostgreSQL's arrays are rectangles."""
    element = dict(type_.children)["child"]
    if str(element.id) not in _ELEMENTS or str(element) == "JSON":
        return Packing("json", _TEXT, "CAST(to_json({0}) AS VARCHAR)", "its type; it becomes json")
    inner = packing(element)
    # DuckDB writes its texts as varchar, and PostgreSQL takes no array of another element type.
    native = "character varying" if inner.native == "text" else inner.native
    return Packing(f"{native}[]", f"{inner.sent}[]")
