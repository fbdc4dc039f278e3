"""Constants that Spark evaluates, as DuckDB writes their texts."""

from __future__ import annotations

from typing import Any

from dvt.core.ports.engines import Value
from dvt.core.types import MAX_DIGITS, Kind, StageType
from dvt.engines.spark.types import stage_type

_TEXTS = {
    Kind.VARCHAR: "v",
    Kind.TIMESTAMP: "date_format(v, 'yyyy-MM-dd HH:mm:ss.SSSSSS')",
    Kind.TIMESTAMPTZ: "date_format(v, 'yyyy-MM-dd HH:mm:ss.SSSSSSXXX')",
    Kind.DATE: "date_format(v, 'yyyy-MM-dd')",
}
"""Kinds whose text is no plain cast → SQL of it."""
_YEARS = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})
_PLAIN = frozenset({Kind.BOOLEAN, Kind.DECIMAL, *(Kind.TINYINT, Kind.SMALLINT, Kind.INTEGER, Kind.BIGINT)})
"""Kinds whose text is a cast's."""


def value_of(session: Any, expression: str) -> Value | None:
    """Return an expression's type and text; None if it fails, or if its text may not be DuckDB's."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        frame = session.sql(f"SELECT ({expression}\n) AS v")
        type_ = stage_type(frame.schema[0].dataType)
        text = None if type_ is None else _text(type_)
        if type_ is None or text is None or type_.precision == MAX_DIGITS:  # Spark may have rounded it
            return None
        in_range = "year(v) BETWEEN 1 AND 9999" if type_.kind in _YEARS else "true"
        ((value, is_shown),) = frame.selectExpr(text, f"v IS NULL OR {in_range}").collect()
    except (PySparkException, Py4JJavaError):  # binding or running the whole SELECT reports the error
        return None
    return (type_, value) if is_shown else None


def _text(type_: StageType) -> str | None:
    return _TEXTS.get(type_.kind) or ("CAST(v AS STRING)" if type_.kind in _PLAIN else None)
