"""Writes the tokens of the API; they themselves are not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dvt.core.access import Token
from dvt.core.retention import Moment
from dvt.lifecycle.reports.times import moment_text


def as_lines(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield tokens for people."""
    for token in tokens:
        until = "until it is revoked" if token.until is None else f"until {moment_text(token.until)}"
        used = "never used" if token.last_used is None else f"last used {moment_text(token.last_used)}"
        yield f"{token.id}  {token.name}  {token.role}  {until}, {used}, made by {token.made_by}"
    if not tokens:
        yield "there is no token: dvt lifecycle tokens add NAME --role ROLE"


def as_object(token: Token) -> dict[str, Any]:
    """Return a token for programs."""
    return {
        "token": token.id,
        "name": token.name,
        "role": token.role,
        "made": moment_text(token.made),
        "made_by": token.made_by,
        "until": _text(token.until),
        "last_used": _text(token.last_used),
    }


def _text(moment: Moment | None) -> str | None:
    return None if moment is None else moment_text(moment)
