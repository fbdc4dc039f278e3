"""What cleanups of a project have done and seen, read from the record in its order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from dvt.core.past import Deleted, Looked, Restored
from dvt.core.retention import GONE, Item, Result, Tally
from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.encoding import item_from, shown
from dvt.lifecycle.store.events import Event, EventKind, read_event
from dvt.lifecycle.store.tables import EVENTS

_PAGE = 1000
"""Rows that are read at once."""
_TAKEN = GONE | {Result.COMPRESSED}
_RESTORED = "restored"
"""Key of the notes of what was brought back."""


class Past:
    """The record of one project's cleanups, on whichever machine they were; a store may have others', too."""

    def __init__(self, database: Database, state: str) -> None:
        """`state`: the project's folder for its own files, which runs have on record."""
        self._database = database
        self._state = state

    def looks(self) -> list[Looked]:
        """Return what each cleanup has found, in the order of the record."""
        return [_looked(event) for event in self._begun()]

    def changes(self, data_type: str) -> Iterator[Deleted | Restored]:
        """Yield what was taken away of a data type, and all that was brought back, in constant memory.

        What is on record of an item is what it was when it was planned to go. If that is missing, its times
        and status are.
        """
        runs = {event.run for event in self._begun()}
        planned: dict[str | None, Item] = {}
        """Items of which it is not told yet what became of them: a batch of a run, at most."""
        of_type = and_(
            EVENTS.c.data_type == shown(data_type),
            EVENTS.c.kind.in_([EventKind.PLANNED.value, EventKind.OUTCOME.value]),
        )
        note = and_(EVENTS.c.kind == EventKind.NOTE.value, EVENTS.c.key == _RESTORED)
        for event in self._events(or_(of_type, note)):
            if event.kind is EventKind.NOTE:
                yield from _restored(event)
            elif event.run in runs and event.kind is EventKind.PLANNED:
                planned[event.key] = _item(event)
            elif event.run in runs:
                item = planned.pop(event.key, None) or _item(event)
                result = Result(event.result or "")
                if result in _TAKEN:
                    yield Deleted(item, event.at, result)

    def _begun(self) -> Iterator[Event]:
        for event in self._events(EVENTS.c.kind == EventKind.RUN_BEGAN.value):
            if event.details.get("state") == self._state:
                yield event

    def _events(self, wanted: ColumnElement[bool]) -> Iterator[Event]:
        query = select(EVENTS).where(wanted).order_by(EVENTS.c.id).limit(_PAGE)
        last = 0
        while True:
            with self._database.reading() as connection:
                page = connection.execute(query.where(EVENTS.c.id > last)).all()
            yield from map(read_event, page)
            if len(page) < _PAGE:
                return
            last = page[-1].id


def _item(event: Event) -> Item:
    said: Any = event.details.get("item")
    return item_from(event.data_type or "", event.key or "", said if isinstance(said, dict) else {})


def _looked(event: Event) -> Looked:
    details: Any = event.details
    found = details.get("found", {})
    return Looked(details.get("made", event.at), {name: Tally(**tally) for name, tally in found.items()})


def _restored(event: Event) -> Iterator[Restored]:
    items: Any = event.details.get("items", ())
    for of in items:
        if of.get("result") == Result.RESTORED and isinstance(of.get("key"), str):
            yield Restored(of["key"], event.at)
