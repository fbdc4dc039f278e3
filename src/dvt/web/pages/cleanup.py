"""The cleanup page, `/pipeline-management`: what is due, a dry run of it, and its run."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData

from dvt.core.errors import NotThere, PlanUnusable, RunNotAtWork
from dvt.core.moments import SECOND
from dvt.core.reports import count
from dvt.core.retention import DONE, GONE, CleanupType, PlannedItem, Result, Tally
from dvt.lifecycle.plan.plan_file import Plan
from dvt.lifecycle.reports.plans import total
from dvt.lifecycle.reports.runs import freed, of_results, words
from dvt.lifecycle.store.events import EventKind
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.system import System
from dvt.web.pages import overview
from dvt.web.pages.context import CLEANUP, Filled, Operating, Viewing, Visit, go_to
from dvt.web.runs import Order

router = APIRouter(prefix=CLEANUP, include_in_schema=False)
_SAID = {
    "saved": "The policy is saved.",
    "settings": "The settings are saved.",
    "disabled": "All policies are disabled: nothing is due any more.",
    "enabled": "Enabled what was disabled all at once.",
    "switched": "The policy is switched.",
    "reverted": "The policy is as it was in that version.",
    "applied": "The policies of lifecycle.yml are valid now.",
    "pinned": "Pinned.",
    "unpinned": "The pin is removed.",
    "over": "That cleanup was over already.",
}
"""What was done, as addresses name it → what the page says."""
_FORM = Annotated[str, Form()]


@router.get("")
def cleanup(visit: Viewing, plan: str = "", before: str | None = None, done: str = "") -> HTMLResponse:
    """Show what is due, the policies, what was done, pins and disks."""
    with visit.system() as system:
        shown = system.plans.read(plan) if plan else overview.latest_plan(system)
        values = overview.page_values(visit.project, system, shown, before)
    return visit.page("cleanup.html", {**values, **functions(visit), "done": _SAID.get(done, "")})


@router.get("/state")
def state(visit: Viewing) -> HTMLResponse:
    """Show what is under way, and what there is to warn of."""
    with visit.system() as system:
        values = overview.state_values(visit.project, system, overview.latest_plan(system))
    return visit.page("cleanup_state.html", {**values, **functions(visit)})


@router.post("/plans")
def make_plan(
    visit: Operating, cleanup_type: _FORM = CleanupType.MANUAL, data_type: _FORM = ""
) -> RedirectResponse:
    """Make a plan: a dry run."""
    kind = CleanupType.EMERGENCY if cleanup_type == CleanupType.EMERGENCY else CleanupType.MANUAL
    with visit.system() as system:
        made = system.plan(kind, [data_type] if data_type else [])
    return go_to(f"{CLEANUP}?plan={made.head.id}#plan")


@router.post("/plans/{plan_id}/confirm")
def confirm(visit: Operating, plan_id: str, filled: Filled) -> HTMLResponse:
    """Ask whether a plan is to be run, without what is to be kept."""
    with visit.system() as system:
        plan = system.plans.read(plan_id)
        kept = _kept(plan, filled)
        less = sum((Tally(items=1, files=of.item.files, bytes=of.item.bytes) for of in kept), Tally())
        due = total(plan.head.due)
        values = {
            "plan": plan,
            "kept": len(kept),
            "filled": filled,
            "due": Tally(
                items=due.items - less.items, files=due.files - less.files, bytes=due.bytes - less.bytes
            ),
            "keep_backups": keep_backups(system),
        }
    return visit.page("cleanup_confirm.html", {**values, "active": CLEANUP})


@router.post("/plans/{plan_id}/run")
def run_plan(visit: Operating, plan_id: str, filled: Filled) -> RedirectResponse:
    """Begin the run of a plan."""
    with visit.system() as system:
        plan = system.plans.read(plan_id)
    kind = plan.head.asking.cleanup_type
    order = Order(
        plan=plan_id,
        cleanup_type=kind if kind is CleanupType.EMERGENCY else CleanupType.MANUAL,
        by=visit.call.caller.name,
        source=visit.call.caller.source,
        leave_out=frozenset((of.item.data_type, of.item.key) for of in _kept(plan, filled)),
    )
    record = visit.project.runs.start(order)
    return go_to(f"{CLEANUP}/runs/{record.id}")


@router.get("/runs/{run}")
def run(request: Request, visit: Viewing, run: str, after: int = 0) -> HTMLResponse:
    """Show what a run does, or did, and what became of each file."""
    with visit.system() as system:
        found = system.store.records.run(run)
        if found is None:
            raise NotThere("such cleanup on record")
        state = visit.project.runs.state(system, found)
        record = state.record
        wanted = EventFilter(run=run, kind=EventKind.OUTCOME)
        events = list(system.store.records.events(wanted, after=after, limit=overview.MOST + 1))
        planned, done = _planned(system, record.plan), of_results(record, DONE)
        left = of_results(record, frozenset(Result) - DONE)
        values = {
            "record": record,
            "is_alive": state.is_alive,
            "planned": planned,
            "done": done,
            "left": left,
            "by_hand": max(0, planned.items - done.items - left.items) if planned and record.ended else 0,
            "took": None if record.ended is None else (record.ended - record.began) / SECOND,
            "events": events[: overview.MOST],
            "events_after": events[overview.MOST - 1].id if len(events) > overview.MOST else 0,
            "is_stopping": system.is_stopped(run),
            "here": str(request.url),
        }
    return visit.page("cleanup_run.html", {**values, **functions(visit)})


@router.post("/runs/{run}/stop")
def stop(visit: Operating, run: str) -> RedirectResponse:
    """Have a run end after its batch."""
    with visit.system() as system:
        try:
            visit.project.runs.stop(system, run)
        except (NotThere, RunNotAtWork):
            return go_to(f"{CLEANUP}?done=over")
    return go_to(f"{CLEANUP}/runs/{run}")


def functions(visit: Visit) -> dict[str, Any]:
    """Return what the templates call, and where they are."""
    mask = visit.project.mask()
    return {
        "active": CLEANUP,
        "short": partial(overview.short, folder=visit.folder, mask=mask),
        "masked": mask.text,
        "gone": partial(of_results, results=GONE),
        "freed": freed,
        "words": words,
    }


def keep_backups(system: System) -> str:
    """Return for how long backups stay, in words."""
    days = system.settings.keep_backups.total_seconds() / 86_400
    return count(round(days), "day") if days >= 1 else f"{24 * days:g} hours"


def _kept(plan: Plan, filled: FormData) -> list[PlannedItem]:
    """Return the items of a plan that somebody wants to keep, by what they have ticked and written."""
    keys = frozenset(str(key) for key in filled.getlist("keep"))
    patterns = [part.strip() for part in str(filled.get("patterns", "")).split(",") if part.strip()]
    return overview.kept_items(plan.items(), keys, patterns) if keys or patterns else []


def _planned(system: System, plan_id: str) -> Tally | None:
    try:
        return total(system.plans.read(plan_id).head.due)
    except PlanUnusable:
        return None
