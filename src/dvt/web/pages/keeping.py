"""The pages of what stays and what comes back: pins, backups, why a file is kept."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from dvt.core.errors import IdentityUnusable, RequestInvalid
from dvt.core.retention import Item, Outcome, Result
from dvt.lifecycle.back_up.manifest import Entry
from dvt.lifecycle.reports import plans
from dvt.lifecycle.reports.times import day_moment
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.system import System
from dvt.web.pages.cleanup import functions, keep_backups
from dvt.web.pages.context import CLEANUP, Filled, Operating, Viewing, go_to
from dvt.web.pages.overview import MOST
from dvt.web.pages.policies import question

router = APIRouter(prefix=CLEANUP, include_in_schema=False)
_FORM = Annotated[str, Form()]
_EXPLAINED = 20
"""Files that are explained at once."""


@router.get("/pins/new")
def ask_for_pin(visit: Operating) -> HTMLResponse:
    """Show the form of a pin."""
    kinds = [("file", "Paths that fit"), ("pipeline", "Pipelines, or other groups"), ("tag", "Tags")]
    return question(
        visit,
        title="Pin something",
        lines=["What is pinned stays, whatever the policies say."],
        action=f"{CLEANUP}/pins",
        swap="#pins #state",
        button="Pin",
        fields=[
            {
                "name": "pattern",
                "label": "What",
                "kind": "text",
                "required": True,
                "help": "such as operation_42*",
            },
            {"name": "kind", "label": "What the pattern is of", "kind": "select", "options": kinds},
            {"name": "until", "label": "Until", "kind": "date", "help": "in UTC; empty: until it is removed"},
            {
                "name": "reason",
                "label": "Why",
                "kind": "text",
                "required": True,
                "help": "it is put on record",
            },
        ],
    )


@router.post("/pins")
def pin(visit: Operating, pattern: _FORM, reason: _FORM, kind: _FORM = "file", until: _FORM = "") -> Response:
    """Pin what a pattern fits."""
    try:
        moment = day_moment(until) if until else None
    except ValueError as error:
        raise RequestInvalid(f"until: this is no day: {error}") from None
    with visit.system() as system:
        system.store.pin_table.add(pattern, system.asking(), reason, kind=kind, until=moment)
    return go_to(f"{CLEANUP}?done=pinned#pins")


@router.post("/pins/{pin_id}/remove")
def unpin(visit: Operating, pin_id: str) -> Response:
    """Take a pin off."""
    with visit.system() as system:
        system.store.pin_table.remove(pin_id, system.asking(), "removed on the page")
    return go_to(f"{CLEANUP}?done=unpinned#pins")


@router.get("/backups")
def backups(visit: Viewing, text: str = "") -> HTMLResponse:
    """List the backups, the latest of each file."""
    with visit.system() as system:
        entries = Wanted().choose(system.backups())
        keep = keep_backups(system)
        unreadable = _why_unreadable(system, entries)
    fitting = [entry for entry in entries if text.casefold() in entry.item.key.casefold()]
    values = {
        "entries": sorted(fitting, key=lambda entry: -entry.made)[:MOST],
        "total_fitting": len(fitting),
        "total": len(entries),
        "bytes": sum(entry.size for entry in entries),
        "text": text,
        "keep_backups": keep,
        "unreadable": unreadable,
        "any_encrypted": any(entry.ciphertext for entry in entries),
    }
    return visit.page("backups.html", {**values, **functions(visit)})


def _why_unreadable(system: System, entries: list[Entry]) -> dict[str, int]:
    """Return why encrypted backups cannot be restored here, and of how many that is so."""
    try:
        return system.why_unreadable(entries)
    except IdentityUnusable as error:
        return {error.message: sum(entry.ciphertext is not None for entry in entries)}


@router.get("/runs/{run}/restore")
def ask_to_restore(visit: Operating, run: str) -> HTMLResponse:
    """Ask whether what a run has deleted is to be restored."""
    return question(
        visit,
        title="Restore what this cleanup has deleted?",
        lines=["Each file gets its content, owner, rights and times back. What has come in its place stays."],
        action=f"{CLEANUP}/restore",
        stays=True,
        button="Restore",
        fields=[
            {"name": "run", "kind": "hidden", "value": run},
            {"name": "force", "kind": "checkbox", "label": "Replace files that have come in their place"},
        ],
    )


@router.post("/restore")
def restore(visit: Operating, filled: Filled) -> HTMLResponse:
    """Restore files: those that are named, or what a run has deleted; and show what became of each."""
    keys = frozenset(str(key) for key in filled.getlist("key"))
    run = str(filled.get("run", ""))
    outcomes: list[Outcome] = []
    if keys or run:
        with visit.system() as system:
            outcomes = list(system.restore(Wanted(keys=keys, run=run), force="force" in filled))
    values = {
        "restored": [of for of in outcomes if of.result is Result.RESTORED],
        "failed": [of for of in outcomes if of.result is not Result.RESTORED],
    }
    return visit.page("restored.html", {**values, **functions(visit)})


@router.get("/explain")
def explain(visit: Viewing, path: str) -> HTMLResponse:
    """Say why files are kept, or when they are due."""
    wanted = path if path.startswith("/") else f"{visit.folder}/{path}"

    def fits(item: Item) -> bool:
        return item.key == wanted or fnmatchcase(item.key, wanted) or fnmatchcase(item.key, f"*/{path}")

    with visit.system() as system:
        known = list(islice(system.explain(fits), _EXPLAINED + 1))
    lines = [list(plans.explained(of.item, of.decision, of.policy, of.now)) for of in known[:_EXPLAINED]]
    values = {"explained": lines, "path": path, "is_more": len(known) > _EXPLAINED}
    return visit.page("explain.html", {**values, **functions(visit)})
