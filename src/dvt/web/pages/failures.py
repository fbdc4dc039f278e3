"""The page that is shown where a request for one fails."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from dvt.core.errors import DvtError
from dvt.web.masking import Mask
from dvt.web.pages.rendering import FRAGMENT, page

_TITLES = {403: "You may not do this", 404: "Not there", 409: "Not now", 429: "Too many requests"}


def wants_page(request: Request) -> bool:
    """Return whether a request is that of somebody who looks at a page, or of the page's script."""
    if request.url.path.startswith("/api/"):
        return False
    return "text/html" in request.headers.get("Accept", "") or FRAGMENT in request.headers


def failure_page(request: Request, error: DvtError, mask: Mask, status: int) -> HTMLResponse:
    """Return a page that says what went wrong."""
    caller = getattr(request.state, "caller", None)
    values = {
        "project": request.app.state.project.name,
        "caller": caller,
        "csrf": caller.csrf if caller else "",
        "can_sign_out": bool(caller and caller.has_session),
        "active": "",
        "title": _TITLES.get(status, "That did not work"),
        "code": error.code,
        "message": mask.text(error.message),
        "hint": mask.text(error.hint),
    }
    return page(request, "error.html", values, status=status)
