"""The chain of events: appends them, and proves that nobody has changed any."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, text

from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.events import FIRST, Event, body_of, columns_of, event_data, hash_of
from dvt.lifecycle.store.run_rows import add_run_rows
from dvt.lifecycle.store.tables import EVENTS

_LOCK = 0x6476_7402
"""Key of PostgreSQL's advisory lock that one writer of the chain holds at a time."""
_PAGE = 5000
"""Rows that are read at once."""
_BATCH = 1000
"""Rows that one statement writes."""
_NAMES = ", ".join(column.name for column in EVENTS.columns)
_INSERT_JSON = (
    f"INSERT INTO {EVENTS.name} ({_NAMES}) "
    f"SELECT {_NAMES} FROM json_populate_recordset(CAST(NULL AS {EVENTS.name}), CAST(:rows AS json))"
)
"""PostgreSQL's statement that inserts an array of objects."""


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What an examination of the chain has found."""

    rows: int
    """How many rows are whole, from the first on."""
    head: str
    """The hash of the last of these. Kept elsewhere, it proves later that no row behind was cut off."""
    broken: int | None = None
    """Number of the first row that is not as it was written, or is missing; None: all are whole."""
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """True if nobody has changed anything."""
        return self.broken is None


class Chain:
    """The events in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, events: Sequence[Event]) -> None:
        """Put events on record, on the disk when this returns: all of them, or none."""
        with self._database.writing() as connection:
            self.append_in(connection, events)

    def append_new(self, events: Sequence[Event]) -> int:
        """Put those on record that are not yet; return their number."""
        with self._database.writing() as connection:
            self._lock(connection)
            ids = [event.event for event in events]
            known: set[str] = set(
                connection.execute(select(EVENTS.c.event).where(EVENTS.c.event.in_(ids))).scalars()
            )
            new = [event for event in events if event.event not in known]
            self.append_in(connection, new)
        return len(new)

    def append_in(self, connection: Connection, events: Sequence[Event]) -> None:
        """Put events on record within a transaction that writes."""
        if not events:
            return
        self._lock(connection)
        last = connection.execute(
            select(EVENTS.c.id, EVENTS.c.hash).order_by(EVENTS.c.id.desc()).limit(1)
        ).first()
        before, digest = (last.id, last.hash) if last else (0, FIRST)
        rows = []
        for number, event in enumerate(events, before + 1):
            data = event_data(event)
            body = body_of(data, number)
            digest = hash_of(digest, body)
            rows.append({**columns_of(data), "id": number, "body": body, "hash": digest})
        for start in range(0, len(rows), _BATCH):
            self._insert(connection, rows[start : start + _BATCH])
        add_run_rows(connection, events)

    def _insert(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        if self._database.is_sqlite:
            connection.execute(insert(EVENTS), rows)
        else:
            # One value of JSON is parsed in half the time that so many values of SQL take.
            connection.execute(text(_INSERT_JSON), {"rows": json.dumps(rows)})

    def _lock(self, connection: Connection) -> None:
        """Wait until no other writer is at the end of the chain, until the transaction's end."""
        if not self._database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})

    def verify(self) -> ChainCheck:
        """Read every row, in constant memory, and name the first that is not as it was written."""
        number, digest = 0, FIRST
        for row in self._rows():
            number += 1
            reason = _fault(row, number, digest)
            if reason:
                return ChainCheck(number - 1, digest, number, reason)
            digest = row.hash
        return ChainCheck(number, digest)

    def _rows(self) -> Iterator[Any]:
        last = 0
        while True:
            query = select(EVENTS).where(EVENTS.c.id > last).order_by(EVENTS.c.id).limit(_PAGE)
            with self._database.reading() as connection:
                page = connection.execute(query).all()
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].id


def _fault(row: Any, number: int, previous: str) -> str:
    """Return what is wrong with a row that should have this number; empty: nothing."""
    if row.id != number:
        return f"row {number} is missing"
    if hash_of(previous, row.body) != row.hash:
        return f"the hash of row {number} is not that of its content and of the row before it"
    data = json.loads(row.body)
    if data.get("id") != number:
        return f"row {number} was written as row {data.get('id')}"
    expected = columns_of(data)
    wrong = sorted(name for name, value in expected.items() if getattr(row, name) != value)
    return f"row {number} says something else in {', '.join(wrong)} than in its body" if wrong else ""
