"""Maps stage types to Snowflake's: the column's type, what is sent, and how the service reads that.

Numbers, doubles and booleans are sent as they are. All other values are sent as texts whose form both sides
document, into a temporary table, from which the stage table is made with casts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dvt.core.types import BOOLEAN, DOUBLE, VARCHAR, Kind, StageType, decimal

TEXT = "VARCHAR"
LONGEST_TEXT = 16_777_216
"""Characters of the longest text in a column without a length."""
WHOLE = "NUMBER(38,0)"
"""Snowflake's own `integer`."""


@dataclass(frozen=True, slots=True)
class LoadEncoding:
    """How a staged value is sent, and the type of the column that takes it."""

    native: str
    """Type of the column in Snowflake's DDL."""
    sent: StageType
    """Type that is written to the file."""
    carrier: str
    """Type of the column that COPY INTO fills."""
    value: str = "CAST({0} AS {1})"
    """DuckDB SQL of the value: `{0}` has the staged type, `{1}` is `sent`."""
    arrives: str = ""
    """Snowflake's SQL of the value, from the carrier's column `{0}`; empty: a cast."""
    loses: str | None = None

    def of(self, value: str) -> str:
        """Return the DuckDB SQL of what is sent for `value`."""
        return self.value.format(value, self.sent)

    def converted(self, column: str) -> str:
        """Return Snowflake's SQL of the value, from the carrier's column."""
        return self.arrives.format(column) if self.arrives else f"CAST({column} AS {self.native})"


_JSON = "CAST(to_json({0}) AS VARCHAR)"
_LOSES_TYPE = "its type; it becomes text"
_MOMENT = "strftime({0}, '%Y-%m-%d %H:%M:%S.%f')"
_INSTANT = "strftime({0} AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f') || '+00:00'"
_EXACT: Mapping[Kind, tuple[str, StageType]] = {
    Kind.BOOLEAN: ("BOOLEAN", BOOLEAN),
    Kind.FLOAT: ("FLOAT", DOUBLE),
    Kind.DOUBLE: ("FLOAT", DOUBLE),
    Kind.NULL: (WHOLE, decimal(38, 0)),
    **dict.fromkeys(
        (Kind.TINYINT, Kind.UTINYINT, Kind.SMALLINT, Kind.USMALLINT, Kind.INTEGER, Kind.UINTEGER,
         Kind.BIGINT, Kind.UBIGINT, Kind.HUGEINT, Kind.UHUGEINT),
        (WHOLE, decimal(38, 0)),
    ),
}  # fmt: skip
"""Kinds whose values are sent as they are."""


def _text(
    native: str, value: str = "CAST({0} AS {1})", *, arrives: str = "", loses: str | None = None
) -> LoadEncoding:
    return LoadEncoding(native, VARCHAR, TEXT, value, arrives, loses)


_TEXTS: Mapping[Kind, LoadEncoding] = {
    Kind.VARCHAR: _text(TEXT),
    Kind.UUID: _text("VARCHAR(36)"),
    Kind.BLOB: _text("BINARY", "hex({0})", arrives="TO_BINARY({0}, 'HEX')"),
    Kind.DATE: _text("DATE"),
    Kind.TIME: _text("TIME"),
    Kind.TIME_NS: _text("TIME"),
    Kind.TIMETZ: _text(TEXT, loses=_LOSES_TYPE),
    **dict.fromkeys(
        (Kind.TIMESTAMP, Kind.TIMESTAMP_S, Kind.TIMESTAMP_MS),
        _text("TIMESTAMP_NTZ", _MOMENT.replace("{0}", "CAST({0} AS TIMESTAMP)")),
    ),
    Kind.TIMESTAMP_NS: _text("TIMESTAMP_NTZ"),
    Kind.TIMESTAMPTZ: _text("TIMESTAMP_LTZ", _INSTANT),
    Kind.JSON: _text(
        "VARIANT",
        arrives="PARSE_JSON({0})",
        loses="digits of the numbers in it beyond 38, and the order of keys",
    ),
    Kind.VARIANT: _text(
        "VARIANT",
        "CAST(CAST({0} AS JSON) AS VARCHAR)",
        arrives="PARSE_JSON({0})",
        loses="the types of the values in it; it becomes JSON",
    ),
    Kind.ENUM: _text(TEXT, loses="the order of its values; it becomes text, ordered as text"),
    **dict.fromkeys((Kind.INTERVAL, Kind.BIT, Kind.BIGNUM), _text(TEXT, loses=_LOSES_TYPE)),
    Kind.GEOMETRY: _text(TEXT, loses="its type; it becomes text (WKT)"),
}
"""Kinds whose values are sent as texts."""


def load_encoding(type_: StageType) -> LoadEncoding:
    """Return how values of a type are loaded."""
    if type_.kind in _EXACT:
        native, sent = _EXACT[type_.kind]
        return LoadEncoding(native, sent, native)
    if type_.kind in _TEXTS:
        return _TEXTS[type_.kind]
    if type_.precision is not None and type_.scale is not None:
        native = f"NUMBER({type_.precision},{type_.scale})"
        return LoadEncoding(native, type_, native)
    return _text("VARIANT", _JSON, arrives="PARSE_JSON({0})", loses="its type; it becomes a variant (JSON)")
