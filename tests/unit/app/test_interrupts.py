"""Ctrl-C ends a command in any case, and what is watched for it does not outlive the command."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from dvt.app.interrupts import END_AFTER, ended_soon_after_ctrl_c

DEAF = """
import signal, time
from dvt.app.interrupts import ended_soon_after_ctrl_c
with ended_soon_after_ctrl_c():
    signal.signal(signal.SIGINT, lambda *_: None)
    print("ready", flush=True)
    while True:
        time.sleep(1)
"""


def watches() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "dvt-ctrl-c"]


def test_the_watch_ends_with_the_command() -> None:
    with ended_soon_after_ctrl_c():
        (watch,) = watches()
    watch.join(60)
    assert not watches()
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.slow
def test_a_process_that_does_not_hear_ctrl_c_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DEAF], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"the next run removes it" in errors
    assert time.monotonic() - started >= END_AFTER - 1
