"""The bucket of S3 keeps every bucket's promises, on a real MinIO."""

from __future__ import annotations

import pytest

from dvt.buckets.s3 import S3Bucket
from dvt.core.ports.staging import BucketContext
from dvt.staging.local_copies import LocalCopies
from dvt.testing.suites import BucketSuite, LocalConsumerSuite

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(stores, tmp_path):
    minio = stores("minio")
    context = BucketContext(project_dir=tmp_path)
    return S3Bucket("lake", minio.settings(minio.new_bucket()), context)


class TestS3Bucket(BucketSuite):
    """All of a store's bucket."""


class TestS3BucketThroughLocalCopies(BucketSuite, LocalConsumerSuite):
    """A folder of a store's bucket, as DuckDB reads and writes it."""

    @pytest.fixture
    def bucket(self, stores, tmp_path):
        minio = stores("minio")
        settings = minio.settings(minio.new_bucket(), prefix="of several/ünï %2F")
        context = BucketContext(project_dir=tmp_path)
        return LocalCopies(S3Bucket("lake", settings, context), "duckdb", tmp_path / "scratch")
