"""Pins in the store: orders that items stay, until somebody takes them off or their time is over."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, or_, select, update

from dvt.core.errors import NotRecordable, PinUseless
from dvt.core.retention import Asking, Moment, Pin
from dvt.lifecycle.store.chain import Chain
from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.encoding import shown
from dvt.lifecycle.store.events import Event, EventKind
from dvt.lifecycle.store.present import now
from dvt.lifecycle.store.tables import PINS

KINDS = ("file", "pipeline", "tag")
"""What a pin's pattern is of."""


class Pins:
    """The pins in a database."""

    def __init__(self, database: Database, chain: Chain) -> None:
        self._database = database
        self._chain = chain

    def valid(self, at: Moment | None = None) -> tuple[Pin, ...]:
        """Return the pins that are valid at a moment (now), oldest first."""
        moment = now() if at is None else at
        query = (
            select(PINS)
            .where(PINS.c.removed.is_(None), or_(PINS.c.until.is_(None), PINS.c.until > moment))
            .order_by(PINS.c.made, PINS.c.id)
        )
        with self._database.reading() as connection:
            return tuple(_pin(row) for row in connection.execute(query).all())

    def ever(self) -> tuple[Pin, ...]:
        """Return all pins that ever were, oldest first; `until` of one that was taken off is when it was."""
        with self._database.reading() as connection:
            rows = connection.execute(select(PINS).order_by(PINS.c.made, PINS.c.id)).all()
        ends = ([at for at in (row.until, row.removed) if at is not None] for row in rows)
        return tuple(
            replace(_pin(row), until=min(end, default=None)) for row, end in zip(rows, ends, strict=True)
        )

    def add(
        self, pattern: str, asking: Asking, reason: str, *, kind: str = "file", until: Moment | None = None
    ) -> Pin:
        """Add a pin and put it on record."""
        if kind not in KINDS:
            raise NotRecordable(f"a pin of the kind {kind!r}", f"kinds are {', '.join(KINDS)}")
        if until is not None and until <= now():
            raise PinUseless(pattern, "the time until which it should be valid is over")
        if not pattern.strip():
            raise PinUseless(pattern, "it has no pattern")
        if shown(pattern) != pattern:
            raise NotRecordable("the pattern of a pin", "it has characters that are no text")
        pin = Pin(
            id=secrets.token_hex(8),
            pattern=pattern,
            kind=kind,
            reason=shown(reason),
            by=shown(asking.actor),
            made=now(),
            until=until,
        )
        values = {name: getattr(pin, name) for name in ("id", "pattern", "kind", "reason", "made", "until")}
        with self._database.writing() as connection:
            connection.execute(insert(PINS), {**values, "made_by": pin.by})
            self._chain.append_in(connection, [_note(asking, "pinned", pin.made, values)])
        return pin

    def remove(self, pin: str, asking: Asking, reason: str) -> bool:
        """Take a pin off and put that on record; False if there is no such pin any more."""
        at = now()
        change = update(PINS).where(PINS.c.id == pin, PINS.c.removed.is_(None))
        with self._database.writing() as connection:
            values = {"removed": at, "removed_by": shown(asking.actor)}
            if connection.execute(change.values(values)).rowcount == 0:
                return False
            self._chain.append_in(connection, [_note(asking, "unpinned", at, {"id": pin, "reason": reason})])
        return True


def _note(asking: Asking, action: str, at: Moment, details: Mapping[str, object]) -> Event:
    return Event(at=at, kind=EventKind.NOTE, asking=asking, key=action, details=details)


def _pin(row: Any) -> Pin:
    return Pin(
        id=row.id,
        pattern=row.pattern,
        kind=row.kind,
        reason=row.reason,
        by=row.made_by,
        made=row.made,
        until=row.until,
    )
