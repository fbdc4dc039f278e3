"""S3 buckets outlive a store and a network that fail for a while, and tell what lasts."""

from __future__ import annotations

import os

import pytest

from dvt.buckets.s3 import client as s3_client
from dvt.core.errors import (
    BucketBusy,
    BucketFailed,
    BucketRefused,
    BucketUnreachable,
    ObjectDamaged,
)
from tests.conformance.object_stores import MB, NetworkSuite
from tests.stores.objects import put, read

pytestmark = pytest.mark.slow

BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
THROTTLED = b"<Error><Code>TooManyRequests</Code><Message>Reduce your rate.</Message></Error>"
"""As Cloudflare's R2 says it, with status 429."""


@pytest.fixture
def few_attempts(monkeypatch):
    monkeypatch.setattr(s3_client, "_ATTEMPTS", 3)


@pytest.mark.parametrize("method", ["PUT", "GET"])
@pytest.mark.parametrize(("status", "body"), [(503, BUSY), (500, b""), (429, THROTTLED)])
def test_a_store_that_is_busy_for_a_while_is_asked_again(behind, store, method, status, body):
    put(behind, "run/x", b"one")
    busy = store.add(method, "run/x", times=2, status=status, body=body)
    put(behind, "run/x", b"two")
    assert read(behind, "run/x") == b"two"
    assert busy.times == 0


@pytest.mark.usefixtures("few_attempts")
@pytest.mark.parametrize(("status", "body", "words"), [(503, BUSY, "SlowDown"), (429, THROTTLED, "TooMany")])
def test_a_store_that_stays_busy_is_an_error(behind, store, status, body, words):
    store.add("PUT", "run/x", times=99, status=status, body=body)
    with pytest.raises(BucketBusy, match=f"'lake'.*putting 'run/x'.*{words}") as error:
        put(behind, "run/x")
    assert error.value.transient


def test_a_busy_store_in_the_midst_of_parts_is_asked_again(behind, store, unfinished):
    store.add("PUT", "partNumber=2", times=2, status=503, body=BUSY)
    store.add("POST", "uploadId=", times=1, status=500, body=b"")
    put(behind, "run/x", os.urandom(20 * MB))
    assert unfinished() == []
    assert [size for _, size in behind.list("run")] == [20 * MB]


def test_what_is_left_of_a_batch_is_deleted_again(behind, store):
    for number in range(3):
        put(behind, f"run/{number}")
    left = b"<DeleteResult><Error><Key>run/1</Key><Code>SlowDown</Code></Error></DeleteResult>"
    answer = store.add("POST", "delete", status=200, body=left)
    behind.delete("run")
    assert answer.times == 0
    assert [seen for seen in store.seen if "delete" in seen][1:]


def test_a_connection_that_breaks_is_read_on_over_another(behind, store):
    content = os.urandom(9 * MB)
    put(behind, "run/x", content)
    cuts = [store.add("GET", "run/x", cut_after=size) for size in (4 * MB, 10, 0)]
    assert read(behind, "run/x") == content
    assert all(cut.times == 0 for cut in cuts)


def test_an_object_that_is_replaced_while_a_connection_breaks_is_not_mixed(behind, store):
    put(behind, "run/x", b"1" * 9 * MB)
    store.add("GET", "run/x", cut_after=4 * MB)
    with behind.get("run/x") as data:
        data.read(MB)
        put(behind, "run/x", b"2" * 9 * MB)
        with pytest.raises(BucketFailed, match=r"reading 'run/x'.*replaced"):
            data.read()


def test_a_connection_that_always_breaks_is_an_error(behind, store, monkeypatch):
    monkeypatch.setattr("dvt.drivers.objects.reader.wait", lambda failures: None)
    put(behind, "run/x", os.urandom(MB))
    store.add("GET", "run/x", times=99, cut_after=0)
    with pytest.raises(BucketUnreachable, match="reading 'run/x'"):
        read(behind, "run/x")


@pytest.mark.parametrize("write", ["put", "put_once"])
def test_a_write_whose_answer_is_lost_has_happened_once(behind, store, write):
    """The store has done it, and boto3 asks again."""
    lost = store.add("PUT", "run/x", lose=True)
    put(behind, "run/x") if write == "put" else behind.put_once("run/x", b"x")
    assert lost.times == 0
    assert read(behind, "run/x") == b"x"
    with pytest.raises(FileExistsError):
        behind.put_once("run/x", b"y")


def test_parts_whose_completion_is_not_heard_of_are_complete(behind, store, unfinished):
    content = os.urandom(20 * MB)
    lost = store.add("POST", "uploadId=", lose=True)
    put(behind, "run/x", content)
    assert lost.times == 0
    assert read(behind, "run/x") == content
    assert unfinished() == []


def test_a_store_that_ignores_conditions_is_refused(behind, store):
    """It would let two runs believe that each is the only one."""
    store.add("PUT", "run/x", status=200, times=9, headers={"ETag": '"x"'})
    with pytest.raises(BucketFailed, match="If-None-Match"):
        behind.put_once("run/x", b"x")


def test_a_store_that_knows_no_checksums_takes_parts_without_one(behind, store):
    content = os.urandom(20 * MB)
    body = b"<Error><Code>NotImplemented</Code><Message>A header is not implemented</Message></Error>"
    refused = store.add("POST", "uploads", status=501, body=body)
    put(behind, "run/x", content)
    assert refused.times == 0
    assert read(behind, "run/x") == content


def test_what_a_store_does_not_implement_is_no_failure_that_passes(behind, store):
    body = b"<Error><Code>NotImplemented</Code><Message>A header is not implemented</Message></Error>"
    store.add("PUT", "run/x", status=501, body=body)
    with pytest.raises(BucketFailed, match="not implemented") as error:
        put(behind, "run/x")
    assert not error.value.transient


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


def test_a_changed_byte_is_noticed_without_the_stores_checksums(behind, store):
    put(behind, "run/x", b"x" * 1000)
    flip = store.add("GET", "run/x", flip_answered=500, drop_headers="x-amz-checksum")
    with pytest.raises(ObjectDamaged):
        read(behind, "run/x")
    assert flip.times == 0


def test_the_first_of_many_errors_of_a_deletion_is_raised_and_the_rest_is_gone(behind, store):
    for number in range(3):
        put(behind, f"run/{number}")
    refused = b"<DeleteResult><Error><Key>run/1</Key><Code>AccessDenied</Code></Error></DeleteResult>"
    store.add("POST", "delete", status=200, body=refused)
    with pytest.raises(BucketRefused) as error:
        behind.delete("run")
    assert "s3:DeleteObject" in error.value.hint


class TestNetwork(NetworkSuite):
    """A real MinIO."""
