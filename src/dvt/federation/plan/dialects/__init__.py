"""What is known of dialects: of each by itself, and of each in an engine's SQL."""

from __future__ import annotations

from collections.abc import Mapping

from dvt.federation.plan.dialects import duckdb
from dvt.federation.plan.dialects.duckdb.expressions import DIALECT as DUCKDB
from dvt.federation.plan.dialects.languages import Language, language
from dvt.federation.plan.dialects.translation import EngineDialect, Entry, Status, Translation

__all__ = [
    "STAGE_TYPES", "EngineDialect", "Entry", "Language", "Status", "Translation", "engine_dialect",
    "language",
]  # fmt: skip

STAGE_TYPES = DUCKDB
"""The dialect in which the types of staged columns are spelled, whatever engine reads them."""
_ENGINES: Mapping[str, EngineDialect] = {DUCKDB: duckdb.ENGINE_DIALECT}


def engine_dialect(engine: str) -> EngineDialect:
    """What is known of an engine's SQL, by its dialect; of an unlisted one, that nothing is verified."""
    return _ENGINES.get(engine, EngineDialect())
