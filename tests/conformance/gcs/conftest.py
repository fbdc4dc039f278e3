"""A bucket of an emulator of Google Cloud Storage, and what stands between."""

from __future__ import annotations

import pytest

from dvt.buckets.gcs import GCSBucket
from dvt.core.ports.staging import BucketContext
from tests.stores.faults import faulty


@pytest.fixture
def server(stores):
    return stores("fake_gcs")


@pytest.fixture
def make(server, tmp_path):
    """Makes buckets; all are of one store's bucket."""
    name = server.new_bucket()

    def bucket(**overrides):
        settings = {**server.settings(name), **overrides}
        return GCSBucket("lake", settings, BucketContext(project_dir=tmp_path))

    bucket.name = name
    return bucket


@pytest.fixture
def bucket(make):
    return make()


@pytest.fixture
def store(server):
    """A proxy before the store."""
    with faulty(server.port) as store:
        yield store


@pytest.fixture
def behind(make, store):
    """The bucket, reached through the proxy."""
    return make(endpoint=f"http://127.0.0.1:{store.port}")
