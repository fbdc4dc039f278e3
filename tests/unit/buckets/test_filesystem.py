"""Objects in a folder are private files, written whole or not at all, never outside of the folder."""

from __future__ import annotations

import io
import os
import stat
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from dvt.core.errors import DiskFull, StagingUnusable
from dvt.core.ports.staging import Location
from dvt.drivers.duckdb.staging import write
from dvt.staging.parquet import MARKER_FILE, ParquetSink
from dvt.testing.suites import BucketSuite, LocalConsumerSuite
from tests.local_bucket import local_bucket


@pytest.fixture
def bucket(tmp_path):
    return local_bucket(tmp_path / "bucket")


@pytest.mark.slow
class TestFilesystemBucket(BucketSuite, LocalConsumerSuite):
    """The promises of every bucket."""


def put(bucket, key, data=b"x"):
    bucket.put(key, io.BytesIO(data))


def read(bucket, key):
    with bucket.get(key) as data:
        return data.read()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_is_made_before_it_is_needed(bucket, tmp_path):
    assert bucket.uri_for("duckdb", "run/x") == str(tmp_path / "bucket" / "run" / "x")
    assert list(bucket.list("run")) == []
    assert not (tmp_path / "bucket").exists()


def test_an_object_that_is_replaced_leaves_no_other_file(bucket, tmp_path):
    put(bucket, "run/x", b"one")
    put(bucket, "run/x", b"two")
    assert [file.name for file in (tmp_path / "bucket" / "run").iterdir()] == ["x"]


def test_a_folder_that_is_deleted_is_gone(bucket, tmp_path):
    put(bucket, "run/x")
    put(bucket, "run2/x")
    bucket.delete("run")
    assert [folder.name for folder in (tmp_path / "bucket").iterdir()] == ["run2"]


def test_an_object_is_its_owners_alone_with_all_folders_above_it(bucket, tmp_path):
    put(bucket, "run/deep/er/x")
    for folder in ("bucket", "bucket/run", "bucket/run/deep", "bucket/run/deep/er"):
        assert mode(tmp_path / folder) == 0o700
    assert mode(tmp_path / "bucket/run/deep/er/x") == 0o600


@pytest.mark.parametrize("write", ["put", "put_once"])
def test_an_object_that_cannot_be_written_whole_leaves_nothing(bucket, tmp_path, monkeypatch, write):
    def disk_full(*_):
        raise OSError(28, "No space left on device")

    put(bucket, "run/x", b"one")
    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(DiskFull):
        put(bucket, "run/x", b"two") if write == "put" else bucket.put_once("run/y", b"two")
    assert read(bucket, "run/x") == b"one"
    assert len(list((tmp_path / "bucket" / "run").iterdir())) == 1


def test_a_file_that_is_being_written_is_not_listed(bucket, tmp_path):
    put(bucket, "run/x")
    (tmp_path / "bucket" / "run" / ".y.1234.new").write_bytes(b"half")
    assert [key for key, _ in bucket.list("run")] == ["run/x"]


def test_what_a_consumer_writes_is_its_owners_alone(bucket, tmp_path):
    with bucket.writing("duckdb", "run/part") as uri:
        Path(uri).write_bytes(b"rows")
        Path(uri).chmod(0o644)
    with bucket.writing("duckdb", "run/folder") as uri:
        Path(uri).mkdir(mode=0o755)
        Path(uri, "named-by-its-writer").write_bytes(b"rows")
    assert list(bucket.list("run")) == [("run/folder/named-by-its-writer", 4), ("run/part", 4)]
    assert mode(tmp_path / "bucket/run/folder") == 0o700
    assert {mode(file) for file in (tmp_path / "bucket").rglob("*") if file.is_file()} == {0o600}


def test_a_consumer_that_wrote_nothing_leaves_nothing(bucket):
    with bucket.writing("duckdb", "run/part"):
        pass
    assert list(bucket.list("run")) == []


@pytest.mark.parametrize("prefix", ["", ".", "run/..", "..", "../other", "/tmp"])
def test_what_is_no_folder_inside_is_never_deleted(bucket, tmp_path, prefix):
    put(bucket, "run/x")
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="inside"):
        bucket.delete(prefix)
    assert (tmp_path / "other").exists()
    assert (tmp_path / "bucket" / "run").exists()


def test_a_link_is_removed_and_not_what_it_points_to(bucket, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious").write_text("x")
    put(bucket, "run/x")
    (tmp_path / "bucket" / "run" / "link").symlink_to(tmp_path / "other")
    assert [key for key, _ in bucket.list("run")] == ["run/x"]
    bucket.delete("run")
    assert (tmp_path / "other" / "precious").exists()


def test_what_cannot_be_deleted_is_named_and_the_rest_is_gone(bucket, tmp_path, monkeypatch):
    for key in ("run/a", "run/deep/stays", "run/deep/z", "run/z"):
        put(bucket, key)
    unlink = os.unlink

    def refuse(path, **folder):
        if Path(path).name == "stays":
            raise PermissionError(13, "Permission denied", path)
        unlink(path, **folder)

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(StagingUnusable, match=f"{tmp_path}/bucket/run/deep: Permission denied"):
        bucket.delete("run")
    assert [key for key, _ in bucket.list("")] == ["run/deep/stays"]


def test_what_others_delete_or_write_meanwhile_is_no_error(bucket, tmp_path, monkeypatch):
    for key in ("run/a", "run/b", "run/deep/c"):
        put(bucket, key)
    unlink = os.unlink

    def late(path, **folder):
        if Path(path).name == "a":
            (tmp_path / "bucket/run/written-meanwhile").touch()
        unlink(path, **folder)
        if Path(path).name == "b":
            raise FileNotFoundError(2, "No such file or directory", path)

    monkeypatch.setattr(os, "unlink", late)
    bucket.delete("run")
    assert {key for key, _ in bucket.list("")} <= {"run/written-meanwhile"}


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_prefix_that_is_no_folder_holds_nothing(bucket, tmp_path, kind):
    put(bucket, "run/x")
    (tmp_path / "bucket" / "link").symlink_to(tmp_path / "bucket" / "run")
    bucket.delete("run/x" if kind == "file" else "link")
    assert [key for key, _ in bucket.list("")] == ["run/x"]


def content(path):
    return {file.name for file in path.iterdir()} if path.is_dir() else path.stat().st_size


@pytest.fixture
def on_disk(monkeypatch):
    """What a power cut would leave: file → its bytes, folder → its files, as `fsync` has last been told."""
    kept = {}
    fsync = os.fsync

    def note(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        kept[path] = content(path)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return kept


def test_an_object_outlives_a_power_cut(bucket, tmp_path, on_disk):
    folder = tmp_path / "bucket" / "run"
    bucket.put_once("run/x", b"one")
    assert "x" in on_disk[folder]
    put(bucket, "run/y", b"two")
    assert "y" in on_disk[folder]


def test_a_dataset_is_on_the_disk_before_its_marker(bucket, tmp_path, on_disk, monkeypatch):
    """What its writer named is, too."""
    root = tmp_path / "bucket" / "run"
    link, before = os.link, {}

    def note(*paths):
        before.update(on_disk)
        link(*paths)

    monkeypatch.setattr(os, "link", note)
    sink = ParquetSink(Location(bucket, "run"))
    with closing(duckdb.connect()) as cursor:
        write(cursor, "SELECT range AS i FROM range(1000)", sink)
        with bucket.writing("duckdb", "run/folder") as uri:
            cursor.execute(f"COPY (SELECT 1 AS i, 2 AS p) TO '{uri}' (FORMAT parquet, PARTITION_BY (p))")
    keys = [key for key, _ in bucket.list("run")]
    sink.commit((), 1001, keys)
    for path in root.rglob("*"):
        if path.name != MARKER_FILE:
            assert before[path] == content(path)
            assert path.name in before[path.parent]
    assert MARKER_FILE not in before[root]
    assert MARKER_FILE in on_disk[root]
    assert len(keys) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_is_named(bucket, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StagingUnusable, match=str(tmp_path)):
        put(bucket, "run/x")
