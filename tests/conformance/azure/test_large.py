"""Buckets of Azure with many, with large and with odd objects, on Azurite, an emulator."""

from __future__ import annotations

import pytest

from dvt.buckets.azure import bucket as azure_bucket
from tests.conformance.object_stores import MB, ManyObjectsSuite
from tests.stores.measure import measure_stream
from tests.stores.objects import put, read

pytestmark = pytest.mark.slow


@pytest.fixture
def container(server, make):
    """The container of the bucket, by the library."""
    with server.client(make.name) as client:
        yield client


def test_a_gigabyte_streams_both_ways_in_little_memory(server, make):
    measured = measure_stream("azure", server.settings(make.name), 1024)
    assert measured.is_same
    assert measured.megabytes < 300, measured


def test_objects_are_listed_by_pages_and_deleted_by_batches(bucket, behind, store, monkeypatch):
    monkeypatch.setattr(azure_bucket, "_PAGE", 100)
    keys = [f"run/{number:04}" for number in range(350)]
    for key in [*keys, "other/x"]:
        put(bucket, key)
    assert [key for key, _ in behind.list("run")] == keys
    assert len([seen for seen in store.seen if "comp=list" in seen]) == 4
    behind.delete("run")
    assert list(behind.list("")) == [("other/x", 1)]
    assert len([seen for seen in store.seen if "comp=batch" in seen]) == 6


def test_every_object_has_a_checksum_of_all_its_bytes(bucket, container):
    put(bucket, "small")
    put(bucket, "large", bytes(20 * MB))
    bucket.put_once("once", b"x")
    checksums = [blob.content_settings.content_md5 for blob in container.list_blobs()]
    assert len([checksum for checksum in checksums if checksum]) == 3


def test_a_blob_with_snapshots_is_deleted(bucket, container):
    put(bucket, "run/x")
    container.get_blob_client("run/x").create_snapshot()
    bucket.delete("run")
    assert list(container.list_blobs(include=["snapshots"])) == []


def test_folders_of_stores_that_have_them_are_no_objects_and_go_last(bucket, container):
    """ADLS Gen2 lists them as blobs; Azurite has none."""
    for folder in ("run", "run/deep"):
        container.upload_blob(folder, b"", metadata={"hdi_isfolder": "true"})
    put(bucket, "run/deep/x")
    assert list(bucket.list("")) == [("run/deep/x", 1)]
    bucket.delete("run")
    assert [blob.name for blob in container.list_blobs()] == ["run"]


def test_a_name_is_in_the_store_as_a_store_can_hold_it(bucket, container):
    names = ("a\\b", "a/b", "tab\there", "bell\x07", "dot.", "100%", "a␛5Cb")
    for name in names:
        put(bucket, f"run/{name}", name.encode())
    assert {key for key, _ in bucket.list("run")} == {f"run/{name}" for name in names}
    for name in names:
        assert read(bucket, f"run/{name}") == name.encode()
    kept = {blob.name for blob in container.list_blobs()}
    assert kept > {"run/a␛5Cb", "run/tab␛09here", "run/dot␛2E", "run/100%"}


@pytest.mark.long
class TestManyObjects(ManyObjectsSuite):
    """Azurite."""
