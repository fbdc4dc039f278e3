"""What every page is given: who asks, what they may, and the project."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData

from dvt.core.access import Role
from dvt.lifecycle.system import System
from dvt.web.access.gates import Call, admin, operator, viewer
from dvt.web.pages.rendering import page
from dvt.web.project import Project

_SEE_OTHER = 303
CLEANUP = "/pipeline-management"
RUNS = "/runs"
"""The two parts of the site, as its navigation has them."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page by somebody who may make it."""

    request: Request
    call: Call

    @property
    def project(self) -> Project:
        """The project that is served."""
        return self.call.project

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.call.project.folder

    @property
    def may_operate(self) -> bool:
        """Whether who asks may run, restore and pin."""
        return self.call.caller.role.includes(Role.OPERATOR)

    @property
    def may_administer(self) -> bool:
        """Whether who asks may change policies."""
        return self.call.caller.role.includes(Role.ADMIN)

    def system(self) -> AbstractContextManager[System]:
        """Open the project's lifecycle in the caller's name."""
        return self.call.system()

    def page(self, template: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
        """Return a page."""
        caller = self.call.caller
        known = {
            "project": self.project.name,
            "caller": caller,
            "csrf": caller.csrf,
            "can_sign_out": caller.has_session,
            "visit": self,
            "active": "",
        }
        return page(self.request, template, {**known, **values}, status=status)


def go_to(address: str) -> RedirectResponse:
    """Have the browser ask for another page, after a form was sent."""
    return RedirectResponse(address, status_code=_SEE_OTHER)


def _as_viewer(request: Request, call: Annotated[Call, Depends(viewer)]) -> Visit:
    return Visit(request, call)


def _as_operator(request: Request, call: Annotated[Call, Depends(operator)]) -> Visit:
    return Visit(request, call)


def _as_admin(request: Request, call: Annotated[Call, Depends(admin)]) -> Visit:
    return Visit(request, call)


Viewing = Annotated[Visit, Depends(_as_viewer)]
Operating = Annotated[Visit, Depends(_as_operator)]
Administering = Annotated[Visit, Depends(_as_admin)]
"""Types of a page's parameter that let in only callers of this role, or a higher one."""


async def _filled(request: Request) -> FormData:
    return await request.form()


Filled = Annotated[FormData, Depends(_filled)]
"""Type of a page's parameter with what was filled in, where that has several values of a name."""
