"""sync.lock as a file."""

from __future__ import annotations

import pytest

from dvt.core.errors import LockInvalid
from dvt.environment.lock import Lock, LockedPackage, packages_in, read_lock, write_lock

ONE, OTHER = f"sha256:{'a' * 64}", f"sha256:{'0' * 64}"
LOCK = Lock(("b>=1", "c-d==2"), (LockedPackage("b", "1.0", (ONE, OTHER)), LockedPackage("c-d", "2", (ONE,))))


def test_a_lock_is_read_as_it_was_written(tmp_path):
    write_lock(tmp_path / "sync.lock", LOCK)
    assert read_lock(tmp_path / "sync.lock") == LOCK
    assert [file.name for file in tmp_path.iterdir()] == ["sync.lock"]


def test_without_a_file_nothing_is_locked(tmp_path):
    assert read_lock(tmp_path / "sync.lock") == Lock()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# x\nb==1.0\n", 2),
        (f"b==1.0 \\\n    --hash={ONE}\nc @ file:///c.whl\n", 3),
        (f"b==1.0 --hash={ONE[:-1]}\n", 1),
        (f"b>=1.0 --hash={ONE}\n", 1),
        (f"--index-url https://elsewhere/\nb==1.0 --hash={ONE}\n", 1),
        ("<<<<<<< HEAD\n", 1),
    ],
)
def test_what_is_no_package_with_a_hash_is_refused_with_its_line(text, line):
    with pytest.raises(LockInvalid, match=f"sync.lock, line {line}:"):
        packages_in(text, "sync.lock")


def test_a_lock_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "sync.lock").write_bytes(b"\xff\xfe")
    with pytest.raises(LockInvalid, match="cannot be read"):
        read_lock(tmp_path / "sync.lock")
