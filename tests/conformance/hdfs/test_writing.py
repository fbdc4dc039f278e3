"""Buckets of HDFS put whole objects or none, whatever happens to the writer."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dvt.buckets.hdfs import client as hdfs_client
from dvt.core.errors import BucketFailed
from tests.conformance.object_stores import MB, ManyObjectsSuite
from tests.stores.measure import measure_stream
from tests.stores.objects import put, read

pytestmark = pytest.mark.slow

ODD = ("a:b", ".snapshot", ".reserved", "100%", "␛new.x", "␛3A")
WRITER = """
import json, os, sys
from pathlib import Path
from dvt.buckets.hdfs import HDFSBucket
from dvt.core.ports.staging import BucketContext
settings, kind = json.loads(sys.argv[1]), sys.argv[2]
bucket = HDFSBucket("lake", settings, BucketContext(project_dir=Path(".")))
class Dies:
    def read(self, size):
        self.times = getattr(self, "times", 0) + 1
        if self.times == 10:
            os.kill(os.getpid(), 9)
        return bytes(size)
if kind == "put":
    bucket.put("run/x", Dies())
bucket._rename = lambda *_, **__: os.kill(os.getpid(), 9)
bucket.put_once("run/x", b"x")
"""


def names_in(server, folder):
    """Return the names of all files in a folder and below, those that are being written, too."""
    listed = server.client().list_status(folder, True)
    return sorted(status.path.rpartition("/")[2] for status in listed if not status.isdir)


def test_a_gigabyte_streams_both_ways_in_little_memory(server, make):
    measured = measure_stream("hdfs", server.settings(make.name), 1024)
    assert measured.is_same
    assert measured.megabytes < 300, measured


def test_a_writer_that_dies_leaves_nothing_to_be_read(server, make, bucket):
    """It is killed in the midst of both kinds of writing."""
    for kind in ("put", "put_once"):
        command = [sys.executable, "-c", WRITER, json.dumps({"path": bucket.address}), kind]
        done = subprocess.run(command, check=False, cwd=Path(__file__).parents[3])
        assert done.returncode == -signal.SIGKILL
    assert len(names_in(server, make.name)) == 2
    assert list(bucket.list("")) == []
    with pytest.raises(FileNotFoundError):
        bucket.get("run/x")
    bucket.put_once("run/x", b"one")
    assert read(bucket, "run/x") == b"one"
    bucket.delete("run")
    assert names_in(server, make.name) == []


class _Breaks(io.BytesIO):
    """A stream that fails after two megabytes."""

    def read(self, size=-1):
        if self.tell() > 2 * MB:
            raise KeyError("the stream broke")
        return super().read(size)


@pytest.mark.parametrize("write", ["put", "put_once"])
def test_a_write_that_fails_leaves_no_file(server, make, bucket, write, monkeypatch):
    put(bucket, "run/x", b"one")
    if write == "put_once":
        monkeypatch.setattr(bucket, "_is_there", lambda *_, **__: False)  # somebody creates it just then
        with pytest.raises(FileExistsError):
            bucket.put_once("run/x", b"two")
    else:
        with pytest.raises(KeyError):
            bucket.put("run/x", _Breaks(bytes(4 * MB)))
    assert names_in(server, make.name) == ["x"]
    assert read(bucket, "run/x") == b"one"


def test_a_name_is_in_the_store_as_a_store_can_hold_it(server, make, bucket):
    for name in ODD:
        put(bucket, f"run/{name}", name.encode())
        put(bucket, f"{name}/x", name.encode())
    for name in ODD:
        assert read(bucket, f"run/{name}") == read(bucket, f"{name}/x") == name.encode()
    keys = [key for key, _ in bucket.list("")]
    assert keys == sorted(keys)
    assert len(keys) == 2 * len(ODD)
    assert "a␛3Ab" in names_in(server, f"{make.name}/run")


def test_a_name_that_is_too_long_for_the_store_is_an_error(bucket):
    with pytest.raises(BucketFailed, match="PathComponentTooLong"):
        put(bucket, "run/" + "x" * 300)


def test_an_object_cannot_be_in_an_object(bucket):
    put(bucket, "run/x")
    with pytest.raises(BucketFailed, match=r"putting 'run/x/y'.*not a directory"):
        put(bucket, "run/x/y")
    with pytest.raises(FileNotFoundError):
        bucket.get("run/x/y")
    assert list(bucket.list("run/x/y")) == []
    bucket.delete("run/x/y")
    bucket.delete("run/x")
    assert list(bucket.list("")) == [("run/x", 1)]


def test_files_are_their_owners_alone_unless_the_umask_says_otherwise(server, make):
    put(make(), "run/x")
    put(make(config={"fs.permissions.umask-mode": "027"}), "run/y")
    parent, _, own = make.name.rpartition("/")
    listed = server.client().list_status(parent, True)
    # Other tests' buckets are in the same folder.
    paths = {status.path.removeprefix(f"{parent}/"): status.permission for status in listed}
    modes = {path.removeprefix(f"{own}/"): mode for path, mode in paths.items() if path.startswith(own)}
    assert (modes["run/x"], modes["run/y"], modes[own]) == (0o600, 0o640, 0o700)


@pytest.mark.parametrize("write", ["put", "put_once"])
def test_a_rename_whose_answer_is_lost_has_happened_once(bucket, write, monkeypatch):
    """The library asks again, and is told that there is no such file."""
    monkeypatch.setattr(hdfs_client.Hdfs, "ask", _asking_twice(hdfs_client.Hdfs.ask))
    put(bucket, "run/x") if write == "put" else bucket.put_once("run/x", b"x")
    assert read(bucket, "run/x") == b"x"
    with pytest.raises(FileExistsError):
        bucket.put_once("run/x", b"y")


def _asking_twice(ask):
    class Twice:
        def __init__(self, library):
            self._library = library

        def __getattr__(self, name):
            return getattr(self._library, name)

        def rename(self, *arguments):
            self._library.rename(*arguments)
            self._library.rename(*arguments)

    return lambda self, doing, question: ask(self, doing, lambda library: question(Twice(library)))


def test_a_folder_that_is_deleted_in_the_midst_is_an_error(bucket):
    put(bucket, "run/x")

    class Deletes(io.BytesIO):
        def read(self, size=-1):
            if not self.tell():
                bucket.delete("run")
            return super().read(size)

    with pytest.raises((BucketFailed, FileNotFoundError), match=r"putting 'run/y'|run"):
        bucket.put("run/y", Deletes(os.urandom(MB)))
    assert list(bucket.list("")) == []


@pytest.mark.long
class TestManyObjects(ManyObjectsSuite):
    """A real name node and data node, where each object takes half a second."""

    many_at_once = 64
