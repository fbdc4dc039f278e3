"""An engine of Spark on the bench, for tests with clusters and stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvt.core.ports.engines import EngineContext
from dvt.drivers.duckdb import MemoryInstance
from dvt.engines.spark import SparkEngine, SparkSettings
from dvt.testing.engines import EngineBench
from tests.databases.engines import NOW
from tests.local_bucket import local_bucket

SMALL: Mapping[str, Any] = {
    "spark.executor.memory": "512m",
    "spark.sql.shuffle.partitions": 4,
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.hadoop.fs.s3a.secret.key": "hush-hush",
    "spark.excludeOnFailure.enabled": False,
}
"""Settings of Spark for small data and few cores."""


@contextmanager
def make_bench(
    folder: Path,
    master: str | None,
    bucket: Path | None = None,
    *,
    config: Mapping[str, Any] = SMALL,
    hadoop_jars: Sequence[str] = (),
    **keys: Any,
) -> Iterator[EngineBench]:
    """Make an engine of Spark, and close it; without a bucket it stages in the folder."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    context = EngineContext(
        run="run",
        scratch=scratch,
        duckdb=MemoryInstance(threads=2),
        started_at=NOW,
        default=False,
        hadoop_jars=hadoop_jars,
    )
    keys |= {"config": dict(config), **({"master": master} if master else {})}
    engine = SparkEngine("cluster", SparkSettings(**keys), context)
    try:
        yield EngineBench(engine, local_bucket(bucket or folder / "bucket"))
    finally:
        engine.close()
