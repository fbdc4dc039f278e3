"""Simulations of small histories, whose days can be counted by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dvt.core.moments import DAY
from dvt.core.past import Deleted, Looked, Restored
from dvt.core.retention import Action, Hold, HoldCode, Item, Pin, Policy, Result, Rule, Status, Tally
from dvt.lifecycle.simulate import Amount, Simulated, Steps
from tests.unit.lifecycle.simulate.worlds import NOW, item, simulated


def policy(**rule: object) -> Policy:
    return Policy(data_type="x", rule=Rule(**{"days": 10, **rule}))  # type: ignore[arg-type]


def gone(of: Item, age: float, result: Result = Result.DELETED) -> Deleted:
    return Deleted(of, NOW - round(age * DAY), result)


def there(of: Simulated) -> list[int]:
    return [step.simulated.items for step in of.steps]


def known(of: Simulated) -> list[int]:
    return [step.known.items for step in of.steps]


@pytest.mark.parametrize(
    ("days", "steps", "apart"), [(1, 2, 1), (90, 91, 1), (120, 121, 1), (121, 62, 2), (3660, 120, 31)]
)
def test_steps_are_days_or_fewer_for_a_long_time(days: int, steps: int, apart: int):
    of = Steps(NOW, days)
    assert (len(of), of.days, of.now) == (steps, apart, NOW)
    assert NOW - of.moments[0] >= days * DAY


def test_an_item_stays_for_its_days():
    result = simulated([item("/a", 4.5)], policy(days=2), days=6)
    assert there(result) == [0, 0, 1, 1, 0, 0, 0]
    assert known(result) == [0, 0, 1, 1, 1, 1, 1]
    assert [step.deleted.items for step in result.steps] == [0, 0, 0, 0, 1, 0, 0]
    assert result.difference == -100
    assert result.peak is result.steps[2]


def test_what_was_deleted_would_be_there_with_a_longer_retention():
    result = simulated([], policy(days=5), days=6, past=[gone(item("/a", 5.5), 3)])
    assert there(result) == [0, 1, 1, 1, 1, 1, 0]
    assert known(result) == [0, 1, 1, 0, 0, 0, 0]


def test_what_was_there_before_the_first_step_is_not_deleted_at_it():
    result = simulated([item("/a", 40)], policy(), days=3)
    assert (there(result), result.deleted) == ([0, 0, 0, 0], Amount())


def test_the_newest_of_its_day_stays_until_a_newer_one_comes():
    files = [item(f"/{age}", age, group="g") for age in (6.5, 3.5, 1.5)]
    assert there(simulated(files, policy(days=1), days=7)) == [0, 1, 1, 1, 1, 1, 1, 1]


def test_numbers_count_what_the_policy_has_left():
    files = [item("/old", 9, group="g"), item("/new", 2.5, group="g")]
    past = [gone(item("/between", 5, group="g"), 1)]
    result = simulated(files, policy(days=1, min_keep=2), days=4, past=past)
    assert there(result) == [2, 2, 2, 2, 2]


def test_the_oldest_go_where_all_is_too_large():
    files = [item(f"/{age}", age) for age in (4.5, 3.5, 2.5, 1.5)]
    result = simulated(files, policy(days=100, max_total_bytes=200), days=5)
    assert there(result) == [0, 1, 2, 2, 2, 2]


def test_what_fits_again_once_others_are_gone_stays():
    # /a is kept by its number, until a newer one of its group comes; by then it has room.
    files = [
        item("/a", 9.5, group="a", bytes=10),
        item("/b", 8.5, group="b", bytes=95),
        item("/b2", 7.5, group="b", bytes=10),
        item("/a2", 5.5, group="a", bytes=10),
    ]
    result = simulated(files, policy(days=100, max_total_bytes=100), days=10)
    assert there(result) == [0, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3]
    files.append(item("/c", 2.5, group="c", bytes=75))
    result = simulated(files, policy(days=100, max_total_bytes=100), days=10)
    assert there(result) == [0, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3]
    assert result.end.simulated == Amount(3, 95)  # /c has come, and /a has gone


def test_what_came_back_is_one_item_that_was_away():
    of = item("/a", 8.5)
    past = [gone(of, 5.5), Restored("/a", NOW - round(2.5 * DAY))]
    result = simulated([of], policy(days=30), days=9, past=past)
    assert there(result) == [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert known(result) == [0, 1, 1, 1, 0, 0, 0, 1, 1, 1]


def test_what_came_back_and_was_deleted_again_is_one_item():
    of = item("/a", 8.5)
    past = [gone(of, 6.5), Restored("/a", NOW - round(4.5 * DAY)), gone(of, 2.5)]
    result = simulated([], policy(days=30), days=9, past=past)
    assert there(result) == [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert known(result) == [0, 1, 1, 0, 0, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("group", ["", "g"])
def test_a_new_file_takes_the_place_of_what_would_have_stayed(group: str):
    past = [gone(item("/log", 8.5, group=group), 5.5), gone(item("/log", 4.5, group=group), 3.5)]
    result = simulated([item("/log", 2.5, group=group)], policy(days=30, keep_last=1), days=9, past=past)
    assert there(result) == [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert known(result) == [0, 1, 1, 1, 0, 1, 0, 1, 1, 1]


def test_what_something_new_replaces_does_not_stand_for_the_newest():
    # /log is replaced, so that of the two newest of the group one is /other all the time.
    past = [gone(item("/log", 5.5, group="g"), 3.5)]
    files = [item("/other", 7.5, group="g"), item("/log", 2.5, group="g")]
    assert there(simulated(files, policy(days=1, min_keep=2), days=6, past=past)) == [1, 2, 2, 2, 2, 2, 2]


def test_what_was_compressed_was_so_whatever_the_policy():
    past = [gone(item("/log", 8.5), 4.5, Result.COMPRESSED)]
    packed = item("/log.gz", 8.5, bytes=10, changed=NOW - round(4.5 * DAY))
    result = simulated([packed], policy(days=30), days=9, past=past)
    sizes = [0, 100, 100, 100, 100, 10, 10, 10, 10, 10]
    assert [step.simulated.bytes for step in result.steps] == sizes
    assert [step.known.bytes for step in result.steps] == sizes


@pytest.mark.parametrize("group", ["", "g"])
def test_what_would_be_compressed_keeps_its_size_and_is_told_once(group: str):
    files = [item("/a", 8.5, group=group), item("/b", 0.5, group=group)]
    result = simulated(files, policy(days=2, action=Action.COMPRESS, max_total_bytes=1000), days=9)
    assert there(result)[-1] == 2
    assert result.compressed == Amount(1, 100)


def test_what_would_be_compressed_since_it_is_old_and_too_large_is_told_once():
    rule = policy(days=2, action=Action.COMPRESS, max_total_bytes=50, min_keep=0)
    assert simulated([item("/a", 40)], rule, days=9).compressed == Amount(1, 100)


def test_a_pin_counts_while_it_was_there():
    pin = Pin(id="1", pattern="/a", reason="audit", by="ana", made=NOW - 8 * DAY, until=NOW - 3 * DAY)
    files = [item("/a", 9.5), item("/b", 9.5)]
    assert there(simulated(files, policy(days=2), days=10, pins=[pin])) == [0, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0]


def test_a_pin_that_was_made_too_late_keeps_nothing():
    pin = Pin(id="1", pattern="/a", reason="audit", by="ana", made=NOW - 2 * DAY)
    assert there(simulated([item("/a", 9.5)], policy(days=2), days=10, pins=[pin]))[-1] == 0


def test_without_a_policy_or_with_one_that_is_disabled_nothing_goes():
    files = [item("/a", 40), item("/b", 2.5, group="g")]
    for of in (None, policy(enabled=False, days=1)):
        assert there(simulated(files, of, days=4)) == [1, 1, 2, 2, 2]


def test_what_is_not_known_is_told():
    files = [
        item("/ageless", 0, modified=None, changed=None),
        item("/changed", 9.5, changed=NOW - DAY),
        item("/held", 9.5, holds=(Hold(HoldCode.OPEN, "it is open"),)),
        item("/future", -5),
    ]
    look = Looked(NOW - 3 * DAY, {"x": Tally(items=9, bytes=900), "y": Tally(items=1, bytes=10**9)})
    result = simulated(files, policy(), days=5, looks=[look, Looked(NOW - 2 * DAY, {})])
    assert result.doubts.ageless == result.doubts.changed == result.doubts.held == Amount(1, 100)
    assert result.doubts.missing == 900 - 300
    assert result.doubts.recorded_since == NOW - 3 * DAY
    assert result.complete_from == NOW + 7 * DAY
    assert [step.found for step in result.steps] == [None, None, Amount(9, 900), None, None, None]
    assert known(result) == [3, 3, 3, 3, 3, 4]  # what is of the future is there now


def test_what_is_on_record_without_its_times_ends_as_it_did():
    past = [gone(Item(data_type="x", key="/a", identity="1", bytes=100), 2.5)]
    result = simulated([], policy(days=1000), days=4, past=past)
    assert there(result) == known(result) == [1, 1, 0, 0, 0]


def test_hostile_moments_are_no_error():
    files = [
        item(f"/{number}\udce4\0", 0, modified=moment, changed=moment, group="g", status=Status.COMPLETED)
        for number, moment in enumerate([0, -1, -(2**63), 2**63, 2**70, NOW])
    ]
    past = [gone(item("/1", 0, modified=-(2**66), changed=-(2**66)), 3)]
    for limit in (None, 300):
        result = simulated(files, policy(max_total_bytes=limit, grace=timedelta(0)), days=3, past=past)
        assert known(result)[-1] == 6
