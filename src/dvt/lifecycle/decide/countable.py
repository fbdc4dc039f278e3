"""Of which items only the number is needed: those whose times alone tell what `decide` says of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dvt.core.found import EVER, Countable
from dvt.core.retention import Action, AgeBy, CleanupType, Moment, Policy, Reason, Rule
from dvt.lifecycle.decide.decision import Circumstances
from dvt.lifecycle.decide.rules import grace_of, is_active, is_named, time_of

_KNOWN = frozenset({AgeBy.MODIFIED, AgeBy.CHANGED})
"""Times that all of these items have."""


def countable(circumstances: Circumstances) -> Countable | None:
    """Return which items stay for one reason that their times alone tell; None: of none that is certain.

    It is a part of what `decide` says, for any survey, of items without holds, status and recorded time.
    """
    policy = circumstances.policy
    if policy is None:
        return _always(Reason.NO_POLICY)
    rules = _rules(policy)
    if not any(rule.enabled for rule in rules):
        return _always(Reason.DISABLED)
    pins = [pin for pin in circumstances.pins if is_active(pin, circumstances.now)]
    if not all(rule.enabled for rule in rules) or any(pin.kind != "file" for pin in pins):
        return None
    is_emergency = circumstances.cleanup_type is CleanupType.EMERGENCY
    return _known_by_age(
        policy,
        after=circumstances.now - min(time_of(rule) for rule in rules),
        until=circumstances.now - max(0, *(0 if is_emergency else grace_of(rule) for rule in rules)),
        named=(*policy.protect, *(pin.pattern for pin in pins)),
    )


def countable_by_survey(policy: Policy | None, now: Moment) -> Countable | None:
    """Return which items a survey need not see, whatever is decided of them; None: none of them."""
    return _always(Reason.NO_POLICY) if policy is None else _known_by_age(policy, after=-EVER, until=now)


def _always(reason: Reason) -> Countable:
    return Countable(reason=reason, after=-EVER, until=EVER, age_by=_KNOWN)


def _known_by_age(
    policy: Policy, *, after: Moment, until: Moment, named: tuple[str, ...] = ()
) -> Countable | None:
    """`named`: patterns of keys of which it is not known."""
    rules, age_by = _rules(policy), policy.rule.age_by & _KNOWN
    is_one_age = all(rule.age_by & _KNOWN == age_by for rule in rules)
    if not age_by or not is_one_age or any(rule.max_total_bytes is not None for rule in rules):
        return None
    return Countable(
        reason=Reason.YOUNG,
        after=after,
        until=until,
        age_by=age_by,
        unless=partial(is_named, patterns=named) if named else None,
        newest=_newest(rules),
        older_alike=len(rules) == 1 and policy.rule.action is not Action.COMPRESS,
    )


def _newest(rules: Sequence[Rule]) -> int | None:
    """Return how many newest of each group numbers may keep; None if that is not told by a number."""
    has_periods = any(rule.keep_daily or rule.keep_weekly or rule.keep_monthly for rule in rules)
    numbers = [max(rule.min_keep, rule.keep_last) for rule in rules]
    if not has_periods and not any(numbers):
        return 0
    return None if has_periods or len(rules) > 1 else numbers[0]


def _rules(policy: Policy) -> list[Rule]:
    return [policy.rule, *(rule for _, rule in policy.special)]
