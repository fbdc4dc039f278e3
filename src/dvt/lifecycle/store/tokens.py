"""Tokens of the API in the store: their hashes, never they themselves."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, or_, select, update

from dvt.core.access import Role, Token
from dvt.core.errors import DvtError, NotRecordable
from dvt.core.moments import SECOND
from dvt.core.retention import Asking, Moment
from dvt.lifecycle.store.chain import Chain
from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.encoding import shown
from dvt.lifecycle.store.events import Event, EventKind
from dvt.lifecycle.store.present import now
from dvt.lifecycle.store.tables import TOKENS

PREFIX = "dvt_"
"""How tokens begin, so that scanners for secrets know them."""
_BYTES = 32
"""Random bytes of a token: none can be guessed, so a hash without salt and delay is safe."""
_USES = 60 * SECOND
"""Nanoseconds for which a use of a token is not put on record again."""
_LONGEST_NAME = 100


class Tokens:
    """The tokens in a database."""

    def __init__(self, database: Database, chain: Chain) -> None:
        self._database = database
        self._chain = chain

    def valid(self, at: Moment | None = None) -> tuple[Token, ...]:
        """Return the tokens that are valid at a moment (now), oldest first."""
        query = select(TOKENS).where(*_is_valid(at)).order_by(TOKENS.c.made, TOKENS.c.id)
        with self._database.reading() as connection:
            return tuple(_token(row) for row in connection.execute(query).all())

    def add(self, name: str, role: Role, asking: Asking, *, until: Moment | None = None) -> tuple[str, Token]:
        """Make a token and put that on record; return the token itself, which nobody can show again."""
        if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable() or shown(name) != name:
            raise NotRecordable(
                f"a token of {name[:_LONGEST_NAME]!r}",
                f"names have 1 to {_LONGEST_NAME} printable characters",
            )
        secret = PREFIX + secrets.token_urlsafe(_BYTES)
        token = Token(
            id=secrets.token_hex(8),
            name=name,
            role=role,
            made=now(),
            made_by=shown(asking.actor),
            until=until,
        )
        own = {field: getattr(token, field) for field in ("id", "name", "role", "made", "made_by", "until")}
        told = {"id": token.id, "name": name, "role": role.value, "until": until}
        with self._database.writing() as connection:
            connection.execute(insert(TOKENS), {**own, "role": role.value, "digest": _digest(secret)})
            self._chain.append_in(connection, [_note(asking, "token_added", token.made, told)])
        return secret, token

    def revoke(self, name: str, asking: Asking) -> tuple[Token, ...]:
        """Revoke the token of an id, or all of a name, and put that on record; return them."""
        at = now()
        named = or_(TOKENS.c.id == name, TOKENS.c.name == name)
        with self._database.writing() as connection:
            query = select(TOKENS).where(named, TOKENS.c.revoked.is_(None)).with_for_update()
            tokens = tuple(_token(row) for row in connection.execute(query).all())
            ids = [token.id for token in tokens]
            values = {"revoked": at, "revoked_by": shown(asking.actor)}
            connection.execute(update(TOKENS).where(TOKENS.c.id.in_(ids)).values(values))
            notes = [
                _note(asking, "token_revoked", at, {"id": token.id, "name": token.name}) for token in tokens
            ]
            self._chain.append_in(connection, notes)
        return tokens

    def of(self, secret: str, at: Moment | None = None) -> Token | None:
        """Return whose token this is; None if it is wrong, revoked or expired."""
        moment = now() if at is None else at
        digest = _digest(secret)
        query = select(TOKENS).where(TOKENS.c.digest == digest, *_is_valid(moment))
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None or not hmac.compare_digest(row.digest, digest):
            return None
        return self._used(_token(row), moment)

    def is_valid(self, token: str, at: Moment | None = None) -> bool:
        """Return whether the token of an id is neither revoked nor expired."""
        with self._database.reading() as connection:
            return (
                connection.execute(select(TOKENS.c.id).where(TOKENS.c.id == token, *_is_valid(at))).first()
                is not None
            )

    def _used(self, token: Token, at: Moment) -> Token:
        if token.last_used is not None and 0 <= at - token.last_used < _USES:
            return token
        # Who only reads the database must be let in nevertheless.
        with suppress(DvtError), self._database.writing() as connection:
            connection.execute(update(TOKENS).where(TOKENS.c.id == token.id).values(last_used=at))
        return replace(token, last_used=at)


def _is_valid(at: Moment | None) -> tuple[Any, ...]:
    moment = now() if at is None else at
    return TOKENS.c.revoked.is_(None), or_(TOKENS.c.until.is_(None), TOKENS.c.until > moment)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).hexdigest()


def _note(asking: Asking, action: str, at: Moment, details: Mapping[str, object]) -> Event:
    return Event(at=at, kind=EventKind.NOTE, asking=asking, key=action, details=details)


def _token(row: Any) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        made=row.made,
        made_by=row.made_by,
        until=row.until,
        last_used=row.last_used,
    )
