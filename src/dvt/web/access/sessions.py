"""Sessions of browsers, and the links that sign in once. All are gone when the server ends."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from dvt.core.access import Role

LASTS = 12 * 3600
"""Seconds for which a browser is signed in."""
LINK_LASTS = 600
"""Seconds within which a link must be used."""
_MOST = 1000
"""Sessions at the same time; the oldest end for new ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is signed in."""

    name: str
    role: Role
    token: str = ""
    """Id of the token that it has signed in with; empty: with a link."""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """What each of its requests that changes something must contain, and no other site can read."""
    until: float
    """On the clock of `time.monotonic`."""


class Sessions:
    """The sessions of a server."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mutex = Lock()
        self._sessions: dict[str, Session] = {}
        """By the hash of the cookie, so that no memory dump lets anybody in."""
        self._links: dict[str, tuple[float, str, Role]] = {}

    def open(self, name: str, role: Role, token: str = "") -> str:
        """Sign a browser in; return its cookie."""
        cookie = secrets.token_urlsafe(32)
        session = Session(name=name, role=role, token=token, until=self._clock() + LASTS)
        with self._mutex:
            while len(self._sessions) >= _MOST:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_digest(cookie)] = session
        return cookie

    def of(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None if there is none, or it is over."""
        with self._mutex:
            session = self._sessions.get(_digest(cookie))
            if session is not None and session.until <= self._clock():
                del self._sessions[_digest(cookie)]
                return None
            return session

    def close(self, cookie: str) -> None:
        """Sign a browser out."""
        with self._mutex:
            self._sessions.pop(_digest(cookie), None)

    def link(self, name: str, role: Role) -> str:
        """Return a secret that signs in once, within ten minutes."""
        secret = secrets.token_urlsafe(32)
        with self._mutex:
            self._links[_digest(secret)] = (self._clock() + LINK_LASTS, name, role)
        return secret

    def redeem(self, secret: str) -> str | None:
        """Sign a browser in by a link; return its cookie, None if the link is used, over or wrong."""
        with self._mutex:
            until, name, role = self._links.pop(_digest(secret), (0.0, "", Role.VIEWER))
        return self.open(name, role) if until > self._clock() else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).hexdigest()
