"""Writes policies, their history, and pins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dvt.core.retention import Pin, Policy
from dvt.lifecycle.reports.plans import stays_for
from dvt.lifecycle.reports.times import moment_text

if TYPE_CHECKING:
    from dvt.lifecycle.store.policies import PolicyChange


def as_lines(policies: Mapping[str, Policy]) -> Iterator[str]:
    """Yield policies for people."""
    width = max(map(len, policies), default=0)
    for name, policy in policies.items():
        rule = policy.rule
        keeps = [
            f"{field} {getattr(rule, field)}"
            for field in ("min_keep", "keep_last", "keep_daily", "keep_weekly", "keep_monthly")
            if getattr(rule, field)
        ]
        yield f"{name.ljust(width)}  {stays_for(policy)}; {', '.join(keeps)} (version {policy.version})"
    if not policies:
        yield "no policy is valid, so nothing is ever due"


def as_object(policy: Policy) -> dict[str, Any]:
    """Return a policy for programs."""
    return {
        "data_type": policy.data_type,
        "retention_days": policy.rule.days,
        "enabled": policy.rule.enabled,
        "description": policy.description,
        "action": policy.rule.action,
        "min_keep": policy.rule.min_keep,
        "version": policy.version,
        "special_rules": len(policy.special),
        "keep_last": policy.rule.keep_last,
        "keep_daily": policy.rule.keep_daily,
        "keep_weekly": policy.rule.keep_weekly,
        "keep_monthly": policy.rule.keep_monthly,
        "max_total_bytes": policy.rule.max_total_bytes,
        "quarantine_days": policy.rule.quarantine_days,
        "grace_seconds": policy.rule.grace.total_seconds(),
        "protect": list(policy.protect),
        "max_delete_share": policy.max_delete_share,
        "max_delete_items": policy.max_delete_items,
        "max_delete_bytes": policy.max_delete_bytes,
    }


def change_lines(change: PolicyChange) -> Iterator[str]:
    """Yield a change for people."""
    before = "no policy" if change.before is None else stays_for(change.before)
    after = "no policy" if change.after is None else stays_for(change.after)
    yield f"{moment_text(change.at)}  {change.data_type}, version {change.version}: {before} -> {after}"
    yield f"  by {change.by}: {change.reason}"


def change_object(change: PolicyChange) -> dict[str, Any]:
    """Return a change for programs."""
    return {
        "data_type": change.data_type,
        "version": change.version,
        "at": moment_text(change.at),
        "by": change.by,
        "reason": change.reason,
        "before": None if change.before is None else as_object(change.before),
        "after": None if change.after is None else as_object(change.after),
    }


def pin_lines(pins: Sequence[Pin]) -> Iterator[str]:
    """Yield pins for people."""
    for pin in pins:
        until = "until it is removed" if pin.until is None else f"until {moment_text(pin.until)}"
        yield f"{pin.id}  {pin.kind} {pin.pattern}  {until}, by {pin.by}: {pin.reason}"
    if not pins:
        yield "nothing is pinned"


def pin_object(pin: Pin) -> dict[str, Any]:
    """Return a pin for programs."""
    return {
        "pin": pin.id,
        "pattern": pin.pattern,
        "kind": pin.kind,
        "reason": pin.reason,
        "by": pin.by,
        "made": moment_text(pin.made),
        "until": None if pin.until is None else moment_text(pin.until),
    }
