"""Worlds that simulations are compared with: cleanups that ask of every item each time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from dvt.core.moments import DAY
from dvt.core.past import Deleted, Looked, Restored
from dvt.core.retention import Action, Item, Pin, Policy, Result
from dvt.lifecycle.decide import Circumstances, Surveyor, decide
from dvt.lifecycle.simulate import Amount, Evidence, Simulated, Steps, simulate

NOW = 20_000 * DAY


def item(key: str, age: float, **values: object) -> Item:
    """Return an item that was written so many days ago."""
    moment = NOW - round(age * DAY)
    known = {"identity": "1", "bytes": 100, "modified": moment, "changed": moment}
    return Item(data_type="x", key=key, **{**known, **values})  # type: ignore[arg-type]


def since(of: Item) -> int:
    """Return when an item began."""
    return min(
        (time for time in (of.recorded, of.modified, of.changed) if time is not None), default=-(2**70)
    )


def cleaned(
    items: Sequence[Item], policy: Policy, steps: Steps, pins: Sequence[Pin] = ()
) -> tuple[list[Amount], list[Deleted]]:
    """Clean up at each step; return what is left after each, and what was deleted when."""
    left, gone = [], {}
    for moment in steps.moments:
        there = [of for of in items if of.key not in gone and since(of) <= moment]
        if moment == steps.now:
            there = [of for of in items if of.key not in gone]
        surveyor = Surveyor(policy, moment)
        for of in there:
            surveyor.add(of)
        made = tuple(pin for pin in pins if pin.made <= moment)
        known = Circumstances(policy=policy, survey=surveyor.survey(), now=moment, pins=made)
        for of in there:
            decision = decide(of, known)
            if decision.is_due and decision.action is not Action.COMPRESS:
                gone[of.key] = Deleted(of, moment, Result.DELETED)
        left.append(total(of for of in there if of.key not in gone))
    return left, list(gone.values())


def total(items: Iterable[Item]) -> Amount:
    """Return the number and bytes of items."""
    sizes = [of.bytes for of in items]
    return Amount(len(sizes), sum(sizes))


def simulated(
    found: Sequence[Item],
    policy: Policy | None,
    *,
    days: int = 30,
    past: Sequence[Deleted | Restored] = (),
    pins: Sequence[Pin] = (),
    looks: Sequence[Looked] = (),
) -> Simulated:
    """Simulate; `past`: what is on record."""
    evidence = Evidence(data_type="x", changes=past, items=found, looks=looks, pins=pins)
    return simulate(evidence, [policy], Steps(NOW, days))[0]


def longer(policy: Policy, days: float) -> Policy:
    """Return a policy with which items stay longer."""
    return replace(
        policy,
        rule=replace(policy.rule, days=policy.rule.days + days),
        special=tuple((match, replace(rule, days=rule.days + days)) for match, rule in policy.special),
    )
