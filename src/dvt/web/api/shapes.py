"""What requests and answers of several addresses consist of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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
LONGEST = 4096
"""Characters of a path, at most, as most systems have it."""


def api_router(tag: str) -> APIRouter:
    """Return the router of a noun of the API."""
    return APIRouter(prefix="/api/cleanup", tags=[tag], responses=ERRORS)


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


def _without_nul(text: str) -> str:
    if "\0" in text or (not text.isascii() and any("\ud800" <= of <= "\udfff" for of in text)):
        msg = "it has characters that are no text"
        raise ValueError(msg)
    return text


Id = Annotated[str, Path(pattern="^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$")]
"""Id of a plan, a run, a pin, or a token."""
Text = Annotated[str, Field(max_length=LONGEST), AfterValidator(_without_nul)]
Reason = Annotated[
    str,
    Field(min_length=1, max_length=1000, description="Why; it is put on record."),
    AfterValidator(_without_nul),
]
DataType = Annotated[str, Field(min_length=1, max_length=50), AfterValidator(_without_nul)]
Limit = Annotated[int, Query(ge=0, le=1000, description="So many, at most.")]
Kind = Annotated[
    Literal["automatic", "manual", "emergency"],
    Field(
        description="automatic: stops where a person would be asked. emergency: without grace period and "
        "quarantine's delay."
    ),
]
Cursor = Annotated[str, Field(max_length=100, description="`next` of the page before.")]


def kind_of(kind: str) -> CleanupType:
    """Return the type of a run."""
    return CleanupType(kind)


def moment_of(name: str, time: str | None, read: Callable[[str], Moment] = first_moment) -> Moment | None:
    """Return the moment of a parameter, in UTC where it names no zone; RequestInvalid."""
    if time is None:
        return None
    try:
        return read(time)
    except (ValueError, OverflowError) as error:
        raise RequestInvalid(f"{name}: this is no day and no time: {error}") from None


Time = Annotated[
    str,
    Field(
        max_length=40,
        description="A day or a time in ISO 8601; in UTC where it names no zone.",
        examples=["2026-03-01", "2026-03-01T12:00:00Z"],
    ),
]


def example(content: Mapping[str, Any]) -> ConfigDict:
    """Return the configuration of a model with an example."""
    return ConfigDict(json_schema_extra={"examples": [dict(content)]})
