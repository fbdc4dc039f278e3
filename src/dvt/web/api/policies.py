"""Policies: those that are valid, what a change would do, changes, and their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from dvt.core.errors import ConfirmationNeeded, NotThere
from dvt.core.retention import Action, Policy, Rule
from dvt.lifecycle.reports import policies as reports
from dvt.lifecycle.reports.plans import total
from dvt.lifecycle.system import System
from dvt.web.access.gates import Admin, Operator, Viewer
from dvt.web.api.shapes import (
    NO_NUL,
    WHOLE,
    Amount,
    Body,
    DataType,
    Limit,
    Reason,
    Shape,
    Text,
    api_router,
    example,
)

router = api_router("policies")
_BY_API = "changed by the API"
_OF_POLICY = ("protect", "max_delete_share", "max_delete_items", "max_delete_bytes", "description")
"""Fields of a request that are the policy's; all others are its rule's."""


class PolicyShape(Shape):
    """A policy."""

    data_type: str
    retention_days: float
    enabled: bool
    description: str
    action: str
    min_keep: int
    version: int
    special_rules: int
    """How many rules there are for some of the items; lifecycle.yml has them."""
    keep_last: int
    keep_daily: int
    keep_weekly: int
    keep_monthly: int
    max_total_bytes: int | None
    quarantine_days: float
    grace_seconds: float
    protect: list[str]
    max_delete_share: float
    max_delete_items: int | None
    max_delete_bytes: int | None


class Policies(Shape):
    """All policies that are valid."""

    success: Literal[True] = True
    policies: list[PolicyShape]
    data_types: list[str]
    """All that there may be policies for."""
    drift: list[str]
    """What differs from lifecycle.yml."""


Days = Annotated[float, Field(ge=0, le=36_500, allow_inf_nan=False)]
Number = Annotated[int, Field(ge=0, le=1_000_000), WHOLE]
Bytes = Annotated[int, Field(ge=0, le=2**53), WHOLE]
Version = Annotated[int, Field(ge=0, le=2**31 - 1), WHOLE]


class Fields(Body):
    """What may be said of a policy. What is left out stays as it is, or is as for a new policy."""

    data_type: DataType
    enabled: bool | None = None
    description: Annotated[str, Field(max_length=1000, pattern=NO_NUL)] | None = None
    action: Literal["delete", "archive", "compress", "quarantine"] | None = None
    min_keep: Number | None = None
    keep_last: Number | None = None
    keep_daily: Number | None = None
    keep_weekly: Number | None = None
    keep_monthly: Number | None = None
    max_total_bytes: Bytes | None = None
    quarantine_days: Days | None = None
    grace_seconds: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None
    protect: Annotated[list[Text], Field(max_length=1000)] | None = None
    max_delete_share: Annotated[float, Field(ge=0, le=1)] | None = None
    max_delete_items: Bytes | None = None
    max_delete_bytes: Bytes | None = None


class Wanted(Fields):
    """A policy as it is to be. What is left out stays as it is, or is as for a new policy."""

    model_config = example({"data_type": "dbt_logs", "retention_days": 14}) | Body.model_config
    retention_days: Days


class Change(Wanted):
    """A change of a policy."""

    model_config = (
        example({"data_type": "dbt_logs", "retention_days": 14, "reason": "an audit asks for two weeks"})
        | Body.model_config
    )
    reason: Reason = _BY_API
    based_on: Version | None = None
    """The version that was changed; if it is another by now, nothing is."""
    confirm: bool = False
    """Whether the change is meant though items would go much sooner."""


class Saved(Shape):
    """A policy that was saved."""

    success: Literal[True] = True
    message: str
    policy: PolicyShape


class Preview(Shape):
    """What a change would do."""

    data_type: str
    due_before: Amount
    due_after: Amount
    newly_due: int
    """Items, less those that would not be due any more."""
    newly_due_bytes: int
    effects: list[str]
    needs_confirmation: bool


class HistoryEntry(Shape):
    """A change that was made."""

    id: int
    data_type: str
    version: int
    at: str
    by: str
    reason: str
    before: PolicyShape | None
    after: PolicyShape | None


class Why(Body):
    """Why something is done."""

    model_config = example({"reason": "the disk is being replaced"}) | Body.model_config
    reason: Reason


class WhyConfirmed(Why):
    """Why something is done, and whether it is meant though items would go much sooner."""

    confirm: bool = False


class Revert(WhyConfirmed):
    """A version to go back to."""

    model_config = example({"version": 1, "reason": "too short"}) | Body.model_config
    version: Version


class Enable(Why):
    """Why policies are enabled, and which."""

    by_sql: bool = False
    """Those, too, that were last disabled by SQL."""


class Names(Shape):
    """The data types whose policies were changed."""

    success: Literal[True] = True
    data_types: list[str]


@router.get("/policies")
def list_policies(call: Viewer) -> Policies:
    """Return the policies that are valid."""
    with call.system() as system:
        return Policies.model_validate(
            {
                "policies": [reports.as_object(policy) for policy in system.store.policies().values()],
                "data_types": sorted({*system.settings.data, *system.store.policies()}),
                "drift": system.drift(),
            }
        )


@router.post("/policies")
def save(call: Admin, wanted: Change) -> Saved:
    """Make or change a policy, which counts from then on."""
    with call.system() as system:
        policy = _policy(system, wanted)
        _require_confirmed(system, [policy], is_confirmed=wanted.confirm)
        saved = system.save_policy(policy, wanted.reason, based_on=wanted.based_on)
    message = f"{saved.data_type}: {saved.rule.days:g} days"
    return Saved.model_validate({"message": message, "policy": reports.as_object(saved)})


@router.post("/policies/preview")
def preview(call: Viewer, wanted: Wanted) -> Preview:
    """Say what a change would do. Nothing is changed."""
    with call.system() as system:
        effects = system.effects_of([_policy(system, wanted)])
    before, after = total(effects.before), total(effects.after)
    return Preview.model_validate(
        {
            "data_type": wanted.data_type,
            "due_before": {"items": before.items, "files": before.files, "bytes": before.bytes},
            "due_after": {"items": after.items, "files": after.files, "bytes": after.bytes},
            "newly_due": after.items - before.items,
            "newly_due_bytes": after.bytes - before.bytes,
            "effects": list(effects.lines),
            "needs_confirmation": effects.needs_confirmation,
        }
    )


@router.get("/policies/history")
def history(
    call: Viewer,
    data_type: DataType | None = None,
    limit: Limit = 50,
    before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
) -> list[HistoryEntry]:
    """Return who has changed policies, when and why, newest first; `before` continues before an `id`."""
    with call.system() as system:
        changes = system.store.policy_table.history(data_type, limit=limit, before=before)
    return [HistoryEntry.model_validate({"id": of.id, **reports.change_object(of)}) for of in changes]


@router.post("/policies/apply")
def apply(call: Admin, wanted: WhyConfirmed) -> Names:
    """Make the policies of lifecycle.yml valid."""
    with call.system() as system:
        _require_confirmed(system, tuple(system.settings.policies.values()), is_confirmed=wanted.confirm)
        names = system.apply_policies(wanted.reason)
    return Names(data_types=names)


@router.post("/policies/disable")
def disable(call: Operator, wanted: Why) -> Names:
    """Disable all policies, so that nothing is due any more; `enable` brings back what was enabled."""
    with call.system() as system:
        names = system.store.policy_table.disable_all(system.asking(), wanted.reason)
    return Names(data_types=list(names))


@router.post("/policies/enable")
def enable(call: Admin, wanted: Enable) -> Names:
    """Enable the policies that `disable` has disabled."""
    with call.system() as system:
        names = system.store.policy_table.enable_all(system.asking(), wanted.reason, by_sql=wanted.by_sql)
    return Names(data_types=list(names))


@router.post("/policies/{data_type}/revert")
def revert(call: Admin, data_type: DataType, wanted: Revert) -> Saved:
    """Give a policy the content that it had in an earlier version."""
    with call.system() as system:
        table = system.store.policy_table
        _require_confirmed(system, [table.in_version(data_type, wanted.version)], is_confirmed=wanted.confirm)
        saved = table.revert(data_type, wanted.version, system.asking(), wanted.reason)
    message = f"{data_type} is as in version {wanted.version}"
    return Saved.model_validate({"message": message, "policy": reports.as_object(saved)})


def _policy(system: System, wanted: Wanted) -> Policy:
    """Return a policy as somebody wants it; NotThere for a data type that is not known."""
    known = system.store.policies().get(wanted.data_type)
    if known is None and wanted.data_type not in system.settings.data:
        names = ", ".join(sorted(system.settings.data))
        raise NotThere(f"data type {wanted.data_type}", f"known: {names}")
    policy = known or Policy(data_type=wanted.data_type, rule=Rule(days=wanted.retention_days))
    return changed(policy, wanted)


def changed(policy: Policy, wanted: Fields) -> Policy:
    """Return a policy with what is said of it."""
    names = {*Fields.model_fields, "retention_days"} - {"data_type"}
    given = wanted.model_dump(include=names, exclude_none=True)
    own = {name: given.pop(name) for name in _OF_POLICY if name in given}
    if "protect" in own:
        own["protect"] = tuple(own["protect"])
    return replace(policy, rule=replace(policy.rule, **_of_rule(given)), **own)


def _of_rule(given: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in given.items() if name not in {"retention_days", "grace_seconds"}}
    if "retention_days" in given:
        values["days"] = given["retention_days"]
    if "action" in values:
        values["action"] = Action(values["action"])
    if "grace_seconds" in given:
        values["grace"] = timedelta(seconds=given["grace_seconds"])
    return values


def _require_confirmed(system: System, policies: Sequence[Policy], *, is_confirmed: bool) -> None:
    if not is_confirmed and system.needs_confirmation(policies):
        raise ConfirmationNeeded(system.effects_of(policies).lines)
