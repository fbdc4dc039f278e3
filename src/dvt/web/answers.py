"""Answers to requests that fail: one shape for all errors, and never a traceback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from dvt.core import errors
from dvt.core.errors import DvtError
from dvt.web.masking import Mask
from dvt.web.pages.failures import failure_page, wants_page
from dvt.web.pages.rendering import FRAGMENT

STATUSES: Mapping[type[DvtError], int] = {
    errors.RequestInvalid: 400,
    errors.NotRecordable: 400,
    errors.DurationInvalid: 400,
    errors.NotSignedIn: 401,
    errors.RoleTooLow: 403,
    errors.RequestForged: 403,
    errors.NotThere: 404,
    errors.CleanerAtWork: 409,
    errors.ConfirmationNeeded: 409,
    errors.PinUseless: 409,
    errors.PlanUnusable: 409,
    errors.PolicyOutdated: 409,
    errors.PolicyUseless: 409,
    errors.RunNotAtWork: 409,
    errors.RunRefused: 409,
    errors.RequestTooLarge: 413,
    errors.TooManyRequests: 429,
    errors.IdentityUnusable: 503,
    errors.LifecycleInvalid: 503,
    errors.RunNotBegun: 503,
    errors.SeveralErrors: 503,
    errors.StoreRefused: 503,
    errors.StoreTooNew: 503,
    errors.StoreUnreachable: 503,
    errors.UnrecordedRun: 503,
    errors.VaultRefused: 503,
}
"""Error → the status that it is answered with; all others are the server's own: 500."""
_OF_HTTP = {404: "page of this address", 405: "such method at this address"}


class Problem(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "DVT231",
                    "message": "who asks is not known: there is no token",
                    "hint": "send `Authorization: Bearer TOKEN`",
                }
            ]
        }
    )
    code: str = Field(description="Stable, to search for; docs/reference/errors.md lists all.")
    message: str = Field(description="For people.")
    hint: str = Field(description="What to do next; may be empty.")


class ErrorAnswer(BaseModel):
    """The answer to a request that fails."""

    error: Problem


def status_of(error: DvtError) -> int:
    """Return the status that an error is answered with."""
    known = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)
    return 404 if isinstance(error, errors.PlanUnusable) and error.is_missing else known


def answer(
    error: DvtError, mask: Mask, status: int | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer to a request that an error ends."""
    content = {
        "error": {"code": error.code, "message": mask.text(error.message), "hint": mask.text(error.hint)}
    }
    return JSONResponse(content, status or status_of(error), {**(headers or {}), **_headers(error)})


def _headers(error: DvtError) -> dict[str, str]:
    if isinstance(error, errors.NotSignedIn):
        return {"WWW-Authenticate": 'Bearer realm="dvt"'}
    if isinstance(error, errors.TooManyRequests):
        return {"Retry-After": str(error.seconds)}
    return {}


def install(app: FastAPI) -> None:
    """Have an application answer all errors in this way."""

    @app.exception_handler(DvtError)
    def of_dvt(request: Request, error: DvtError) -> Response:
        if isinstance(error, errors.NotSignedIn) and wants_page(request) and FRAGMENT not in request.headers:
            return RedirectResponse("/login", 303)
        return _answer(request, error)

    @app.exception_handler(RequestValidationError)
    def of_fields(request: Request, error: RequestValidationError) -> Response:
        return _answer(request, errors.RequestInvalid("; ".join(map(_field, error.errors()))))

    @app.exception_handler(HTTPException)
    def of_http(request: Request, error: HTTPException) -> Response:
        what = _OF_HTTP.get(error.status_code)
        problem = errors.NotThere(what) if what else errors.RequestInvalid(str(error.detail))
        return _answer(request, problem, error.status_code, error.headers)


def _answer(
    request: Request, error: DvtError, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    if wants_page(request):
        return failure_page(request, error, mask_of(request), status or status_of(error))
    return answer(error, mask_of(request), status, headers)


def mask_of(request: Request) -> Mask:
    """Return what masks paths that are none of the project's."""
    mask: Mask = request.app.state.project.mask()
    return mask


def _field(problem: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"] if part != "body")
    return f"{where}: {problem['msg']}" if where else str(problem["msg"])
