"""The bucket of dvt.testing keeps every bucket's promises."""

from __future__ import annotations

import pytest

from dvt.testing.memory_bucket import InMemoryBucket
from dvt.testing.suites import BucketSuite


class TestInMemoryBucket(BucketSuite):
    @pytest.fixture
    def bucket(self):
        return InMemoryBucket()
