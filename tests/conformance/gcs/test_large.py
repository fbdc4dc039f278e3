"""Buckets of Google Cloud Storage with many and with large objects, on an emulator."""

from __future__ import annotations

import pytest

from tests.conformance.object_stores import ManyObjectsSuite
from tests.stores.measure import measure_stream
from tests.stores.objects import put

pytestmark = pytest.mark.slow


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("megabytes", [192, pytest.param(1024, marks=pytest.mark.long)])
def test_a_large_object_streams_both_ways_in_little_memory(server, make, megabytes):
    """A gigabyte takes the emulator minutes: it copies all that it has with each piece."""
    measured = measure_stream("gcs", server.settings(make.name), megabytes)
    assert measured.is_same
    assert measured.megabytes < 300, measured


def test_a_line_break_in_a_key_is_no_line_break_in_a_name(server, make, bucket):
    keys = ["run/a\nb", "run/a\rb", "run/a␛0Ab", "run/a␛␛0Ab", "run/␛"]
    for key in keys:
        put(bucket, key, key.encode())
    assert {key for key, _ in bucket.list("run")} == set(keys)
    for key in keys:
        with bucket.get(key) as data:
            assert data.read() == key.encode()
    names = [blob.name for blob in server.client().list_blobs(make.name)]
    assert not [name for name in names if {"\n", "\r"} & set(name)]


@pytest.mark.long
class TestManyObjects(ManyObjectsSuite):
    """The emulator."""
