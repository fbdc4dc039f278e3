"""A folder of this machine holds as many and as large objects as a store; its other tests are unit tests."""

from __future__ import annotations

import pytest

from tests.conformance.object_stores import ManyObjectsSuite
from tests.local_bucket import local_bucket
from tests.stores.measure import measure_stream

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(tmp_path):
    return local_bucket(tmp_path / "bucket")


def test_a_gigabyte_streams_both_ways_in_little_memory(tmp_path):
    measured = measure_stream("filesystem", {"path": str(tmp_path / "bucket")}, 1024)
    assert measured.is_same
    assert measured.megabytes < 300, measured


class TestManyObjects(ManyObjectsSuite):
    """A file system."""
