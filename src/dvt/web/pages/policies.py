"""The pages of policies: their forms, what a change would do, their history, and all off at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from dvt.core.errors import NotThere, PolicyUseless
from dvt.core.retention import Policy
from dvt.lifecycle.reports.plans import stays_for
from dvt.lifecycle.system import System
from dvt.web.pages.cleanup import keep_backups
from dvt.web.pages.context import CLEANUP, Administering, Filled, Operating, Viewing, Visit, go_to
from dvt.web.pages.policy_forms import EMPTY, FormInvalid, policy_of

router = APIRouter(prefix=CLEANUP, include_in_schema=False)
_FORM = Annotated[str, Form()]
_VERSION = Annotated[int, Form(ge=0, le=2**31 - 1)]
_UNPROCESSABLE = 422
_BY_HAND = "switched on the page"


@router.get("/policies/{name}")
def policy(visit: Administering, name: str) -> HTMLResponse:
    """Show the form of a policy."""
    with visit.system() as system:
        return _policy_form(visit, system, name, policy_in(system, name))


@router.post("/policies/{name}/preview")
def preview(visit: Administering, name: str, filled: Filled) -> HTMLResponse:
    """Show what would be due with what is filled in."""
    form = texts(filled)
    with visit.system() as system:
        current = policy_in(system, name)
        return _effect(visit, system, [(current, form)])


@router.post("/policies/{name}")
def save(visit: Administering, name: str, filled: Filled) -> Response:
    """Make what was filled in the policy; ask again where it deletes much more."""
    form = texts(filled)
    with visit.system() as system:
        current = policy_in(system, name)
        try:
            wanted = policy_of(form, current)
        except FormInvalid as error:
            return _policy_form(visit, system, name, current, problems=error.problems, form=form)
        if system.needs_confirmation([wanted]) and "confirmed" not in form:
            return _policy_form(visit, system, name, wanted, form=form, must_confirm=True)
        based_on = int(form.get("based_on") or 0)
        try:
            system.save_policy(wanted, form.get("reason", ""), based_on=based_on)
        except PolicyUseless as error:
            problems = [f"{error.message}: {error.hint}"]
            return _policy_form(visit, system, name, wanted, problems=problems, form=form)
    return go_to(f"{CLEANUP}?done=saved#policies")


@router.post("/policies/{name}/revert")
def revert(visit: Administering, name: str, version: _VERSION, confirmed: _FORM = "") -> Response:
    """Give a policy the content of an earlier version; ask where it deletes much more."""
    with visit.system() as system:
        table = system.store.policy_table
        wanted = [table.in_version(name, version)]
        if not confirmed and system.needs_confirmation(wanted):
            return question(
                visit,
                title=f"Go back to version {version} of {name}?",
                lines=[
                    "Items will go much sooner, or fewer of each group stay.",
                    *system.effects_of(wanted).lines,
                ],
                action=f"{CLEANUP}/policies/{quote(name)}/revert",
                swap="#policies #state",
                button="Go back",
                is_dangerous=True,
                fields=[
                    {"name": "version", "kind": "hidden", "value": version},
                    {"name": "confirmed", "kind": "hidden", "value": "yes"},
                ],
            )
        table.revert(name, version, system.asking(), f"back to version {version}, on the page")
    return go_to(f"{CLEANUP}?done=reverted#policies")


@router.post("/policies/{name}/{switch}")
def switch(visit: Administering, name: str, switch: Literal["enable", "disable"]) -> Response:
    """Enable or disable a policy; ask where that deletes much more."""
    with visit.system() as system:
        current = policy_in(system, name)
        wanted = replace(current, rule=replace(current.rule, enabled=switch == "enable"))
        if system.needs_confirmation([wanted]):
            return _policy_form(visit, system, name, wanted, must_confirm=True)
        system.store.policy_table.save(wanted, system.asking(), _BY_HAND, based_on=current.version)
    return go_to(f"{CLEANUP}?done=switched#policies")


@router.get("/policies/{name}/history")
def history(visit: Viewing, name: str) -> HTMLResponse:
    """Show who has changed a policy, when and why."""
    with visit.system() as system:
        changes = system.store.policy_table.history(name)
    values = {"name": name, "changes": changes, "stays_for": stays_for, "active": CLEANUP}
    return visit.page("policy_history.html", values)


@router.get("/settings")
def settings(visit: Administering) -> HTMLResponse:
    """Show for how long everything stays, in one form."""
    with visit.system() as system:
        return _settings_form(visit, system, system.store.policies())


@router.post("/settings/preview")
def preview_settings(visit: Administering, filled: Filled) -> HTMLResponse:
    """Show what would be due with what is filled in."""
    form = texts(filled)
    with visit.system() as system:
        valid = system.store.policies()
        return _effect(visit, system, [(of, _part(form, name)) for name, of in valid.items()])


@router.post("/settings")
def save_settings(visit: Administering, filled: Filled) -> Response:
    """Make what was filled in valid; ask again where it deletes much more."""
    form = texts(filled)
    with visit.system() as system:
        valid = system.store.policies()
        try:
            wanted = {name: policy_of(_part(form, name), of) for name, of in valid.items()}
        except FormInvalid as error:
            return _settings_form(visit, system, valid, problems=error.problems, form=form)
        changed = [of for name, of in wanted.items() if of != valid[name]]
        if system.needs_confirmation(changed) and "confirmed" not in form:
            return _settings_form(visit, system, wanted, form=form, must_confirm=True)
        for of in changed:
            based_on = int(form.get(f"version:{of.data_type}") or 0)
            table = system.store.policy_table
            table.save(of, system.asking(), form.get("reason", ""), based_on=based_on)
    return go_to(f"{CLEANUP}?done=settings#policies")


@router.get("/stop")
def ask_to_stop(visit: Operating) -> HTMLResponse:
    """Ask whether all policies are to be disabled."""
    return question(
        visit,
        title="Disable all policies?",
        lines=[
            "Nothing is due any more, whoever asks. A cleanup that is under way goes on: stop it by itself."
        ],
        action=f"{CLEANUP}/stop",
        swap="#policies #state",
        button="Disable all",
        is_dangerous=True,
        fields=[
            {
                "name": "reason",
                "label": "Why",
                "kind": "text",
                "required": True,
                "help": "it is put on record",
            }
        ],
    )


@router.post("/stop")
def disable_all(visit: Operating, reason: _FORM) -> Response:
    """Disable all policies."""
    with visit.system() as system:
        system.store.policy_table.disable_all(system.asking(), reason)
    return go_to(f"{CLEANUP}?done=disabled#policies")


@router.post("/policies-enable")
def enable_all(visit: Administering) -> Response:
    """Enable what was disabled all at once."""
    with visit.system() as system:
        system.store.policy_table.enable_all(system.asking(), _BY_HAND)
    return go_to(f"{CLEANUP}?done=enabled#policies")


@router.post("/apply")
def apply(visit: Administering, confirmed: _FORM = "", reason: _FORM = "") -> Response:
    """Make the policies of lifecycle.yml valid, after what would come of it was shown."""
    with visit.system() as system:
        if confirmed and reason:
            system.apply_policies(reason)
            return go_to(f"{CLEANUP}?done=applied#policies")
        lines = [*system.drift(), *system.effects()]
        is_dangerous = system.needs_confirmation()
    return question(
        visit,
        title="Make the policies of lifecycle.yml valid?",
        lines=lines,
        action=f"{CLEANUP}/apply",
        swap="#policies #state",
        button="Apply",
        is_dangerous=is_dangerous,
        fields=[
            {"name": "confirmed", "kind": "hidden", "value": "yes"},
            {
                "name": "reason",
                "label": "Why",
                "kind": "text",
                "required": True,
                "help": "it is put on record",
            },
        ],
    )


def question(visit: Visit, *, title: str, lines: list[str], **values: Any) -> HTMLResponse:
    """Return a page that asks before something is done."""
    known = {"swap": "", "stays": False, "is_dangerous": False, "fields": [], "active": CLEANUP}
    fields = [{"help": "", "required": False, "value": "", **field} for field in values.pop("fields", [])]
    return visit.page("question.html", {**known, "title": title, "lines": lines, **values, "fields": fields})


def policy_in(system: System, name: str) -> Policy:
    """Return the valid policy of a data type, or what the form begins with; NotThere."""
    known = {of for finder in system.finders() for of in finder.data_types}
    valid = system.store.policies()
    if name not in valid and name not in known:
        raise NotThere(f"data type {name!r}")
    return valid.get(name) or replace(EMPTY, data_type=name)


def _policy_form(
    visit: Visit,
    system: System,
    name: str,
    shown: Policy,
    *,
    problems: list[str] | None = None,
    form: Mapping[str, str] | None = None,
    must_confirm: bool = False,
) -> HTMLResponse:
    values = {
        "name": name,
        "policy": shown,
        "grace": _duration(shown.rule.grace),
        "is_written": name in system.settings.policies,
        "problems": problems or [],
        "reason": (form or {}).get("reason", ""),
        "must_confirm": must_confirm,
        "active": CLEANUP,
    }
    return visit.page("policy.html", values, status=_UNPROCESSABLE if problems else 200)


def _settings_form(
    visit: Visit,
    system: System,
    policies: Mapping[str, Policy],
    *,
    problems: list[str] | None = None,
    form: Mapping[str, str] | None = None,
    must_confirm: bool = False,
) -> HTMLResponse:
    values = {
        "policies": policies,
        "problems": problems or [],
        "reason": (form or {}).get("reason", ""),
        "must_confirm": must_confirm,
        "keep_backups": keep_backups(system),
        "zone": system.settings.zone,
        "active": CLEANUP,
    }
    return visit.page("settings.html", values, status=_UNPROCESSABLE if problems else 200)


def _effect(visit: Visit, system: System, forms: list[tuple[Policy, Mapping[str, str]]]) -> HTMLResponse:
    problems: list[str] = []
    wanted: list[Policy] = []
    for current, form in forms:
        try:
            wanted.append(policy_of(form, current))
        except FormInvalid as error:
            problems += error.problems
    values: dict[str, Any] = {"problems": problems, "lines": [], "must_confirm": False}
    if not problems:
        effects = system.effects_of(wanted)
        values |= {"lines": effects.lines, "must_confirm": effects.needs_confirmation}
    return visit.page("effect.html", values)


def _part(form: Mapping[str, str], name: str) -> dict[str, str]:
    """Return what the settings' form says of one data type, as the form of its policy says it."""
    part = {"days": form.get(f"days:{name}", ""), "is_whole": "1"}
    return part | ({"enabled": "on"} if f"enabled:{name}" in form else {})


def _duration(time: timedelta) -> str:
    """Return a duration as the form takes it; empty for one that only SQL or another version can make."""
    hours, rest = divmod(time, timedelta(hours=1))
    if rest:
        return ""
    return f"{hours // 24}d" if hours and hours % 24 == 0 else f"{hours}h"


def texts(form: FormData) -> dict[str, str]:
    """Return what was filled in, without files."""
    return {name: value for name, value in form.items() if isinstance(value, str)}
