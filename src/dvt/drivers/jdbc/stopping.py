"""A request that changes rows and is under way on a session, which another thread can stop."""

from __future__ import annotations

import time

from dvt.drivers.jdbc.errors import cancelled
from dvt.drivers.jdbc.process import Call
from dvt.drivers.jdbc.sessions import Session

_STOP_INTERVAL = 0.3
"""Seconds between two requests to stop: one may come before the statement has begun."""
_STOP_SECONDS = 5.0
"""Seconds after which a request that was stopped, and has not ended, is left to the process."""


class Stoppable:
    """A request under way. It is waited for by one thread, and stopped by any."""

    def __init__(self, session: Session, call: Call, doing: str) -> None:
        self._session = session
        self._call = call
        self._doing = doing
        self._stopped_at = 0.0
        self._cancelled_at = 0.0
        self._cancelling: list[Call] = []

    def has_ended(self, seconds: float = 0) -> bool:
        """Return whether its reply is there, at the latest after so long."""
        return self._call.wait(seconds)

    def number(self) -> int:
        """Wait for the reply, and return the number of rows that it has; raise its error.

        Cancelled if it was stopped, also if its driver does not return.
        """
        while not self._call.wait(_STOP_SECONDS):
            if self._stopped_at and time.monotonic() > self._stopped_at + 2 * _STOP_SECONDS:
                raise cancelled(self._doing)
        error = self._session.failed(self._call, self._doing)
        if error is not None:
            raise cancelled(self._doing) if self._stopped_at else error
        return int((self._call.reply or ["", "0"])[1] or 0)

    def stop(self) -> None:
        """Stop it, from another thread; may be called again and again until it has ended."""
        self._stopped_at = self._stopped_at or time.monotonic()
        if time.monotonic() > self._cancelled_at + _STOP_INTERVAL:
            self._cancelled_at = time.monotonic()
            self._cancelling.append(self._session.cancel())

    def end(self) -> None:
        """Stop it if it has not ended; return once no request to stop could meet the session's next one."""
        if not self._call.wait(_STOP_SECONDS):
            self._cancelling.append(self._session.cancel())
            self._call.wait(_STOP_SECONDS)
        for cancelling in self._cancelling:
            cancelling.wait(_STOP_SECONDS)
