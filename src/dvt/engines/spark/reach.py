"""Addresses at which Spark reads and writes staged files: its own of a bucket, or copies on this machine."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dvt.core.errors import BucketUnseen
from dvt.core.ports.staging import HADOOP, Bucket, HadoopAccess, OnHadoop, Sink
from dvt.drivers.duckdb.staging import CONSUMER
from dvt.engines.spark.errors import spark_errors
from dvt.engines.spark.masters import Master

_LINE = 64
"""Bytes of a line of the file that workers look for: each is a task's."""
_TASKS_FOR_CORE = 2
"""Tasks for each core, so that each worker very likely gets one."""
_SHARE = (
    "mount the folder at the same path on every machine of the cluster, for workers that run as the same"
    " user; or stage in a bucket that they reach (`type: hdfs`, s3, azure or gcs in buckets.yml)"
)
_OTHER = "stage in another bucket (`--bucket`, or `target` in buckets.yml), or compute the model elsewhere"


class Reach:
    """How one application of Spark reaches buckets. Thread-safe."""

    def __init__(self, compute: str, master: Master) -> None:
        self._compute = compute
        self._is_local = master.is_local
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        """Addresses of the folders that workers have been seen to see."""

    def address(self, bucket: Bucket, key: str) -> str:
        """Return the address at which Spark reads an object."""
        return _explicit(bucket.uri_for(self._consumer(bucket), key))

    @contextmanager
    def writing(self, bucket: Bucket, key: str) -> Iterator[str]:
        """Yield the address at which Spark writes a folder of objects."""
        with bucket.writing(self._consumer(bucket), key) as address:
            yield _explicit(address)

    def is_counted(self, bucket: Bucket) -> bool:
        """Return whether Spark's own number of rows is to be compared with what is in a bucket.

        A worker that does not see the same folder writes into one of its own, without an error.
        """
        return not self._is_local and self._access(bucket).on_disk

    def check(self, session: Any, sink: Sink) -> None:
        """Raise BucketUnseen for a folder that workers do not see; they are asked once."""
        bucket = sink.location.bucket
        if not self.is_counted(bucket):
            return
        with self._lock:
            if bucket.address not in self._seen:
                folder = f"{sink.location.prefix}/for-workers"
                try:
                    self._look(session, bucket, f"{folder}/marker")
                finally:
                    bucket.delete(folder)
                self._seen.add(bucket.address)

    def _look(self, session: Any, bucket: Bucket, key: str) -> None:
        """Have many tasks at once read a file that this machine has just written."""
        tasks = _TASKS_FOR_CORE * int(session.sparkContext.defaultParallelism)
        bucket.put(key, io.BytesIO((b"x" * (_LINE - 1) + b"\n") * tasks))
        for setting in ("maxPartitionBytes", "openCostInBytes"):
            session.conf.set(f"spark.sql.files.{setting}", str(_LINE))
        try:
            lines = session.read.text(self.address(bucket, key)).filter("length(value) > 0").count()
        except spark_errors() as error:
            if "FILE_NOT_EXIST" not in str(error) and "ermission denied" not in str(error):
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

    def _consumer(self, bucket: Bucket) -> str:
        if self._is_local:
            return CONSUMER
        if HADOOP not in bucket.consumers:
            problem = "Hadoop has no way to it"
            raise BucketUnseen(self._compute, bucket.address, problem, _OTHER)
        return HADOOP

    @staticmethod
    def _access(bucket: Bucket) -> HadoopAccess:
        return bucket.hadoop() if isinstance(bucket, OnHadoop) else HadoopAccess()


def _explicit(address: str) -> str:
    # Hadoop takes a path without a scheme for one of its default file system, which may be HDFS.
    return f"file:{address}" if address.startswith("/") else address
