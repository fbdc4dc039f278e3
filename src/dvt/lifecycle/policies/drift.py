"""What differs between lifecycle.yml and the valid policies, and whether a change is a dangerous one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from dvt.core.reports import count, size
from dvt.core.retention import Policy, Rule, Tally

_SHORTER = 0.5
"""A retention that becomes shorter than this share of what it was needs a confirmation."""


def differences(written: Mapping[str, Policy], valid: Mapping[str, Policy]) -> list[str]:
    """Return what making the written policies valid would change, in sentences; empty: nothing.

    Policies that are valid and not written stay, so they are no difference.
    """
    return [line for name, policy in written.items() for line in _differences(policy, valid.get(name))]


def changed(written: Mapping[str, Policy], valid: Mapping[str, Policy]) -> list[Policy]:
    """Return the written policies that are not valid as they are."""
    return [policy for name, policy in written.items() if not _same(policy, valid.get(name))]


def effects(before: Mapping[str, Tally], after: Mapping[str, Tally]) -> list[str]:
    """Return what more, or less, is due after a change of policies, in sentences."""
    lines = []
    for name in sorted({*before, *after}):
        old, new = before.get(name, Tally()), after.get(name, Tally())
        more = new.items - old.items
        if more:
            word = "more" if more > 0 else "less"
            amount = f"{count(abs(more), 'item')}, {size(abs(new.bytes - old.bytes))}"
            lines.append(f"{name}: {amount} {word} would be due")
    return lines or ["nothing more would be due"]


def needs_confirmation(before: Policy | None, after: Policy) -> bool:
    """Return whether a change makes items go much sooner, or takes away what every group keeps."""
    if before is None:
        return False
    rules = zip(_rules(before), _rules(after), strict=False)
    return any(_is_dangerous(old, new) for old, new in rules) or len(after.special) > len(before.special)


def _is_dangerous(before: Rule, after: Rule) -> bool:
    if not after.enabled:
        return False
    return (
        after.days < before.days * _SHORTER
        or after.min_keep < before.min_keep
        or not before.enabled
        or (after.max_total_bytes is not None and before.max_total_bytes is None)
    )


def _rules(policy: Policy) -> list[Rule]:
    return [policy.rule, *(rule for _, rule in policy.special)]


def _same(written: Policy, valid: Policy | None) -> bool:
    return valid is not None and replace(written, version=0) == replace(valid, version=0)


def _differences(written: Policy, valid: Policy | None) -> Iterator[str]:
    name = written.data_type
    if valid is None:
        yield f"{name}: lifecycle.yml has a policy, and none is valid"
        return
    if _same(written, valid):
        return
    for of in fields(Rule):
        old, new = getattr(valid.rule, of.name), getattr(written.rule, of.name)
        if old != new:
            yield f"{name}: {of.name} is {_text(old)}, and {_text(new)} in lifecycle.yml"
    if written.special != valid.special:
        yield f"{name}: {len(valid.special)} special rules are valid, others are in lifecycle.yml"
    for of_policy in ("protect", "max_delete_share", "max_delete_items", "max_delete_bytes", "description"):
        old, new = getattr(valid, of_policy), getattr(written, of_policy)
        if old != new:
            yield f"{name}: {of_policy} is {_text(old)}, and {_text(new)} in lifecycle.yml"


def _text(value: Any) -> str:
    if isinstance(value, frozenset | tuple):
        return "[" + ", ".join(sorted(map(str, value))) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)
