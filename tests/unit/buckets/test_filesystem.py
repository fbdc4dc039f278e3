"""Files of this machine: private, whole or not there, and never outside the bucket's folder."""

from __future__ import annotations

import os
import stat

import pytest

from dvt.core.errors import BadConfig, DiskFull, StagingUnusable
from tests.local_bucket import local_bucket


@pytest.fixture
def bucket(tmp_path):
    return local_bucket(tmp_path / "bucket")


def test_nothing_is_made_before_it_is_needed(bucket, tmp_path):
    assert bucket.uri("run/x") == str(tmp_path / "bucket" / "run" / "x")
    assert not (tmp_path / "bucket").exists()


def test_a_folder_is_its_owners_alone_with_all_above_it(bucket, tmp_path):
    bucket.folder("run/deep/er")
    for folder in ("bucket", "bucket/run", "bucket/run/deep", "bucket/run/deep/er"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


def test_a_file_is_replaced_whole(bucket, tmp_path):
    bucket.folder("run")
    bucket.write("run/x", b"one")
    bucket.write("run/x", b"two")
    assert (tmp_path / "bucket" / "run" / "x").read_bytes() == b"two"
    assert [file.name for file in (tmp_path / "bucket" / "run").iterdir()] == ["x"]
    assert stat.S_IMODE((tmp_path / "bucket" / "run" / "x").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(bucket, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    bucket.folder("run")
    bucket.write("run/x", b"one")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        bucket.write("run/x", b"two")
    assert (tmp_path / "bucket" / "run" / "x").read_bytes() == b"one"
    assert len(list((tmp_path / "bucket" / "run").iterdir())) == 1


def test_sealing_gives_the_size_and_minus_one_for_what_is_not_there(bucket, tmp_path):
    file = tmp_path / "bucket" / "run" / "x"
    bucket.folder("run")
    file.write_bytes(b"four")
    file.chmod(0o644)
    assert bucket.seal("run/x") == 4
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert bucket.seal("run/y") == -1


def test_a_prefix_is_a_folder_not_the_beginning_of_names(bucket, tmp_path):
    bucket.folder("run")
    bucket.folder("run2")
    bucket.delete("run")
    bucket.delete("run")
    assert [folder.name for folder in (tmp_path / "bucket").iterdir()] == ["run2"]


@pytest.mark.parametrize("prefix", ["", ".", "run/..", "..", "../other", "/tmp"])
def test_what_is_no_folder_inside_is_never_deleted(bucket, tmp_path, prefix):
    bucket.folder("run")
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="inside"):
        bucket.delete(prefix)
    assert (tmp_path / "other").exists()
    assert (tmp_path / "bucket" / "run").exists()


def test_a_link_is_removed_and_not_what_it_points_to(bucket, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious").write_text("x")
    bucket.folder("run")
    (tmp_path / "bucket" / "run" / "link").symlink_to(tmp_path / "other")
    bucket.delete("run")
    assert (tmp_path / "other" / "precious").exists()


def test_a_path_that_duckdb_would_take_for_a_pattern_is_refused(tmp_path):
    with pytest.raises(BadConfig, match="without \\* and \\?"):
        local_bucket(tmp_path / "a*b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_is_named(bucket, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StagingUnusable, match=str(tmp_path)):
        bucket.folder("run")
