"""What routes ask for: a caller of at least a role, with the project's lifecycle in their name.

A route without one of these is open to everybody, and a test fails.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from dvt.core.access import Role
from dvt.lifecycle.system import System
from dvt.web.access.callers import CSRF_FIELD, Access, Caller
from dvt.web.project import Project

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is allowed: who asks, and what of."""

    caller: Caller
    project: Project

    def system(self) -> AbstractContextManager[System]:
        """Open the project's lifecycle in the caller's name."""
        return self.project.system(self.caller.name, self.caller.source)


async def form_csrf(request: Request) -> str:
    """Return the secret against forged requests that a form contains."""
    if not request.headers.get("Content-Type", "").startswith(_FORMS):
        return ""
    value = (await request.form()).get(CSRF_FIELD, "")
    return value if isinstance(value, str) else ""


def access(request: Request) -> Access:
    """Return what decides who may ask."""
    found: Access = request.app.state.access
    return found


def project(request: Request) -> Project:
    """Return the project that is served."""
    found: Project = request.app.state.project
    return found


def _requires(role: Role) -> Callable[..., Call]:
    def gate(request: Request, csrf: Annotated[str, Depends(form_csrf)]) -> Call:
        return Call(access(request).check(request, role, csrf), project(request))

    gate.__doc__ = f"Let {role}s in, and all who may do more."
    return gate


viewer, operator, admin = map(_requires, Role)
Viewer = Annotated[Call, Depends(viewer)]
Operator = Annotated[Call, Depends(operator)]
Admin = Annotated[Call, Depends(admin)]
"""Types of a route's parameter that let in only callers of this role, or a higher one."""
