"""DuckDB: the run's in-memory instance, one handle per database file, extensions from wheels."""

from __future__ import annotations

from dvt.drivers.duckdb.errors import reason, refusal, translate, translated
from dvt.drivers.duckdb.extensions import load_extension
from dvt.drivers.duckdb.files import FILES, DatabaseFiles
from dvt.drivers.duckdb.folding import FOLDINGS, define_foldings
from dvt.drivers.duckdb.memory import MemoryInstance, machine_memory

__all__ = [
    "FILES",
    "FOLDINGS",
    "DatabaseFiles",
    "MemoryInstance",
    "define_foldings",
    "load_extension",
    "machine_memory",
    "reason",
    "refusal",
    "translate",
    "translated",
]
