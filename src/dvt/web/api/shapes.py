"""What requests and answers of several addresses consist of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from dvt.core.errors import RequestInvalid
from dvt.core.retention import CleanupType, Moment
from dvt.lifecycle.reports.times import first_moment
from dvt.web.answers import ErrorAnswer

_MEANINGS = {
    400: "The request is wrong.",
    401: "There is no token, or it is wrong.",
    403: "The role is too low, or the request may come from another site.",
    404: "It is not there.",
    409: "It cannot be done as things are; nothing was changed.",
    413: "The body is too large.",
    429: "Too many requests; `Retry-After` says when to ask again.",
    500: "The server has failed.",
    503: "What the server needs does not answer, or its settings are wrong.",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": meaning} for status, meaning in _MEANINGS.items()
}
"""Status → how it is described; of all requests."""
NO_NUL = r"^[^\x00]*$"
"""Pattern of texts: no database and no file name has NUL in it."""
LONGEST = 4096
"""Characters of a path, at most, as most systems have it."""


def check_parameters(request: Request) -> None:
    """Refuse a parameter that is not known, or given twice: a misspelt filter would let all through."""
    known = _parameters(request)
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            raise RequestInvalid(f"{name}: there is no such parameter", f"known: {', '.join(sorted(known))}")
        if names.count(name) > 1:
            raise RequestInvalid(f"{name}: given more than once")


def _parameters(request: Request) -> set[str]:
    """Return the names of parameters that the document has for a request."""
    operations = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    operation = operations.get(request.method.lower(), {})
    return {of["name"] for of in operation.get("parameters", ()) if of["in"] == "query"}


def api_router(tag: str) -> APIRouter:
    """Return the router of a noun of the API."""
    return APIRouter(
        prefix="/api/cleanup", tags=[tag], responses=ERRORS, dependencies=[Depends(check_parameters)]
    )


class Shape(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(extra="ignore")


class Body(BaseModel):
    """Body of a request; a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Amount(Shape):
    """Numbers of items, files and bytes."""

    items: int = Field(ge=0)
    files: int = Field(ge=0)
    bytes: int = Field(ge=0)


Id = Annotated[str, Path(pattern="^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$")]
"""Id of a plan, a run, a pin, or a token."""
Text = Annotated[str, Field(max_length=LONGEST, pattern=NO_NUL)]
Reason = Annotated[
    str, Field(min_length=1, max_length=1000, pattern=NO_NUL, description="Why; it is put on record.")
]
DataType = Annotated[str, Field(min_length=1, max_length=50, pattern=NO_NUL)]
Limit = Annotated[int, Query(ge=0, le=1000, description="So many, at most.")]
Kind = Annotated[
    Literal["automatic", "manual", "emergency"],
    Field(
        description="automatic: stops where a person would be asked. emergency: without grace period and "
        "quarantine's delay."
    ),
]
Cursor = Annotated[str, Field(pattern="^[0-9a-f]{16}-[0-9]{1,18}$", description="`next` of the page before.")]


def _whole(number: Any) -> Any:
    """Take 14.0 for 14, as JSON does."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


WHOLE = BeforeValidator(_whole)
"""Lets whole numbers be written with a point, as JSON does."""


def kind_of(kind: str) -> CleanupType:
    """Return the type of a run."""
    return CleanupType(kind)


def moment_of(name: str, time: str | None, read: Callable[[str], Moment] = first_moment) -> Moment | None:
    """Return the moment of a parameter, in UTC where it names no zone; RequestInvalid."""
    if time is None:
        return None
    year = int(time[:4]) if time[:4].isdecimal() else _FIRST
    try:
        if not _FIRST <= year < _LAST:  # as far as moments reach
            datetime.fromisoformat(time if year else f"0400{time[4:]}")  # Python has no year 0
            return 0 if year < _FIRST else 2**63 - 1
        return read(time)
    except (ValueError, OverflowError) as error:
        raise RequestInvalid(f"{name}: this is no day and no time: {error}") from None


_FIRST, _LAST = 1970, 2262


Time = Annotated[
    str,
    Field(max_length=40),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}],
            "description": "A day or a time in ISO 8601; in UTC where it names no zone.",
            "examples": ["2026-03-01", "2026-03-01T12:00:00Z"],
        }
    ),
]


def example(content: Mapping[str, Any]) -> ConfigDict:
    """Return the configuration of a model with an example."""
    return ConfigDict(json_schema_extra={"examples": [dict(content)]})
