"""One Spark for all tests of a process: it takes ten seconds to start."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from dvt.core.ports.engines import EngineContext
from dvt.drivers.duckdb import MemoryInstance
from dvt.engines.spark import SparkEngine, SparkSettings
from tests.databases.engines import NOW


@cache
def shared_engine() -> SparkEngine:
    """Make the engine, which ends with the process."""
    scratch = Path(tempfile.mkdtemp(prefix="dvt-spark-"))
    context = EngineContext(
        run="run", scratch=scratch, duckdb=MemoryInstance(threads=2), started_at=NOW, default=False
    )
    engine = SparkEngine("spark_local", SparkSettings(master="local[2]"), context)

    def end() -> None:
        engine.close()
        shutil.rmtree(scratch, ignore_errors=True)

    atexit.register(end)
    return engine
