"""Spark's workers read and write buckets by themselves: HDFS, MinIO, Azurite and fake-gcs-server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dvt.buckets.azure import AzureBucket
from dvt.buckets.gcs import GCSBucket
from dvt.buckets.hdfs import HDFSBucket
from dvt.buckets.s3 import S3Bucket
from dvt.core.errors import BucketUnseen, ConnectorJarMissing
from dvt.core.libraries import SPARK, jar_folder, libraries
from dvt.core.ports.staging import HADOOP, BucketContext
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT
from dvt.drivers.duckdb.staging import CONSUMER, scan, write
from dvt.engines.spark.jars import own_hadoop
from dvt.staging.in_folder import InFolder
from dvt.staging.local_copies import LocalCopies
from dvt.testing.engines import EngineBench
from dvt.testing.memory_bucket import InMemoryBucket
from tests.acceptance.spark_bench import SMALL, make_bench
from tests.stores import azurite, fake_gcs, hdfs, minio
from tests.stores.programs import program
from tests.stores.spark import spark_cluster

pytestmark = [
    pytest.mark.slow,
    # Py4J leaves the socket of a thread that has ended to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

STORES = {
    "hdfs": (hdfs.hdfs, HDFSBucket, "no secret"),
    "s3": (minio.minio, S3Bucket, minio.PASSWORD),
    "azure": (azurite.azurite, AzureBucket, azurite.KEY),
    "gcs": (fake_gcs.fake_gcs, GCSBucket, "no secret"),
}
"""Type of bucket → server, class, and what nobody may read."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="module")
def cluster():
    with spark_cluster(workers=1) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def engine(cluster, folder):
    """An engine on a cluster, with the jars of all stores, that writes all that happens into a log."""
    jars = [
        str(jar) for store in ("s3", "azure", "gcs") for jar in program(f"spark-{store}", "lib").iterdir()
    ]
    (folder / "events").mkdir()
    log = {
        "spark.eventLog.enabled": True,
        "spark.eventLog.compress": False,
        "spark.eventLog.rolling.enabled": False,
        "spark.eventLog.dir": f"file:{folder / 'events'}",
    }
    with make_bench(folder, cluster.url, config={**SMALL, **log}, jars=jars) as bench:
        yield bench.engine


@contextmanager
def new_bucket(kind: str, scratch: Path) -> Iterator[LocalCopies]:
    """Make a bucket as a run has it: in a project's folder, with copies for DuckDB."""
    serve, class_, _ = STORES[kind]
    with serve() as server:
        context = BucketContext(project_dir=scratch)
        bucket = class_("store", server.settings(server.new_bucket()), context)
        yield LocalCopies(InFolder(bucket, "pro ject"), CONSUMER, scratch / "copies")


@pytest.mark.parametrize(
    "kind",
    [
        "hdfs",
        "s3",
        pytest.param("azure", marks=pytest.mark.long),
        pytest.param("gcs", marks=pytest.mark.long),
    ],
)
def test_workers_read_and_write_a_bucket_in_a_store(engine, cluster, folder, tmp_path, kind):
    with new_bucket(kind, tmp_path) as bucket:
        bench = EngineBench(engine, bucket)
        cursor = engine._context.duckdb.cursor()
        column, sink = StageColumn("n", BIGINT), bench.sink()
        for first in (0, 10):
            write(cursor, f"SELECT i AS n FROM range({first}, {first + 5}) r(i)", sink, [column])
        staged = sink.commit((column,), 10)
        answer = bench.run("SELECT n + 1 AS n FROM t WHERE n > 2", column, t=staged)
        assert engine._reach._ways[bucket.address].consumer == HADOOP
        assert cursor.execute(f"SELECT sum(n), count(*) FROM ({scan(answer)})").fetchone() == (74, 7)
        assert bench.value("SELECT SUM(n) AS v FROM t", BIGINT, t=answer) == "74"
        nothing = bench.run("SELECT n FROM t WHERE n > 100", column, t=answer)
        assert (nothing.rows, nothing.keys) == (0, ())
        keys = [key for key, _ in bucket.list(answer.at.prefix)]
        assert sorted([*answer.keys, f"{answer.at.prefix}/_committed.json"]) == keys
        bucket.delete("run")
        assert list(bucket.list("")) == []
    secret = STORES[kind][2]
    logs = [*folder.rglob("*"), *cluster.folder.rglob("std*"), cluster.folder / "log"]
    texts = [log.read_text(errors="replace") for log in logs if log.is_file()]
    assert any("SparkListenerSQLExecutionStart" in text for text in texts)
    assert not [text for text in texts if secret in text]


@pytest.mark.long
def test_without_its_jar_a_store_is_an_error_that_names_the_jar(cluster, tmp_path):
    """On this machine copies do."""
    with new_bucket("s3", tmp_path) as bucket:
        (tmp_path / "far").mkdir()
        with make_bench(tmp_path / "far", cluster.url) as bench:
            bench.bucket = bucket
            with pytest.raises(ConnectorJarMissing, match=r"hadoop-aws:3\.\d\.\d is missing") as caught:
                bench.numbers(1)
            assert "`jars: [org.apache.hadoop:hadoop-aws:3." in caught.value.hint
            bench.bucket = LocalCopies(InMemoryBucket(), CONSUMER, tmp_path / "memory")
            with pytest.raises(BucketUnseen, match="Hadoop has no way to it"):
                bench.numbers(1)
        (tmp_path / "near").mkdir()
        with make_bench(tmp_path / "near", "local[2]") as bench:
            bench.bucket = bucket
            assert bench.value("SELECT SUM(n) AS v FROM t", BIGINT, t=bench.numbers(3)) == "6"
            assert bench.engine._reach._ways[bucket.address].consumer == CONSUMER


@pytest.mark.long
def test_jars_that_sync_has_installed_are_taken_without_naming_them(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for store, kind in (("azure", AzureBucket), ("gcs", GCSBucket)):
        installed = jar_folder(kind.hadoop_jar.format(hadoop=own_hadoop()), libraries() / SPARK)
        installed.parent.mkdir(parents=True, exist_ok=True)
        installed.symlink_to(program(f"spark-{store}", "lib"))
    jars = (AzureBucket.hadoop_jar, GCSBucket.hadoop_jar)
    with (
        new_bucket("azure", tmp_path) as bucket,
        make_bench(tmp_path, cluster.url, hadoop_jars=jars) as bench,
    ):
        bench.bucket = bucket
        assert bench.value("SELECT SUM(n) AS v FROM t", BIGINT, t=bench.numbers(3)) == "6"
        assert bench.engine._reach._ways[bucket.address].consumer == HADOOP
