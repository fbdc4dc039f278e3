"""Types of staged columns as SQLGlot has them, for the analysis and in casts."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.core.types import StageType
from dvt.federation.plan.dialects import STAGE_TYPES


def sql_type(type_: StageType) -> exp.DataType:
    """SQLGlot's type; UNKNOWN where it has none."""
    try:
        return exp.DataType.build(str(type_), dialect=STAGE_TYPES)
    except (SqlglotError, ValueError):
        return exp.DataType.build("UNKNOWN")
