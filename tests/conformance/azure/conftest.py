"""A bucket of Azurite, an emulator of Azure Blob Storage, and what stands between."""

from __future__ import annotations

import pytest

from dvt.buckets.azure import AzureBucket
from tests.conformance.object_stores import behind, bucket, maker, store

__all__ = ["behind", "bucket", "store"]


@pytest.fixture
def server(stores):
    return stores("azurite")


@pytest.fixture
def make(server, tmp_path):
    return maker(AzureBucket, server, tmp_path)
