"""What holds for each request and each answer, whatever route it is: before routes see it, and after."""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dvt.core.errors import DvtError, RequestForged, RequestTooLarge
from dvt.web.answers import answer
from dvt.web.masking import Mask
from dvt.web.pages.failures import failure_page, wants_page

_LOG = logging.getLogger(__name__)
LARGEST = 1_000_000
"""Bytes of a request's body, at most."""
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::[0-9]{1,5})?")
"""Matches a Host header; the group is it without the port."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with that a browser hides the origin of the page's own forms, too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of all answers."""


class Guard:
    """Lets in requests that name this server and have a small body; gives all answers their headers."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        """`hosts`: names of this server, beside the machine's own and all that are addresses.

        A site that has its own name resolve to this server's address is not let in, since its name is told.
        """
        self._app = app
        own = {"localhost", socket.gethostname(), socket.getfqdn()}
        self._hosts = {host.lower() for host in (*own, *hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bounded = _Bounded(receive)
        answering = _Answering(scope, bounded, send)
        headers = Headers(scope=scope)
        if not self._is_own(headers.get("host", "")):
            await answering.refuse(RequestForged("it is for another host"), receive, 421)
            return
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST:
            await answering.refuse(RequestTooLarge(LARGEST), receive)
            return
        try:
            await self._app(scope, bounded, answering)
        except Exception as error:  # noqa: BLE001  whatever it is, no traceback is sent
            _LOG.exception("a request has failed", extra={"action": "request"})
            await answering.refuse(DvtError(f"the server has failed: {type(error).__name__}"), receive)

    def _is_own(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].lower().rstrip(".")
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


class _TooLarge(Exception):
    """A body without a length is larger than allowed."""


class _Bounded:
    """Receives a request's body as long as it is not too large."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = LARGEST

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self.is_too_large:
            raise _TooLarge
        return message

    @property
    def is_too_large(self) -> bool:
        """Whether more has come than is allowed."""
        return self._left < 0


class _Answering:
    """Sends an answer with the headers that all have."""

    def __init__(self, scope: Scope, bounded: _Bounded, send: Send) -> None:
        self._scope = scope
        self._bounded = bounded
        self._send = send
        self._has_begun = self._is_refused = False

    async def __call__(self, message: Message) -> None:
        if self._bounded.is_too_large and not self._has_begun:
            # Whoever was reading the body has made an answer of their own of that.
            await self.refuse(RequestTooLarge(LARGEST), self._bounded)
        elif not self._is_refused:
            await self._pass(message)

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if not self._scope["path"].startswith("/static/"):
                headers.setdefault("Cache-Control", "no-store")
        await self._send(message)

    async def refuse(self, error: DvtError, receive: Receive, status: int | None = None) -> None:
        """Answer with an error, unless an answer has begun."""
        if not self._has_begun:
            self._is_refused = True
            request = Request(self._scope)
            told: Response = answer(error, Mask(()), status)
            # A page has the project's name, which is not for a site that has led here by another host's.
            if wants_page(request) and not isinstance(error, RequestForged):
                told = failure_page(request, error, Mask(()), told.status_code)
            await told(self._scope, receive, self._pass)
