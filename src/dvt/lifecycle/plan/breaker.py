"""The circuit breaker: an automatic run that would delete too much stops before it begins."""

from __future__ import annotations

from collections.abc import Iterator

from dvt.core.retention import PlanHead, Policy, Tally


def refusals(plan: PlanHead) -> tuple[str, ...]:
    """Return why a plan is too much for an automatic run, in sentences."""
    return tuple(
        sentence
        for name, due in plan.due.items()
        if name in plan.policies
        for sentence in _too_much(plan.policies[name], due, plan.found[name])
    )


def _too_much(policy: Policy, due: Tally, found: Tally) -> Iterator[str]:
    share = due.items / found.items if found.items else 0
    if share > policy.max_delete_share:
        yield (
            f"{due.items:,} of {found.items:,} items of {policy.data_type} would go, which is more than "
            f"{policy.max_delete_share:.0%} (max_delete)"
        )
    if policy.max_delete_items is not None and due.items > policy.max_delete_items:
        yield (
            f"{due.items:,} items of {policy.data_type} would go, more than {policy.max_delete_items:,} "
            "(max_delete_files)"
        )
    if policy.max_delete_bytes is not None and due.bytes > policy.max_delete_bytes:
        yield (
            f"{due.bytes:,} bytes of {policy.data_type} would go, more than {policy.max_delete_bytes:,} "
            "(max_delete_size)"
        )
