"""The bucket of Google Cloud Storage keeps every bucket's promises, on an emulator: fake-gcs-server."""

from __future__ import annotations

import pytest

from dvt.buckets.gcs import GCSBucket
from dvt.core.ports.staging import BucketContext
from dvt.staging.local_copies import LocalCopies
from dvt.testing.suites import BucketSuite, LocalConsumerSuite

pytestmark = pytest.mark.slow


class TestGCSBucket(BucketSuite):
    """All of a store's bucket."""

    @pytest.fixture
    def bucket(self, stores, tmp_path):
        server = stores("fake_gcs")
        context = BucketContext(project_dir=tmp_path)
        return GCSBucket("lake", server.settings(server.new_bucket()), context)


class TestGCSBucketThroughLocalCopies(BucketSuite, LocalConsumerSuite):
    """A folder of a store's bucket, as DuckDB reads and writes it."""

    @pytest.fixture
    def bucket(self, stores, tmp_path):
        server = stores("fake_gcs")
        settings = server.settings(server.new_bucket(), prefix="of several/ünï %2F")
        context = BucketContext(project_dir=tmp_path)
        return LocalCopies(GCSBucket("lake", settings, context), "duckdb", tmp_path / "scratch")
