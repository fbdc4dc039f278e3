"""Kinds of staged columns that Spark has as they are, so that a translated model may read them."""

from __future__ import annotations

from dvt.core.types import Kind

HELD = frozenset(
    {
        *(Kind.BOOLEAN, Kind.TINYINT, Kind.SMALLINT, Kind.INTEGER, Kind.BIGINT, Kind.DECIMAL, Kind.FLOAT),
        *(Kind.DOUBLE, Kind.VARCHAR, Kind.BLOB, Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_S),
        *(Kind.TIMESTAMP_MS, Kind.TIMESTAMPTZ),
    }
)
"""A text in the place of JSON, or a number in that of a smaller unsigned one, would be another type than the
model's dialect gives."""
