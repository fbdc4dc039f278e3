"""Signing in and out of the page: by a token, or by the link that `dvt web` has printed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader

from dvt.core.errors import NotSignedIn
from dvt.web.access.callers import Access, address
from dvt.web.access.gates import Viewer, access, project
from dvt.web.access.sessions import LASTS
from dvt.web.project import Project

router = APIRouter(include_in_schema=False)
HOME = "/pipeline-management"
"""Where somebody who has signed in goes."""
_TEMPLATES = Environment(loader=PackageLoader("dvt.web.access"), autoescape=True)
Door = Annotated[Access, Depends(access)]
Served = Annotated[Project, Depends(project)]


@router.get("/login")
def form(request: Request, door: Door, served: Served, link: str = "") -> Response:
    """Return the form; by a link, sign in."""
    if not link:
        return _page(served, 200)
    cookie = door.sessions.redeem(link)
    if cookie is None:
        door.rates.failure(address(request))
        return _page(served, 401, "This link was used before, or is too old: dvt web prints a new one.")
    # No redirect: if another site has led here, the browser would not send the cookie along.
    return _signed_in(
        request, door, cookie, HTMLResponse(_TEMPLATES.get_template("welcome.html").render(home=HOME))
    )


@router.post("/login")
def sign_in(request: Request, door: Door, served: Served, token: Annotated[str, Form()] = "") -> Response:
    """Sign in by a token."""
    try:
        cookie = door.sign_in(request, token.strip())
    except NotSignedIn:
        return _page(served, 401, "This token is wrong, revoked or expired.")
    return _signed_in(request, door, cookie, RedirectResponse(HOME, 303))


@router.post("/logout")
def sign_out(request: Request, door: Door, _call: Viewer) -> Response:
    """Sign out."""
    door.sessions.close(request.cookies.get(door.cookie, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(door.cookie, httponly=True, samesite="strict")
    return answer


def _signed_in(request: Request, door: Access, cookie: str, answer: Response) -> Response:
    answer.set_cookie(
        door.cookie,
        cookie,
        max_age=LASTS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _page(served: Project, status: int, problem: str = "") -> HTMLResponse:
    text = _TEMPLATES.get_template("login.html").render(project=served.name, problem=problem)
    return HTMLResponse(text, status)
