"""Maps stage types to PostgreSQL's: the column's type, and the value that is sent in binary.

Measured on DuckDB's writer of that format: it is exact except for decimals of the largest scale that their
width can hold (9 of 9 digits, 17 and 18 of 18, 37 and 38 of 38: it overflows, and writes another number
silently), timestamps of the first 30 years of its calendar (they wrap around), and lists of decimals,
which it cannot write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dvt.core.types import (
    BIGINT,
    BLOB,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    INTERVAL,
    MAX_DIGITS,
    SMALLINT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UUID,
    VARCHAR,
    Kind,
    StageType,
    decimal,
    list_of,
)


@dataclass(frozen=True, slots=True)
class LoadEncoding:
    """How a staged value is sent, and the type of the column that takes it."""

    native: str
    """Type of the column in PostgreSQL's DDL."""
    sent: StageType
    """Type that is written, which PostgreSQL reads as `native`."""
    value: str = "CAST({0} AS {1})"
    """DuckDB SQL of the value: `{0}` has the staged type, `{1}` is `sent`."""
    loses: str | None = None
    via: str | None = None
    """The column's type while it is filled, where the server has to convert it to `native` afterwards."""

    def of(self, value: str) -> str:
        """Return the SQL of what is sent for `value`."""
        return self.value.format(value, self.sent)


_JSON = "CAST(to_json({0}) AS VARCHAR)"
"""DuckDB SQL: a value as the text of a JSON."""
_CLAMPED = (
    "CASE WHEN isfinite({0}) THEN greatest(CAST({0} AS {1}), '9999-01-01 (BC) 00:00:00'::{1}) "
    "ELSE CAST({0} AS {1}) END"
)
"""DuckDB SQL: a timestamp. PostgreSQL's calendar begins in 4713 BC: an earlier one is sent as a year that the
server refuses."""
_ELEMENTS_AS_TEXT = (
    "'{{' || array_to_string(list_transform({0}, lambda one: coalesce(one::VARCHAR, 'NULL')), ',') || '}}'"
)
"""DuckDB SQL: a list of decimals as the text of an array."""
_DIGITS_OF_32_BITS = 9
"""Highest precision of a decimal that DuckDB stores in 32 bits."""
_DIGITS_OF_64_BITS = 18
"""Highest precision of a decimal that DuckDB stores in 64 bits."""
_OVERFLOWING = {9: 9, 17: 18, 18: 18}
"""Scale → highest precision at which DuckDB's writer overflows; such decimals are sent in the next size."""
_MAX_SCALE = 36
"""Highest scale that DuckDB's writer can send; beyond it decimals are sent as text, since there is no next
size."""
_EXACT: Mapping[Kind, tuple[str, StageType]] = {
    Kind.BOOLEAN: ("boolean", BOOLEAN),
    Kind.TINYINT: ("smallint", SMALLINT),
    Kind.UTINYINT: ("smallint", SMALLINT),
    Kind.SMALLINT: ("smallint", SMALLINT),
    Kind.USMALLINT: ("integer", INTEGER),
    Kind.INTEGER: ("integer", INTEGER),
    Kind.UINTEGER: ("bigint", BIGINT),
    Kind.BIGINT: ("bigint", BIGINT),
    Kind.UBIGINT: ("numeric(20,0)", decimal(20, 0)),
    Kind.HUGEINT: ("numeric(38,0)", decimal(38, 0)),
    Kind.UHUGEINT: ("numeric(38,0)", decimal(38, 0)),
    Kind.FLOAT: ("real", FLOAT),
    Kind.DOUBLE: ("double precision", DOUBLE),
    Kind.VARCHAR: ("text", VARCHAR),
    Kind.BLOB: ("bytea", BLOB),
    Kind.UUID: ("uuid", UUID),
    Kind.DATE: ("date", DATE),
    Kind.TIME: ("time without time zone", TIME),
    Kind.TIMETZ: ("time with time zone", TIMETZ),
    Kind.INTERVAL: ("interval", INTERVAL),
    Kind.NULL: ("integer", INTEGER),
}
"""Kinds whose values are kept exactly → the column's type, the type that is sent. A HUGEINT of more than 38
digits is an error, not a loss."""

_CONVERTED: Mapping[Kind, LoadEncoding] = {
    Kind.TIMESTAMP: LoadEncoding("timestamp without time zone", TIMESTAMP, _CLAMPED),
    Kind.TIMESTAMP_S: LoadEncoding("timestamp without time zone", TIMESTAMP, _CLAMPED),
    Kind.TIMESTAMP_MS: LoadEncoding("timestamp without time zone", TIMESTAMP, _CLAMPED),
    Kind.TIMESTAMPTZ: LoadEncoding("timestamp with time zone", TIMESTAMPTZ, _CLAMPED),
    Kind.TIMESTAMP_NS: LoadEncoding(
        "timestamp without time zone", TIMESTAMP, _CLAMPED, "nanoseconds are cut to microseconds"
    ),
    Kind.TIME_NS: LoadEncoding(
        "time without time zone", TIME, loses="nanoseconds are rounded to microseconds"
    ),
    Kind.JSON: LoadEncoding("json", VARCHAR),
    Kind.VARIANT: LoadEncoding(
        "json", VARCHAR, "CAST(CAST({0} AS JSON) AS VARCHAR)", "its type; it becomes json"
    ),
    Kind.ENUM: LoadEncoding(
        "text", VARCHAR, loses="the order of its values; it becomes text, ordered as text"
    ),
    Kind.BIT: LoadEncoding("text", VARCHAR, loses="it becomes text"),
    Kind.BIGNUM: LoadEncoding("text", VARCHAR, loses="it becomes text"),
    Kind.GEOMETRY: LoadEncoding("text", VARCHAR, loses="it becomes text (WKT)"),
}
"""Kinds whose values are converted, or lose something."""
_ARRAY_ELEMENTS = (_EXACT.keys() | {Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.ENUM}) - {
    Kind.HUGEINT, Kind.UHUGEINT, Kind.BLOB, Kind.INTERVAL, Kind.TIMETZ, Kind.UBIGINT
}  # fmt: skip
"""Kinds whose lists are sent as arrays; lists of others are sent as text or JSON."""


def load_encoding(type_: StageType) -> LoadEncoding:
    """Return how values of a type are loaded."""
    if type_.kind in _EXACT:
        return LoadEncoding(*_EXACT[type_.kind])
    if type_.kind in _CONVERTED:
        return _CONVERTED[type_.kind]
    if type_.precision is not None and type_.scale is not None:
        return _decimal(type_.precision, type_.scale)
    if type_.kind in {Kind.LIST, Kind.ARRAY}:
        return _array(type_.element)
    return LoadEncoding("json", VARCHAR, _JSON, "its type; it becomes json")


def _decimal(precision: int, scale: int) -> LoadEncoding:
    native = f"numeric({precision},{scale})"
    if scale > _MAX_SCALE:
        return LoadEncoding(native, VARCHAR, via="text")
    if precision > _OVERFLOWING.get(scale, 0):
        return LoadEncoding(native, decimal(precision, scale))
    next_size = _DIGITS_OF_64_BITS if precision <= _DIGITS_OF_32_BITS else MAX_DIGITS
    return LoadEncoding(native, decimal(next_size, scale))


def _array(element: StageType) -> LoadEncoding:
    """Encode a list of plain values as an array, deeper ones as json: PostgreSQL's arrays are rectangular."""
    inner = load_encoding(element)
    if element.kind in {Kind.DECIMAL, Kind.UBIGINT}:
        return LoadEncoding(f"{inner.native}[]", VARCHAR, _ELEMENTS_AS_TEXT, via="text")
    if element.kind not in _ARRAY_ELEMENTS:
        return LoadEncoding("json", VARCHAR, _JSON, "its type; it becomes json")
    native = f"{inner.native}[]"
    # DuckDB writes its texts as varchar, and PostgreSQL takes no array of another element type.
    via = "character varying[]" if inner.native == "text" else None
    if element.is_timestamp:
        value = f"list_transform({{0}}, lambda element: {inner.of('element')})"
        return LoadEncoding(native, list_of(inner.sent), value)
    return LoadEncoding(native, list_of(inner.sent), loses=inner.loses, via=via)
