"""What every bucket promises (`dvt.core.ports.staging.Bucket`)."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from dvt.core.ports.staging import Bucket
from dvt.testing.suites.suite import Suite

ODD_NAMES = (
    "two words",
    " ",
    "ünï😀",
    "per%20cent%",
    "a+b=c&d?e#f",
    "it's",
    'quo"te',
    "back\\slash",
    "line\nbreak",
    "-",
    "~",
    "$HOME",
    "{0}",
    "x" * 200,
)
"""Names in a key that something between dvt and a store may take for something else."""
OUTSIDE = (".", "..", "run/..", "../other", "/tmp")
"""Keys that are no place inside a bucket."""
LARGE = 50 * 2**20
"""Bytes of the largest object here."""
MOST_AT_ONCE = 16 * 2**20
"""Bytes that a bucket may ask of a stream at once."""
WRITERS = 8
"""Threads that write one key at once."""


class BucketSuite(Suite):
    """Tests of a bucket. A subclass has a fixture `bucket`, which is an empty one for each test."""

    many_at_once = WRITERS
    """Threads that put many objects; more where the store takes long for one."""

    def test_an_object_is_created_and_read(self, bucket: Bucket) -> None:
        bucket.put_once("run/x", b"one")
        assert _read(bucket, "run/x") == b"one"

    def test_an_object_that_is_there_is_not_created_again(self, bucket: Bucket) -> None:
        bucket.put_once("run/x", b"one")
        with pytest.raises(FileExistsError):
            bucket.put_once("run/x", b"two")
        assert _read(bucket, "run/x") == b"one"
        assert list(bucket.list("run")) == [("run/x", 3)]

    def test_an_object_that_was_put_is_not_created_again(self, bucket: Bucket) -> None:
        _put(bucket, "run/x", b"one")
        with pytest.raises(FileExistsError):
            bucket.put_once("run/x", b"two")
        assert _read(bucket, "run/x") == b"one"

    def test_an_object_that_was_deleted_is_created_again(self, bucket: Bucket) -> None:
        bucket.put_once("run/x", b"one")
        bucket.delete("run")
        bucket.put_once("run/x", b"two")
        assert _read(bucket, "run/x") == b"two"

    def test_of_many_that_create_an_object_at_once_one_succeeds(self, bucket: Bucket) -> None:
        for attempt in range(10):
            key = f"run/{attempt}"
            created = _at_once(bucket, key)
            assert [_read(bucket, key)] == created

    def test_an_object_is_replaced_whole(self, bucket: Bucket) -> None:
        _put(bucket, "run/x", b"a long one")
        _put(bucket, "run/x", b"two")
        assert _read(bucket, "run/x") == b"two"
        assert list(bucket.list("run")) == [("run/x", 3)]

    def test_an_empty_object_is_an_object(self, bucket: Bucket) -> None:
        _put(bucket, "run/x", b"")
        bucket.put_once("run/y", b"")
        assert _read(bucket, "run/x") == _read(bucket, "run/y") == b""
        assert list(bucket.list("run")) == [("run/x", 0), ("run/y", 0)]

    def test_an_object_that_is_not_there_is_not_found(self, bucket: Bucket) -> None:
        _put(bucket, "run/deep/x", b"x")
        for key in ("run/nothing", "nothing/x"):
            with pytest.raises(FileNotFoundError):
                bucket.get(key)

    def test_a_reader_is_not_disturbed_by_a_writer(self, bucket: Bucket) -> None:
        _put(bucket, "run/x", b"one" * 1000)
        with bucket.get("run/x") as data:
            beginning = data.read(1)
            _put(bucket, "run/x", b"two" * 1000)
            assert beginning + data.read() == b"one" * 1000

    def test_objects_are_listed_in_the_order_of_their_keys_with_their_bytes(self, bucket: Bucket) -> None:
        for key in ("run/b", "run/a/2", "run/Z", "run2/x", "run/a/1", "run/a.b", "ru"):
            _put(bucket, key, key.encode())
        keys = ["run/Z", "run/a.b", "run/a/1", "run/a/2", "run/b"]
        assert list(bucket.list("run")) == [(key, len(key)) for key in keys]
        assert [key for key, _ in bucket.list("")] == ["ru", *keys, "run2/x"]

    def test_the_time_of_an_object_is_that_of_its_last_put(self, bucket: Bucket) -> None:
        _put(bucket, "run/x", b"one")
        (first,) = bucket.objects("run")
        assert first.modified.utcoffset() is not None
        time.sleep(1.1)  # some stores keep whole seconds
        _put(bucket, "run/x", b"three")
        bucket.put_once("run/y", b"one")
        x, y = bucket.objects("run")
        assert ([*x[:2]], [*y[:2]]) == (["run/x", 5], ["run/y", 3])
        assert first.modified < x.modified <= y.modified
        assert x.modified - first.modified < timedelta(minutes=5)

    def test_many_objects_are_listed(self, bucket: Bucket) -> None:
        """More than the stores of this world give in one answer."""
        keys = [f"run/{number:05}" for number in range(2_100)]
        with ThreadPoolExecutor(self.many_at_once) as pool:
            list(pool.map(lambda key: bucket.put_once(key, b"x"), keys))
        assert [key for key, _ in bucket.list("run")] == keys
        bucket.delete("run")
        assert list(bucket.list("run")) == []

    def test_a_folder_where_nothing_is_is_empty(self, bucket: Bucket) -> None:
        assert list(bucket.list("nothing")) == []
        assert list(bucket.list("")) == []

    def test_a_prefix_is_a_folder_not_the_beginning_of_names(self, bucket: Bucket) -> None:
        for key in ("a/x", "ab/x", "a.b", "deep/a/x"):
            _put(bucket, key, b"x")
        assert [key for key, _ in bucket.list("a")] == ["a/x"]
        bucket.delete("a")
        bucket.delete("a")
        assert [key for key, _ in bucket.list("")] == ["a.b", "ab/x", "deep/a/x"]

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_a_key_comes_and_goes_exactly_as_it_is(self, bucket: Bucket, name: str) -> None:
        _put(bucket, f"run/{name}/{name}", b"1")
        bucket.put_once(f"run/{name}/x", b"2")
        assert [key for key, _ in bucket.list("run")] == sorted([f"run/{name}/{name}", f"run/{name}/x"])
        assert _read(bucket, f"run/{name}/{name}") == b"1"
        bucket.delete(f"run/{name}")
        assert list(bucket.list("run")) == []

    def test_keys_that_differ_are_different_objects(self, bucket: Bucket) -> None:
        for name in ODD_NAMES:
            _put(bucket, f"run/{name}", name.encode())
        assert [_read(bucket, f"run/{name}").decode() for name in ODD_NAMES] == list(ODD_NAMES)

    def test_a_large_object_is_streamed(self, bucket: Bucket) -> None:
        stream = _Stream(LARGE)
        bucket.put("run/large", cast(BinaryIO, stream))
        assert list(bucket.list("run")) == [("run/large", LARGE)]
        digest, size = hashlib.sha256(), 0
        with bucket.get("run/large") as data:
            while piece := data.read(2**20):
                digest.update(piece)
                size += len(piece)
        assert (size, digest.digest()) == (LARGE, stream.digest.digest())

    def test_a_stream_that_fails_leaves_nothing(self, bucket: Bucket) -> None:
        with pytest.raises(_StreamBroke):
            bucket.put("run/x", cast(BinaryIO, _Stream(20 * 2**20, breaks_at=12 * 2**20)))
        assert list(bucket.list("")) == []
        with pytest.raises(FileNotFoundError):
            bucket.get("run/x")

    def test_a_stream_that_fails_leaves_what_was_there(self, bucket: Bucket) -> None:
        _put(bucket, "run/x", b"one")
        with pytest.raises(_StreamBroke):
            bucket.put("run/x", cast(BinaryIO, _Stream(20 * 2**20, breaks_at=12 * 2**20)))
        assert _read(bucket, "run/x") == b"one"
        assert list(bucket.list("")) == [("run/x", 3)]

    @pytest.mark.parametrize("key", ["", *OUTSIDE])
    def test_what_is_no_place_inside_is_refused(self, bucket: Bucket, key: str) -> None:
        _put(bucket, "run/x", b"x")
        with pytest.raises(ValueError, match="inside"):
            bucket.delete(key)
        with pytest.raises(ValueError, match="inside"):
            bucket.put_once(key, b"y")
        with pytest.raises(ValueError, match="inside"):
            _put(bucket, key, b"y")
        with pytest.raises(ValueError, match="inside"):
            bucket.get(key)
        assert list(bucket.list("")) == [("run/x", 1)]

    @pytest.mark.parametrize("prefix", OUTSIDE)
    def test_only_what_is_inside_is_listed(self, bucket: Bucket, prefix: str) -> None:
        with pytest.raises(ValueError, match="inside"):
            list(bucket.list(prefix))

    @pytest.mark.parametrize("consumer", ["nobody", ""])
    def test_a_consumer_that_cannot_reach_it_is_refused(self, bucket: Bucket, consumer: str) -> None:
        assert consumer not in bucket.consumers
        with pytest.raises(ValueError, match="cannot reach"):
            bucket.uri_for(consumer, "run/x")
        with pytest.raises(ValueError, match="cannot reach"), bucket.writing(consumer, "run/x"):
            pass

    def test_the_address_is_a_name_for_records(self, bucket: Bucket) -> None:
        assert bucket.address == bucket.address != ""
        assert "\n" not in bucket.address


class LocalConsumerSuite(Suite):
    """Further tests of a bucket that a program of this machine reaches by paths.

    A subclass has the fixture `bucket` and, where it is another than DuckDB, names the `consumer`.
    """

    consumer = "duckdb"

    def test_a_file_that_a_consumer_writes_is_an_object(self, bucket: Bucket) -> None:
        with bucket.writing(self.consumer, "run/part") as uri:
            Path(uri).write_bytes(b"rows")
        assert list(bucket.list("run")) == [("run/part", 4)]
        assert _read(bucket, "run/part") == b"rows"
        assert Path(bucket.uri_for(self.consumer, "run/part")).read_bytes() == b"rows"

    def test_files_that_a_consumer_names_are_objects_in_the_folder(self, bucket: Bucket) -> None:
        with bucket.writing(self.consumer, "run/folder") as uri:
            Path(uri, "deep").mkdir(parents=True)
            Path(uri, "named-by-its-writer").write_bytes(b"1")
            Path(uri, "deep", "er").write_bytes(b"22")
        assert list(bucket.list("run")) == [("run/folder/deep/er", 2), ("run/folder/named-by-its-writer", 1)]
        assert _read(bucket, "run/folder/deep/er") == b"22"

    def test_an_object_that_was_put_is_read_by_a_consumer(self, bucket: Bucket) -> None:
        for content in (b"old", b"new"):
            _put(bucket, "run/x", content)
            assert Path(bucket.uri_for(self.consumer, "run/x")).read_bytes() == content

    def test_an_object_with_an_odd_name_is_read_by_a_consumer(self, bucket: Bucket) -> None:
        for name in ODD_NAMES:
            _put(bucket, f"run/{name}", name.encode())
            assert Path(bucket.uri_for(self.consumer, f"run/{name}")).read_bytes() == name.encode()

    @pytest.mark.parametrize("key", ["../x", "run/../../x", "/tmp/x"])
    def test_a_consumer_is_sent_nowhere_else(self, bucket: Bucket, key: str) -> None:
        with pytest.raises(ValueError, match="inside"):
            bucket.uri_for(self.consumer, key)
        with pytest.raises(ValueError, match="inside"), bucket.writing(self.consumer, key):
            pass


class _StreamBroke(Exception):
    """The end of a stream that fails half-way."""


class _Stream:
    """A stream of so many bytes, made as they are read; nobody can have all of it at once."""

    def __init__(self, size: int, breaks_at: int | None = None) -> None:
        self.digest = hashlib.sha256()
        self._size = size
        self._breaks_at = breaks_at
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        assert 0 < size <= MOST_AT_ONCE, f"{size} bytes of a stream were asked for at once"
        if self._breaks_at is not None and self._position >= self._breaks_at:
            raise _StreamBroke
        number = self._position // 7
        piece = number.to_bytes(8, "big") * (min(size, self._size - self._position) // 8 + 1)
        piece = piece[: min(size, self._size - self._position)]
        self._position += len(piece)
        self.digest.update(piece)
        return piece


def _put(bucket: Bucket, key: str, content: bytes) -> None:
    bucket.put(key, io.BytesIO(content))


def _read(bucket: Bucket, key: str) -> bytes:
    with bucket.get(key) as data:
        return data.read()


def _at_once(bucket: Bucket, key: str) -> list[bytes]:
    """What was created by those of several writers who were not told that the object is there."""
    barrier = threading.Barrier(WRITERS)
    created: list[bytes] = []

    def create(number: int) -> None:
        barrier.wait()
        try:
            bucket.put_once(key, str(number).encode())
        except FileExistsError:
            return
        created.append(str(number).encode())

    threads = [threading.Thread(target=create, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return created
