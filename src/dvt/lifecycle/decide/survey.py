"""What a decision must know of all items of a data type: which are the newest of their groups, and totals."""

from __future__ import annotations

import heapq
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dvt.core.moments import time_of_moment
from dvt.core.retention import Item, Moment, Policy, Reason, Rule, Status
from dvt.lifecycle.decide.rules import age_moment, rule_for


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of all items of one data type."""

    kept: Mapping[str, Reason] = field(default_factory=dict)
    """Key of an item that a number of its rule keeps → which."""
    fills_up: Mapping[Rule, Moment] = field(default_factory=dict)
    """Rule with a `max_total_bytes` that is exceeded → items of this age, and older ones, are too much."""


class Surveyor:
    """Looks at each item once. Memory grows with the number of groups, not with that of items.

    Only a rule with a `max_total_bytes` costs 16 bytes an item.
    """

    def __init__(self, policy: Policy, now: Moment) -> None:
        """`now`: items that are younger are not counted, or one with a wrong clock would stand for all."""
        self._policy = policy
        self._now = now
        self._groups: dict[tuple[int, str], _Group] = {}
        """By the identity of a rule, which the policy holds, and the name of a group."""
        self._successes: dict[str, tuple[Moment, str]] = {}
        self._sizes: dict[Rule, _Sizes] = {}
        self._is_limited = has_limit(policy)

    def add(self, item: Item) -> None:
        """Take an item into account. What is held is not counted: it stays beside what a number keeps."""
        if not item.group and not self._is_limited:
            return
        rule = rule_for(item, self._policy)
        moment = age_moment(item, rule)
        if moment is None or moment > self._now:
            return
        if rule.max_total_bytes is not None:
            self._sizes.setdefault(rule, _Sizes(rule.max_total_bytes)).add(moment, item.bytes)
        if item.holds or item.status is Status.UNKNOWN or not item.group:
            return
        group = self._groups.get((id(rule), item.group))
        if group is None:
            group = self._groups[id(rule), item.group] = _Group(rule)
        group.add(moment, item.key)
        if item.status is Status.COMPLETED and rule.min_keep:
            newest = self._successes.get(item.group)
            if newest is None or newest < (moment, item.key):
                self._successes[item.group] = (moment, item.key)

    def remove(self, item: Item) -> None:
        """Take no account any more of an item that was added, and is gone since no number has kept it."""
        rule = rule_for(item, self._policy)
        moment = age_moment(item, rule)
        if moment is not None and rule in self._sizes:
            self._sizes[rule].remove(moment, item.bytes)

    def survey(self) -> Survey:
        """Return what is known of the items that were added; more may be added later."""
        kept: dict[str, Reason] = {}
        for group in self._groups.values():
            for key, reason in group.kept():
                kept.setdefault(key, reason)
        for _, key in self._successes.values():
            kept.setdefault(key, Reason.LAST_SUCCESS)
        limits = ((rule, sizes.limit()) for rule, sizes in self._sizes.items())
        return Survey(kept, {rule: moment for rule, moment in limits if moment is not None})


def has_limit(policy: Policy) -> bool:
    """Return whether what is decided of an item may depend on the sizes of all."""
    rules = (policy.rule, *(rule for _, rule in policy.special))
    return any(rule.max_total_bytes is not None for rule in rules)


class _Group:
    """The newest items of a group, among those of one rule."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._newest: list[tuple[Moment, str]] = []
        """A heap, the oldest first."""
        self._count = max(rule.min_keep, rule.keep_last)
        self._periods = [
            _Periods(number, reason, name)
            for number, reason, name in (
                (rule.keep_daily, Reason.KEEP_DAILY, "%Y-%m-%d"),
                (rule.keep_weekly, Reason.KEEP_WEEKLY, "%G-%V"),
                (rule.keep_monthly, Reason.KEEP_MONTHLY, "%Y-%m"),
            )
            if number
        ]

    def add(self, moment: Moment, key: str) -> None:
        if len(self._newest) < self._count:
            heapq.heappush(self._newest, (moment, key))
        elif self._count and (moment, key) > self._newest[0]:
            heapq.heapreplace(self._newest, (moment, key))
        for periods in self._periods:
            periods.add(moment, key)

    def kept(self) -> Iterator[tuple[str, Reason]]:
        for place, (_, key) in enumerate(sorted(self._newest, reverse=True)):
            yield key, Reason.MIN_KEEP if place < self._rule.min_keep else Reason.KEEP_LAST
        for periods in self._periods:
            yield from ((key, periods.reason) for key in periods.kept())


class _Periods:
    """The newest item of each of the last periods that have one: days, weeks or months, in UTC."""

    def __init__(self, number: int, reason: Reason, name: str) -> None:
        self.reason = reason
        self._number = number
        self._name = name
        self._newest: dict[str, tuple[Moment, str]] = {}

    def add(self, moment: Moment, key: str) -> None:
        period = time_of_moment(moment).strftime(self._name)
        newest = self._newest.get(period)
        if newest is None or newest < (moment, key):
            self._newest[period] = (moment, key)
        if len(self._newest) > 2 * self._number:
            self._newest = dict(self._last())

    def kept(self) -> Iterator[str]:
        yield from (key for _, (_, key) in self._last())

    def _last(self) -> list[tuple[str, tuple[Moment, str]]]:
        return sorted(self._newest.items(), key=lambda period: period[1], reverse=True)[: self._number]


_FIRST = -(2**63)
"""Moments before this one, of the year 1677, are not told apart; some file systems have them."""


class _Sizes:
    """Ages and bytes of all items of a rule."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._moments = array("q")
        self._bytes = array("q")
        self._removed = 0

    def add(self, moment: Moment, size: int) -> None:
        self._moments.append(max(moment, _FIRST))
        self._bytes.append(size)

    def remove(self, moment: Moment, size: int) -> None:
        self.add(moment, -size)  # a sum of an age is the same then as if it had never been there
        self._removed += 1
        if self._removed > len(self._moments) // 4:
            self._forget_removed()

    def _forget_removed(self) -> None:
        sums: dict[Moment, int] = defaultdict(int)
        for moment, size in zip(self._moments, self._bytes, strict=True):
            sums[moment] += size
        self._moments, self._bytes, self._removed = array("q"), array("q"), 0
        for moment in sorted(sums):
            if sums[moment]:
                self.add(moment, sums[moment])

    def limit(self) -> Moment | None:
        """Return the age from which on items are too much, the newest counted first; None if all have room.

        Items of one age share its fate.
        """
        total, age = 0, None
        order = sorted(range(len(self._moments)), key=self._moments.__getitem__, reverse=True)
        for index in order:
            if self._moments[index] != age:
                if total > self._limit:
                    return age
                age = self._moments[index]
            total += self._bytes[index]  # less than nothing for what was removed, which has the same age
        return age if total > self._limit else None
