"""One function says what becomes of an item; nothing that is unknown is ever due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

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
    Reason,
    Rule,
    Status,
)
from dvt.lifecycle.decide import Circumstances, Survey, Surveyor, decide

DAY = 86_400 * 10**9
NOW = 20_000 * DAY
OLD = NOW - 40 * DAY


def item(key="/ops/a.json", *, age=40.0, **fields):
    moment = NOW - round(age * DAY)
    times = {"recorded": moment, "modified": moment, "changed": moment}
    return Item(**{"data_type": "failed_operations", "key": key, "identity": "1", **times, **fields})


def policy(*, special=(), protect=(), **rule):
    return Policy(
        data_type="failed_operations", rule=Rule(**{"days": 14, **rule}), special=special, protect=protect
    )


def decided(of, under=None, *, others=(), pins=(), cleanup_type=CleanupType.MANUAL):
    under = under or policy()
    surveyor = Surveyor(under, NOW)
    for one in {other.key: other for other in (*others, of)}.values():
        surveyor.add(one)
    circumstances = Circumstances(
        policy=under, survey=surveyor.survey(), now=NOW, pins=pins, cleanup_type=cleanup_type
    )
    return decide(of, circumstances)


def test_what_is_old_is_due():
    decision = decided(item())
    assert (decision.reason, decision.action) == (Reason.OLD, Action.DELETE)
    assert decision.text == "40 days old, older than 14 days"
    assert decision.due == NOW - 26 * DAY


def test_what_is_young_says_when_it_is_due():
    decision = decided(item(age=13.5))
    assert (decision.reason, decision.action, decision.due) == (Reason.YOUNG, None, NOW + DAY // 2)
    assert decision.text == "13 days old, stays for 14 days"


def test_without_a_policy_nothing_is_due():
    decision = decide(item(), Circumstances(policy=None, survey=Survey(), now=NOW))
    assert (decision.reason, decision.action) == (Reason.NO_POLICY, None)


@pytest.mark.parametrize("time", ["recorded", "modified", "changed"])
def test_the_youngest_time_counts(time):
    young = item(**{time: NOW - 2 * DAY})
    assert decided(young).reason is Reason.YOUNG
    others = frozenset(AgeBy) - {
        {"recorded": AgeBy.RECORDED, "modified": AgeBy.MODIFIED}.get(time, AgeBy.CHANGED)
    }
    assert decided(young, policy(age_by=others)).reason is Reason.OLD


def test_it_is_said_that_only_the_inode_is_young():
    assert (
        decided(item(changed=NOW - DAY)).text == "1 day old (its inode was changed then), stays for 14 days"
    )


def test_an_unknown_age_keeps():
    assert decided(item(recorded=None, modified=None, changed=None)).reason is Reason.AGE_UNKNOWN
    assert (
        decided(item(recorded=None), policy(age_by=frozenset({AgeBy.RECORDED}))).reason is Reason.AGE_UNKNOWN
    )


def test_an_unknown_status_keeps():
    assert decided(item(status=Status.UNKNOWN)).reason is Reason.STATUS_UNKNOWN


@pytest.mark.parametrize("moment", [NOW + 1, 2**63 - 1, 2**80])
def test_the_future_keeps(moment):
    assert decided(item(recorded=moment)).reason is Reason.IN_THE_FUTURE


def test_what_runs_is_held():
    decision = decided(item(status=Status.RUNNING))
    assert (decision.reason, decision.text) == (Reason.HELD, "it says that it is running")


def test_holds_are_all_said():
    holds = (Hold(HoldCode.OPEN, "process 7 has it open"), Hold(HoldCode.LOCKED, "it is locked"))
    assert decided(item(holds=holds)).text == "process 7 has it open; it is locked"


def test_the_grace_period_keeps_except_in_an_emergency():
    young, strict = item(age=0.5 / 24), policy(days=0)
    assert decided(young, strict).reason is Reason.GRACE
    assert decided(young, strict).text == "30 minutes old, in its grace period of 1 hour"
    assert decided(young, strict, cleanup_type=CleanupType.EMERGENCY).reason is Reason.OLD


def test_what_is_compressed_is_not_compressed_again():
    under = policy(action=Action.COMPRESS)
    assert decided(item("/logs/dbt.log.1"), under).action is Action.COMPRESS
    assert decided(item("/logs/dbt.log.1.gz"), under).reason is Reason.COMPRESSED
    assert decided(item("/logs/dbt.log.1.gz")).action is Action.DELETE


def test_an_emergency_skips_the_quarantine_and_nothing_else():
    aside = policy(action=Action.QUARANTINE, quarantine_days=3)
    assert decided(item(), aside).action is Action.QUARANTINE
    assert decided(item(), aside).quarantine_days == 3
    assert decided(item(), aside, cleanup_type=CleanupType.EMERGENCY).action is Action.DELETE
    for kept in (
        item(status=Status.RUNNING),
        item(status=Status.UNKNOWN),
        item(recorded=NOW + 1),
        item(holds=(Hold(HoldCode.OPEN, "it is open"),)),
        item(group="daily"),
        item(age=3),
    ):
        assert not decided(kept, cleanup_type=CleanupType.EMERGENCY).is_due


def test_the_newest_of_a_group_and_the_newest_success_stay():
    ages = {
        "a": (50, Status.COMPLETED),
        "b": (60, Status.COMPLETED),
        "c": (45, Status.FAILED),
        "d": (46, Status.FAILED),
    }
    items = {name: item(name, age=age, status=status, group="daily") for name, (age, status) in ages.items()}
    reasons = {name: decided(one, others=items.values()).reason for name, one in items.items()}
    assert reasons == {
        "a": Reason.LAST_SUCCESS,
        "b": Reason.OLD,
        "c": Reason.MIN_KEEP,
        "d": Reason.OLD,
    }
    assert "'daily' that succeeded" in decided(items["a"], others=items.values()).text


def test_what_is_held_or_of_the_future_does_not_stand_for_the_newest():
    others = (
        item("x", age=1, group="daily", status=Status.RUNNING, holds=(Hold(HoldCode.RUNNING, "it runs"),)),
        item("y", age=-400, group="daily"),
        item("z", age=1, group="daily", status=Status.UNKNOWN),
    )
    assert decided(item(group="daily"), others=others).reason is Reason.MIN_KEEP


def test_the_newest_of_each_day_week_and_month_stay():
    hours = [item(f"{hour:04}", age=20 + hour / 24, group="daily") for hour in range(24 * 100)]

    surveyed = {}
    for name, number in (("keep_daily", 5), ("keep_weekly", 4), ("keep_monthly", 3), ("keep_last", 7)):
        under = policy(min_keep=0, **{name: number})
        surveyor = Surveyor(under, NOW)
        for one in hours:
            surveyor.add(one)
        surveyed[name] = surveyor.survey().kept
    assert {name: len(keys) for name, keys in surveyed.items()} == {
        "keep_daily": 5,
        "keep_weekly": 4,
        "keep_monthly": 3,
        "keep_last": 7,
    }
    assert all("0000" in keys for keys in surveyed.values())


def test_too_many_bytes_make_the_oldest_due():
    under = policy(days=100, max_total_bytes=250)
    items = [item(str(age), age=age, bytes=100) for age in range(1, 6)]
    reasons = [decided(one, under, others=items).reason for one in items]
    assert reasons == [Reason.YOUNG] * 2 + [Reason.TOO_LARGE] * 3


def test_times_before_all_that_databases_know_are_the_oldest():
    under = policy(days=10**6, max_total_bytes=150)
    items = [item("new", age=1, bytes=100), item("year 1", age=1, bytes=100)]
    items[1] = replace(items[1], recorded=-62_135_596_800 * 10**9, modified=None, changed=None)
    reasons = [decided(one, under, others=items).reason for one in items]
    assert reasons == [Reason.YOUNG, Reason.TOO_LARGE]


@pytest.mark.parametrize(
    ("pin", "keeps"),
    [
        (Pin(id="1", pattern="*.json", reason="audit", by="ana", made=0), True),
        (Pin(id="1", pattern="/ops/*", reason="audit", by="ana", made=0, until=NOW + 1), True),
        (Pin(id="1", pattern="/ops/*", reason="audit", by="ana", made=0, until=NOW), False),
        (Pin(id="1", pattern="dai*", kind="pipeline", reason="audit", by="ana", made=0), True),
        (Pin(id="1", pattern="dai*", reason="audit", by="ana", made=0), False),
        (Pin(id="1", pattern="finance", kind="tag", reason="audit", by="ana", made=0), True),
        (Pin(id="1", pattern="hr", kind="tag", reason="audit", by="ana", made=0), False),
    ],
)
def test_a_pin_keeps_until_it_ends(pin, keeps):
    of = item(group="daily", tags=("finance",))
    decision = decided(of, policy(min_keep=0), pins=[pin])
    assert (decision.reason is Reason.PINNED) == keeps
    assert decision.is_due != keeps


def test_keep_beats_delete():
    """Each reason to keep is enough, whatever else is true."""
    base = item(group="daily")
    assert decided(base, policy(min_keep=0)).is_due
    assert not decided(base, policy(min_keep=1)).is_due
    assert not decided(base, policy(min_keep=0, enabled=False)).is_due
    assert not decided(base, policy(min_keep=0, protect=("a.json",))).is_due
    assert not decided(base, policy(min_keep=0, grace=timedelta(days=41))).is_due


def test_the_most_specific_rule_counts():
    special = (
        (Match(glob=("*.json",)), Rule(days=60, min_keep=0)),
        (Match(glob=("*.json",), pipeline=("daily",)), Rule(days=10, min_keep=0)),
        (Match(pipeline=("d*",), glob=("a*",)), Rule(days=90, min_keep=0)),
        (Match(larger_than=10, smaller_than=100, regex="^/ops/"), Rule(days=1, min_keep=0)),
    )
    under = policy(days=0, min_keep=0, special=special)
    assert "60 days" in decided(item(), under).text
    assert "10 days" in decided(item(group="daily"), under).text
    assert "1 day" in decided(item(bytes=50), under).text
    assert "0 days" in decided(item("/ops/a.csv"), under).text


def test_a_disabled_rule_keeps_only_its_own():
    special = ((Match(status=frozenset({Status.FAILED})), Rule(days=1, enabled=False)),)
    under = policy(special=special)
    assert decided(item(status=Status.FAILED), under).reason is Reason.DISABLED
    assert decided(item(status=Status.COMPLETED), under).reason is Reason.OLD


def test_no_reason_depends_on_the_order_of_items():
    items = [item(str(n), age=20 + n % 7, group="daily", bytes=n) for n in range(50)]
    under = policy(keep_last=3, keep_daily=2, keep_weekly=1)

    def kept(of):
        surveyor = Surveyor(under, NOW)
        for one in of:
            surveyor.add(one)
        return surveyor.survey().kept

    assert kept(items) == kept(items[::-1]) == kept(items[25:] + items[:25])
