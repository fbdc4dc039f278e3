"""Items of groups, and of policies with a largest size: what is decided of one depends on others.

They wait in a file until all are known; then step after step is taken. One surveyor is for all steps: what it
was told stays right, since what a number keeps is never deleted, and what was deleted is taken out of the
sizes. Only where something else has taken an item's place is the survey made anew.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable

from dvt.core.retention import Decision, Item, Moment, Policy, Reason, Rule
from dvt.lifecycle.decide import Circumstances, Survey, Surveyor, decide, has_limit
from dvt.lifecycle.decide.rules import age_moment, rule_for
from dvt.lifecycle.simulate.asking import BY_NUMBER, Asking
from dvt.lifecycle.simulate.item_file import ItemFile
from dvt.lifecycle.simulate.steps import Span, Steps

Take = Callable[[Item, int, Decision | None], bool]
"""Takes what is decided of an item at a step, None if it ends there; returns whether it is gone."""
_LAST = 2**63 - 1
"""Moments beyond it, and as far before 1970, are not told apart: they are of the years 2262 and 1677."""
_AWAY, _THERE, _SETTLED = range(3)
"""What an item is at a step. Settled: it is there, and nothing else is decided of it any more."""


class Waiting:
    """Items that wait, and what is decided of them once all are known."""

    def __init__(self, policy: Policy, asking: Asking, steps: Steps, take: Take) -> None:
        self._policy, self._asking, self._steps, self._take = policy, asking, steps, take
        self._items = ItemFile(policy.data_type)
        self._states = bytearray()
        self._counts = array("l")
        """Number of an item → the first step at which the survey knows it."""
        self._new, self._begins, self._asks, self._ends = (
            [array("l") for _ in range(len(steps) + 1)] for _ in range(4)
        )
        """By step, with one past the last: items that a survey is told of, that begin, are asked of, end."""
        self._numbered: dict[str, int] = {}
        """Key of an item that nothing but a number keeps → its own number."""
        self._limits = _Limits() if has_limit(policy) else None
        self._surveyor = self._new_surveyor()

    def close(self) -> None:
        """Remove the file."""
        self._items.close()

    def add(self, item: Item, span: Span) -> None:
        """Have an item wait."""
        number = self._items.add(item)
        rule = rule_for(item, self._policy)
        moment = age_moment(item, rule)
        counts = len(self._steps) if moment is None else max(span.begin, self._steps.since(moment))
        self._states.append(_AWAY)
        self._counts.append(counts)
        self._new[counts].append(number)
        self._begins[span.begin].append(number)
        self._ends[span.end].append(number)
        if self._limits is not None:
            self._limits.add(rule, moment)

    def simulate(self) -> None:
        """Decide on the items at each step."""
        self._items.read()
        if self._limits is not None:
            self._limits.sort()
        for step in range(len(self._steps)):
            ended = [self._end(number, step) for number in self._ends[step]]
            for number in self._begins[step]:
                self._states[number] = _THERE
            survey = self._survey(step, is_anew=any(ended))
            of = self._asking.circumstances(step, survey)
            for number in self._asked(step, survey):
                self._decide(number, step, of)

    def _end(self, number: int, step: int) -> bool:
        """Take away what something else is in the place of; return whether the survey knows it."""
        if self._states[number] == _AWAY:
            return False
        self._states[number] = _AWAY
        self._take(self._items[number], step, None)
        return self._counts[number] < step

    def _survey(self, step: int, *, is_anew: bool) -> Survey:
        new: Iterable[int] = self._new[step]
        if is_anew:
            self._surveyor = self._new_surveyor()
            new = (number for number, counts in enumerate(self._counts) if counts <= step)
        for number in new:
            if self._states[number] != _AWAY:
                self._surveyor.add(self._items[number])
        return self._surveyor.survey()

    def _new_surveyor(self) -> Surveyor:
        return Surveyor(self._policy, self._steps.now)  # it is told of no item before its time

    def _asked(self, step: int, survey: Survey) -> list[int]:
        """Return the items of which something else may be decided at a step, each at least once."""
        freed = [key for key in self._numbered if key not in survey.kept]
        numbers = [*self._begins[step], *self._asks[step], *(self._numbered.pop(key) for key in freed)]
        if self._limits is not None:
            numbers += self._limits.reached(survey)
        return numbers

    def _decide(self, number: int, step: int, of: Circumstances) -> None:
        if self._states[number] != _THERE:
            return
        item = self._items[number]
        decision = decide(item, of)
        if self._take(item, step, decision):
            self._states[number] = _AWAY
            self._surveyor.remove(item)
        elif decision.is_due:
            self._states[number] = _SETTLED
        elif decision.reason in BY_NUMBER:
            self._numbered[item.key] = number
        else:
            self._ask_again(number, step, decision)

    def _ask_again(self, number: int, step: int, decision: Decision) -> None:
        again = self._asking.again(decision, step)
        if self._limits is not None:
            if decision.reason is Reason.GRACE:
                again = step + 1  # then the size of all may be too large, whenever it is due by its age
            elif decision.reason is Reason.YOUNG:
                self._limits.go_back(number)
        if again < len(self._steps):
            self._asks[again].append(number)


class _Limits:
    """Items by their age, for rules with a largest size: which of them it reaches."""

    def __init__(self) -> None:
        self._rules: dict[Rule, int] = {}
        self._known: dict[int, int] = {}
        """By identity of a rule, which its policy holds, since it takes long to compare rules."""
        self._ages: list[array[int]] = []
        self._numbers: list[array[int]] = []
        """For each rule."""
        self._asked: list[int] = []
        """For each rule: so many of its oldest items were reached before, and were asked of."""
        self._rule_of, self._places = array("h"), array("l")
        """By number of an item: its rule, and its place in the order; -1: no largest size is for it."""

    def add(self, rule: Rule, moment: Moment | None) -> None:
        """Add the next item."""
        of = -1
        if rule.max_total_bytes is not None and moment is not None:
            of = self._number_of(rule)
            self._ages[of].append(max(-_LAST, min(moment, _LAST)))
            self._numbers[of].append(len(self._rule_of))
        self._rule_of.append(of)
        self._places.append(-1)

    def _number_of(self, rule: Rule) -> int:
        if id(rule) not in self._known:
            of = self._known[id(rule)] = self._rules.setdefault(rule, len(self._rules))
            if of == len(self._ages):
                self._ages.append(array("q"))
                self._numbers.append(array("l"))
                self._asked.append(0)
        return self._known[id(rule)]

    def sort(self) -> None:
        """Put the items in order, once all are added."""
        for of, ages in enumerate(self._ages):
            order = sorted(range(len(ages)), key=ages.__getitem__)
            self._ages[of] = array("q", (ages[index] for index in order))
            self._numbers[of] = array("l", (self._numbers[of][index] for index in order))
            for place, number in enumerate(self._numbers[of]):
                self._places[number] = place

    def reached(self, survey: Survey) -> list[int]:
        """Return the items that are too much by now, and were not before."""
        reached: list[int] = []
        for rule, limit in survey.fills_up.items():
            of = self._rules[rule]
            until = bisect_right(self._ages[of], limit)
            reached += self._numbers[of][self._asked[of] : until]
            self._asked[of] = max(self._asked[of], until)
        return reached

    def go_back(self, number: int) -> None:
        """Have an item that is young for now be reached again, with those that are younger."""
        of = self._rule_of[number]
        if of >= 0:
            self._asked[of] = min(self._asked[of], self._places[number])
