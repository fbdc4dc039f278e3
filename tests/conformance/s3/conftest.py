"""A bucket of a real MinIO, and what stands between."""

from __future__ import annotations

import pytest

from dvt.buckets.s3 import S3Bucket
from dvt.core.ports.staging import BucketContext
from tests.stores.faults import faulty


@pytest.fixture
def minio(stores):
    return stores("minio")


@pytest.fixture
def make(minio, tmp_path):
    """Makes buckets; all are of one store's bucket."""
    name = minio.new_bucket()

    def bucket(**overrides):
        settings = {**minio.settings(name), **overrides}
        return S3Bucket("lake", settings, BucketContext(project_dir=tmp_path))

    bucket.name = name
    return bucket


@pytest.fixture
def bucket(make):
    return make()


@pytest.fixture
def store(minio):
    """A proxy before the store."""
    with faulty(minio.port) as store:
        yield store


@pytest.fixture
def behind(make, store):
    """The bucket, reached through the proxy."""
    return make(endpoint=f"http://127.0.0.1:{store.port}")


@pytest.fixture
def unfinished(minio, make):
    """Returns the uploads in parts that are neither complete nor aborted."""
    return lambda: minio.client().list_multipart_uploads(Bucket=make.name).get("Uploads", [])
