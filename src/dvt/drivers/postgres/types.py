"""Maps PostgreSQL's types to stage types, and says how values are read.

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

_MAX_DIGITS = 38
_SCALE = 18
_TOO_LATE = "294247-01-01"
"""First timestamp that is refused: the scanner wraps around ten days later."""


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
class _TypeMapping:
    """How values of one type are read and staged; `{0}` is the column."""

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
_PACKED: Mapping[str, _TypeMapping] = {
    "json": _TypeMapping(stage=JSON, read="{0}::text"),
    "jsonb": _TypeMapping(stage=JSON, read="{0}::text"),
    "interval": _TypeMapping(stage=INTERVAL, read="{0}::interval"),
    "timetz": _TypeMapping(stage=TIMETZ, read="{0}::timetz"),
}

_LIST_ELEMENTS = _PLAIN.keys() - {"time", "bytea", "char", "oid"}


def column(described: Described) -> Column:
    """Return how a column is read and staged."""
    mapping = _mapping(described)
    return Column(
        name=described.name,
        native=described.native,
        stage=mapping.stage,
        exact=mapping.exact,
        read=mapping.read,
        unpack=mapping.unpack,
        loses=mapping.loses,
    )


def _mapping(described: Described) -> _TypeMapping:
    if described.kind in _PLAIN:
        native, stage, exact = _PLAIN[described.kind]
        return _TypeMapping(stage=stage, read=f"{{0}}::{native}", exact=exact)
    if described.kind in _PACKED:
        return _PACKED[described.kind]
    if described.kind in _TIMES:
        return _timestamp(described)
    if described.kind == "numeric":
        return _numeric(described)
    return _list(described) if described.kind.startswith("_") else _text(described)


def _text(described: Described) -> _TypeMapping:
    if described.category == "e":
        return _TypeMapping(stage=VARCHAR, read="{0}::text")
    return _TypeMapping(
        stage=VARCHAR, read="{0}::text", loses=f"the type {described.native}; it becomes text"
    )


def _checked(described: Described, native: str, refused: str, value: str = "{0}") -> str:
    """`value`, unless the condition `refused` holds: then the query ends with the column's name."""
    message = literal(f"{MARK}|{described.name}|").replace("{", "{{").replace("}", "}}")
    return f"CASE WHEN {refused} THEN ({message} || {{0}}::text)::{native} ELSE {value}::{native} END"


def _timestamp(described: Described) -> _TypeMapping:
    native, stage = _TIMES[described.kind]
    late = f"{{0}} >= '{_TOO_LATE}' AND {{0}} <> 'infinity'"
    return _TypeMapping(
        stage=stage, read=_checked(described, native, late), exact=described.kind == "timestamp"
    )


def _numeric(described: Described) -> _TypeMapping:
    if described.typmod < 0:
        digits, scale = _MAX_DIGITS, _SCALE
        return _TypeMapping(stage=decimal(digits, scale), read=_fitting(described, digits, scale))
    precision, declared = _declared(described.typmod)
    scale = max(declared, 0)
    digits = max(precision - min(declared, 0), declared)
    if digits > _MAX_DIGITS:
        scale = scale if scale <= _SCALE else max(_SCALE, min(scale, _MAX_DIGITS - (precision - declared)))
        scale = min(scale, _MAX_DIGITS)
        return _TypeMapping(stage=decimal(_MAX_DIGITS, scale), read=_fitting(described, _MAX_DIGITS, scale))
    native = f"numeric({digits},{scale})"
    return _TypeMapping(
        stage=decimal(digits, scale),
        read=_checked(described, native, "{0} = 'NaN'"),
        exact=0 <= declared <= precision,
    )


def _fitting(described: Described, digits: int, scale: int) -> str:
    """Return SQL that sends numeric(digits,scale) if that changes nothing; NaN and infinity fail `< 10^n`."""
    limit = f"1e{digits - scale}"
    misfit = f"NOT (abs({{0}}) < {limit} AND (scale({{0}}) <= {scale} OR {{0}} = round({{0}}, {scale})))"
    return _checked(described, f"numeric({digits},{scale})", misfit)


def _declared(typmod: int) -> tuple[int, int]:
    """Return precision and scale; since PostgreSQL 15 a scale may be negative or above the precision."""
    packed = typmod - 4
    return (packed >> 16) & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024


def _list(described: Described) -> _TypeMapping:
    """Map an array to a list if its elements are exact, otherwise to text."""
    kind = described.kind.removeprefix("_")
    odd = "array_ndims({0}) > 1 OR array_lower({0}, 1) <> 1"
    if kind in _LIST_ELEMENTS:
        native, stage, _ = _PLAIN[kind]
        return _TypeMapping(stage=list_of(stage), read=_checked(described, f"{native}[]", odd))
    if kind in _TIMES:
        native, stage = _TIMES[kind]
        late = (
            f"{odd} OR EXISTS (SELECT FROM unnest({{0}}) AS e WHERE e >= '{_TOO_LATE}' AND e <> 'infinity')"
        )
        return _TypeMapping(stage=list_of(stage), read=_checked(described, f"{native}[]", late))
    if kind == "numeric":
        return _numbers(described, odd)
    return _text(described)


def _numbers(described: Described, odd: str) -> _TypeMapping:
    digits, scale = _MAX_DIGITS, _SCALE
    if described.typmod >= 0:
        digits, scale = _declared(described.typmod)
    if not (0 <= scale <= digits <= _MAX_DIGITS):
        return _text(described)
    native = f"numeric({digits},{scale})[]"
    misfit = f"{odd} OR 'NaN' = ANY ({{0}}) OR {{0}}::{native} <> {{0}}"
    return _TypeMapping(stage=list_of(decimal(digits, scale)), read=_checked(described, native, misfit))
