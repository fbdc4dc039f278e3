"""Ends the process soon after Ctrl-C, though a server that no longer answers lets nobody cancel or log off.

dbt and dvt cancel what runs, and clean up. A library in C that waits for a server's bytes hears nothing of
that, nor does the main thread if it is the one that waits. So a thread of its own hears of Ctrl-C first,
hangs up on servers that are silent, and in the end ends the process, as `kill -9` would: what a run left is
on record, and the next run removes it. A library in C that has called Python, such as psycopg2 for an error's
text, may lose the KeyboardInterrupt that is raised there: it is raised again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dvt.drivers.network.sockets import Socket, Traffic, is_client, open_sockets

HANG_UP_AFTER = 4.0
"""Seconds after Ctrl-C in which servers may still answer."""
END_AFTER = 9.0
"""Seconds after Ctrl-C until the process ends in any case."""
_SILENCE = 2.0
"""Seconds without a byte that make a server count as silent, once `HANG_UP_AFTER` is over."""
_POLL_SECONDS = 0.2
"""Seconds between two looks at the sockets."""
_AGAIN_SECONDS = 0.05
"""Seconds until a KeyboardInterrupt that was lost is raised again: what has lost it must have returned."""
_LAST_WORDS_SECONDS = 1.0
"""Seconds for what is to be put on record before the process is ended."""
_NO_SIGNAL = b"\0"
"""Ends the watch, where a signal's number would stand."""
_EXIT_CODE = 2
"""The exit code of a command that Ctrl-C has ended, as dbt's."""
_MESSAGE = (
    b"dvt: stopped without waiting for what did not answer; what this run left is on record,"
    b" and the next run removes it\n"
)


@contextmanager
def ended_soon_after_ctrl_c(last_words: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Watch for Ctrl-C within the `with`; enter it in the main thread, before any connection is opened.

    After a Ctrl-C the process ends in any case, also if the `with` has been left by then. `last_words` is
    called, and given a short time, before the process is ended without more ado.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    inherited = frozenset(connection.inode for connection in open_sockets())
    arguments = (reader, inherited, last_words)
    watch = threading.Thread(target=_watch, args=arguments, name="dvt-ctrl-c", daemon=True)
    watch.start()
    lost = _LostInterrupts()
    try:
        yield
    finally:
        lost.close()
        signal.set_wakeup_fd(before)
        os.write(writer, _NO_SIGNAL)
        os.close(writer)
    if lost.is_pending:
        raise SystemExit(_EXIT_CODE)


def _watch(reader: int, inherited: frozenset[int], last_words: Callable[[], None]) -> None:
    while signal.SIGINT not in (numbers := os.read(reader, 1024)):
        if _NO_SIGNAL in numbers:
            os.close(reader)
            return
    started = time.monotonic()
    silence = _Silence(inherited)
    while (passed := time.monotonic() - started) < END_AFTER:
        silence.look(hang_up=passed >= HANG_UP_AFTER)
        time.sleep(_POLL_SECONDS)
    os.write(2, _MESSAGE)
    speaker = threading.Thread(target=last_words, daemon=True)
    speaker.start()
    speaker.join(_LAST_WORDS_SECONDS)
    os._exit(_EXIT_CODE)


class _LostInterrupts:
    """Raises again each KeyboardInterrupt of the main thread that Python can only print, until `close`.

    While a command runs, Python's hooks for uncaught exceptions are called only by C code that has called
    Python and cannot pass the exception on.
    """

    def __init__(self) -> None:
        self.is_pending = False
        """Whether an interrupt was lost, and has not been raised again."""
        self._timer: threading.Timer | None = None
        self._hooks = sys.excepthook, sys.unraisablehook
        sys.excepthook = self._uncaught
        sys.unraisablehook = self._unraisable

    def close(self) -> None:
        sys.excepthook, sys.unraisablehook = self._hooks
        if self._timer is not None:
            self._timer.cancel()

    def _uncaught(self, kind: type[BaseException], error: BaseException, traceback: Any) -> None:
        if not self._is_lost(kind):
            self._hooks[0](kind, error, traceback)

    def _unraisable(self, unraisable: Any) -> None:
        if not self._is_lost(unraisable.exc_type):
            self._hooks[1](unraisable)

    def _is_lost(self, kind: type[BaseException]) -> bool:
        """Take a KeyboardInterrupt of the main thread: raise it again soon."""
        if kind is not KeyboardInterrupt or threading.current_thread() is not threading.main_thread():
            return False
        self.is_pending = True
        self._timer = threading.Timer(_AGAIN_SECONDS, self._raise_again)
        self._timer.daemon = True
        self._timer.start()
        return True

    def _raise_again(self) -> None:
        self.is_pending = False
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


class _Silence:
    """Since when each socket has been silent, and on which servers it was hung up."""

    def __init__(self, inherited: frozenset[int]) -> None:
        self._inherited = inherited
        self._since: dict[Socket, tuple[Traffic | None, float]] = {}
        self._silent_peers: set[object] = set()

    def look(self, *, hang_up: bool) -> None:
        """Note what has moved; `hang_up` on servers that are silent, and at once on one that was before."""
        now = time.monotonic()
        for connection in open_sockets():
            if connection.inode in self._inherited or not is_client(connection):
                continue
            traffic, peer = connection.traffic(), connection.peer
            before, since = self._since.get(connection, (None, now))
            if traffic != before:
                since = now
            self._since[connection] = (traffic, since)
            if hang_up and (peer in self._silent_peers or now - since >= _SILENCE):
                if peer is not None:
                    self._silent_peers.add(peer)
                connection.hang_up()
