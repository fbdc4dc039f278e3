"""DuckDB: the run's in-memory instance, one handle per database file, extensions from wheels."""

from __future__ import annotations

from dvt.drivers.duckdb.errors import as_dvt_errors, reason, refusal, translate
from dvt.drivers.duckdb.extensions import load_extension
from dvt.drivers.duckdb.files import FILES, DatabaseFiles
from dvt.drivers.duckdb.memory import MemoryInstance, empty_instance, machine_memory

__all__ = [
    "FILES",
    "DatabaseFiles",
    "MemoryInstance",
    "as_dvt_errors",
    "empty_instance",
    "load_extension",
    "machine_memory",
    "reason",
    "refusal",
    "translate",
]
