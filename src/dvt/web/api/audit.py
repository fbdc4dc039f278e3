"""The record: who did what and when, in pages, and as a file with the proof that nobody has changed it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from dvt.lifecycle.reports import runs as reports
from dvt.lifecycle.reports.spreadsheets import csv_line
from dvt.lifecycle.reports.times import day_moment
from dvt.lifecycle.store.events import Event, EventKind
from dvt.lifecycle.store.records import EventFilter
from dvt.web.access.gates import Call, Viewer
from dvt.web.api.shapes import DataType, Limit, Shape, Text, Time, api_router, moment_of
from dvt.web.masking import Mask

router = api_router("audit")


class EventShape(Shape):
    """Something that happened, or was to happen."""

    number: int
    at: str
    kind: str
    actor: str
    source: str
    run: str | None
    data_type: str | None
    key: str | None
    """Of the item; for a note, what was done."""
    result: str | None
    detail: str
    details: dict[str, Any]
    """Of a note."""
    hash: str


class Events(Shape):
    """Events of a page, in the order of the chain."""

    events: list[EventShape]
    next: int | None
    """`after` of the next page; null: this is the last."""


class ChainShape(Shape):
    """Whether the record is as it was written."""

    whole: bool
    rows: int
    head: str
    """The hash of the last row that is whole."""
    reason: str


def _filter(
    *,
    run: Annotated[str | None, Query(max_length=100)] = None,
    data_type: DataType | None = None,
    file_path: Text | None = None,
    kind: Literal["run_began", "planned", "outcome", "run_ended", "note"] | None = None,
    result: Annotated[str | None, Query(max_length=20)] = None,
    actor: Annotated[Text | None, Query(max_length=200)] = None,
    since: Time | None = None,
    until: Time | None = None,
) -> EventFilter:
    return EventFilter(
        run=run,
        data_type=data_type,
        key=file_path,
        kind=None if kind is None else EventKind(kind),
        result=result,
        actor=actor,
        since=moment_of("since", since),
        until=moment_of("until", until, day_moment),
    )


Wanted = Annotated[EventFilter, Depends(_filter)]


@router.get("/audit")
def list_events(
    call: Viewer, wanted: Wanted, after: Annotated[int, Query(ge=0, le=2**53)] = 0, limit: Limit = 100
) -> Events:
    """Return events for which all that is asked for holds."""
    with call.system() as system:
        events = list(system.store.records.events(wanted, after=after, limit=limit + 1))
    mask = call.project.mask()
    following = events[limit - 1].id if limit and len(events) > limit else None
    return Events.model_validate({"events": [_event(of, mask) for of in events[:limit]], "next": following})


@router.get("/audit/verify")
def verify(call: Viewer) -> ChainShape:
    """Prove that nobody has changed what is on record, or name the first row that is not as it was."""
    with call.system() as system:
        chain = system.store.verify_chain()
    return ChainShape(whole=chain.is_whole, rows=chain.rows, head=chain.head, reason=chain.reason)


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/csv": {}, "application/json": {}},
            "description": "All events; the JSON has the proof of the chain first, the CSV in headers.",
        }
    },
)
def export(
    call: Viewer, wanted: Wanted, form: Annotated[Literal["csv", "json"], Query(alias="format")] = "csv"
) -> StreamingResponse:
    """Return all events for which all that is asked for holds, as a file."""
    chain = verify(call)
    proof = {
        "X-Chain-Whole": str(chain.whole).lower(),
        "X-Chain-Rows": str(chain.rows),
        "X-Chain-Head": chain.head,
    }
    name = f'attachment; filename="audit.{form}"'
    rows = _csv(call, wanted) if form == "csv" else _json(call, wanted, chain)
    media = "text/csv; charset=utf-8" if form == "csv" else "application/json"
    return StreamingResponse(rows, media_type=media, headers={**proof, "Content-Disposition": name})


def _csv(call: Call, wanted: EventFilter) -> Iterator[str]:
    yield csv_line((*reports.EVENT_COLUMNS, "hash"))
    mask = call.project.mask()
    with call.system() as system:
        for event in system.store.records.events(wanted):
            told = _event(event, mask)
            yield csv_line([told[name] for name in (*reports.EVENT_COLUMNS, "hash")])


def _json(call: Call, wanted: EventFilter, chain: ChainShape) -> Iterator[str]:
    mask = call.project.mask()
    yield f'{{"chain": {chain.model_dump_json()}, "events": ['
    before = "\n"
    with call.system() as system:
        for event in system.store.records.events(wanted):
            yield f"{before}{json.dumps(_event(event, mask))}"
            before = ",\n"
    yield "\n]}\n"


def _event(event: Event, mask: Mask) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(reports.EVENT_COLUMNS, reports.event_row(event), strict=True))
    return {
        **row,
        "key": None if event.key is None else mask.path(event.key),
        "detail": mask.text(str(row["detail"])),
        "details": mask.all(dict(event.details)) if event.kind is EventKind.NOTE else {},
        "hash": event.hash,
    }
