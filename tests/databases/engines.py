"""Engines for tests, made as a run makes them."""

from __future__ import annotations

from pathlib import Path

from dvt.core.ports.connectors import Instance
from dvt.core.ports.engines import EngineContext
from dvt.engines.duckdb import DuckDBEngine, DuckDBSettings


def default_engine(instance: Instance) -> DuckDBEngine:
    """Make DuckDB in this instance, as the run's default compute."""
    context = EngineContext(run="run", scratch=Path("unused"), duckdb=instance, default=True)
    return DuckDBEngine("duckdb", DuckDBSettings(), context)
