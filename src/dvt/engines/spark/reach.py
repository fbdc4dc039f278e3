"""Addresses at which Spark reads and writes staged files: its own of a bucket, or copies on this machine."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from dvt.core.errors import BucketUnseen, DvtError
from dvt.core.ports.staging import HADOOP, Bucket, HadoopAccess, OnHadoop, Sink
from dvt.drivers.duckdb.staging import CONSUMER
from dvt.engines.spark.errors import spark_errors

_LINE = 64
"""Bytes of a line of the file that workers look for: each is a task's."""
_TASKS_FOR_CORE = 2
"""Tasks for each core, so that each worker very likely gets one."""
_SHARE = (
    "mount the folder at the same path on every machine of the cluster, for workers that run as the same"
    " user; or stage in a bucket that they reach (`type: hdfs`, s3, azure or gcs in buckets.yml)"
)
_CHECKED = "org.apache.hadoop.fs.LocalFileSystem"
"""Hadoop's own file system, in whose files S3A and ABFS buffer what they write."""
_RAW = "org.apache.hadoop.fs.RawLocalFileSystem"
"""The same without a hidden file of checksums beside each file: for files that are staged."""
_UNSEEN = ("FILE_NOT_EXIST", "PATH_NOT_FOUND", "ermission denied")
"""What errors of a file have that a process does not see."""
_OTHER = "stage in another bucket (`--bucket`, or `target` in buckets.yml), or compute the model elsewhere"


class Spark(Protocol):
    """What is asked of Spark to reach buckets."""

    @property
    def parallelism(self) -> int:
        """How many tasks run at once."""

    @property
    def may_have_secrets(self) -> bool:
        """Whether credentials may be sent to it."""

    def obstacle(self, bucket: str, access: HadoopAccess) -> DvtError | None:
        """Return why it cannot reach a bucket; None if it can."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How Spark reaches a bucket."""

    consumer: str
    access: HadoopAccess


class Reach:
    """How one application of Spark reaches buckets. Thread-safe."""

    def __init__(self, compute: str, *, is_local: bool) -> None:
        self._compute = compute
        self._is_local = is_local
        self._lock = threading.Lock()
        self._ways: dict[str, _Way] = {}
        """By addresses of buckets."""
        self._seen: set[str] = set()
        """Addresses of the folders that workers have been seen to see."""

    def open(self, application: Spark, session: Any, *buckets: Bucket) -> None:
        """Let a session read buckets, and write into the last; BucketUnseen or ConnectorJarMissing."""
        for bucket in buckets:
            with self._lock:
                way = self._ways.get(bucket.address) or self._found(application, bucket)
                self._ways[bucket.address] = way
            if application.may_have_secrets:
                for key, value in way.access.settings.items():
                    session.conf.set(key, value)
            session.conf.set("fs.file.impl.disable.cache", "true")
            session.conf.set("fs.file.impl", _RAW if self._is_in_files(way) else _CHECKED)

    def address(self, bucket: Bucket, key: str) -> str:
        """Return the address at which Spark reads an object of a bucket that is open."""
        return _explicit(bucket.uri_for(self._ways[bucket.address].consumer, key))

    @contextmanager
    def writing(self, bucket: Bucket, key: str) -> Iterator[str]:
        """Yield the address at which Spark writes a folder of objects."""
        with bucket.writing(self._ways[bucket.address].consumer, key) as address:
            yield _explicit(address)

    def is_counted(self, bucket: Bucket) -> bool:
        """Return whether Spark's own number of rows is to be compared with what is in a bucket.

        A worker that does not see the same folder writes into one of its own, without an error.
        """
        return not self._is_local and self._ways[bucket.address].access.on_disk

    def check(self, application: Spark, session: Any, sink: Sink) -> None:
        """Raise BucketUnseen for a folder that workers do not see; they are asked once."""
        bucket = sink.location.bucket
        if not self.is_counted(bucket):
            return
        with self._lock:
            if bucket.address not in self._seen:
                folder = f"{sink.location.prefix}/for-workers"
                try:
                    self._look(application, session, bucket, f"{folder}/marker")
                finally:
                    bucket.delete(folder)
                self._seen.add(bucket.address)

    @staticmethod
    def _is_in_files(way: _Way) -> bool:
        return way.consumer == CONSUMER or way.access.on_disk

    def _found(self, application: Spark, bucket: Bucket) -> _Way:
        """Return the way to a bucket: Spark's own if it has one, and copies where there is no cluster."""
        access = _access(bucket)
        failure = self._failure(application, bucket, access)
        if failure is None:
            return _Way(HADOOP, access)
        if self._is_local and CONSUMER in bucket.consumers:
            return _Way(CONSUMER, HadoopAccess())
        raise failure

    def _failure(self, application: Spark, bucket: Bucket, access: HadoopAccess) -> DvtError | None:
        """Return why Spark itself cannot reach a bucket; None if it can."""
        if access.problem:
            return BucketUnseen(self._compute, bucket.address, access.problem, _OTHER)
        return application.obstacle(bucket.address, access)

    def _look(self, application: Spark, session: Any, bucket: Bucket, key: str) -> None:
        """Have many tasks at once read a file that this machine has just written."""
        tasks = _TASKS_FOR_CORE * application.parallelism
        bucket.put(key, io.BytesIO((b"x" * (_LINE - 1) + b"\n") * tasks))
        for setting in ("maxPartitionBytes", "openCostInBytes"):
            session.conf.set(f"spark.sql.files.{setting}", str(_LINE))
        try:
            lines = session.read.text(self.address(bucket, key)).filter("length(value) > 0").count()
        except spark_errors() as error:
            if not any(text in str(error) for text in _UNSEEN):
                raise
            lines = 0
        finally:
            for setting in ("maxPartitionBytes", "openCostInBytes"):
                session.conf.unset(f"spark.sql.files.{setting}")
        if lines != tasks:
            raise self.unseen(bucket)

    def unseen(self, bucket: Bucket) -> BucketUnseen:
        """Return the error of a folder that not all workers see."""
        problem = "a worker does not find a file in it that this machine has written"
        return BucketUnseen(self._compute, bucket.address, problem, _SHARE)


def _access(bucket: Bucket) -> HadoopAccess:
    if HADOOP in bucket.consumers and isinstance(bucket, OnHadoop):
        return bucket.hadoop()
    return HadoopAccess(problem="Hadoop has no way to it")


def _explicit(address: str) -> str:
    # Hadoop takes a path without a scheme for one of its default file system, which may be HDFS.
    return f"file:{address}" if address.startswith("/") else address
