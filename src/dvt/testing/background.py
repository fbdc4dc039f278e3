"""What tests of cancelling and of broken connections need: a call on another thread, and waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any


class BackgroundCall(threading.Thread):
    """A call on a thread of its own, and its answer or error."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self.error: BaseException | None = None
        self.answer: Any = None
        self.start()

    def run(self) -> None:
        """Call the function."""
        try:
            self.answer = self._function()
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.error = error

    def finish(self, seconds: float = 60) -> BaseException | None:
        """Wait for the call to end; return its error, if it had one."""
        self.join(seconds)
        if self.is_alive():
            raise AssertionError("it goes on")
        return self.error

    def stop_by(self, cancel: Callable[[], object], seconds: float = 45) -> BaseException | None:
        """Cancel again and again, as a run does, since one may come too early; return the call's error."""
        deadline = time.monotonic() + seconds
        while self.is_alive() and time.monotonic() < deadline:
            cancel()
            self.join(0.1)
        return self.finish(0)


def wait_until(holds: Callable[[], object], seconds: float = 60) -> bool:
    """Return True as soon as it holds, False if it does not before the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False
