"""What a simulation says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dvt.core.retention import Moment, Policy
from dvt.lifecycle.decide.rules import time_of


class Amount(NamedTuple):
    """Numbers of items and of their bytes."""

    items: int = 0
    bytes: int = 0


NOTHING = Amount()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was there at a moment, and would have been."""

    at: Moment
    simulated: Amount
    """With the policy, once what was due at this moment was gone."""
    deleted: Amount
    """What the policy would have deleted at this moment; nothing at the first step: it has no day before."""
    known: Amount
    """What was there in fact, as far as is known."""
    found: Amount | None = None
    """What the last cleanup of the step found there; None if none looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What is not known for certain. Items and bytes of what is known."""

    recorded_since: Moment | None = None
    """When the first cleanup looked: what was gone by then is on no record. None: none has looked yet."""
    changed: Amount = NOTHING
    """Was written or renamed a day or more after it began: it is counted with the size that it has now."""
    ageless: Amount = NOTHING
    """Has no time, so that it is counted as always there."""
    held: Amount = NOTHING
    """Is in use or otherwise held now, and taken as held all the time."""
    missing: int = 0
    """Bytes, at most, that a cleanup found, and that nothing is known of any more: others have deleted it."""
    problems: tuple[str, ...] = ()
    """What could not be looked at, in sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What would have been there of one data type with a policy, and what was."""

    data_type: str
    policy: Policy | None
    """None: there is none, so nothing would have been due."""
    steps: Sequence[Step]
    doubts: Doubts
    has_groups: bool = False
    """Whether any item is of a group, of which numbers may keep it."""
    compressed: Amount = NOTHING
    """What the policy would have compressed; it is counted with its size; how much that frees is unknown."""

    @property
    def peak(self) -> Step:
        """The first step with the most bytes."""
        return max(self.steps, key=lambda step: step.simulated.bytes)

    @property
    def known_peak(self) -> Step:
        """The first step at which the most bytes were there in fact."""
        return max(self.steps, key=lambda step: step.known.bytes)

    @property
    def complete_from(self) -> Moment | None:
        """From when on nothing is lacking of what was there with the policy; None: nobody can tell.

        What was deleted before the record began is on no record, but by its age it would be gone by then.
        """
        since = self.doubts.recorded_since
        if since is None:
            return None
        first = self.steps[0].at
        if since <= first or self.policy is None:
            return max(since, first)
        rules = (self.policy.rule, *(rule for _, rule in self.policy.special))
        return since + max(time_of(rule) for rule in rules)

    @property
    def end(self) -> Step:
        """The last step: now."""
        return self.steps[-1]

    @property
    def difference(self) -> int:
        """Bytes that would be there now, less those that are."""
        return self.end.simulated.bytes - self.end.known.bytes

    @property
    def deleted(self) -> Amount:
        """What the policy would have deleted in all this time."""
        return Amount(
            sum(step.deleted.items for step in self.steps), sum(step.deleted.bytes for step in self.steps)
        )
