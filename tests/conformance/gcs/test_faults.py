"""Buckets of Google Cloud Storage outlive failures that pass, and tell of those that last; on an emulator."""

from __future__ import annotations

import os

import pytest

from dvt.core.errors import BucketBusy, BucketFailed, ObjectDamaged
from tests.conformance.object_stores import MB, NetworkSuite
from tests.stores.objects import put, read

pytestmark = [
    pytest.mark.slow,
    # The library leaves the connection of an answer that it does not read to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

BUSY = b'{"error": {"code": 503, "message": "We encountered an internal error. Please try again."}}'
UPLOAD, CHUNK, MEDIA = "/upload/", "upload_id", "alt=media"
"""Parts of paths: of uploads, of pieces of uploads, and of reading."""


@pytest.mark.parametrize(("method", "path"), [("POST", UPLOAD), ("GET", MEDIA), ("GET", "/o/run")])
@pytest.mark.parametrize("status", [429, 503])
def test_a_store_that_is_busy_for_a_while_is_asked_again(behind, store, method, path, status):
    busy = store.add(method, path, times=2, status=status, body=BUSY)
    put(behind, "run/x", b"one")
    assert read(behind, "run/x") == b"one"
    assert busy.times == 0


def test_a_store_that_stays_busy_is_an_error(make, store):
    bucket = make(endpoint=f"http://127.0.0.1:{store.port}", timeout=3)
    store.add("POST", UPLOAD, times=99, status=503, body=BUSY)
    with pytest.raises(BucketBusy, match=r"'lake'.*putting 'run/x'.*try again") as error:
        put(bucket, "run/x")
    assert error.value.transient


def test_a_busy_store_in_the_midst_of_pieces_is_asked_again(behind, store):
    content = os.urandom(20 * MB)
    busy = store.add("PUT", CHUNK, times=2, status=503, body=BUSY)
    put(behind, "run/x", content)
    assert busy.times == 0
    assert read(behind, "run/x") == content


def test_an_error_does_not_show_the_address_of_an_upload_under_way(behind, store):
    """Whoever has it can go on with the upload, without credentials."""
    store.add("PUT", CHUNK, times=9, status=410, body=b"gone")
    with pytest.raises(BucketFailed, match=r"putting 'run/x'.*410") as error:
        put(behind, "run/x", bytes(9 * MB))
    assert CHUNK in store.seen[-1]
    assert CHUNK not in str(error.value)


def test_a_busy_store_deletes_later(behind, store):
    for number in range(3):
        put(behind, f"run/{number}")
    busy = store.add("DELETE", times=2, status=503, body=BUSY)
    behind.delete("run")
    assert busy.times == 0
    assert list(behind.list("")) == []


def test_a_connection_that_breaks_is_read_on_over_another(behind, store):
    content = os.urandom(9 * MB)
    put(behind, "run/x", content)
    cuts = [store.add("GET", MEDIA, cut_after=size) for size in (4 * MB, 10, 0)]
    assert read(behind, "run/x") == content
    assert all(cut.times == 0 for cut in cuts)


def test_an_object_that_is_replaced_while_it_is_read_is_not_mixed(behind, store):
    put(behind, "run/x", b"1" * 9 * MB)
    with behind.get("run/x") as data:
        data.read(MB)
        put(behind, "run/x", b"2" * 9 * MB)
        with pytest.raises(BucketFailed, match=r"reading 'run/x'.*replaced"):
            data.read()


@pytest.mark.parametrize("write", ["put", "put_once"])
def test_a_write_whose_answer_is_lost_has_happened_once(behind, store, write):
    """The store has done it, and the library asks again."""
    lost = store.add("POST", UPLOAD, lose=True)
    put(behind, "run/x") if write == "put" else behind.put_once("run/x", b"x")
    assert lost.times == 0
    assert read(behind, "run/x") == b"x"
    with pytest.raises(FileExistsError):
        behind.put_once("run/x", b"y")


@pytest.mark.parametrize("size", [1000, 20 * MB])
def test_a_byte_that_changes_on_its_way_from_the_store_is_noticed(behind, store, size):
    put(behind, "run/x", os.urandom(size))
    flip = store.add("GET", MEDIA, flip_answered=500)
    with behind.get("run/x") as data, pytest.raises(ObjectDamaged, match="reading 'run/x'"):
        list(iter(lambda: data.read(100_000), b""))
    assert flip.times == 0


@pytest.mark.parametrize(("size", "method", "path"), [(1000, "POST", UPLOAD), (20 * MB, "PUT", CHUNK)])
def test_a_byte_that_changes_on_its_way_to_the_store_is_noticed(behind, store, size, method, path):
    flip = store.add(method, path, flip_sent=800, least=1000)
    with pytest.raises(ObjectDamaged, match="putting 'run/x'"):
        put(behind, "run/x", os.urandom(size))
    assert flip.times == 0
    assert list(behind.list("run")) == []


class TestNetwork(NetworkSuite):
    """The emulator."""
