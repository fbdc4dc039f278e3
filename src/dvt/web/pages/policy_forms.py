"""Reads what somebody has filled in for a policy, with the checks of lifecycle.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from dvt.config.lifecycle_keys import RuleKeys
from dvt.config.problems import problems_of
from dvt.core.retention import Policy, Rule

_NUMBERS = ("min_keep", "keep_last", "keep_daily", "keep_weekly", "keep_monthly")
_TEXTS = ("days", "action", "max_total_size", "grace", "quarantine_days")
FIELDS = (*_NUMBERS, *_TEXTS)
"""Names of the form's fields that are keys of a rule, too."""
EMPTY = Policy(data_type="", rule=Rule(days=30, enabled=False))
"""What the form shows for a data type without a policy."""


class FormInvalid(Exception):
    """What was filled in cannot be a policy: a sentence for each field that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def policy_of(form: Mapping[str, str], policy: Policy) -> Policy:
    """Return a policy with what was filled in; what the form does not have stays. FormInvalid."""
    given: dict[str, Any] = {name: form[name].strip() for name in _TEXTS if form.get(name, "").strip()}
    given |= {name: _number(name, form[name]) for name in _NUMBERS if form.get(name, "").strip()}
    if "days" in form and not form["days"].strip():
        raise FormInvalid(["days: a number of days is needed"])
    try:
        rule = RuleKeys.model_validate(given).rule(policy.rule)
    except ValidationError as error:
        raise FormInvalid([_sentence(of["loc"][0], of["msg"]) for of in problems_of(error)]) from None
    if "max_total_size" in form and "max_total_size" not in given:
        rule = replace(rule, max_total_bytes=None)
    if "is_whole" in form:
        rule = replace(rule, enabled="enabled" in form)
    changed = replace(policy, rule=rule)
    if "protect" in form:
        lines = form["protect"].splitlines()
        changed = replace(changed, protect=tuple(line.strip() for line in lines if line.strip()))
    if "description" in form:
        changed = replace(changed, description=form["description"].strip())
    if "max_delete" in form:
        changed = replace(changed, max_delete_share=_share(form["max_delete"]))
    return changed


def _sentence(field: object, text: str) -> str:
    return f"{field}: {text.removeprefix('Value error, ')}"


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise FormInvalid([f"{name}: {text!r} is no whole number"]) from None


def _share(text: str) -> float:
    try:
        share = float(text) / 100
    except ValueError:
        raise FormInvalid([f"max_delete: {text!r} is no number of percents"]) from None
    if not 0 <= share <= 1:
        raise FormInvalid(["max_delete: a number from 0 to 100 is needed"])
    return share
