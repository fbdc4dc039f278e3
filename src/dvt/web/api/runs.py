"""Runs: those that are on record, how far one is, and what became of each item."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from dvt.core.errors import DvtError, NotThere
from dvt.core.retention import RunRecord, RunStatus
from dvt.lifecycle.reports import runs as reports
from dvt.lifecycle.reports.spreadsheets import csv_line
from dvt.lifecycle.reports.times import moment_text
from dvt.lifecycle.store.events import EventKind
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.system import System
from dvt.web.access.gates import Call, Operator, Viewer
from dvt.web.api.shapes import Id, Limit, Shape, api_router
from dvt.web.runs import RunState

router = api_router("runs")
_POLL = 2.0
"""Seconds after which it is looked how far the run of another process is."""


class RunResult(Shape):
    """How many items of a data type had a result."""

    data_type: str
    result: str
    items: int
    bytes: int


class Run(Shape):
    """A run."""

    run: str
    plan: str
    status: str
    exit_code: int | None
    actor: str
    source: str
    cleanup_type: str
    began: str
    ended: str | None
    detail: str
    space_freed: int
    results: list[RunResult]
    alive: bool
    """Whether it is under way. One that has no end and is not was killed: the next run finishes it."""
    here: bool
    """Whether this server does it."""


class RunItem(Shape):
    """What became of an item."""

    number: int
    at: str
    data_type: str | None
    file_path: str | None
    result: str | None
    detail: str
    bytes: int | None
    sha256: str
    backup: str


class RunItems(Shape):
    """Items of a page."""

    items: list[RunItem]
    next: int | None
    """`after` of the next page; null: this is the last."""


@router.get("/runs")
def list_runs(
    call: Viewer, limit: Limit = 50, before: Annotated[str | None, Query(max_length=100)] = None
) -> list[Run]:
    """Return the last runs, those that were put on record last first; `before` continues after a run."""
    with call.system() as system:
        records = system.store.records.runs(limit=limit, before=before)
        return [shape(call, call.project.runs.state(system, record)) for record in records]


@router.get("/runs/{run_id}")
def get_run(call: Viewer, run_id: Id) -> Run:
    """Return a run, and how far it is."""
    return _run(call, run_id)


@router.get("/runs/{run_id}/items")
def run_items(
    call: Viewer,
    run_id: Id,
    result: Annotated[str | None, Query(max_length=20)] = None,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Limit = 100,
) -> RunItems:
    """Return what became of items."""
    with call.system() as system:
        _require(system, run_id)
    wanted = EventFilter(run=run_id, kind=EventKind.OUTCOME, result=result)
    items = list(_items(call, wanted, after=after, limit=limit + 1))
    following = items[limit - 1]["number"] if limit and len(items) > limit else None
    return RunItems.model_validate({"items": items[:limit], "next": following})


def _items(
    call: Call, wanted: EventFilter, *, after: int = 0, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    mask = call.project.mask()
    with call.system() as system:
        for of in system.store.records.events(wanted, after=after, limit=limit):
            details: Mapping[str, Any] = of.details
            yield {
                "number": of.id,
                "at": moment_text(of.at),
                "data_type": of.data_type,
                "file_path": mask.path(of.key or ""),
                "result": of.result,
                "detail": mask.text(details.get("detail", "")),
                "bytes": details.get("item", {}).get("bytes"),
                "sha256": details.get("sha256", ""),
                "backup": mask.path(details.get("backup", "")),
            }


@router.get(
    "/runs/{run_id}/report",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/csv": {}, "application/json": {}},
            "description": "What became of each item.",
        }
    },
)
def run_report(
    call: Viewer, run_id: Id, form: Annotated[Literal["csv", "json"], Query(alias="format")] = "csv"
) -> StreamingResponse:
    """Return what became of all items, as a file."""
    run = _run(call, run_id)
    rows = _csv(call, run_id) if form == "csv" else _json(call, run)
    return StreamingResponse(
        rows,
        media_type="text/csv; charset=utf-8" if form == "csv" else "application/json",
        headers={"Content-Disposition": f'attachment; filename="run_{run_id}.{form}"'},
    )


def _csv(call: Call, run_id: str) -> Iterator[str]:
    columns = tuple(RunItem.model_fields)
    yield csv_line(columns)
    for item in _items(call, EventFilter(run=run_id, kind=EventKind.OUTCOME)):
        yield csv_line(item[name] for name in columns)


def _json(call: Call, run: Run) -> Iterator[str]:
    yield f'{{"run": {run.model_dump_json()}, "items": ['
    before = "\n"
    for item in _items(call, EventFilter(run=run.run, kind=EventKind.OUTCOME)):
        yield f"{before}{RunItem.model_validate(item).model_dump_json()}"
        before = ",\n"
    yield "\n]}\n"


@router.post("/runs/{run_id}/stop", status_code=202)
def stop_run(call: Operator, run_id: Id) -> Run:
    """Have a run end after its batch, whichever process does it. What is not deleted by then stays."""
    with call.system() as system:
        call.project.runs.stop(system, run_id)
    return _run(call, run_id)


@router.get(
    "/runs/{run_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Server-sent events `progress` and `end`."}
    },
)
async def run_events(call: Viewer, run_id: Id) -> StreamingResponse:
    """Tell how far a run is, at once and after each change: events `progress`, and `end` with the last."""
    await run_in_threadpool(_run, call, run_id)
    return StreamingResponse(_events(call, run_id), media_type="text/event-stream")


async def _events(call: Call, run_id: str) -> AsyncIterator[str]:
    running = call.project.runs.get(run_id)
    if running is not None:
        async for record in running.watch():
            if record is None:
                yield ": still at work\n\n"
                continue
            is_alive = record.status is RunStatus.RUNNING
            told = shape(call, RunState(record=record, is_alive=is_alive, is_here=True))
            yield _event("progress", told.model_dump())
        yield _event("end", (await run_in_threadpool(_run, call, run_id)).model_dump())
        return
    before: Run | None = None
    while True:
        try:
            now = await run_in_threadpool(_run, call, run_id)
        except DvtError as error:
            yield _event("problem", {"code": error.code, "message": call.project.mask().text(error.message)})
            return
        yield ": still at work\n\n" if now == before else _event("progress", now.model_dump())
        if now.status != RunStatus.RUNNING or not now.alive:
            yield _event("end", now.model_dump())
            return
        before = now
        await asyncio.sleep(_POLL)


def _event(name: str, content: Mapping[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(content)}\n\n"


def _run(call: Call, run_id: str) -> Run:
    with call.system() as system:
        return shape(call, call.project.runs.state(system, _require(system, run_id)))


def _require(system: System, run_id: str) -> RunRecord:
    record = system.store.records.run(run_id)
    if record is None:
        raise NotThere(f"run {run_id} on record")
    return record


def shape(call: Call, state: RunState) -> Run:
    """Return a run for programs."""
    told = reports.as_object(state.record) | {"alive": state.is_alive, "here": state.is_here}
    told["detail"] = call.project.mask().text(told["detail"])
    return Run.model_validate(told)
