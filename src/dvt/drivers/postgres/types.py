"""PostgreSQL's types: what each becomes in staging, and how its values travel there.

DuckDB's scanner reads what the server sends in binary. Measured: it is exact but for NaN and infinite
numerics (they arrive as 0), numerics without a scale or of more than 38 digits (they arrive as DOUBLE),
scales below 0 (they break the DuckDB instance), timestamps after 294246 (they wrap around) and arrays of
several dimensions. So every column is sent with an explicit type of those that survive, and where a value
could not, the *server* checks each one: it is made to convert a text that names the column, which
`errors` turns into DVT134.

A `numeric` without precision has no scale that would hold all its values. It is staged as DECIMAL(38,18),
as Spark does: 20 digits before the point, 18 behind, checked. A fixed type, because one that followed the
data would change the model's columns from run to run; a number, because as text no sum could be built on
it; never DOUBLE, because that changes values silently. What has more digits stops the run.

`char(n)` loses the blanks it is padded with: to PostgreSQL they mean nothing, to DuckDB they would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dvt.core.tables import Column
from dvt.core.types import (
    BIGINT,
    BLOB,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    INTERVAL,
    JSON,
    SMALLINT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UUID,
    VARCHAR,
    StageType,
    decimal,
    list_of,
)
from dvt.drivers.postgres.errors import MARK
from dvt.drivers.postgres.names import literal

_MOST_DIGITS = 38
_SCALE = 18
_TOO_LATE = "294247-01-01"
"""The scanner wraps around ten days later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A column as the catalog has it, domains resolved."""

    name: str
    native: str
    """As `format_type` writes it; a domain's own name."""
    kind: str
    """`typname` of the base type; an array's begins with `_`."""
    category: str = "b"
    """`typtype` of the base type: b, c, e, p, r, m."""
    typmod: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    stage: StageType
    read: str = "{0}"
    unpack: str = "{0}"
    exact: bool = False
    loses: str | None = None


_PLAIN: Mapping[str, tuple[str, StageType, bool]] = {
    "bool": ("boolean", BOOLEAN, False),
    "int2": ("smallint", SMALLINT, True),
    "int4": ("integer", INTEGER, True),
    "int8": ("bigint", BIGINT, True),
    "float4": ("real", FLOAT, False),
    "float8": ("double precision", DOUBLE, False),
    "date": ("date", DATE, True),
    "time": ("time", TIME, False),
    "uuid": ("uuid", UUID, False),
    "bytea": ("bytea", BLOB, False),
    "text": ("text", VARCHAR, False),
    "varchar": ("text", VARCHAR, False),
    "bpchar": ("text", VARCHAR, False),
    "name": ("text", VARCHAR, False),
    "char": ("text", VARCHAR, False),
    "oid": ("bigint", BIGINT, False),
}
"""By `typname`: the type it is sent as, the one it is staged as, whether both sides compare alike."""

_TIMES: Mapping[str, tuple[str, StageType]] = {
    "timestamp": ("timestamp", TIMESTAMP),
    "timestamptz": ("timestamptz", TIMESTAMPTZ),
}
_PACKED: Mapping[str, _Way] = {
    "json": _Way(stage=JSON, read="{0}::text"),
    "jsonb": _Way(stage=JSON, read="{0}::text"),
    "interval": _Way(stage=INTERVAL, read="{0}::interval"),
    "timetz": _Way(stage=TIMETZ, read="{0}::timetz"),
}

_IN_LISTS = _PLAIN.keys() - {"time", "bytea", "char", "oid"}


def column(described: Described) -> Column:
    """How a column travels."""
    way = _way(described)
    return Column(
        name=described.name,
        native=described.native,
        stage=way.stage,
        exact=way.exact,
        read=way.read,
        unpack=way.unpack,
        loses=way.loses,
    )


def _way(one: Described) -> _Way:
    if one.kind in _PLAIN:
        native, stage, exact = _PLAIN[one.kind]
        return _Way(stage=stage, read=f"{{0}}::{native}", exact=exact)
    if one.kind in _PACKED:
        return _PACKED[one.kind]
    if one.kind in _TIMES:
        return _moment(one)
    if one.kind == "numeric":
        return _numeric(one)
    return _list(one) if one.kind.startswith("_") else _text(one)


def _text(one: Described) -> _Way:
    if one.category == "e":
        return _Way(stage=VARCHAR, read="{0}::text")
    return _Way(stage=VARCHAR, read="{0}::text", loses=f"the type {one.native}; it becomes text")


def _checked(one: Described, native: str, refused: str, value: str = "{0}") -> str:
    """`value`, unless the condition `refused` holds: then the query ends with the column's name."""
    said = literal(f"{MARK}|{one.name}|").replace("{", "{{").replace("}", "}}")
    return f"CASE WHEN {refused} THEN ({said} || {{0}}::text)::{native} ELSE {value}::{native} END"


def _moment(one: Described) -> _Way:
    native, stage = _TIMES[one.kind]
    late = f"{{0}} >= '{_TOO_LATE}' AND {{0}} <> 'infinity'"
    return _Way(stage=stage, read=_checked(one, native, late), exact=one.kind == "timestamp")


def _numeric(one: Described) -> _Way:
    if one.typmod < 0:
        digits, scale = _MOST_DIGITS, _SCALE
        return _Way(stage=decimal(digits, scale), read=_fitting(one, digits, scale))
    precision, declared = _declared(one.typmod)
    scale = max(declared, 0)
    digits = max(precision - min(declared, 0), declared)
    if digits > _MOST_DIGITS:
        scale = scale if scale <= _SCALE else max(_SCALE, min(scale, _MOST_DIGITS - (precision - declared)))
        scale = min(scale, _MOST_DIGITS)
        return _Way(stage=decimal(_MOST_DIGITS, scale), read=_fitting(one, _MOST_DIGITS, scale))
    native = f"numeric({digits},{scale})"
    return _Way(
        stage=decimal(digits, scale),
        read=_checked(one, native, "{0} = 'NaN'"),
        exact=0 <= declared <= precision,
    )


def _fitting(one: Described, digits: int, scale: int) -> str:
    """Sent as numeric(digits,scale) where that changes nothing; NaN and infinity are not below 10^n."""
    limit = f"1e{digits - scale}"
    misfit = f"NOT (abs({{0}}) < {limit} AND (scale({{0}}) <= {scale} OR {{0}} = round({{0}}, {scale})))"
    return _checked(one, f"numeric({digits},{scale})", misfit)


def _declared(typmod: int) -> tuple[int, int]:
    """Precision and scale; since PostgreSQL 15 a scale may be negative or above the precision."""
    packed = typmod - 4
    return (packed >> 16) & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024


def _list(one: Described) -> _Way:
    """Lists of what survives by itself; other arrays as text."""
    kind = one.kind.removeprefix("_")
    odd = "array_ndims({0}) > 1 OR array_lower({0}, 1) <> 1"
    if kind in _IN_LISTS:
        native, stage, _ = _PLAIN[kind]
        return _Way(stage=list_of(stage), read=_checked(one, f"{native}[]", odd))
    if kind in _TIMES:
        native, stage = _TIMES[kind]
        late = f"{odd} OR '{_TOO_LATE}' <= ANY ({{0}})"
        return _Way(stage=list_of(stage), read=_checked(one, f"{native}[]", late))
    if kind == "numeric":
        return _numbers(one, odd)
    return _text(one)


def _numbers(one: Described, odd: str) -> _Way:
    digits, scale = _MOST_DIGITS, _SCALE
    if one.typmod >= 0:
        digits, scale = _declared(one.typmod)
    if not (0 <= scale <= digits <= _MOST_DIGITS):
        return _text(one)
    native = f"numeric({digits},{scale})[]"
    misfit = f"{odd} OR 'NaN' = ANY ({{0}}) OR {{0}}::{native} <> {{0}}"
    return _Way(stage=list_of(decimal(digits, scale)), read=_checked(one, native, misfit))
