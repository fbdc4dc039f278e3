"""Types of staged columns on their way into MySQL and MariaDB: the column's type, and the text sent.

Every value is sent as text, in a form that the server reads without losing any of it. What no column could
hold stops DuckDB before it is sent: the server would only warn, or change the value without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dvt.core.types import Kind, StageType
from dvt.drivers.duckdb import refusal
from dvt.drivers.mysql.flavour import Flavour

_CAST = "change the value in the model, or cast the column to another type"


@dataclass(frozen=True, slots=True)
class Packing:
    """What a staged value becomes."""

    native: str
    """Type of the column in the table's DDL."""
    value: str = "{0}"
    """DuckDB SQL of the value whose text is sent; `{0}` has the staged type."""
    arrives: str = "{0}"
    """The server's SQL for a text that arrived."""
    refused: str = ""
    """DuckDB condition under which no column could hold the value."""
    why: str = ""
    """What is wrong with such a value, after `holds …,`."""
    hint: str = _CAST
    loses: str | None = None

    def of(self, value: str, where: str) -> str:
        """The SQL of what is sent of `value`; `where` is the table and column, for the error."""
        sent = self.value.format(value)
        if not self.refused:
            return sent
        said = f"'holds ' || CAST({value} AS VARCHAR) || ', {self.why}'"
        return (
            f"CASE WHEN {self.refused.format(value)} THEN {refusal(where, said, self.hint)} ELSE {sent} END"
        )


_TEXT = "longtext"
_AS_TEXT = "it becomes text"
_AS_JSON = "its type; it becomes json"
_CUT = "nanoseconds are cut to microseconds"
_BYTES = Packing("longblob", "hex({0})", "UNHEX({0})")
_MOST_SCALE = 30
_MOST_DIGITS = 38
_MOST_FRACTION = 6
_TIMES = frozenset({"time(6)", "datetime(6)"})
_NINES = "9" * _MOST_DIGITS
_NO_CALENDAR = "which no date of this database is (0001-01-01 to 9999-12-31)"
_DATE = Packing("date", refused="{0} NOT BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'", why=_NO_CALENDAR)
_BETWEEN = "{{0}} NOT BETWEEN {0} '0001-01-01 00:00:00{1}' AND {0} '9999-12-31 23:59:59.999999{1}'"
_MOMENT = Packing(
    "datetime(6)",
    "CAST({0} AS TIMESTAMP)",
    refused=_BETWEEN.format("TIMESTAMP", ""),
    why=_NO_CALENDAR,
)
_INSTANT = Packing(
    "datetime(6)",
    "make_timestamp(epoch_us({0}))",
    refused=_BETWEEN.format("TIMESTAMP WITH TIME ZONE", "+00"),
    why=_NO_CALENDAR,
    loses="that it is an instant; it becomes the time in UTC",
)
_HUGE = f"which has more than {_MOST_DIGITS} digits"
_PACKINGS: Mapping[Kind, Packing] = {
    Kind.BOOLEAN: Packing("tinyint(1)", "CAST({0} AS TINYINT)"),
    Kind.TINYINT: Packing("tinyint"),
    Kind.UTINYINT: Packing("tinyint unsigned"),
    Kind.SMALLINT: Packing("smallint"),
    Kind.USMALLINT: Packing("smallint unsigned"),
    Kind.INTEGER: Packing("int"),
    Kind.UINTEGER: Packing("int unsigned"),
    Kind.BIGINT: Packing("bigint"),
    Kind.UBIGINT: Packing("bigint unsigned"),
    Kind.HUGEINT: Packing(
        "decimal(38,0)", refused=f"{{0}} NOT BETWEEN -{_NINES}::HUGEINT AND {_NINES}::HUGEINT", why=_HUGE
    ),
    Kind.UHUGEINT: Packing("decimal(38,0)", refused=f"{{0}} > {_NINES}::UHUGEINT", why=_HUGE),
    Kind.VARCHAR: Packing(_TEXT),
    Kind.ENUM: Packing(_TEXT, "CAST({0} AS VARCHAR)"),
    Kind.BLOB: _BYTES,
    Kind.DATE: _DATE,
    Kind.TIME: Packing("time(6)"),
    Kind.TIME_NS: Packing("time(6)", "CAST({0} AS TIME)", loses=_CUT),
    Kind.TIMETZ: Packing(_TEXT, "CAST({0} AS VARCHAR)", loses=_AS_TEXT),
    Kind.TIMESTAMP: _MOMENT,
    Kind.TIMESTAMP_S: _MOMENT,
    Kind.TIMESTAMP_MS: _MOMENT,
    Kind.TIMESTAMP_NS: replace(_MOMENT, refused="NOT isfinite({0})", loses=_CUT),
    Kind.TIMESTAMPTZ: _INSTANT,
    Kind.INTERVAL: Packing(_TEXT, "CAST({0} AS VARCHAR)", loses=_AS_TEXT),
    Kind.BIT: Packing(_TEXT, "CAST({0} AS VARCHAR)", loses=_AS_TEXT),
    Kind.BIGNUM: Packing(_TEXT, "CAST({0} AS VARCHAR)", loses=_AS_TEXT),
    Kind.GEOMETRY: Packing(_TEXT, "CAST({0} AS VARCHAR)", loses=f"{_AS_TEXT} (WKT)"),
    Kind.NULL: Packing("int"),
}
"""Of the others the kind does not say all."""


def packing(type_: StageType, of: Flavour, nan: str = "error") -> Packing:
    """How values of a type are loaded into such a server; `nan` as in the settings."""
    if type_.kind in _PACKINGS:
        return _PACKINGS[type_.kind]
    if type_.kind is Kind.JSON:
        return _json(of)
    if type_.is_approximate:
        return _approximate(type_.kind.value.lower(), nan)
    if type_.precision is not None and type_.scale is not None:
        return _decimal(type_.precision, type_.scale)
    if type_.kind is Kind.UUID:
        return Packing("uuid" if of.has_uuid else "char(36)")
    return Packing("json", "CAST(to_json({0}) AS VARCHAR)", loses=_AS_JSON)


def fitted(one: Packing, kind: str, fraction: int | None) -> Packing:
    """The same for a column of another type, a contract's: its one word, and digits of a second's fraction.

    The server cuts those off without a word, and reads digits that are sent to a BIT as characters.
    """
    if kind == "bit" and one.arrives == "{0}":
        return replace(one, arrives="CAST({0} AS UNSIGNED)")
    if one.native in _TIMES and fraction is not None and fraction < _MOST_FRACTION:
        cut = f"epoch_us({one.value}) % {10 ** (_MOST_FRACTION - fraction)} <> 0"
        refused = f"CASE WHEN {one.refused} THEN true ELSE {cut} END" if one.refused else cut
        return replace(one, refused=refused, why=f"which does not fit {kind}({fraction})")
    return one


def _json(of: Flavour) -> Packing:
    if of.native_json:
        lost = "its text: keys are ordered, and numbers beyond 64 bits or of many digits are rounded"
        return Packing("json", "CAST({0} AS VARCHAR)", loses=lost)
    return Packing("json", "CAST({0} AS VARCHAR)")


def _decimal(precision: int, scale: int) -> Packing:
    if scale > _MOST_SCALE:
        lost = f"more than {_MOST_SCALE} digits behind the point are no decimal there; it becomes text"
        return Packing(_TEXT, "CAST({0} AS VARCHAR)", loses=lost)
    return Packing(f"decimal({precision},{scale})")


def _approximate(kind: str, nan: str) -> Packing:
    # As double: of a float's own shortest text the server would make another double first.
    sent = "CAST({0} AS DOUBLE)"
    if nan == "null":
        return Packing(kind, f"CASE WHEN isfinite({{0}}) THEN {sent} END")
    why = "which no number of this database is"
    hint = 'set `nan: "null"` on this output to write NULL instead, or change the value in the model'
    return Packing(kind, sent, refused="NOT isfinite({0})", why=why, hint=hint)
