"""Encoding of each type in Parquet: one table, for extracted and for computed columns.

Measured with DuckDB 1.5.5: Parquet turns HUGEINT into DOUBLE, cuts an INTERVAL to milliseconds and refuses
negative ones, moves TIMETZ to UTC, gives a GEOMETRY other coordinates or none, and has no word for ENUM,
BIT, BIGNUM, TIME_NS and UNION: values of these are held as text. An ARRAY is held as a list, a TIMESTAMP_S
or TIMESTAMP_MS as a TIMESTAMP. Whoever writes a staged dataset casts each value to the column's type, then
to the type in the file; whoever reads one casts each column to its type, so that it has its own again.

    >>> encoding(StageType.parse("MAP(ENUM('a'), TIMESTAMP_S[])"))
    Encoding(stage=MAP(ENUM('a'), TIMESTAMP_S[]), file=MAP(VARCHAR, TIMESTAMP[]), loses=None)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dvt.core.types import INTEGER, TIMESTAMP, VARCHAR, Kind, StageType, list_of


@dataclass(frozen=True, slots=True)
class Encoding:
    """The staged form of values of one type."""

    stage: StageType
    """The type of the staged column, which values have again when they are read."""
    file: StageType
    """The type of the column in the Parquet file."""
    loses: str | None = None
    """What `stage` cannot hold of the values (DVT002), else None."""


@dataclass(frozen=True, slots=True)
class _Row:
    stage: StageType | None = None
    """None: the type itself."""
    file: StageType | None = None
    """None: the same as `stage`."""
    loses: str | None = None


_AS_TEXT = _Row(file=VARCHAR)
_AS_IS = _Row()
_TABLE: Mapping[Kind, _Row] = {
    Kind.HUGEINT: _AS_TEXT,
    Kind.UHUGEINT: _AS_TEXT,
    Kind.BIGNUM: _AS_TEXT,
    Kind.ENUM: _AS_TEXT,
    Kind.BIT: _AS_TEXT,
    Kind.TIME_NS: _AS_TEXT,
    Kind.TIMETZ: _AS_TEXT,
    Kind.INTERVAL: _AS_TEXT,
    Kind.GEOMETRY: _AS_TEXT,
    Kind.TIMESTAMP_S: _Row(file=TIMESTAMP),
    Kind.TIMESTAMP_MS: _Row(file=TIMESTAMP),
    Kind.NULL: _Row(stage=INTEGER),
    Kind.UNION: _Row(stage=VARCHAR, loses="which member of the union a value is; it becomes text"),
}
"""Kinds that Parquet does not hold as they are → how they are staged."""


def encoding(type_: StageType) -> Encoding:
    """Return how values of a type are staged; parts of a nested type are encoded as their own types."""
    row = _TABLE.get(type_.kind, _AS_IS)
    if not type_.parts or row is not _AS_IS:
        stage = row.stage or type_
        return Encoding(stage, row.file or stage, row.loses)
    inner = [(part.name, encoding(part.type).loses) for part in type_.parts]
    lost = [f"in {name}: {loses}" for name, loses in inner if loses]
    in_file = list_of(type_.element) if type_.kind is Kind.ARRAY else type_
    return Encoding(
        type_.with_parts(lambda part: encoding(part).stage),
        in_file.with_parts(lambda part: encoding(part).file),
        "; ".join(lost) or None,
    )
