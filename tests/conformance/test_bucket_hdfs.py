"""The bucket of HDFS keeps every bucket's promises, on a real name node and data node."""

from __future__ import annotations

import pytest

from dvt.buckets.hdfs import HDFSBucket
from dvt.core.ports.staging import BucketContext
from dvt.staging.local_copies import LocalCopies
from dvt.testing.suites import BucketSuite, LocalConsumerSuite

pytestmark = pytest.mark.slow


class TestHDFSBucket(BucketSuite):
    """All of a store's bucket."""

    many_at_once = 64

    @pytest.fixture
    def bucket(self, stores, tmp_path):
        server = stores("hdfs")
        context = BucketContext(project_dir=tmp_path)
        return HDFSBucket("lake", server.settings(server.new_bucket()), context)


class TestHDFSBucketThroughLocalCopies(BucketSuite, LocalConsumerSuite):
    """A folder of a store's bucket, as DuckDB reads and writes it."""

    many_at_once = 64

    @pytest.fixture
    def bucket(self, stores, tmp_path):
        server = stores("hdfs")
        settings = server.settings(server.new_bucket(), prefix="of several/ünï %2F")
        context = BucketContext(project_dir=tmp_path)
        return LocalCopies(HDFSBucket("lake", settings, context), "duckdb", tmp_path / "scratch")
