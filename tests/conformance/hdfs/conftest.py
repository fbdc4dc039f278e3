"""A bucket of HDFS, on a real name node and data node."""

from __future__ import annotations

import pytest

from dvt.buckets.hdfs import HDFSBucket
from dvt.core.ports.staging import BucketContext
from tests.conformance.object_stores import bucket

__all__ = ["bucket"]


@pytest.fixture
def server(stores):
    return stores("hdfs")


@pytest.fixture
def make(server, tmp_path):
    """Makes buckets, also through a port that is not the name node's; all are in one folder."""
    folder = server.new_bucket()

    def bucket(port=server.port, **overrides):
        settings = {**server.settings(folder), "path": f"hdfs://127.0.0.1:{port}{folder}", **overrides}
        return HDFSBucket("lake", settings, BucketContext(project_dir=tmp_path))

    bucket.name = folder
    return bucket
