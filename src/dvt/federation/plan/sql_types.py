"""Types of staged columns in SQLGlot, for the analysis and for casts."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from dvt.core.types import StageType
from dvt.federation.plan.data_types import data_type
from dvt.federation.plan.dialects import STAGE_TYPES


def sql_type(type_: StageType) -> exp.DataType:
    """Return SQLGlot's type; UNKNOWN if it has none."""
    try:
        return data_type(str(type_), STAGE_TYPES)
    except (SqlglotError, ValueError):
        return data_type("UNKNOWN")
