"""The nodes of a run that have begun and not ended, and how a stopped run waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dvt.core.errors import Cancelled, DvtError, RowRefused, ValueLost
from dvt.core.requests import NodeRequest
from dvt.core.seeds import SeedRequest

_CLOSE_TIMEOUT = 10.0
"""Seconds that a stopped run waits for cancelled nodes to end."""
_CANCEL_INTERVAL = 0.3
"""Seconds between two rounds of cancelling: the next round cancels a query that was sent during the first."""


class ActiveNodes:
    """The nodes that a run is working on. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._idle = threading.Event()
        self._idle.set()
        self._stopped = threading.Event()
        self.has_failed = False
        """Whether the work on any node has raised an error."""
        self.has_refused_rows = False
        """Whether an error was about rows: they are to be read anew once somebody has mended them."""

    @contextmanager
    def begun(self, request: NodeRequest | SeedRequest) -> Iterator[None]:
        """Wrap the work on one node: refuse to begin in a stopped run, name node and file in errors."""
        with self._lock:
            self._count += 1
            self._idle.clear()
        try:
            self.raise_if_stopped("beginning")
            yield
        except DvtError as error:
            self.has_failed = True
            self.has_refused_rows |= isinstance(error, RowRefused | ValueLost)
            request.about(error)
            raise
        except BaseException:
            self.has_failed = True
            raise
        finally:
            with self._lock:
                self._count -= 1
                if self._count == 0:
                    self._idle.set()

    @property
    def are_stopped(self) -> bool:
        """True once the run was stopped."""
        return self._stopped.is_set()

    @property
    def are_idle(self) -> bool:
        """True if no node has begun that has not ended."""
        return self._idle.is_set()

    def raise_if_stopped(self, doing: str) -> None:
        """Raise Cancelled once the run was stopped."""
        if self._stopped.is_set():
            raise Cancelled(doing)

    def stop(self, cancel: Callable[[], None]) -> None:
        """Let no node begin, and call `cancel`, in a thread of its own, until no node is active."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        if not self._idle.is_set():
            threading.Thread(target=self._cancel, args=(cancel,), name="dvt-cancel", daemon=True).start()

    def wait(self) -> None:
        """Wait until no node is active, for as long as cancelled nodes should take to end."""
        self._idle.wait(_CLOSE_TIMEOUT)

    def _cancel(self, cancel: Callable[[], None]) -> None:
        while not self._idle.wait(_CANCEL_INTERVAL):
            cancel()
