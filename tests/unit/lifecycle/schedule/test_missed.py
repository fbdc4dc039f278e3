"""What a scheduler knows when it looks at the clock: which runs were due, and which were missed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dvt.core.schedule import Missed
from dvt.lifecycle.schedule.missed import Due, due, was_interrupted
from dvt.lifecycle.store.schedules import ScheduleRow


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def row(claimed=None, finished=None, cron="0 2 * * *", zone="UTC"):
    began = at("2026-03-01T12:00")
    return ScheduleRow(host="h", cron=cron, zone=zone, began=began, claimed=claimed, finished=finished)


def test_before_its_time_nothing_is_due():
    assert due(row(), Missed.RUN_ONCE, at("2026-03-02T01:59:59")) == Due()


def test_at_its_time_a_run_is_due():
    time = at("2026-03-02T02:00")
    assert due(row(), Missed.RUN_ONCE, time) == Due((), time)
    assert due(row(claimed=time), Missed.RUN_ONCE, time) == Due()


@pytest.mark.parametrize("missed", Missed)
def test_ten_minutes_are_not_too_late(missed):
    time = at("2026-03-02T02:00")
    assert due(row(), missed, at("2026-03-02T02:09:59")) == Due((), time)


def test_of_missed_runs_one_is_made_up_for():
    times = tuple(at(f"2026-03-0{day}T02:00") for day in (2, 3, 4))
    assert due(row(), Missed.RUN_ONCE, at("2026-03-04T15:00")) == Due(times, times[-1])
    assert due(row(), Missed.SKIP, at("2026-03-04T15:00")) == Due(times)


def test_a_run_that_is_on_time_takes_the_place_of_those_before():
    times = tuple(at(f"2026-03-0{day}T02:00") for day in (2, 3, 4))
    assert due(row(), Missed.SKIP, at("2026-03-04T02:01")) == Due(times[:2], times[2])


def test_what_was_due_is_said_by_the_schedule_of_then():
    assert due(row(cron="0 4 * * *"), Missed.RUN_ONCE, at("2026-03-02T03:00")) == Due()


def test_a_run_without_an_end_was_interrupted():
    assert was_interrupted(row(claimed=2))
    assert was_interrupted(row(claimed=2, finished=1))
    assert not was_interrupted(row(claimed=2, finished=2))
    assert not was_interrupted(row())
