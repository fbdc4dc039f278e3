"""Which files are in use is seen without disturbing who uses them."""

import fcntl
import mmap
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dvt.drivers.file_uses import file_uses, is_locked, is_open_elsewhere
from tests.nobody import as_nobody

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells it")

_HOLDS = {
    "open": "file = open(path)",
    "mapped": "import mmap, os; fd = os.open(path, os.O_RDONLY); m = mmap.mmap(fd, 0, prot=1); os.close(fd)",
    "flock": "import fcntl; file = open(path); fcntl.flock(file, fcntl.LOCK_SH)",
    "fcntl": "import fcntl; file = open(path, 'r+'); fcntl.lockf(file, fcntl.LOCK_EX)",
}


@contextmanager
def _held(path: Path, way: str) -> Iterator[int]:
    """Another process that uses a file."""
    code = f"import sys; path = {str(path)!r}; {_HOLDS[way]}; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


@pytest.mark.parametrize("way", list(_HOLDS))
def test_a_file_that_another_process_uses_is_seen(tmp_path: Path, way: str) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    key = (path.stat().st_dev, path.stat().st_ino)
    with _held(path, way) as process:
        uses = file_uses()
        with path.open() as file:
            assert is_open_elsewhere(file.fileno()) is True
            assert is_locked(file.fileno()) is (way in {"flock", "fcntl"})
    assert uses.opened[key] == process
    assert (uses.locked.get(key) == process) == (way in {"flock", "fcntl"})
    uses = file_uses()
    assert key not in uses.opened
    assert key not in uses.locked
    with path.open() as file:
        assert is_open_elsewhere(file.fileno()) is False
        assert is_locked(file.fileno()) is False


def test_a_lock_can_be_taken_while_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with path.open() as asking, path.open() as taking:
        for _ in range(200):
            is_locked(asking.fileno())
            fcntl.flock(taking, fcntl.LOCK_EX | fcntl.LOCK_NB)
            assert is_locked(asking.fileno())
            fcntl.flock(taking, fcntl.LOCK_UN)


def test_this_process_s_files_count_but_for_those_left_out(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    key = (path.stat().st_dev, path.stat().st_ino)
    with path.open() as file:
        assert file_uses().opened[key] == os.getpid()
        assert key not in file_uses(besides=frozenset({file.fileno()})).opened


def test_a_working_folder_is_in_use(tmp_path: Path) -> None:
    key = (tmp_path.stat().st_dev, tmp_path.stat().st_ino)
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path) as process:
        assert file_uses().opened[key] == process.pid
        process.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_it_says_when_it_could_not_see_all_processes() -> None:
    assert as_nobody(lambda: file_uses().complete) is False


def test_processes_that_end_meanwhile_are_no_error() -> None:
    with subprocess.Popen(["sh", "-c", "while true; do /bin/true; done"]) as busy:
        try:
            for _ in range(20):
                assert file_uses().opened
        finally:
            busy.kill()


def test_a_program_that_runs_is_in_use(tmp_path: Path) -> None:
    """It is mapped, and no descriptor of its process is of it."""
    program = tmp_path / "program"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as process:
        assert file_uses().opened[program.stat().st_dev, program.stat().st_ino] == process.pid
        with program.open() as file:
            assert is_open_elsewhere(file.fileno()) is True
        process.kill()


def test_a_mapped_file_without_a_descriptor_is_open(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    with path.open() as file:
        assert is_open_elsewhere(file.fileno())
        mapped.close()
        assert not is_open_elsewhere(file.fileno())
