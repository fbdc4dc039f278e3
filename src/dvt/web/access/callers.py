"""Who asks: found by a token, by a browser's cookie, or known beforehand where none is needed."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from fastapi import Request

from dvt.core.access import Role
from dvt.core.errors import NotSignedIn, RequestForged, RoleTooLow
from dvt.core.retention import Source
from dvt.web.access.rates import Rates
from dvt.web.access.sessions import Sessions
from dvt.web.project import Project

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
"""Names of the header and of the form's field with a session's secret against forged requests."""
_BEARER = "bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks."""

    name: str
    role: Role
    csrf: str = field(default="", repr=False)
    """What requests of this browser that change something must contain; empty for programs with a token."""
    has_session: bool = False
    """Whether it is a browser that can be signed out."""

    @property
    def source(self) -> Source:
        """By which way it asks."""
        return Source.UI if self.csrf else Source.API


class Access:
    """Decides who may ask what."""

    def __init__(self, project: Project, *, rates: Rates | None = None, anybody: str = "") -> None:
        """`anybody`: as whom everybody may do everything, without a token; empty: nobody may."""
        self.sessions = Sessions()
        self.rates = rates or Rates()
        self.cookie = "dvt_" + hashlib.sha256(bytes(project.folder)).hexdigest()[:8]
        """Name of the cookie: servers of other projects on this host have another one."""
        self._project = project
        self._anybody = anybody
        self._csrf = secrets.token_urlsafe(24)

    def caller(self, request: Request) -> Caller:
        """Return who asks; NotSignedIn, or TooManyRequests after too many wrong tokens."""
        try:
            caller = self._caller(request)
        except NotSignedIn:
            self.rates.failure(address(request))
            raise
        request.state.caller = caller
        self.rates.call(caller.name)
        return caller

    def check(self, request: Request, role: Role, form_csrf: str = "") -> Caller:
        """Return who asks if they may: RequestForged, RoleTooLow; errors as of `caller`."""
        caller = self.caller(request)
        if request.method not in SAFE:
            self._refuse_forged(request, caller, form_csrf)
        if not caller.role.includes(role):
            raise RoleTooLow(caller.name, caller.role, role)
        return caller

    def sign_in(self, request: Request, secret: str) -> str:
        """Sign a browser in by a token, and return its cookie; errors as of `caller`."""
        refuse_other_sites(request)
        try:
            caller, token = self._of_token(secret)
        except NotSignedIn:
            self.rates.failure(address(request))
            raise
        request.state.caller = caller
        return self.sessions.open(caller.name, caller.role, token)

    def _caller(self, request: Request) -> Caller:
        authorization = request.headers.get("Authorization")
        if authorization is not None:
            if authorization[: len(_BEARER)].lower() != _BEARER:
                raise NotSignedIn("its Authorization is not that of a bearer")
            return self._of_token(authorization[len(_BEARER) :].strip())[0]
        cookie = request.cookies.get(self.cookie)
        if cookie is not None and (caller := self._of_session(cookie)):
            return caller
        if self._anybody:
            return Caller(name=self._anybody, role=Role.ADMIN, csrf=self._csrf)
        raise NotSignedIn("the session is over" if cookie else "there is no token")

    def _of_token(self, secret: str) -> tuple[Caller, str]:
        token = self._project.store().tokens.of(secret)
        if token is None:
            raise NotSignedIn("the token is wrong, revoked or expired")
        return Caller(name=token.name, role=token.role), token.id

    def _of_session(self, cookie: str) -> Caller | None:
        session = self.sessions.of(cookie)
        if session is None:
            return None
        if session.token and not self._project.store().tokens.is_valid(session.token):
            self.sessions.close(cookie)
            return None
        return Caller(name=session.name, role=session.role, csrf=session.csrf, has_session=True)

    def _refuse_forged(self, request: Request, caller: Caller, form_csrf: str) -> None:
        """Raise RequestForged for a request that another site may have made in the caller's browser."""
        if not caller.csrf:
            return
        refuse_other_sites(request)
        given = request.headers.get(CSRF_HEADER) or form_csrf
        if not given and not caller.has_session and not _is_of_browser(request):
            return  # where no token is needed, programs have none to show either
        if not hmac.compare_digest(given.encode(), caller.csrf.encode()):
            raise RequestForged("its CSRF token is missing or wrong")


def refuse_other_sites(request: Request) -> None:
    """Raise RequestForged for what a browser says to come from another site."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("Host"):
        raise RequestForged("its origin is another one")
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        raise RequestForged("the browser says that it is of another site")


def _is_of_browser(request: Request) -> bool:
    return any(name in request.headers for name in ("Origin", "Sec-Fetch-Site", "Cookie", "Referer"))


def address(request: Request) -> str:
    """Return the address that a request comes from."""
    return request.client.host if request.client else ""
