"""S3 buckets with many and with large objects."""

from __future__ import annotations

import base64
import io
import os
import zlib

import pytest

from dvt.buckets.s3 import uploads
from tests.conformance.object_stores import MB, ManyObjectsSuite
from tests.stores.measure import measure_stream
from tests.stores.objects import put, read

pytestmark = pytest.mark.slow


def test_a_gigabyte_streams_both_ways_in_little_memory(minio, make):
    measured = measure_stream("s3", minio.settings(make.name), 1024)
    assert measured.is_same
    assert measured.megabytes < 300, measured


def test_names_that_xml_cannot_write_are_deleted(bucket):
    keys = ["run/\x01", "run/\x0b/x", "run/a\rb", "run/a\tb", "run/plain"]
    for key in keys:
        put(bucket, key)
    assert [key for key, _ in bucket.list("run")] == sorted(keys)
    bucket.delete("run")
    assert list(bucket.list("")) == []


def test_an_upload_that_fails_leaves_no_parts(unfinished, bucket):
    class Breaks(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 30 * MB:
                raise KeyError("the stream broke")
            return super().read(size)

    with pytest.raises(KeyError, match="broke"):
        bucket.put("run/x", Breaks(bytes(40 * MB)))
    assert unfinished() == []
    assert list(bucket.list("")) == []


@pytest.mark.parametrize("size", [0, 10, 20 * MB])
def test_the_store_keeps_the_checksum_of_all_of_an_object(minio, make, bucket, size):
    """Over TLS requests are not signed as a whole, so that only checksums show what has changed."""
    content = os.urandom(size)
    put(bucket, "run/x", content)
    head = minio.client().head_object(Bucket=make.name, Key="run/x", ChecksumMode="ENABLED")
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert base64.b64decode(head["ChecksumCRC32"]) == zlib.crc32(content).to_bytes(4, "big")
    assert read(bucket, "run/x") == content


def test_parts_of_a_file_are_as_large_as_its_length_asks_for(monkeypatch):
    monkeypatch.setattr(uploads, "_MOST_PARTS", 3)
    assert uploads._part_size(io.BytesIO(bytes(25 * MB))) == -(-25 * MB // 3)
    assert uploads._part_size(io.BytesIO(bytes(5))) == uploads.PART


class TestManyObjects(ManyObjectsSuite):
    """A real MinIO."""
