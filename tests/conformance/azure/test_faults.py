"""Buckets of Azure outlive failures that pass, and tell of those that last; on Azurite, an emulator."""

from __future__ import annotations

import os

import pytest

from dvt.buckets.azure import bucket as azure_bucket
from dvt.buckets.azure import client as azure_client
from dvt.core.errors import BucketBusy, BucketFailed, BucketUnreachable, ObjectDamaged
from tests.conformance.object_stores import MB, NetworkSuite
from tests.databases.proxy import proxy
from tests.stores.objects import put, read

pytestmark = pytest.mark.slow

BUSY = {"x-ms-error-code": "ServerBusy"}
BLOCK, COMMIT, BATCH = "comp=block&", "comp=blocklist", "comp=batch"
"""Parts of queries: of a block, of the list that makes blocks a blob, and of deletes."""


@pytest.fixture
def few_attempts(monkeypatch):
    monkeypatch.setattr(azure_client, "_ATTEMPTS", 3)


@pytest.mark.parametrize(("method", "path"), [("PUT", "run/x"), ("GET", "run/x"), ("GET", "comp=list")])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_store_that_is_busy_for_a_while_is_asked_again(behind, store, method, path, status):
    busy = store.add(method, path, times=2, status=status, headers=BUSY)
    put(behind, "run/x", b"one")
    assert read(behind, "run/x") == b"one"
    assert list(behind.list("run")) == [("run/x", 3)]
    assert busy.times == 0


@pytest.mark.usefixtures("few_attempts")
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_store_that_stays_busy_is_an_error(behind, store, status):
    store.add("PUT", "run/x", times=99, status=status, headers=BUSY)
    with pytest.raises(BucketBusy, match=r"'lake'.*putting 'run/x'.*ServerBusy") as error:
        put(behind, "run/x")
    assert error.value.transient


def test_a_busy_store_in_the_midst_of_blocks_is_asked_again(behind, store):
    content = os.urandom(20 * MB)
    faults = [
        store.add("PUT", BLOCK, times=2, status=503, headers=BUSY),
        store.add("PUT", COMMIT, times=1, status=500),
        store.add("PUT", COMMIT, times=1, status=429, headers=BUSY),
    ]
    put(behind, "run/x", content)
    assert not [fault for fault in faults if fault.times]
    assert read(behind, "run/x") == content


def test_a_busy_store_deletes_later(behind, store):
    for number in range(3):
        put(behind, f"run/{number}")
    busy = [store.add("POST", BATCH, status=status, headers=BUSY) for status in (503, 429)]
    behind.delete("run")
    assert not [fault for fault in busy if fault.times]
    assert list(behind.list("")) == []


def test_a_connection_that_breaks_is_read_on_over_another(behind, store):
    content = os.urandom(17 * MB)
    put(behind, "run/x", content)
    cuts = [store.add("GET", "run/x", cut_after=size) for size in (3 * MB, 10)]
    assert read(behind, "run/x") == content
    assert not [cut for cut in cuts if cut.times]


@pytest.mark.usefixtures("few_attempts")
def test_a_connection_that_always_breaks_is_an_error(behind, store):
    put(behind, "run/x", os.urandom(MB))
    store.add("GET", "run/x", times=99, cut_after=0)
    with pytest.raises(BucketUnreachable, match="reading 'run/x'"):
        read(behind, "run/x")


def test_an_object_that_is_replaced_while_it_is_read_is_not_mixed(bucket):
    put(bucket, "run/x", b"1" * 20 * MB)
    with bucket.get("run/x") as data:
        data.read(MB)
        put(bucket, "run/x", b"2" * 20 * MB)
        with pytest.raises(BucketFailed, match=r"reading 'run/x'.*replaced"):
            data.read()


@pytest.mark.parametrize("write", ["put", "put_once"])
def test_a_write_whose_answer_is_lost_has_happened_once(behind, store, write):
    """The store has done it, and the library asks again."""
    lost = store.add("PUT", "run/x", lose=True)
    put(behind, "run/x") if write == "put" else behind.put_once("run/x", b"x")
    assert lost.times == 0
    assert read(behind, "run/x") == b"x"
    with pytest.raises(FileExistsError):
        behind.put_once("run/x", b"y")


def test_an_object_of_another_writer_is_not_taken_for_ones_own(behind, store, bucket):
    """The request is lost, not its answer, and meanwhile somebody else creates the object."""
    bucket.put_once("run/x", b"theirs")
    store.add("PUT", "run/x", status=500)
    with pytest.raises(FileExistsError):
        behind.put_once("run/x", b"ours")
    assert read(behind, "run/x") == b"theirs"


def test_blocks_whose_commit_is_not_heard_of_are_committed(behind, store):
    content = os.urandom(20 * MB)
    lost = store.add("PUT", COMMIT, lose=True)
    put(behind, "run/x", content)
    assert lost.times == 0
    assert read(behind, "run/x") == content


@pytest.mark.parametrize("size", [1000, 20 * MB])
def test_a_byte_that_changes_on_its_way_to_the_store_is_noticed(behind, store, size):
    flip = store.add("PUT", "run/x", flip_sent=500, least=500)
    with pytest.raises(ObjectDamaged, match="putting 'run/x'"):
        put(behind, "run/x", os.urandom(size))
    assert flip.times == 0
    assert list(behind.list("run")) == []


@pytest.mark.parametrize("size", [1000, 20 * MB])
def test_a_byte_that_changes_on_its_way_from_the_store_is_noticed(behind, store, size):
    put(behind, "run/x", os.urandom(size))
    flip = store.add("GET", "run/x", flip_answered=500)
    with behind.get("run/x") as data, pytest.raises(ObjectDamaged, match="reading 'run/x'"):
        list(iter(lambda: data.read(100_000), b""))
    assert flip.times == 0


def test_an_object_of_another_program_is_read_and_its_ranges_checked(behind, store, server, make):
    """It may have no checksum of all its bytes."""
    from azure.storage.blob import BlobBlock

    content = os.urandom(9 * MB)
    with server.client(make.name).get_blob_client("run/x") as blob:
        blob.stage_block("eA==", content)
        blob.commit_block_list([BlobBlock("eA==")])
    assert read(behind, "run/x") == content
    flip = store.add("GET", "run/x", times=2, flip_answered=500)  # the first answer is not used
    with pytest.raises(ObjectDamaged, match="reading 'run/x'"):
        read(behind, "run/x")
    assert flip.times == 0


def test_a_store_that_freezes_in_the_midst_of_a_stream_is_an_error(make, server):
    with proxy(server.port) as between:
        bucket = make(endpoint=f"http://127.0.0.1:{between.port}", timeout=4)
        between.freeze_after(20 * MB, "to_server")
        with pytest.raises(BucketUnreachable, match=r"putting 'run/x'.*timeout"):
            put(bucket, "run/x", bytes(40 * MB))
        between.thaw()
        assert list(bucket.list("")) == []


def test_all_of_a_folder_is_tried_where_some_cannot_be_deleted(bucket, server, make, monkeypatch):
    """A lease is somebody's who reads or copies the blob."""
    monkeypatch.setattr(azure_bucket, "_DELETES_IN_REQUEST", 2)
    for number in range(15):
        put(bucket, f"run/{number:03}")
    with server.client(make.name).get_blob_client("run/005") as blob:
        lease = blob.acquire_lease()
        with pytest.raises(BucketFailed, match=r"deleting in 'run'.*Lease"):
            bucket.delete("run")
        assert [key for key, _ in bucket.list("")] == ["run/005"]
        lease.release()
    bucket.delete("run")
    assert list(bucket.list("")) == []


class TestNetwork(NetworkSuite):
    """Azurite."""
