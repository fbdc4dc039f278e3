"""What is true of simulations of any items under any policy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvt.lifecycle.decide import Circumstances, Surveyor, decide
from dvt.lifecycle.simulate import Steps
from tests.unit.lifecycle.decide.test_properties import items, pins, policies
from tests.unit.lifecycle.simulate.worlds import NOW, cleaned, longer, simulated, total

pytestmark = pytest.mark.slow

DAYS = st.integers(1, 200)
unhurried = settings(deadline=None)
"""What it is compared with asks some thousand times."""


@unhurried
@given(items(), policies, pins, DAYS)
def test_it_decides_as_one_who_asks_of_every_item_at_every_step(of, policy, at, days):
    left, _ = cleaned(of, policy, Steps(NOW, days), at)
    assert [step.simulated for step in simulated(of, policy, days=days, pins=at).steps] == left


@unhurried
@given(items(), policies, pins, DAYS)
def test_with_the_policy_that_was_valid_all_the_time_it_is_as_it_was(of, policy, at, days):
    left, deleted = cleaned(of, policy, Steps(NOW, days), at)
    gone = {event.item.key for event in deleted}
    there = [item for item in of if item.key not in gone]
    result = simulated(there, policy, days=days, past=deleted, pins=at)
    assert [step.simulated for step in result.steps] == left
    assert [step.known for step in result.steps] == left


@unhurried
@given(items(), policies, DAYS, st.integers(0, 100))
def test_a_longer_retention_never_leaves_less(of, policy, days, more):
    short, long = simulated(of, policy, days=days), simulated(of, longer(policy, more), days=days)
    for less, greater in zip(short.steps, long.steps, strict=True):
        assert less.simulated.items <= greater.simulated.items
        assert less.simulated.bytes <= greater.simulated.bytes


@unhurried
@given(items(), policies, pins, DAYS)
def test_at_the_end_there_is_what_a_plan_leaves_now(of, policy, at, days):
    surveyor = Surveyor(policy, NOW)
    for item in of:
        surveyor.add(item)
    known = Circumstances(policy=policy, survey=surveyor.survey(), now=NOW, pins=at)
    left = total(item for item in of if decide(item, known).action in {None, "compress"})
    assert simulated(of, policy, days=days, pins=at).end.simulated == left
