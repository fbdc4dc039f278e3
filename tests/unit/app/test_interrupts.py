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

SPEAKING = """
import signal, sys, time
from dvt.app import interrupts
interrupts.END_AFTER = 0.5

def last_words():
    print("last words", flush=True)
    time.sleep(60)

with interrupts.ended_soon_after_ctrl_c(last_words):
    signal.signal(signal.SIGINT, lambda *_: None)
    print("ready", flush=True)
    while True:
        time.sleep(1)
"""

LOSING = """
import ctypes, os, signal, sys, time
from dvt.app.interrupts import ended_soon_after_ctrl_c

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

def in_a_callback():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)

def by_print():
    try:
        in_a_callback()
    except KeyboardInterrupt:
        sys.excepthook(*sys.exc_info())  # as PyErr_Print in C does

with ended_soon_after_ctrl_c():
    try:
        {lose}
        print("lost", flush=True)
        {then}
    except KeyboardInterrupt:
        print("raised again", flush=True)
        raise SystemExit(2)
"""


def watches() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "dvt-ctrl-c"]


def test_the_watch_ends_with_the_command() -> None:
    with ended_soon_after_ctrl_c():
        (watch,) = watches()
    watch.join(60)
    assert not watches()
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("lose", ["by_print()", "ctypes.CFUNCTYPE(None)(in_a_callback)()"])
@pytest.mark.parametrize(("then", "output"), [("time.sleep(5)", "raised again"), ("pass", "lost")])
def test_a_ctrl_c_that_c_code_has_lost_is_raised_again(lose: str, then: str, output: str) -> None:
    """Or, if the command has ended by then, decides its exit code."""
    process = subprocess.run(
        [sys.executable, "-c", LOSING.format(lose=lose, then=then)],
        capture_output=True,
        timeout=60,
        text=True,
        check=False,
    )
    assert process.returncode == 2, process.stderr
    assert process.stdout.split("\n")[-2] == output
    assert "Traceback" not in process.stderr


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


@pytest.mark.slow
def test_a_process_that_does_not_hear_ctrl_c_has_its_last_words_and_no_more() -> None:
    with subprocess.Popen([sys.executable, "-c", SPEAKING], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert output == b"last words\n"
