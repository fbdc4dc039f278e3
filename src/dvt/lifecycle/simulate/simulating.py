"""One look at what is there and at the record, for one or several policies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain

from dvt.core.past import Deleted, Looked, Restored
from dvt.core.retention import Item, Pin, Policy
from dvt.lifecycle.simulate.facts import Facts
from dvt.lifecycle.simulate.history import History
from dvt.lifecycle.simulate.results import Amount, Simulated
from dvt.lifecycle.simulate.simulation import Simulation
from dvt.lifecycle.simulate.steps import Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one data type."""

    data_type: str
    changes: Iterable[Deleted | Restored]
    """What is on record, in its order."""
    items: Iterable[Item]
    """All that is there; nothing of it is asked for before the record was read to its end."""
    looks: Sequence[Looked]
    """What cleanups have found, of all data types."""
    pins: Sequence[Pin]
    """All that ever were; `until` of one that was removed is when it was."""
    problems: Iterable[str] = ()
    """What could not be looked at, in sentences, once the items were asked for."""


def simulate(evidence: Evidence, policies: Sequence[Policy | None], steps: Steps) -> list[Simulated]:
    """Return what would have been there with each of these policies. It reads nothing but its arguments."""
    name = evidence.data_type
    found = {
        look.at: Amount(look.found[name].items, look.found[name].bytes)
        for look in evidence.looks
        if name in look.found and look.at <= steps.now
    }
    facts = Facts(steps, found, min((look.at for look in evidence.looks), default=None))
    with ExitStack() as ending:
        history = ending.enter_context(History(name))
        simulations = [
            ending.enter_context(Simulation(name, policy, evidence.pins, steps)) for policy in policies
        ]
        for change in evidence.changes:
            history.add(change)
        for known in chain(map(history.found, evidence.items), history.deleted()):
            facts.add(known)
            for simulation in simulations:
                simulation.add(known)
        facts.problems = tuple(evidence.problems)
        return [simulation.simulated(facts) for simulation in simulations]
