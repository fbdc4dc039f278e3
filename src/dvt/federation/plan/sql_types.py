"""Types of staged columns in SQLGlot, for the analysis and for casts."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.core.types import StageType
from dvt.federation.plan.dialects import STAGE_TYPES


def sql_type(type_: StageType) -> exp.DataType:
    """Return SQLGlot's type; UNKNOWN if it has none."""
    try:
        return exp.DataType.build(str(type_), dialect=STAGE_TYPES)
    except (SqlglotError, ValueError):
        return exp.DataType.build("UNKNOWN")
