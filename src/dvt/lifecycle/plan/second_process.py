"""A second process for a part of the work, where there is a second processor for it."""

from __future__ import annotations

import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Self

Answer = Callable[[object], None]
"""Takes an answer, in the second process."""

_WATCH = "dvt-ctrl-c"
"""Name of the thread of commands that waits for Ctrl-C: it holds nothing that a copy could wait for."""


def may_have_one() -> bool:
    """Return whether there may be a second process: where other threads are at work, there is none."""
    if not hasattr(os, "fork") or not hasattr(os, "sched_getaffinity"):
        return False
    threads = [thread for thread in threading.enumerate() if thread.name != _WATCH]
    return len(threads) == 1 and len(os.sched_getaffinity(0)) > 1


class SecondProcess:
    """A copy of this process that works, and whose answers wait in a file: use it in a `with`.

    It changes nothing that this process sees, and ends without cleaning up anything of it.
    """

    def __init__(self, work: Callable[[Answer], None]) -> None:
        self._work = work
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  `__exit__` closes it
        self._process = 0

    def __enter__(self) -> Self:
        self._process = os.fork()
        if not self._process:
            self._run()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
        self._file.close()

    def has_succeeded(self) -> bool:
        """Wait for its end, and return whether all answers are there."""
        _, status = os.waitpid(self._process, 0)
        self._process = 0
        return status == 0

    def answers(self) -> Iterator[Any]:
        """Yield its answers, in constant memory."""
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        while self._file.tell() < size:
            yield pickle.load(self._file)  # noqa: S301  a file without a name, which our copy has written

    def _run(self) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            pickler = pickle.Pickler(self._file, protocol=pickle.HIGHEST_PROTOCOL)
            pickler.fast = True
            self._work(pickler.dump)
            self._file.flush()
            status = 0
        finally:
            os._exit(status)
