"""Puts requests on record that change something, are refused, or take the record away."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dvt.core.retention import Asking, Source
from dvt.web.access.callers import SAFE, Access, Caller
from dvt.web.metrics import Requests
from dvt.web.project import Project

_REFUSED = frozenset({401, 403, 429})
_LONGEST = 200
"""Characters of a path that are put on record."""
EXPORTS = ("/export", "/report")
"""How addresses end whose answers are taken away; they are on record, too."""


class Recording:
    """Puts requests on record before they are answered, without query and body, which may have secrets."""

    def __init__(self, app: ASGIApp, project: Project, access: Access, requests: Requests) -> None:
        self._app = app
        self._requests = requests
        self._project = project
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""

        async def recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests.count(scope["method"], message["status"])
                if scope["method"] not in SAFE:
                    self._project.inventory.forget()
                if self._is_wanted(scope, message["status"]):
                    await run_in_threadpool(self._note, scope, message["status"])
            await send(message)

        await self._app(scope, receive, recorded if scope["type"] == "http" else send)

    def _is_wanted(self, scope: Scope, status: int) -> bool:
        if status in _REFUSED:
            return self._access.rates.may_note()
        return scope["method"] not in SAFE or scope["path"].endswith(EXPORTS)

    def _note(self, scope: Scope, status: int) -> None:
        caller: Caller | None = scope.get("state", {}).get("caller")
        asking = Asking(
            actor=caller.name if caller else "unknown", source=caller.source if caller else Source.API
        )
        details = {
            "method": scope["method"],
            "path": scope["path"][:_LONGEST],
            "status": status,
            "role": caller.role.value if caller else None,
            "address": scope["client"][0] if scope.get("client") else None,
        }
        self._project.note(asking, "request", details)
