"""When a part of an extraction that failed is read again: in the same snapshot, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2

from dvt.connectors.postgres.files import files_of
from dvt.core.errors import ConnectFailed, ConnectionFrozen, ConnectionLost, DvtError
from dvt.core.reports import Notice
from dvt.core.retrying import RETRIES, pause
from dvt.drivers.postgres import Session, SnapshotLost, Work, as_dvt_errors

_NEVER = (ConnectionFrozen, SnapshotLost)
"""Losses that are final: a server that does not answer has been waited for; a snapshot does not come back."""


class Again:
    """What the readers of one extraction need to read parts again. Thread-safe.

    The same snapshot is there as long as the session that exported it. It does not keep a table's files, so
    these are compared: parts of a table that was rewritten meanwhile would lack rows, or have them twice.
    """

    def __init__(self, name: str, holder: Any, lock: threading.Lock, warn: Callable[[Notice], None]) -> None:
        """`holder` is the connection of the session that exported the snapshot, `lock` guards it."""
        self._name = name
        self._holder = holder
        self._lock = lock
        self._warn = warn
        self._files: str | None = None

    def check(self, reader: Session, tables: Sequence[str], locked: Sequence[str]) -> None:
        """Lock tables for a new session, and compare the files of all with what the first session found."""
        reader.lock_tables(locked)
        files = files_of(reader, tables)
        with self._lock:
            if self._files is None:
                self._files = files
            changed = files != self._files
        if changed:
            why = "a table was rewritten or emptied, so that its snapshot cannot be read on"
            raise SnapshotLost(self._name, "reading on", why)

    def wait(self, error: DvtError, attempt: int, what: str, work: Work) -> bool:
        """Wait before attempt number `attempt` is repeated; return whether to, which is never if stopped."""
        if isinstance(error, _NEVER) or not isinstance(error, ConnectionLost | ConnectFailed):
            return False
        if attempt >= RETRIES or work.stopped.is_set() or not self._has_snapshot():
            return False
        seconds = pause(attempt)
        message = f"{error.message}; {what} is read again in {seconds:.1f} s, in the same snapshot"
        self._warn(Notice("DVT033", f"{message} (attempt {attempt + 2} of {RETRIES + 1})"))
        return not work.stopped.wait(seconds)

    def _has_snapshot(self) -> bool:
        """Whether the session that exported the snapshot is alive."""
        try:
            with (
                as_dvt_errors(name=self._name, doing="looking for its snapshot"),
                self._lock,
                self._holder.cursor() as cursor,
            ):
                cursor.execute("SELECT 1")
                return True
        except (DvtError, psycopg2.Error):
            return False
