"""The pages of the run monitor: `/runs`, a run, a node of it, and the plan of a node."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from dvt.core.errors import NotThere
from dvt.core.operation_record import NodeRecord, OperationRecord
from dvt.core.status import Status
from dvt.web.operations import Operations, Search, command
from dvt.web.pages import monitor
from dvt.web.pages.context import RUNS, Operating, Viewing, Visit, go_to

router = APIRouter(include_in_schema=False)
_PAGE = 50
"""Runs of a page."""


@router.get("/")
def home(visit: Viewing) -> RedirectResponse:  # noqa: ARG001 - who is not signed in goes to the form
    """Lead to the runs."""
    return go_to(RUNS)


@router.get("/runs")
def runs(
    request: Request, visit: Viewing, text: str = "", status: str = "", before: int | None = None
) -> HTMLResponse:
    """List the commands of the project, those that were at work last first."""
    operations = Operations(visit.folder)
    search = Search(text, status) if text or status else None
    chosen = operations.recent(_PAGE + 1, before, search)
    mask = visit.project.mask()
    records = [monitor.masked(record, mask) for record in chosen[:_PAGE]]
    return visit.page(
        "runs.html",
        {
            "active": RUNS,
            "records": records,
            "columns": monitor.chart(records),
            "text": text,
            "status": status,
            "before": before,
            "after": operations.written(records[-1].operation_id) if len(chosen) > _PAGE else 0,
            "running": any(record.status is Status.RUNNING for record in records),
            "here": str(request.url),
            "folder": str(visit.folder),
            **FUNCTIONS,
        },
    )


@router.get("/runs/{operation_id}")
def run(request: Request, visit: Viewing, operation_id: str, around: str = "") -> HTMLResponse:
    """Show what a command does, or did: its nodes as a graph, on a time axis, and in a table."""
    record = monitor.masked(_record(visit, operation_id), visit.project.mask())
    known = {node.unique_id for node in record.nodes}
    return visit.page(
        "run.html",
        {
            "active": RUNS,
            "shown": monitor.shown(record, around if around in known else ""),
            "around": around if around in known else "",
            "here": str(request.url),
            **FUNCTIONS,
        },
    )


@router.get("/runs/{operation_id}/nodes/{unique_id}")
def node(visit: Viewing, operation_id: str, unique_id: str) -> HTMLResponse:
    """Show what was done for a node."""
    record = monitor.masked(_record(visit, operation_id), visit.project.mask())
    found = _node(record, unique_id)
    return visit.page(
        "node.html",
        {
            "active": RUNS,
            "record": record,
            "node": found,
            "known": {of.unique_id for of in record.nodes},
            "readers": sorted(of.unique_id for of in record.nodes if unique_id in of.dependencies),
            "may_explain": visit.may_operate,
            **FUNCTIONS,
        },
    )


@router.get("/runs/{operation_id}/nodes/{unique_id}/plan")
def plan(visit: Operating, operation_id: str, unique_id: str) -> HTMLResponse:
    """Show how the project as it is now would compute a node; that asks the databases."""
    record = _record(visit, operation_id)
    found = _node(record, unique_id)
    is_made, text = monitor.explain(visit.folder, found, record)
    values = {"active": RUNS, "record": record, "node": found, "is_made": is_made, "text": text}
    return visit.page("node_plan.html", {**values, **FUNCTIONS})


FUNCTIONS: dict[str, Any] = {**monitor.FUNCTIONS, "command": command}
"""What the templates call."""


def _record(visit: Visit, operation_id: str) -> OperationRecord:
    record = Operations(visit.folder).get(operation_id)
    if record is None:
        raise NotThere(f"run {operation_id!r}; files of old ones are cleaned up")
    return record


def _node(record: OperationRecord, unique_id: str) -> NodeRecord:
    for of in record.nodes:
        if of.unique_id == unique_id:
            return of
    raise NotThere(f"node {unique_id!r} in this run")
