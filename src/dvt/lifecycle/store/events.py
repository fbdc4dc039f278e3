"""Events: what is on record, each with its place in the chain.

A row's `body` is a JSON object as `canonical` writes it: keys sorted, no spaces, other characters than
ASCII escaped. Its `hash` is the SHA-256, in hexadecimal digits, of the previous row's hash, a line feed and
the body; before the first row stand 64 zeros. Rows are numbered from 1 without gaps, and a body contains its
number, so that no row can be changed, left out, added or moved without the hashes of all later rows showing
it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dvt.core.errors import NotRecordable
from dvt.core.retention import Asking, CleanupType, Moment, Source
from dvt.lifecycle.store.encoding import Data, canonical, shown

FIRST = "0" * 64
"""What stands in the place of a hash before the first row."""
_LARGEST = 2**63 - 1
"""The last moment that databases hold, in the year 2262."""


class EventKind(StrEnum):
    """What an event says."""

    RUN_BEGAN = "run_began"
    PLANNED = "planned"
    OUTCOME = "outcome"
    RUN_ENDED = "run_ended"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, or is to happen."""

    event: str = field(default_factory=lambda: secrets.token_hex(16))
    """Its id, by which it is known wherever it is written first."""
    at: Moment
    kind: EventKind
    asking: Asking
    run: str | None = None
    data_type: str | None = None
    key: str | None = None
    """The item's; for a note, the action."""
    result: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    id: int = 0
    """Its number in the chain; 0: it is not there yet."""
    hash: str = ""


def event_data(event: Event) -> Data:
    """Return an event as data of JSON, without its place in the chain."""
    if not 0 <= event.at <= _LARGEST:
        raise NotRecordable(f"the moment {event.at}", "it is before 1970 or after 2262")
    return {
        "event": event.event,
        "at": event.at,
        "kind": event.kind,
        "actor": event.asking.actor,
        "source": event.asking.source,
        "cleanup_type": event.asking.cleanup_type,
        "run": event.run,
        "data_type": event.data_type,
        "key": event.key,
        "result": event.result,
        "details": event.details,
    }


def event_from(data: Data, number: int = 0, digest: str = "") -> Event:
    """Return the event of which `event_data` made this."""
    return Event(
        event=data["event"],
        at=data["at"],
        kind=EventKind(data["kind"]),
        asking=Asking(
            actor=data["actor"],
            source=Source(data["source"]),
            cleanup_type=CleanupType(data["cleanup_type"]),
        ),
        run=data["run"],
        data_type=data["data_type"],
        key=data["key"],
        result=data["result"],
        details=data["details"],
        id=number,
        hash=digest,
    )


def body_of(data: Data, number: int) -> str:
    """Return the body of the row that gets this number."""
    return canonical({**data, "id": number})


def hash_of(previous: str, body: str) -> str:
    """Return the hash of a row."""
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()


def key_digest(key: str) -> str:
    """Return what rows about a key are found by, since an index does not hold long texts."""
    return hashlib.sha256(key.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def columns_of(data: Data) -> dict[str, Any]:
    """Return what the columns of a row say beside its number, body and hash; they follow from the body."""
    key = data["key"]
    texts = {name: _shown(data[name]) for name in ("run", "actor", "data_type", "key")}
    plain = {name: data[name] for name in ("event", "at", "kind", "source", "result")}
    return plain | texts | {"key_digest": None if key is None else key_digest(key)}


def _shown(text: str | None) -> str | None:
    return None if text is None else shown(text)


def read_event(row: Any) -> Event:
    """Return the event of a row."""
    return event_from(json.loads(row.body), row.id, row.hash)
