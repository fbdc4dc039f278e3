"""A bucket of an emulator of Google Cloud Storage, and what stands between."""

from __future__ import annotations

import pytest

from dvt.buckets.gcs import GCSBucket
from tests.conformance.object_stores import behind, bucket, maker, store

__all__ = ["behind", "bucket", "store"]


@pytest.fixture
def server(stores):
    return stores("fake_gcs")


@pytest.fixture
def make(server, tmp_path):
    return maker(GCSBucket, server, tmp_path)
