"""Maps stage types to MySQL's and MariaDB's: the column's type, and the text that is sent.

Every value is sent as text, in a form that the server reads without loss. A value that no column could
hold stops DuckDB before it is sent: the server would only warn, or change the value silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dvt.core.types import MAX_DIGITS, Kind, StageType
from dvt.drivers.duckdb import refusal
from dvt.drivers.mysql.flavour import Flavour
from dvt.drivers.mysql.losses import CHANGE_HINT


@dataclass(frozen=True, slots=True)
class LoadEncoding:
    """How a staged value is sent, and the type of the column that takes it."""

    native: str
    """Type of the column in the table's DDL."""
    value: str = "{0}"
    """DuckDB SQL of the value whose text is sent; `{0}` has the staged type."""
    arrives: str = "{0}"
    """The server's SQL for a text that arrived."""
    refused: str = ""
    """DuckDB condition: no column could hold the value."""
    why: str = ""
    """What is wrong with a refused value; follows `holds ‹value›,` in the error."""
    hint: str = CHANGE_HINT
    loses: str | None = None

    def of(self, value: str, where: str) -> str:
        """Return the SQL of what is sent for `value`; `where` is the table and column, for the error."""
        sent = self.value.format(value)
        if not self.refused:
            return sent
        problem = f"'holds ' || CAST({value} AS VARCHAR) || ', {self.why}'"
        stop = refusal(where, problem, self.hint)
        return f"CASE WHEN {self.refused.format(value)} THEN {stop} ELSE {sent} END"


_TEXT = "longtext"
_AS_TEXT = "it becomes text"
_UNORDERED = "the order of its values; it becomes text, ordered as text"
_AS_JSON = "its type; it becomes json"
_CUT = "nanoseconds are cut to microseconds"
_ROUNDED = "nanoseconds are rounded to microseconds"
_MAX_SCALE = 30
"""Highest scale of a decimal of the server's."""
_MAX_FRACTION = 6
"""Digits of a second that the server can keep."""
_FRACTIONAL_TYPES = frozenset({"time(6)", "datetime(6)"})
"""Types of columns whose contract may keep fewer digits of a second."""
_NINES = "9" * MAX_DIGITS
"""The largest whole number of `MAX_DIGITS` digits."""
_NO_CALENDAR = "which no date of this database is (0001-01-01 to 9999-12-31)"
_DATE = LoadEncoding(
    "date", refused="{0} NOT BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'", why=_NO_CALENDAR
)
_OUT_OF_RANGE = "{{0}} NOT BETWEEN {0} '0001-01-01 00:00:00{1}' AND {0} '9999-12-31 23:59:59.999999{1}'"
"""DuckDB condition on a timestamp of type `{0}`, whose literals end in `{1}`."""
_DATETIME = LoadEncoding(
    "datetime(6)",
    "CAST({0} AS TIMESTAMP)",
    refused=_OUT_OF_RANGE.format("TIMESTAMP", ""),
    why=_NO_CALENDAR,
)
_INSTANT = LoadEncoding(
    "datetime(6)",
    "make_timestamp(epoch_us({0}))",
    refused=_OUT_OF_RANGE.format("TIMESTAMP WITH TIME ZONE", "+00"),
    why=_NO_CALENDAR,
    loses="that it is an instant; it becomes the time in UTC",
)
_TOO_MANY_DIGITS = f"which has more than {MAX_DIGITS} digits"
_ENCODINGS: Mapping[Kind, LoadEncoding] = {
    Kind.BOOLEAN: LoadEncoding("tinyint(1)", "CAST({0} AS TINYINT)"),
    Kind.TINYINT: LoadEncoding("tinyint"),
    Kind.UTINYINT: LoadEncoding("tinyint unsigned"),
    Kind.SMALLINT: LoadEncoding("smallint"),
    Kind.USMALLINT: LoadEncoding("smallint unsigned"),
    Kind.INTEGER: LoadEncoding("int"),
    Kind.UINTEGER: LoadEncoding("int unsigned"),
    Kind.BIGINT: LoadEncoding("bigint"),
    Kind.UBIGINT: LoadEncoding("bigint unsigned"),
    Kind.HUGEINT: LoadEncoding(
        "decimal(38,0)",
        refused=f"{{0}} NOT BETWEEN -{_NINES}::HUGEINT AND {_NINES}::HUGEINT",
        why=_TOO_MANY_DIGITS,
    ),
    Kind.UHUGEINT: LoadEncoding("decimal(38,0)", refused=f"{{0}} > {_NINES}::UHUGEINT", why=_TOO_MANY_DIGITS),
    Kind.VARCHAR: LoadEncoding(_TEXT),
    Kind.ENUM: LoadEncoding(_TEXT, "CAST({0} AS VARCHAR)", loses=_UNORDERED),
    Kind.BLOB: LoadEncoding("longblob", "hex({0})", "UNHEX({0})"),
    Kind.DATE: _DATE,
    Kind.TIME: LoadEncoding("time(6)"),
    Kind.TIME_NS: LoadEncoding("time(6)", "CAST({0} AS TIME)", loses=_ROUNDED),
    Kind.TIMETZ: LoadEncoding(_TEXT, "CAST({0} AS VARCHAR)", loses=_AS_TEXT),
    Kind.TIMESTAMP: _DATETIME,
    Kind.TIMESTAMP_S: _DATETIME,
    Kind.TIMESTAMP_MS: _DATETIME,
    Kind.TIMESTAMP_NS: replace(_DATETIME, refused="NOT isfinite({0})", loses=_CUT),
    Kind.TIMESTAMPTZ: _INSTANT,
    Kind.INTERVAL: LoadEncoding(_TEXT, "CAST({0} AS VARCHAR)", loses=_AS_TEXT),
    Kind.BIT: LoadEncoding(_TEXT, "CAST({0} AS VARCHAR)", loses=_AS_TEXT),
    Kind.BIGNUM: LoadEncoding(_TEXT, "CAST({0} AS VARCHAR)", loses=_AS_TEXT),
    Kind.GEOMETRY: LoadEncoding(_TEXT, "CAST({0} AS VARCHAR)", loses=f"{_AS_TEXT} (WKT)"),
    Kind.NULL: LoadEncoding("int"),
}
"""Kinds whose encoding needs nothing else of the type or the server."""


def load_encoding(type_: StageType, server: Flavour, nan: str = "error") -> LoadEncoding:
    """Return how values of a type are loaded into such a server; `nan` as in the settings."""
    if type_.kind in _ENCODINGS:
        return _ENCODINGS[type_.kind]
    if type_.kind is Kind.JSON:
        return _json(server)
    if type_.is_approximate:
        return _approximate(type_.kind.value.lower(), nan)
    if type_.precision is not None and type_.scale is not None:
        return _decimal(type_.precision, type_.scale)
    if type_.kind is Kind.UUID:
        return LoadEncoding("uuid" if server.has_uuid else "char(36)")
    return _nested(type_, server)


def fitted(encoding: LoadEncoding, kind: str, fraction: int | None) -> LoadEncoding:
    """Fit an encoding to a contract's column: `kind` is its type's name, `fraction` its digits of a second.

    Otherwise the server would cut off further digits silently, and read digits sent to a BIT as characters.
    """
    if kind == "bit" and encoding.arrives == "{0}":
        return replace(encoding, arrives="CAST({0} AS UNSIGNED)")
    if kind == "year":
        # One digit is read as a year of this century: 0 would become 2000.
        return replace(encoding, value="lpad(CAST({0} AS VARCHAR), 4, '0')")
    if encoding.native in _FRACTIONAL_TYPES and fraction is not None and fraction < _MAX_FRACTION:
        has_more = f"epoch_us({encoding.value}) % {10 ** (_MAX_FRACTION - fraction)} <> 0"
        refused = (
            f"CASE WHEN {encoding.refused} THEN true ELSE {has_more} END" if encoding.refused else has_more
        )
        return replace(encoding, refused=refused, why=f"which does not fit {kind}({fraction})")
    return encoding


def _nested(type_: StageType, server: Flavour) -> LoadEncoding:
    """Encode a value of several parts as JSON, which has no NaN and no infinity."""
    json = "CAST(CAST({0} AS JSON) AS VARCHAR)"
    encoding = LoadEncoding("json" if server.has_json else _TEXT, json, loses=_AS_JSON)
    if not _may_hold_nan(type_):
        return encoding
    texts = '\'"(\\\\.|[^"\\\\])*"\''
    bare = f"regexp_replace({json}, {texts}, '', 'g')"
    return replace(
        encoding,
        refused=f"regexp_matches({bare}, 'NaN|Infinity')",
        why="but JSON has neither NaN nor infinity",
    )


def _may_hold_nan(type_: StageType) -> bool:
    """Return True for floating point, in any part, and where the type does not tell what a value is."""
    if type_.is_approximate or type_.kind in {Kind.VARIANT, Kind.JSON}:
        return True
    return any(_may_hold_nan(part.type) for part in type_.parts)


def _json(server: Flavour) -> LoadEncoding:
    if not server.has_json:
        return LoadEncoding(_TEXT, "CAST({0} AS VARCHAR)", loses=_AS_TEXT)
    if server.native_json:
        loses = "its text: keys are ordered, and numbers beyond 64 bits or of many digits are rounded"
        return LoadEncoding("json", "CAST({0} AS VARCHAR)", loses=loses)
    return LoadEncoding("json", "CAST({0} AS VARCHAR)")


def _decimal(precision: int, scale: int) -> LoadEncoding:
    if scale > _MAX_SCALE:
        loses = f"more than {_MAX_SCALE} digits behind the point are no decimal there; it becomes text"
        return LoadEncoding(_TEXT, "CAST({0} AS VARCHAR)", loses=loses)
    return LoadEncoding(f"decimal({precision},{scale})")


def _approximate(kind: str, nan: str) -> LoadEncoding:
    # Sent as double: the server would first read a float's shortest text as another double.
    sent = "CAST({0} AS DOUBLE)"
    if nan == "null":
        return LoadEncoding(kind, f"CASE WHEN isfinite({{0}}) THEN {sent} END")
    why = "which no number of this database is"
    hint = 'set `nan: "null"` on this output to write NULL instead, or change the value in the model'
    return LoadEncoding(kind, sent, refused="NOT isfinite({0})", why=why, hint=hint)
