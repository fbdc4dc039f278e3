"""Buckets of HDFS outlive failures that pass, and tell of those that last, within their time."""

from __future__ import annotations

import gc
import os
import queue
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from dvt.buckets.hdfs import HDFSBucket
from dvt.core.errors import BucketBusy, BucketFailed, BucketUnreachable, ObjectDamaged
from dvt.core.ports.staging import BucketContext
from tests.conformance.hdfs.test_logins import PUT, errors_of
from tests.conformance.object_stores import MB
from tests.databases.ports import free_port
from tests.databases.proxy import proxy, silent_port
from tests.stores.hdfs import hdfs
from tests.stores.objects import put, read

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LIMIT = 60.0
"""Seconds after which a bucket has never given up. The mark's limit would come for nothing then: no signal
reaches a test that waits within the library."""

USES = (
    lambda bucket: put(bucket, "run/x"),
    lambda bucket: bucket.get("run/x"),
    lambda bucket: list(bucket.list("run")),
    lambda bucket: bucket.delete("run"),
    lambda bucket: bucket.put_once("run/x", b"x"),
)


def ended(use):
    """Return what a function returns; raise what it raises, or fail if it does not end."""
    outcome = queue.SimpleQueue()

    def run():
        try:
            outcome.put((use(), None))
        except Exception as error:  # noqa: BLE001  it is raised where the end is awaited
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = outcome.get(timeout=LIMIT)
    except queue.Empty:
        pytest.fail(f"it has not ended after {LIMIT} s")
    if error is not None:
        raise error
    return answer


@pytest.mark.parametrize("use", USES)
def test_a_silent_name_node_is_an_error_within_the_timeout(make, use):
    with silent_port() as port:
        start = time.monotonic()
        with pytest.raises(BucketUnreachable, match=r"'lake'.*'run.*`timeout`"):
            ended(lambda: use(make(port=port, timeout=2)))
        assert time.monotonic() - start < 20


def test_a_frozen_name_node_is_an_error_and_after_it_the_bucket_works_again(server, make):
    with proxy(server.port) as between:
        bucket = make(port=between.port, timeout=3)
        put(bucket, "run/x", b"one")
        between.stall()
        with pytest.raises(BucketUnreachable, match=r"putting 'run/y'.*`timeout`"):
            ended(lambda: put(bucket, "run/y"))
        between.flow()
        bucket = make(port=between.port, timeout=30)
        put(bucket, "run/y", b"two")
        assert [key for key, _ in bucket.list("run")] == ["run/x", "run/y"]


def test_a_process_with_a_frozen_name_node_ends():
    with silent_port() as port:
        entry = {"path": f"hdfs://127.0.0.1:{port}/dvt", "timeout": 2}
        (said,) = errors_of([entry], PUT)
        assert said.startswith("BucketUnreachable")


def test_a_name_node_that_is_not_there_is_an_error(make):
    bucket = make(port=free_port(), timeout=2)
    with pytest.raises(BucketUnreachable, match=r"'lake'.*listing ''.*refused"):
        list(bucket.list(""))


def test_a_connection_that_is_cut_is_opened_again(server, make):
    with proxy(server.port) as between:
        bucket = make(port=between.port)
        for number in range(5):
            put(bucket, f"run/{number}")
            between.cut()
        assert len(list(bucket.list("run"))) == 5


def test_a_name_node_in_safe_mode_is_busy(server, make):
    """It is, for a while, after each start."""
    bucket = make(timeout=3)
    put(bucket, "run/x")
    with safe_mode(server), pytest.raises(BucketBusy, match=r"putting 'run/y'.*SafeMode") as error:
        put(bucket, "run/y")
    assert error.value.transient
    with safe_mode(server) as leave:
        leaving = threading.Timer(1, leave)
        leaving.start()
        put(make(timeout=120), "run/y")
        leaving.join()
    assert [key for key, _ in bucket.list("run")] == ["run/x", "run/y"]


@contextmanager
def safe_mode(server):
    """The cluster is in safe mode, until the function is called that is yielded."""
    server.admin("-safemode", "enter")
    try:
        yield lambda: server.admin("-safemode", "leave")
    finally:
        server.admin("-safemode", "leave")


class Between:
    """What is between clients and a data node: forwards, freezes, and changes bytes."""

    def __init__(self, cluster, host):
        self._target = (host, cluster.data_port)
        self._listener = socket.create_server(("127.0.0.1", cluster.data_port))
        self._flowing = threading.Event()
        self.restore()
        threading.Thread(target=self._accept, daemon=True).start()

    def restore(self):
        self.flip = ""
        """Direction in which a byte of each large piece is changed."""
        self.flipped = 0
        self._flowing.set()

    def freeze(self):
        self._flowing.clear()

    def close(self):
        self.restore()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with suppress(OSError), client, socket.create_connection(self._target) as server:
            arguments = (client, server, "to_server")
            forwarding = threading.Thread(target=self._forward, args=arguments, daemon=True)
            forwarding.start()
            self._forward(server, client, "to_client")
            forwarding.join()

    def _forward(self, source, sink, direction):
        with suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                if self.flip == direction and len(data) > 4_000:
                    data = data[:2_000] + bytes([data[2_000] ^ 1]) + data[2_001:]
                    self.flipped += 1
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)  # who has sent all still listens


@pytest.fixture(scope="module")
def far():
    """A cluster of its own, and what is before its data node; it may be damaged."""
    host = "127.0.0.2"
    with hdfs(data_host=host) as cluster:
        between = Between(cluster, host)
        yield cluster, between
        between.close()


@pytest.fixture
def between(far):
    yield far[1]
    far[1].restore()


@pytest.fixture
def distant(far, tmp_path):
    """A bucket of that cluster."""
    cluster, _ = far
    settings = cluster.settings(cluster.new_bucket(), timeout=5)
    return HDFSBucket("lake", settings, BucketContext(project_dir=tmp_path))


@pytest.fixture
def no_waits(monkeypatch):
    monkeypatch.setattr("dvt.drivers.objects.reader.wait", lambda failures: None)


@pytest.mark.usefixtures("no_waits")
def test_a_byte_that_changes_on_its_way_from_the_data_node_is_noticed(distant, between):
    content = os.urandom(3 * MB)
    put(distant, "run/x", content)
    assert read(distant, "run/x") == content
    between.flip = "to_client"
    with (
        distant.get("run/x") as data,
        pytest.raises((ObjectDamaged, BucketUnreachable), match="reading 'run/x'"),
    ):
        data.read()
    assert between.flipped
    between.flip = ""
    assert read(distant, "run/x") == content


def test_a_byte_that_changes_on_its_way_to_the_data_node_is_noticed(distant, between):
    between.flip = "to_server"
    with pytest.raises((ObjectDamaged, BucketUnreachable, BucketFailed), match="putting 'run/x'"):
        put(distant, "run/x", os.urandom(3 * MB))
    assert between.flipped
    assert list(distant.list("run")) == []


def test_a_frozen_data_node_is_an_error_within_the_timeout(distant, between):
    content = os.urandom(3 * MB)
    put(distant, "run/x", content)
    between.freeze()
    with pytest.raises(BucketUnreachable, match=r"putting 'run/y'.*`timeout`"):
        ended(lambda: put(distant, "run/y", content))
    with pytest.raises(BucketUnreachable, match=r"reading 'run/x'.*`timeout`"):
        ended(lambda: read(distant, "run/x"))
    assert [key for key, _ in distant.list("run")] == ["run/x"]


@pytest.mark.usefixtures("no_waits")
def test_a_data_node_and_a_name_node_that_are_killed_are_errors(far, distant):
    cluster, _ = far
    put(distant, "run/x", bytes(3 * MB))
    cluster.processes["data"].kill()
    cluster.processes["data"].wait()
    with pytest.raises((BucketUnreachable, BucketFailed), match="reading 'run/x'"):
        ended(lambda: read(distant, "run/x"))
    with pytest.raises((BucketUnreachable, BucketFailed), match="putting 'run/y'"):
        ended(lambda: put(distant, "run/y", bytes(3 * MB)))
    put(distant, "empty", b"")
    cluster.processes["name"].kill()
    cluster.processes["name"].wait()
    # The library's writer closes itself when it is collected, and asks the name node then, without an end.
    ended(gc.collect)
    with pytest.raises(BucketUnreachable, match=r"listing ''.*(`timeout`|refused)"):
        ended(lambda: list(distant.list("")))
