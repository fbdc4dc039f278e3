"""The moments at which a simulation decides: one a day, ending now, or fewer for a long time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from dvt.core.moments import DAY
from dvt.core.retention import Moment

LONGEST = 3660
"""Days, at most."""
_MOST = 120
"""Steps, at most: every one costs a survey of all groups, and more cannot be told apart in a chart."""


class Steps:
    """Moments in order, equally far from each other; the last is now."""

    def __init__(self, now: Moment, days: int) -> None:
        """`days`: how far back the first step is, or a little farther, as whole steps need it."""
        self.days = -(-days // _MOST)
        """Days from one step to the next."""
        number = -(-days // self.days)
        self.moments: Sequence[Moment] = [now - self.days * DAY * back for back in range(number, -1, -1)]

    def __len__(self) -> int:
        return len(self.moments)

    @property
    def now(self) -> Moment:
        """The last one."""
        return self.moments[-1]

    def since(self, moment: Moment) -> int:
        """Return the number of the first step at which what began at this moment has begun; past the last."""
        return bisect_left(self.moments, moment)

    def after(self, moment: Moment) -> int:
        """Return the number of the first step that is later than this moment; past the last if none is."""
        return bisect_right(self.moments, moment)


class Span(NamedTuple):
    """The steps at which an item would be there if no policy took it away."""

    begin: int
    end: int
    """The first at which it is gone, whatever the policy says."""
