"""What is true of decisions on any items under any policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvt.core.retention import (
    Action,
    AgeBy,
    CleanupType,
    Hold,
    HoldCode,
    Item,
    Match,
    Pin,
    Policy,
    Rule,
    Status,
)
from dvt.lifecycle.decide import Circumstances, Surveyor, decide

pytestmark = pytest.mark.slow

DAY = 86_400 * 10**9
NOW = 20_000 * DAY

moments = st.none() | st.integers(NOW - 200 * DAY, NOW + DAY) | st.sampled_from([0, NOW, 2**63 - 1, -1])
holds = st.sampled_from([(), (), (), (Hold(HoldCode.OPEN, "it is open"),)])


@st.composite
def items(draw):
    number = draw(st.integers(0, 25))
    return [
        Item(
            data_type="x",
            key=f"/ops/{index}.{draw(st.sampled_from(['json', 'csv']))}",
            identity="1",
            group=draw(st.sampled_from(["", "daily", "hourly"])),
            bytes=draw(st.integers(0, 1000)),
            status=draw(st.sampled_from([None, *Status])),
            tags=draw(st.sampled_from([(), ("finance",)])),
            recorded=draw(moments),
            modified=draw(moments),
            changed=draw(moments),
            holds=draw(holds),
        )
        for index in range(number)
    ]


small = st.integers(0, 3)
rules = st.builds(
    Rule,
    days=st.integers(0, 150),
    enabled=st.sampled_from([True, True, True, False]),
    action=st.sampled_from(Action),
    min_keep=small,
    keep_last=small,
    keep_daily=small,
    keep_weekly=small,
    keep_monthly=small,
    max_total_bytes=st.none() | st.integers(0, 5000),
    age_by=st.frozensets(st.sampled_from(AgeBy), min_size=1),
    grace=st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(days=9)]),
)
matches = st.builds(
    Match,
    glob=st.sampled_from([(), ("*.json",)]),
    status=st.frozensets(st.sampled_from(Status), max_size=2),
    pipeline=st.sampled_from([(), ("daily",)]),
    larger_than=st.none() | st.integers(0, 900),
)
policies = st.builds(
    Policy,
    data_type=st.just("x"),
    rule=rules,
    special=st.lists(st.tuples(matches, rules), max_size=2).map(tuple),
    protect=st.sampled_from([(), ("/ops/3.*",)]),
)
pins = st.lists(
    st.builds(
        Pin,
        id=st.just("1"),
        pattern=st.sampled_from(["/ops/1*", "daily", "finance"]),
        kind=st.sampled_from(["file", "pipeline", "tag"]),
        reason=st.just("audit"),
        by=st.just("ana"),
        made=st.just(0),
        until=st.none() | st.just(NOW + DAY) | st.just(NOW - DAY),
    ),
    max_size=2,
)
cleanup_types = st.sampled_from(CleanupType)


def due(of, policy, *, at=(), cleanup_type=CleanupType.MANUAL):
    surveyor = Surveyor(policy, NOW)
    for item in of:
        surveyor.add(item)
    circumstances = Circumstances(
        policy=policy, survey=surveyor.survey(), now=NOW, pins=at, cleanup_type=cleanup_type
    )
    return {item.key for item in of if decide(item, circumstances).is_due}


def longer(policy, days):
    return replace(
        policy,
        rule=replace(policy.rule, days=policy.rule.days + days),
        special=tuple((match, replace(rule, days=rule.days + days)) for match, rule in policy.special),
    )


@given(items(), policies, st.integers(0, 100))
def test_a_longer_retention_never_makes_more_due(of, policy, days):
    assert due(of, longer(policy, days)) <= due(of, policy)


@given(
    items(), policies, st.sampled_from(["min_keep", "keep_last", "keep_daily", "keep_weekly", "keep_monthly"])
)
def test_to_keep_more_never_makes_more_due(of, policy, number):
    more = replace(policy, rule=replace(policy.rule, **{number: getattr(policy.rule, number) + 1}))
    assert due(of, more) <= due(of, policy)


@given(items(), policies, pins, cleanup_types)
def test_a_pin_never_makes_more_due(of, policy, at, cleanup_type):
    assert due(of, policy, at=at, cleanup_type=cleanup_type) <= due(of, policy, cleanup_type=cleanup_type)


@given(items(), policies, cleanup_types)
def test_the_newest_of_each_group_always_stay(of, policy, cleanup_type):
    least = min([policy.rule.min_keep, *(rule.min_keep for _, rule in policy.special)])
    gone = due(of, policy, cleanup_type=cleanup_type)
    for group in {item.group for item in of} - {""}:
        members = [item for item in of if item.group == group]
        stay = [item for item in members if item.key not in gone]
        assert len(stay) >= min(least, len(members))


@given(items(), policies, cleanup_types)
def test_one_success_of_each_group_stays_if_there_is_one(of, policy, cleanup_type):
    if min([policy.rule.min_keep, *(rule.min_keep for _, rule in policy.special)]) == 0:
        return
    gone = due(of, policy, cleanup_type=cleanup_type)
    successes = {item.group for item in of if item.group and item.status is Status.COMPLETED}
    stay = {item.group for item in of if item.status is Status.COMPLETED and item.key not in gone}
    assert successes <= stay


@given(items(), policies, cleanup_types)
def test_once_what_is_due_is_gone_nothing_else_is(of, policy, cleanup_type):
    gone = due(of, policy, cleanup_type=cleanup_type)
    rest = [item for item in of if item.key not in gone]
    assert due(rest, policy, cleanup_type=cleanup_type) == set()


@given(items(), policies, pins, cleanup_types)
def test_nothing_that_is_in_doubt_is_ever_due(of, policy, at, cleanup_type):
    gone = due(of, policy, at=at, cleanup_type=cleanup_type)
    for item in of:
        times = [time for time in (item.recorded, item.modified, item.changed) if time is not None]
        in_doubt = item.holds or item.status in (Status.RUNNING, Status.UNKNOWN) or not times
        assert not (in_doubt and item.key in gone)


@given(items(), policies, st.randoms())
def test_the_order_of_items_does_not_matter(of, policy, random):
    shuffled = list(of)
    random.shuffle(shuffled)
    assert due(shuffled, policy) == due(of, policy)
