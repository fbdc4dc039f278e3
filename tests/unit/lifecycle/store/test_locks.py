"""One cleaner at a time, whoever dies."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import CleanerAtWork, StoreUnreachable
from dvt.lifecycle.store import Store, without_store
from dvt.runs.operations import Process

pytestmark = pytest.mark.slow

HOLD = """
import sys, time
from pathlib import Path
from dvt.lifecycle.store import open_store
with open_store(sys.argv[1], state=Path(sys.argv[2]), actor="bob") as store, store.one_cleaner():
    print("held", flush=True)
    time.sleep(60)
"""
CONTEND = """
import os, sys, time
from pathlib import Path
from dvt.core.errors import CleanerAtWork
from dvt.lifecycle.store import open_store
log = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
with open_store(sys.argv[1], state=Path(sys.argv[2]), actor="bob") as store:
    held, end = 0, time.monotonic() + 60
    while held < 5 and time.monotonic() < end:
        try:
            with store.one_cleaner():
                os.write(log, b"+")
                time.sleep(0.01)
                os.write(log, b"-")
                held += 1
            time.sleep(0.005)
        except CleanerAtWork:
            time.sleep(0.002)
    sys.exit(held < 5)
"""


@contextmanager
def holder(url: str, state: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url, str(state)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


class TestLocks:
    def test_the_lock_is_free_again_after_each_use(self, store: Store):
        for _ in range(3):
            with store.one_cleaner():
                pass
        with pytest.raises(ZeroDivisionError), store.one_cleaner():
            raise ZeroDivisionError
        with store.one_cleaner():
            pass

    def test_a_second_cleaner_is_told_who_is_at_work_and_since_when(
        self, url: str, state: Path, store: Store
    ):
        with holder(url, state) as process:
            with pytest.raises(CleanerAtWork) as raised, store.one_cleaner():
                pass
            assert re.search(
                rf"bob@\S+ \(process {process.pid}\), since 20\d\d-\d\d-\d\dT", str(raised.value)
            )

    def test_a_cleaner_with_another_folder_for_its_state_is_kept_away(
        self, url: str, tmp_path: Path, store: Store
    ):
        told = pytest.raises(CleanerAtWork, match=r"bob@\S+.*, since 20\d\d-")
        with holder(url, tmp_path / "elsewhere"), told, store.one_cleaner():
            pass

    def test_a_cleaner_of_the_same_process_is_kept_away(self, store: Store, opened: Callable[..., Store]):
        with store.one_cleaner():
            for other in (store, opened()):
                with pytest.raises(CleanerAtWork), other.one_cleaner():
                    pass

    def test_the_lock_of_a_killed_cleaner_is_taken_over(self, url: str, state: Path, store: Store):
        with holder(url, state) as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
            _soon(store)

    def test_a_cleaner_that_is_stopped_still_holds_the_lock(self, url: str, state: Path, store: Store):
        with holder(url, state) as process:
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(CleanerAtWork), store.one_cleaner():
                pass

    @pytest.mark.slow
    def test_of_many_cleaners_one_is_at_work_at_a_time(self, url: str, state: Path, tmp_path: Path):
        log = tmp_path / "log"
        command = [sys.executable, "-c", CONTEND, url, str(state), str(log)]
        processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
        for process in processes:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors.decode()
        assert log.read_text() == "+-" * 20


def _soon(store: Store) -> None:
    """Take the lock: a server may notice a dead client a moment later."""
    for attempt in range(100):
        try:
            with store.one_cleaner():
                return
        except CleanerAtWork:
            if attempt == 99:
                raise
            time.sleep(0.05)


def _record(state: Path, **process: Any) -> Path:
    file = state / "cleaner.lock"
    state.mkdir(exist_ok=True)
    record = {**asdict(Process.this()), "actor": "eve@far", "since": "2026-01-01T00:00:00Z", "ended": False}
    file.write_text(json.dumps({**record, **process}))
    return file


def test_the_lock_of_another_machine_is_not_taken_over(store: Store, state: Path):
    file = _record(state, host="far", boot="another", pid=7)
    told = pytest.raises(CleanerAtWork, match=r"eve@far .process 7 on far., since 2026-01-01")
    with told as raised, store.one_cleaner():
        pass
    assert str(file) in raised.value.hint
    file.unlink()
    with store.one_cleaner():
        pass


@pytest.mark.parametrize(
    "process",
    [{"host": "far", "boot": "another", "ended": True}, {"boot": "before the restart"}, {"pid": 2**22 + 1}],
)
def test_the_lock_of_a_cleaner_that_is_gone_for_certain_is_taken_over(
    process: dict[str, Any], store: Store, state: Path
):
    _record(state, **process)
    with store.one_cleaner():
        pass


@pytest.mark.parametrize("content", ["", "half a rec", "[]", '{"pid": 1}'])
def test_a_lock_file_that_is_not_whole_holds_nobody_up(content: str, store: Store, state: Path):
    state.mkdir(exist_ok=True)
    (state / "cleaner.lock").write_text(content)
    with store.one_cleaner():
        pass


def test_a_lock_file_that_is_a_link_is_refused(store: Store, state: Path, tmp_path: Path):
    state.mkdir(exist_ok=True)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (state / "cleaner.lock").symlink_to(victim)
    with pytest.raises(Exception, match="DVT"), store.one_cleaner():
        pass
    assert victim.read_text() == "precious"


def test_the_lock_file_is_for_its_owner_alone(store: Store, state: Path):
    with store.one_cleaner():
        assert (state / "cleaner.lock").stat().st_mode & 0o777 == 0o600


def test_a_run_without_the_store_keeps_other_cleaners_of_this_machine_away(store: Store, state: Path):
    without = without_store(StoreUnreachable("there", "down"), state=state, actor="ana")
    with without.one_cleaner(), pytest.raises(CleanerAtWork), store.one_cleaner():
        pass
    without.close()
