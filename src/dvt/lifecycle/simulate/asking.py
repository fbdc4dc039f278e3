"""When `decide` is asked of an item, and when again: so seldom that it says no other word in between."""

from __future__ import annotations

from collections.abc import Sequence

from dvt.core.retention import Decision, Item, Pin, Policy, Reason
from dvt.lifecycle.decide import Circumstances, Survey, decide
from dvt.lifecycle.simulate.steps import Steps

_BY_AGE = frozenset({Reason.YOUNG, Reason.GRACE, Reason.IN_THE_FUTURE})
"""Keep an item for some time."""
BY_NUMBER = frozenset(
    {
        Reason.MIN_KEEP,
        Reason.LAST_SUCCESS,
        Reason.KEEP_LAST,
        Reason.KEEP_DAILY,
        Reason.KEEP_WEEKLY,
        Reason.KEEP_MONTHLY,
    }
)
"""Keep an item as long as the survey names it."""


class Asking:
    """Asks `decide` of items as of a step."""

    def __init__(self, policy: Policy | None, pins: Sequence[Pin], steps: Steps) -> None:
        """`pins`: all that ever were; `until` of one that was removed is when it was."""
        self._steps = steps
        self._policy = policy
        self._pins = [tuple(pin for pin in pins if pin.made <= moment) for moment in steps.moments]
        begun = {steps.since(pin.made) for pin in pins}
        over = {steps.since(pin.until) for pin in pins if pin.until is not None}
        self._pins_change = sorted(begun | over)
        """Numbers of steps."""
        self._alone = [self.circumstances(step, Survey()) for step in range(len(steps))]

    def circumstances(self, step: int, survey: Survey) -> Circumstances:
        """Return what decides on items at a step."""
        return Circumstances(
            policy=self._policy, survey=survey, now=self._steps.moments[step], pins=self._pins[step]
        )

    def alone(self, item: Item, step: int) -> Decision:
        """Return what is decided of an item that depends on no other one."""
        return decide(item, self._alone[step])

    def again(self, decision: Decision, step: int) -> int:
        """Return the first later step at which something else may be decided; past the last if never.

        It is not told of numbers and of the size of all: the survey tells that.
        """
        if decision.reason is Reason.PINNED:
            return next((change for change in self._pins_change if change > step), len(self._steps))
        if decision.reason not in _BY_AGE or decision.due is None:
            return len(self._steps)
        return max(step + 1, self._steps.after(decision.due))
