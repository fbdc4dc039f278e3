"""A bucket of a real MinIO, and what stands between."""

from __future__ import annotations

import pytest

from dvt.buckets.s3 import S3Bucket
from tests.conformance.object_stores import behind, bucket, maker, store

__all__ = ["behind", "bucket", "store"]


@pytest.fixture
def minio(stores):
    return stores("minio")


@pytest.fixture
def server(minio):
    return minio


@pytest.fixture
def make(minio, tmp_path):
    return maker(S3Bucket, minio, tmp_path)


@pytest.fixture
def unfinished(minio, make):
    """Returns the uploads in parts that are neither complete nor aborted."""
    return lambda: minio.client().list_multipart_uploads(Bucket=make.name).get("Uploads", [])
