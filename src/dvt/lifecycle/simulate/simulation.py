"""The simulation of one policy: what it would have left at each step."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from dvt.core.retention import Action, Decision, Item, Pin, Policy
from dvt.lifecycle.decide import has_limit
from dvt.lifecycle.simulate.asking import Asking
from dvt.lifecycle.simulate.facts import Changes, Facts
from dvt.lifecycle.simulate.history import Known
from dvt.lifecycle.simulate.results import Amount, Simulated, Step
from dvt.lifecycle.simulate.steps import Span, Steps
from dvt.lifecycle.simulate.waiting import Waiting


class Simulation:
    """Takes what is known of the items of a data type, and says what a policy would have left of them.

    The policy is taken to have been valid all the time, and a cleanup to have been at each step. Each
    decision is one of `decide`, with a survey of what the policy would have left until then. Of items without
    a group nothing is held; those of groups, and all of a policy with a largest size, wait in a file, with
    some fifty bytes of memory each.
    """

    def __init__(self, data_type: str, policy: Policy | None, pins: Sequence[Pin], steps: Steps) -> None:
        """`pins`: all that ever were; `until` of one that was removed is when it was."""
        self._data_type, self._policy, self._steps = data_type, policy, steps
        self._asking = Asking(policy, pins, steps)
        self._is_limited = policy is not None and has_limit(policy)
        self._there = Changes(len(steps))
        self._deleted = Changes(len(steps))
        self._compressed = Amount()
        self._has_groups = False
        self._waiting = None if policy is None else Waiting(policy, self._asking, steps, self._take)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._waiting is not None:
            self._waiting.close()

    def add(self, known: Known) -> None:
        """Take an item into account."""
        span = self._span(known)
        if known.is_past or span.begin >= span.end:
            return
        self._there.come(span.begin, known.item)
        self._has_groups = self._has_groups or bool(known.item.group)
        if self._waiting is not None and (known.item.group or self._is_limited):
            self._waiting.add(known.item, span)
            return
        step = span.begin
        while step < span.end:
            decision = self._asking.alone(known.item, step)
            if self._take(known.item, step, decision):
                return
            step = self._asking.again(decision, step)
        self._there.go(span.end, known.item)

    def _span(self, known: Known) -> Span:
        last = len(self._steps)
        begin = 0 if known.since is None else self._steps.since(known.since)
        end = last if known.ends is None else self._steps.since(known.ends)
        return Span(min(begin, last - 1) if known.gone is None else begin, end)

    def _take(self, item: Item, step: int, decision: Decision | None) -> bool:
        """Note that an item goes at a step, as decided, or, without a decision, for another is in its place.

        Returns whether it is gone.
        """
        if decision is None:
            self._there.go(step, item)
            return True
        if not decision.is_due:
            return False
        if decision.action is Action.COMPRESS:
            self._compressed = Amount(self._compressed.items + 1, self._compressed.bytes + item.bytes)
            return False
        self._there.go(step, item)
        self._deleted.come(step, item)
        return True

    def simulated(self, facts: Facts) -> Simulated:
        """Return what would have been, beside what was, once all items were added."""
        if self._waiting is not None:
            self._waiting.simulate()
        deleted = [Amount(), *self._deleted.each()[1:]]
        steps = [
            Step(at=at, simulated=there, deleted=gone, known=known, found=found)
            for at, there, gone, known, found in zip(
                self._steps.moments, self._there.totals(), deleted, facts.known(), facts.found(), strict=True
            )
        ]
        return Simulated(
            data_type=self._data_type,
            policy=self._policy,
            steps=steps,
            doubts=facts.doubts(),
            has_groups=self._has_groups,
            compressed=self._compressed,
        )
