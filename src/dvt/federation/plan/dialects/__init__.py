"""Facts of dialects: of each by itself, and of each in an engine's SQL."""

from __future__ import annotations

from dvt.core.registry import Registry
from dvt.federation.plan.dialects.duckdb.expressions import DIALECT as DUCKDB
from dvt.federation.plan.dialects.languages import Language, language
from dvt.federation.plan.dialects.translation import EngineDialect, Entry, Status, Translation

__all__ = [
    "ENGINE_DIALECTS", "STAGE_TYPES", "EngineDialect", "Entry", "Language", "Status", "Translation",
    "engine_dialect", "is_translated", "language",
]  # fmt: skip

STAGE_TYPES = DUCKDB
"""The dialect in which the types of staged columns are spelled, whatever engine reads them."""
ENGINE_DIALECTS = Registry(
    "dvt.engine_dialects",
    {
        DUCKDB: "dvt.federation.plan.dialects.duckdb:ENGINE_DIALECT",
        "spark": "dvt.federation.plan.dialects.spark:ENGINE_DIALECT",
    },
)
"""SQLGlot's name of an engine's SQL → dotted path of its `EngineDialect`."""


def engine_dialect(engine: str) -> EngineDialect:
    """Return the facts of an engine's SQL, by its dialect; for an unlisted one, nothing is verified."""
    if engine not in ENGINE_DIALECTS:
        return EngineDialect()
    facts: EngineDialect = ENGINE_DIALECTS.load(engine)
    return facts


def is_translated(engine: str, dialect: str, *, is_proven: bool) -> bool:
    """Return whether an engine computes models in a dialect, some constructs of which are proven or not."""
    if dialect == engine:
        return True
    return engine in ENGINE_DIALECTS and (is_proven or not engine_dialect(engine).only_proven)
