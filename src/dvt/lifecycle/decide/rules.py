"""Which rule of a policy is for an item, and how old the item is by that rule."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache

from dvt.core.moments import DAY, nanoseconds
from dvt.core.retention import AgeBy, Item, Match, Moment, Pin, Policy, Rule


def rule_for(item: Item, policy: Policy) -> Rule:
    """Return the most specific rule that fits an item, the first of equals, else the policy's own."""
    best, conditions = policy.rule, 0
    for match, rule in policy.special:
        if match.conditions > conditions and fits(item, match):
            best, conditions = rule, match.conditions
    return best


def fits(item: Item, match: Match) -> bool:
    """Return whether all conditions hold for an item."""
    return (
        (not match.glob or is_named(item.key, match.glob))
        and (not match.regex or re.search(match.regex, item.key) is not None)
        and (not match.status or item.status in match.status)
        and (not match.pipeline or is_named(item.group, match.pipeline))
        and (not match.tag or not set(match.tag).isdisjoint(item.tags))
        and (match.larger_than is None or item.bytes > match.larger_than)
        and (match.smaller_than is None or item.bytes < match.smaller_than)
    )


def is_named(key: str, patterns: Iterable[str]) -> bool:
    """Return whether a key, or its last part, fits one of the patterns; `*` is any text, `/` included.

    Upper and lower case differ.
    """
    last = key.rpartition("/")[2]
    return any(_regex(pattern).match(key) or _regex(pattern).match(last) for pattern in patterns)


def age_moment(item: Item, rule: Rule) -> Moment | None:
    """Return the youngest of the times that count; None if none of them is known."""
    times = (
        item.recorded if AgeBy.RECORDED in rule.age_by else None,
        item.modified if AgeBy.MODIFIED in rule.age_by else None,
        item.changed if AgeBy.CHANGED in rule.age_by else None,
    )
    return max((time for time in times if time is not None), default=None)


def time_of(rule: Rule) -> int:
    """Return the nanoseconds for which items stay."""
    return round(rule.days * DAY)


def grace_of(rule: Rule) -> int:
    """Return the nanoseconds in which items are never due."""
    return nanoseconds(rule.grace)


def is_active(pin: Pin, now: Moment) -> bool:
    """Return whether a pin's time is not over."""
    return pin.until is None or pin.until > now


@lru_cache(maxsize=1024)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern), re.DOTALL)
