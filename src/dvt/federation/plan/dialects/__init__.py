"""What is known of dialects: of each by itself, and of each in an engine's SQL."""

from __future__ import annotations

from dvt.core.registry import Registry
from dvt.federation.plan.dialects.duckdb.expressions import DIALECT as DUCKDB
from dvt.federation.plan.dialects.languages import Language, language
from dvt.federation.plan.dialects.translation import EngineDialect, Entry, Status, Translation

__all__ = [
    "ENGINE_DIALECTS", "STAGE_TYPES", "EngineDialect", "Entry", "Language", "Status", "Translation",
    "engine_dialect", "language",
]  # fmt: skip

STAGE_TYPES = DUCKDB
"""The dialect in which the types of staged columns are spelled, whatever engine reads them."""
ENGINE_DIALECTS = Registry(
    "dvt.engine_dialects", {DUCKDB: "dvt.federation.plan.dialects.duckdb:ENGINE_DIALECT"}
)
"""What is known of engines' SQL, by SQLGlot's name of it: an `EngineDialect` for each."""


def engine_dialect(engine: str) -> EngineDialect:
    """What is known of an engine's SQL, by its dialect; of an unlisted one, that nothing is verified."""
    if engine not in ENGINE_DIALECTS:
        return EngineDialect()
    known: EngineDialect = ENGINE_DIALECTS.load(engine)
    return known
