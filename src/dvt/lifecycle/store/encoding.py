"""Nouns of retention as JSON and back, without loss."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any

from dvt.core.errors import NotRecordable
from dvt.core.retention import (
    Action,
    AgeBy,
    Decision,
    Hold,
    HoldCode,
    Item,
    ItemKind,
    Match,
    Outcome,
    PlanHead,
    Policy,
    Result,
    Rule,
    Status,
    Tally,
)

Data = dict[str, Any]

MAX_DAYS = 2**31 - 1
"""The largest number of days that the original column holds."""
_MICROSECOND = timedelta(microseconds=1)


def canonical(data: Mapping[str, object]) -> str:
    """Return the one text of a JSON object: keys sorted, no spaces, ASCII; or raise NotRecordable."""
    try:
        return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotRecordable("a value", str(error)) from error


def shown(text: str) -> str:
    r"""Return a text as every database can hold it: NUL as `\x00`, halves of characters as `\uNNNN`."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def rule_data(rule: Rule) -> Data:
    """Return a rule as data of JSON."""
    data: Data = {field.name: getattr(rule, field.name) for field in fields(Rule)}
    return data | {"age_by": sorted(rule.age_by), "grace": rule.grace // _MICROSECOND}


def rule_from(data: Data) -> Rule:
    """Return the rule of which `rule_data` made this."""
    values = dict(data)
    if "action" in values:
        values["action"] = Action(values["action"])
    if "age_by" in values:
        values["age_by"] = frozenset(map(AgeBy, values["age_by"]))
    if "grace" in values:
        values["grace"] = timedelta(microseconds=values["grace"])
    return Rule(**values)


def _match_data(match: Match) -> Data:
    data: Data = {field.name: getattr(match, field.name) for field in fields(Match)}
    return data | {"status": sorted(match.status)}


def _match_from(data: Data) -> Match:
    values = dict(data)
    for name in ("glob", "pipeline", "tag"):
        values[name] = tuple(values.get(name, ()))
    return Match(**values | {"status": frozenset(map(Status, values.get("status", ())))})


def settings_of(policy: Policy) -> Data:
    """Return all of a policy as data but for its name, description and version."""
    return {
        "rule": rule_data(policy.rule),
        "special": [[_match_data(match), rule_data(rule)] for match, rule in policy.special],
        "protect": list(policy.protect),
        "max_delete_share": policy.max_delete_share,
        "max_delete_items": policy.max_delete_items,
        "max_delete_bytes": policy.max_delete_bytes,
    }


def policy_data(policy: Policy) -> Data:
    """Return all of a policy as data of JSON."""
    head = {"data_type": policy.data_type, "description": policy.description, "version": policy.version}
    return head | settings_of(policy)


def days_column(days: float) -> int:
    """Return whole days for the original column: never fewer than the rule's."""
    if math.isnan(days):
        raise NotRecordable("a number of days", "it is no number")
    return MAX_DAYS if days > MAX_DAYS else math.ceil(max(days, -MAX_DAYS))


def policy_from(row: Any) -> Policy:
    """Return the policy of a row of its table, or of its history.

    Where the original's columns say something else than the settings, somebody has changed them by SQL:
    they count.
    """
    settings = json.loads(row.settings) if row.settings else {}
    rule = dict(settings.get("rule", {}))
    if "days" not in rule or days_column(rule["days"]) != row.retention_days:
        rule["days"] = row.retention_days
    rule["enabled"] = bool(row.enabled)
    own = {name: settings[name] for name in _LIMITS if name in settings}
    return Policy(
        data_type=row.data_type,
        rule=rule_from(rule),
        description=row.description or "",
        special=tuple((_match_from(match), rule_from(of)) for match, of in settings.get("special", ())),
        protect=tuple(settings.get("protect", ())),
        version=row.version,
        **own,
    )


_LIMITS = ("max_delete_share", "max_delete_items", "max_delete_bytes")


def tally_data(tally: Tally) -> Data:
    """Return numbers as data of JSON."""
    return {"items": tally.items, "files": tally.files, "bytes": tally.bytes}


def results_data(results: Mapping[str, Mapping[Result, Tally]]) -> Data:
    """Return what became of items, by data type, as data of JSON."""
    return {
        data_type: {result.value: tally_data(tally) for result, tally in of.items()}
        for data_type, of in results.items()
    }


def results_from(data: Data) -> dict[str, dict[Result, Tally]]:
    """Return that of which `results_data` made this."""
    return {
        data_type: {Result(result): Tally(**tally) for result, tally in of.items()}
        for data_type, of in data.items()
    }


def item_data(item: Item) -> Data:
    """Return an item as data of JSON, without its data type and key."""
    data: Data = {
        field.name: getattr(item, field.name)
        for field in fields(Item)
        if field.name not in {"data_type", "key"}
    }
    return data | {"holds": [[hold.code, hold.detail] for hold in item.holds]}


def item_from(data_type: str, key: str, data: Data) -> Item:
    """Return the item of which `item_data` made this, or a part of it."""
    values = {name: value for name, value in data.items() if name in _ITEM_FIELDS}
    read: Mapping[str, Callable[[Any], Any]] = {
        "kind": ItemKind,
        "status": lambda status: None if status is None else Status(status),
        "tags": tuple,
        "holds": lambda holds: tuple(Hold(HoldCode(code), detail) for code, detail in holds),
    }
    values |= {name: of(values[name]) for name, of in read.items() if name in values}
    return Item(**{"identity": "", **values, "data_type": data_type, "key": key})


_ITEM_FIELDS = frozenset(field.name for field in fields(Item))


def decision_data(decision: Decision) -> Data:
    """Return a decision as data of JSON."""
    return {field.name: getattr(decision, field.name) for field in fields(Decision)}


def outcome_data(outcome: Outcome) -> Data:
    """Return what became of an item as data of JSON, without its data type and key."""
    of = outcome.item
    item = {"identity": of.identity, "root": of.root, "group": of.group, "bytes": of.bytes, "files": of.files}
    return {"item": item, "detail": outcome.detail, "sha256": outcome.sha256, "backup": outcome.backup}


def plan_data(plan: PlanHead) -> Data:
    """Return what a plan says as data of JSON."""
    return {
        "plan": plan.id,
        "made": plan.made,
        "made_by": plan.asking.actor,
        "policies": {name: policy_data(policy) for name, policy in plan.policies.items()},
        "roots": list(plan.roots),
        "found": {name: tally_data(tally) for name, tally in plan.found.items()},
        "due": {name: tally_data(tally) for name, tally in plan.due.items()},
        "kept": {
            name: {reason.value: tally_data(tally) for reason, tally in kept.items()}
            for name, kept in plan.kept.items()
        },
        "refusals": list(plan.refusals),
    }
