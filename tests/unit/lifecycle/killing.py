"""Kills a process at any of its steps: before the n-th call of the operating system that our code makes."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

_OURS = (f"{os.sep}dvt{os.sep}lifecycle{os.sep}", f"{os.sep}dvt{os.sep}drivers{os.sep}")
_LOOKS = "file_uses.py"
"""What changes nothing, and takes as many steps as there are processes."""
_CALLS = frozenset({"posix", "fcntl", "_io"})
_BY_CTYPES = frozenset({"rename_exclusively", "sync_all"})
"""Functions that call the system in a way that Python does not show: before and after each is a step."""


def steps(work: Callable[[], object]) -> list[str]:
    """Do work in another process, and return the steps that it takes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        taken: list[str] = []
        _child(work, taken.append)
        with os.fdopen(writing, "w") as file:
            file.write("\n".join(taken))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        taken = file.read().splitlines()
    assert os.waitpid(child, 0)[1] == 0
    return taken


def killed_at(number: int, work: Callable[[], object]) -> None:
    """Do work in another process that is killed before its step of this number, from 0."""
    child = os.fork()
    if child == 0:
        left = number

        def step(_name: str) -> None:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

        _child(work, step)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) in {0, -signal.SIGKILL}


def _child(work: Callable[[], object], step: Callable[[str], None]) -> None:
    def profile(frame: FrameType, event: str, argument: Any) -> None:
        file = frame.f_code.co_filename
        if file.endswith(_LOOKS) or not any(ours in file for ours in _OURS):
            return
        if event == "c_call" and argument.__module__ in _CALLS:
            step(f"{frame.f_code.co_name}: {argument.__name__}")
        elif event in {"call", "return"} and frame.f_code.co_name in _BY_CTYPES:
            step(f"{frame.f_code.co_name}: {event}")

    try:
        sys.setprofile(profile)
        work()
    except BaseException:  # noqa: BLE001 - a child never returns to the test
        sys.setprofile(None)
        traceback.print_exc()
        os._exit(1)
    finally:
        sys.setprofile(None)
