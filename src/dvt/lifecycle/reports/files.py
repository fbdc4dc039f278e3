"""Writes what there is, and what is decided of it, in the original system's shape of a file."""

from __future__ import annotations

from typing import Any

from dvt.core.moments import DAY
from dvt.core.retention import Decision, Item, Moment, Policy
from dvt.lifecycle.decide.rules import age_moment, rule_for
from dvt.lifecycle.reports.plans import item_object
from dvt.lifecycle.reports.times import moment_text


def file_object(item: Item, decision: Decision, policy: Policy | None, now: Moment) -> dict[str, Any]:
    """Return a file for programs; its age is the one that its policy counts."""
    moment = item.modified if policy is None else age_moment(item, rule_for(item, policy))
    return item_object(item, decision) | {
        "pipeline_name": item.group,
        "created_at": None if moment is None else moment_text(moment),
        "age_days": None if moment is None else round((now - moment) / DAY, 2),
        "policy": None if policy is None else policy.data_type,
        "policy_version": None if policy is None else policy.version,
    }
