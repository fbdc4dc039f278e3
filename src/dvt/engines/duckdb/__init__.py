"""DuckDB as compute engine, inside dvt's own process."""

from __future__ import annotations

from dvt.engines.duckdb.engine import DuckDBEngine
from dvt.engines.duckdb.settings import DuckDBSettings

__all__ = ["DuckDBEngine", "DuckDBSettings"]
