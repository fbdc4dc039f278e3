"""Tokens: who may use the API, and as what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dvt.core.access import Role
from dvt.core.errors import NotThere
from dvt.lifecycle.reports import tokens as reports
from dvt.lifecycle.reports.times import day_moment
from dvt.web.access.gates import Admin
from dvt.web.api.shapes import Body, Id, Shape, Time, api_router, example, moment_of

router = api_router("tokens")


class TokenShape(Shape):
    """What is known of a token."""

    token: str
    name: str
    role: str
    made: str
    made_by: str
    until: str | None
    last_used: str | None


class NewToken(TokenShape):
    """A token that was made."""

    secret: str
    """The token itself, which nobody can show again."""


class TokenRequest(Body):
    """Whose token, and what it may do."""

    model_config = example({"name": "grafana", "role": "viewer"}) | Body.model_config
    name: Annotated[str, Field(pattern="^[0-9A-Za-z][0-9A-Za-z @._-]{0,99}$")]
    role: Literal["viewer", "operator", "admin"]
    until: Time | None = None
    """A day, to its end, or a time; without it, until it is revoked."""


@router.get("/tokens")
def list_tokens(call: Admin) -> list[TokenShape]:
    """Return the tokens that are valid."""
    with call.system() as system:
        return [TokenShape.model_validate(reports.as_object(token)) for token in system.store.tokens.valid()]


@router.post("/tokens", status_code=201)
def add(call: Admin, wanted: TokenRequest) -> NewToken:
    """Make a token; only this answer has it."""
    until = moment_of("until", wanted.until, day_moment)
    with call.system() as system:
        secret, token = system.store.tokens.add(wanted.name, Role(wanted.role), system.asking(), until=until)
    return NewToken.model_validate({**reports.as_object(token), "secret": secret})


@router.delete("/tokens/{token_id}", status_code=204)
def revoke(call: Admin, token_id: Id) -> None:
    """Revoke a token."""
    with call.system() as system:
        if not system.store.tokens.revoke(token_id, system.asking()):
            raise NotThere(f"token {token_id}")
