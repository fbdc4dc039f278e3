"""What was there in fact, as far as is known, and what is not known for certain."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate

from dvt.core.moments import DAY
from dvt.core.retention import Item, Moment
from dvt.lifecycle.simulate.history import Known
from dvt.lifecycle.simulate.results import Amount, Doubts
from dvt.lifecycle.simulate.steps import Steps


class Changes:
    """Items and bytes that come and go at some moments; constant memory."""

    def __init__(self, moments: int) -> None:
        self._items = [0] * (moments + 1)
        self._bytes = [0] * (moments + 1)

    def come(self, at: int, item: Item) -> None:
        """Count an item from the moment of this number on; past the last: not at all."""
        self._items[at] += 1
        self._bytes[at] += item.bytes

    def go(self, at: int, item: Item) -> None:
        """Count an item no more from the moment of this number on."""
        self._items[at] -= 1
        self._bytes[at] -= item.bytes

    def each(self) -> list[Amount]:
        """Return what comes, less what goes, at each moment."""
        return [Amount(*of) for of in zip(self._items[:-1], self._bytes[:-1], strict=True)]

    def totals(self) -> list[Amount]:
        """Return what is there at each moment."""
        items, sizes = accumulate(self._items[:-1]), accumulate(self._bytes[:-1])
        return [Amount(*of) for of in zip(items, sizes, strict=True)]


class Facts:
    """What was there at each step, and when cleanups looked, beside what they found."""

    def __init__(self, steps: Steps, found: Mapping[Moment, Amount], recorded_since: Moment | None) -> None:
        """`found`: what each cleanup found, by when it began to look."""
        self._steps = steps
        self._found = found
        self._recorded_since = recorded_since
        self._moments: Sequence[Moment] = sorted({*steps.moments, *found})
        self._there = Changes(len(self._moments))
        self._changed = self._ageless = self._held = Amount()
        self.problems: tuple[str, ...] = ()
        """What could not be looked at, in sentences."""

    def add(self, known: Known) -> None:
        """Take an item into account."""
        item, gone = known.item, known.gone
        begin = self._since(known.since if known.back is None else known.back)
        if gone is None:
            begin = min(begin, len(self._moments) - 1)  # it is there, whatever its times say
        end = len(self._moments) if gone is None else self._since(gone)
        if begin < end:
            self._there.come(begin, item)
            self._there.go(end, item)
        self._doubt(known, is_there=gone is None)

    def _since(self, moment: Moment | None) -> int:
        return 0 if moment is None else bisect_left(self._moments, moment)

    def _doubt(self, known: Known, *, is_there: bool) -> None:
        item, since = known.item, known.since
        times = [time for time in (item.recorded, item.modified, item.changed) if time is not None]
        if since is None:
            self._ageless = _plus(self._ageless, item)
        elif max(times) >= since + DAY and max(times) > self._steps.moments[0]:
            self._changed = _plus(self._changed, item)
        if is_there and item.holds:
            self._held = _plus(self._held, item)

    def known(self) -> list[Amount]:
        """Return what was there at each step."""
        totals = dict(zip(self._moments, self._there.totals(), strict=True))
        return [totals[moment] for moment in self._steps.moments]

    def found(self) -> list[Amount | None]:
        """Return what the last cleanup of each step found, from the step before on."""
        of: list[Amount | None] = [None] * len(self._steps)
        for moment in sorted(self._found):
            step = self._steps.since(moment)
            if step < len(of):
                of[step] = self._found[moment]
        return of

    def doubts(self) -> Doubts:
        """Return what is not known for certain."""
        totals = dict(zip(self._moments, self._there.totals(), strict=True))
        first = self._steps.moments[0]
        lacking = [of.bytes - totals[at].bytes for at, of in self._found.items() if at >= first]
        return Doubts(
            recorded_since=self._recorded_since,
            changed=self._changed,
            ageless=self._ageless,
            held=self._held,
            missing=max(0, *lacking, 0),
            problems=self.problems,
        )


def _plus(amount: Amount, item: Item) -> Amount:
    return Amount(amount.items + 1, amount.bytes + item.bytes)
