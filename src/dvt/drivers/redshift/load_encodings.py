"""Maps stage types to Redshift's: the column's type, what is sent, and how the server reads that.

COPY from Parquet takes a column only if the file's type is the one that goes with the table's. Where the
documentation names the pair, the value is sent as it is; all others are sent as texts into a temporary table,
and an INSERT casts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dvt.core.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    VARCHAR,
    Kind,
    StageType,
    decimal,
)

TEXT = "varchar(65535)"
"""The longest text that a column can hold, in bytes."""


@dataclass(frozen=True, slots=True)
class LoadEncoding:
    """How a staged value is sent, and the type of the column that takes it."""

    native: str
    """Type of the column in Redshift's DDL."""
    sent: StageType
    """Type that is written to the file."""
    value: str = "CAST({0} AS {1})"
    """DuckDB SQL of the value: `{0}` has the staged type, `{1}` is `sent`."""
    carrier: str = ""
    """Type of the column that COPY fills, if that is not `native`."""
    arrives: str = ""
    """Redshift's SQL of the value, from the carrier's column `{0}`; empty: a cast."""
    loses: str | None = None

    @property
    def carried(self) -> str:
        """Type of the column that COPY fills."""
        return self.carrier or self.native

    def of(self, value: str) -> str:
        """Return the DuckDB SQL of what is sent for `value`."""
        return self.value.format(value, self.sent)

    def converted(self, column: str) -> str:
        """Return Redshift's SQL of the value, from the carrier's column."""
        if self.arrives:
            return self.arrives.format(column)
        return f"{column}::{self.native}" if self.carrier else column


_JSON = "CAST(to_json({0}) AS VARCHAR)"
_BEFORE_CHRIST = r"regexp_replace(CAST({0} AS VARCHAR), '^(\S+) \(BC\)(.*)$', '\1\2 BC')"
"""DuckDB SQL: a date or timestamp as a text that Redshift reads."""
_EXACT: Mapping[Kind, tuple[str, StageType]] = {
    Kind.BOOLEAN: ("boolean", BOOLEAN),
    Kind.USMALLINT: ("integer", INTEGER),
    Kind.INTEGER: ("integer", INTEGER),
    Kind.UINTEGER: ("bigint", BIGINT),
    Kind.BIGINT: ("bigint", BIGINT),
    Kind.UBIGINT: ("numeric(20,0)", decimal(20, 0)),
    Kind.HUGEINT: ("numeric(38,0)", decimal(38, 0)),
    Kind.UHUGEINT: ("numeric(38,0)", decimal(38, 0)),
    Kind.FLOAT: ("real", FLOAT),
    Kind.DOUBLE: ("double precision", DOUBLE),
    Kind.DATE: ("date", DATE),
    Kind.NULL: ("integer", INTEGER),
}
"""Kinds whose values are sent as they are."""


def _texts(native: str, value: str = "CAST({0} AS {1})", loses: str | None = None) -> LoadEncoding:
    return LoadEncoding(native, VARCHAR, value, carrier="varchar(64)", loses=loses)


_SMALL = LoadEncoding("smallint", INTEGER, carrier="integer")
_CONVERTED: Mapping[Kind, LoadEncoding] = {
    Kind.TINYINT: _SMALL,
    Kind.UTINYINT: _SMALL,
    Kind.SMALLINT: _SMALL,
    Kind.VARCHAR: LoadEncoding(TEXT, VARCHAR),
    Kind.UUID: LoadEncoding("varchar(36)", VARCHAR),
    Kind.BLOB: LoadEncoding(
        "varbyte(1024000)", VARCHAR, "hex({0})", carrier=TEXT, arrives="to_varbyte({0}, 'hex')"
    ),
    Kind.TIME: _texts("time"),
    Kind.TIMETZ: _texts("timetz"),
    Kind.TIMESTAMP: _texts("timestamp", _BEFORE_CHRIST),
    Kind.TIMESTAMP_S: _texts("timestamp", _BEFORE_CHRIST),
    Kind.TIMESTAMP_MS: _texts("timestamp", _BEFORE_CHRIST),
    Kind.TIMESTAMP_NS: _texts(
        "timestamp",
        _BEFORE_CHRIST.replace("{0}", "CAST({0} AS TIMESTAMP)"),
        "nanoseconds are cut to microseconds",
    ),
    Kind.TIMESTAMPTZ: _texts(
        "timestamptz",
        _BEFORE_CHRIST.replace("{0}", "CAST({0} AT TIME ZONE 'UTC' AS TIMESTAMP)") + " || '+00'",
    ),
    Kind.TIME_NS: _texts("time", "CAST(CAST({0} AS TIME) AS {1})", "nanoseconds are rounded to microseconds"),
    Kind.JSON: LoadEncoding(TEXT, VARCHAR, loses="its type; it becomes text"),
    Kind.ENUM: LoadEncoding(TEXT, VARCHAR, loses="the order of its values; it becomes text, ordered as text"),
    Kind.INTERVAL: LoadEncoding(TEXT, VARCHAR, loses="its type; it becomes text"),
    Kind.VARIANT: LoadEncoding(
        TEXT, VARCHAR, "CAST(CAST({0} AS JSON) AS VARCHAR)", loses="its type; it becomes text (JSON)"
    ),
    Kind.BIT: LoadEncoding(TEXT, VARCHAR, loses="its type; it becomes text"),
    Kind.BIGNUM: LoadEncoding(TEXT, VARCHAR, loses="its type; it becomes text"),
    Kind.GEOMETRY: LoadEncoding(TEXT, VARCHAR, loses="its type; it becomes text (WKT)"),
}
"""Kinds whose values are converted, or lose something."""


def load_encoding(type_: StageType) -> LoadEncoding:
    """Return how values of a type are loaded."""
    if type_.kind in _EXACT:
        return LoadEncoding(*_EXACT[type_.kind])
    if type_.kind in _CONVERTED:
        return _CONVERTED[type_.kind]
    if type_.precision is not None and type_.scale is not None:
        return LoadEncoding(f"numeric({type_.precision},{type_.scale})", type_)
    return LoadEncoding(TEXT, VARCHAR, _JSON, loses="its type; it becomes text (JSON)")
