"""The bucket of S3 keeps every bucket's promises, on a real MinIO."""

from __future__ import annotations

import pytest

from dvt.buckets.s3 import S3Bucket
from dvt.core.ports.staging import BucketContext
from dvt.staging.local_copies import LocalCopies
from dvt.testing.suites import BucketSuite, LocalConsumerSuite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(stores, tmp_path_factory):
    """The client of all buckets here: a quarter of a second of work, and no part of what is tested."""
    settings = stores("minio").settings("any")
    return S3Bucket("lake", settings, BucketContext(project_dir=tmp_path_factory.mktemp("project")))._client


@pytest.fixture
def make(stores, client, tmp_path):
    def bucket(**overrides):
        minio = stores("minio")
        settings = minio.settings(minio.new_bucket(), **overrides)
        made = S3Bucket("lake", settings, BucketContext(project_dir=tmp_path))
        made._made = client
        return made

    return bucket


class TestS3Bucket(BucketSuite):
    """All of a store's bucket."""

    @pytest.fixture
    def bucket(self, make):
        return make()


class TestS3BucketThroughLocalCopies(BucketSuite, LocalConsumerSuite):
    """A folder of a store's bucket, as DuckDB reads and writes it."""

    @pytest.fixture
    def bucket(self, make, tmp_path):
        return LocalCopies(make(prefix="of several/ünï %2F"), "duckdb", tmp_path / "scratch")
