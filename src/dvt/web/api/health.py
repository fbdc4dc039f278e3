"""Whether the server and the schedule are well: for those who watch them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from dvt.core.errors import DvtError, LifecycleInvalid, SeveralErrors
from dvt.core.retention import Source
from dvt.lifecycle.schedule import health as schedule
from dvt.web.access.gates import Viewer, form_csrf, project, viewer
from dvt.web.answers import answer
from dvt.web.api.shapes import ERRORS, Shape, api_router
from dvt.web.masking import Mask
from dvt.web.metrics import write
from dvt.web.project import Project

open_router = APIRouter(tags=["health"], responses={503: ERRORS[503]})
router = api_router("health")
Served = Annotated[Project, Depends(project)]


class Health(Shape):
    """How the server is. It says no path, no name and no secret."""

    status: Literal["ok", "overdue"]
    last_run: str | None
    """When the last automatic run began."""
    last_success: str | None
    """When the last automatic run that was completed began."""
    overdue: bool
    """Whether a run should have been done by now."""
    scheduler: Literal["alive", "dead", "none"]
    running: bool
    """Whether this server does a run."""


class ScheduleShape(Shape):
    """When runs are done, and whether they were."""

    cron: str
    zone: str
    next_run: str
    next_run_local: str
    scheduler: str
    heartbeat: str | None
    last_run: dict[str, Any] | None
    last_success: dict[str, Any] | None
    overdue: bool
    overdue_since: str | None
    problems: list[str]


@open_router.get("/healthz", response_model=Health)
def healthz(served: Served) -> Health | Response:
    """Return whether server and schedule are well: 200 also if a run is overdue, 503 if nobody can tell."""
    try:
        with served.system("", Source.API) as system:
            told = schedule.as_object(schedule.health(system))
    except DvtError as error:
        return _unknown(error)
    return Health(
        status="overdue" if told["overdue"] else "ok",
        last_run=told["last_run"] and told["last_run"]["began"],
        last_success=told["last_success"] and told["last_success"]["began"],
        overdue=told["overdue"],
        scheduler=told["scheduler"],
        running=served.runs.current() is not None,
    )


def _unknown(error: DvtError) -> JSONResponse:
    """Return the answer if nobody can tell: anybody may read it, so it has no path, address or name."""
    if isinstance(error, LifecycleInvalid | SeveralErrors):
        return answer(error, Mask(()), 503)
    told = {"message": "how things are cannot be told", "hint": "why: dvt lifecycle doctor"}
    return JSONResponse({"error": {"code": error.code, **told}}, 503)


@router.get("/schedule")
def get_schedule(call: Viewer) -> ScheduleShape:
    """Return when runs are done by themselves, the last, and whether one is overdue."""
    with call.system() as system:
        return ScheduleShape.model_validate(schedule.as_object(schedule.health(system)))


async def metrics_gate(request: Request) -> None:
    """Let in whoever may see the metrics: all, if the server is told so."""
    if not request.app.state.open_metrics:
        csrf = await form_csrf(request)
        await run_in_threadpool(viewer, request, csrf)


@open_router.get(
    "/metrics",
    response_class=PlainTextResponse,
    dependencies=[Depends(metrics_gate)],
    responses={
        **ERRORS,
        200: {"content": {"text/plain": {}}, "description": "Metrics as Prometheus reads them."},
    },
)
def metrics(request: Request, served: Served) -> Response:
    """Return numbers of policies, runs and the schedule, as Prometheus reads them."""
    text, kind = write(served, request.app.state.requests)
    return Response(text, media_type=kind)
