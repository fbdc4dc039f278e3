"""The bucket of Azure keeps every bucket's promises, on an emulator: Azurite."""

from __future__ import annotations

import pytest

from dvt.buckets.azure import AzureBucket
from dvt.core.ports.staging import BucketContext
from dvt.staging.local_copies import LocalCopies
from dvt.testing.suites import BucketSuite, LocalConsumerSuite

pytestmark = pytest.mark.slow


class TestAzureBucket(BucketSuite):
    """All of a store's bucket."""

    @pytest.fixture
    def bucket(self, stores, tmp_path):
        server = stores("azurite")
        context = BucketContext(project_dir=tmp_path)
        return AzureBucket("lake", server.settings(server.new_bucket()), context)


class TestAzureBucketThroughLocalCopies(BucketSuite, LocalConsumerSuite):
    """A folder of a store's bucket, as DuckDB reads and writes it."""

    @pytest.fixture
    def bucket(self, stores, tmp_path):
        server = stores("azurite")
        settings = server.settings(server.new_bucket(), prefix="of several/ünï %2F")
        context = BucketContext(project_dir=tmp_path)
        return LocalCopies(AzureBucket("lake", settings, context), "duckdb", tmp_path / "scratch")
