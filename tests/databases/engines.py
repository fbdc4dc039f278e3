"""Engines for tests, made as a run makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from dvt.core.ports.connectors import Instance
from dvt.core.ports.engines import EngineContext
from dvt.engines.duckdb import DuckDBEngine, DuckDBSettings

NOW = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
"""When the runs of tests started."""


def default_engine(instance: Instance) -> DuckDBEngine:
    """Make DuckDB in this instance, as the run's default compute."""
    context = EngineContext(run="run", scratch=Path("unused"), duckdb=instance, started_at=NOW, default=True)
    return DuckDBEngine("duckdb", DuckDBSettings(), context)
