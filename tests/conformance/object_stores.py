"""What is alike in the tests of every object store: its fixtures, and what it promises over a bad network.

A package of tests has a conftest with `server` and `make`, which imports the other fixtures from here.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dvt.core.errors import BucketUnreachable
from dvt.core.ports.staging import BucketContext
from tests.databases.ports import free_port
from tests.databases.proxy import proxy, silent_port
from tests.stores.faults import faulty
from tests.stores.objects import put, read

MB = 2**20


def maker(bucket_class, server, folder):
    """Return a function that makes buckets with other settings; all are of one new bucket of the server."""
    name = server.new_bucket()

    def bucket(**overrides):
        settings = {**server.settings(name), **overrides}
        return bucket_class("lake", settings, BucketContext(project_dir=folder))

    bucket.name = name
    return bucket


@pytest.fixture
def bucket(make):
    return make()


@pytest.fixture
def store(server):
    """A proxy before the store."""
    with faulty(server.port) as store:
        yield store


@pytest.fixture
def behind(make, store):
    """The bucket, reached through the proxy."""
    return make(endpoint=f"http://127.0.0.1:{store.port}")


class NetworkSuite:
    """Tests of a store that does not answer."""

    def test_a_frozen_store_is_an_error_within_the_timeout(self, make, server):
        with proxy(server.port) as between:
            bucket = make(endpoint=f"http://127.0.0.1:{between.port}", timeout=3)
            put(bucket, "run/x", bytes(9 * MB))
            between.stall()
            with pytest.raises(BucketUnreachable, match=r"putting 'run/y'.*timeout"):
                put(bucket, "run/y")
            between.thaw()
            put(bucket, "run/y")
            between.freeze_after(4 * MB, "to_client")
            with pytest.raises(BucketUnreachable, match=r"reading 'run/x'.*timeout"):
                read(bucket, "run/x")

    def test_a_silent_store_is_an_error_within_the_timeout(self, make):
        with silent_port() as port:
            bucket = make(endpoint=f"http://127.0.0.1:{port}", timeout=6)
            start = time.monotonic()
            with pytest.raises(BucketUnreachable, match=r"listing ''.*timeout"):
                list(bucket.list(""))
            assert time.monotonic() - start < 15

    def test_a_store_that_is_not_there_is_an_error(self, make):
        bucket = make(endpoint=f"http://127.0.0.1:{free_port()}", timeout=3)
        with pytest.raises(BucketUnreachable, match=r"'lake'.*listing ''.*refused"):
            list(bucket.list(""))


class ManyObjectsSuite:
    """Tests of a bucket with more objects than a store lists and deletes at once."""

    many_at_once = 8
    """Threads that put them."""

    def test_five_thousand_objects_come_and_go(self, bucket):
        keys = [f"run/{number:04}" for number in range(5_000)]
        with ThreadPoolExecutor(self.many_at_once) as pool:
            list(pool.map(lambda key: put(bucket, key), keys))
        put(bucket, "other/x")
        assert [key for key, _ in bucket.list("run")] == keys
        bucket.delete("run")
        assert list(bucket.list("")) == [("other/x", 1)]
