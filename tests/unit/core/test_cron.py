"""Times of a schedule: as cron has them, in a zone whose clocks are put forward and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given, settings
from hypothesis import strategies as st

from dvt.core.cron import cron

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "UTC",
]


def local(text: str, start: str, number: int, zone: ZoneInfo = BERLIN) -> list[str]:
    moment = datetime.fromisoformat(start).replace(tzinfo=zone)
    found = []
    for _ in range(number):
        moment = cron(text).after(moment, zone)
        found.append(moment.astimezone(zone).isoformat())
    return found


def test_a_time_that_the_clock_leaves_out_is_an_hour_later():
    assert local("30 2 * * *", "2026-03-28T00:00", 3) == [
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:30:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_a_time_that_the_clock_shows_twice_counts_once():
    assert local("30 2 * * *", "2026-10-24T12:00", 2) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


def test_what_happens_every_hour_happens_in_the_hour_that_is_repeated_too():
    assert local("0 * * * *", "2026-10-25T01:30", 3) == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("text", ["30 2 * * *", "0 0 * * *", "59 23 * * *", "0 1 * * *", "15 3 * * *"])
def test_there_is_one_run_a_day_in_every_year(name, text):
    zone = ZoneInfo(name)
    start = datetime(2011, 1, 1, tzinfo=UTC)
    times = list(cron(text).between(start, start + timedelta(days=730), zone))
    assert abs(len(times) - 730) <= (1 if name != "Pacific/Apia" else 2)
    days = [time.astimezone(zone).date() for time in times]
    # Samoa left out 2011-12-30 as a whole: what was due then is due on the next day, at the same time as that
    # day's own, so that there is one of them.
    assert len(set(days)) == len(days)


@given(
    st.sampled_from(["*", "*/7", "0", "30", "5,17,59", "10-20", "10-40/9"]),
    st.sampled_from(["*", "*/5", "2", "0", "1,13", "8-17", "23"]),
    st.sampled_from(["*", "1", "31", "10-12", "*/9"]),
    st.sampled_from(["*", "2", "jan,jul", "4-9", "*/5", "DEC"]),
    st.integers(1_577_836_800, 1_893_456_000),
)
@settings(max_examples=120, deadline=None)
def test_it_agrees_with_another_implementation(minute, hour, day, month, start):
    try:
        ours = cron(f"{minute} {hour} {day} {month} *")
    except ValueError as error:
        assert "there is no such day" in str(error)  # noqa: PT017
        return
    theirs = CronTrigger(minute=minute, hour=hour, day=day, month=month.lower(), timezone=UTC)
    moment = datetime.fromtimestamp(start, UTC)
    for _ in range(3):
        expected = theirs.get_next_fire_time(None, moment + timedelta(microseconds=1))
        moment = ours.after(moment, ZoneInfo("UTC"))
        assert moment == expected


def test_days_of_the_week_are_those_of_cron():
    assert local("0 2 * * 0", "2026-11-28T12:00", 2) == [  # a Saturday
        "2026-11-29T02:00:00+01:00",
        "2026-12-06T02:00:00+01:00",
    ]
    assert local("0 2 * * 7", "2026-11-28T12:00", 1) == local("0 2 * * sun", "2026-11-28T12:00", 1)
    assert [day[8:10] for day in local("0 2 * * 1-5", "2026-11-28T12:00", 6)] == [
        "30",
        "01",
        "02",
        "03",
        "04",
        "07",
    ]


def test_of_two_kinds_of_day_one_is_enough():
    assert [day[5:10] for day in local("0 2 1 * mon", "2026-11-28T12:00", 3)] == ["11-30", "12-01", "12-07"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0 2 * *", "five parts"),
        ("60 2 * * *", "'60' is no minute"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 2 0 * *", "'0' is no day of the month"),
        ("0 2 * 13 *", "'13' is no month"),
        ("0 2 * * 8", "'8' is no day of the week"),
        ("0 2 * * mondag", "'mondag' is no day of the week"),
        ("0 2 31 2 *", "there is no such day"),
        ("*/0 2 * * *", "is no minute"),
        ("5-1 2 * * *", "is no minute"),
        ("0 2 * * *; rm", "five parts"),
        ("@daily", "five parts"),
    ],
)
def test_what_is_no_time_is_told(text, problem):
    with pytest.raises(ValueError, match=problem):
        cron(text)


def test_the_29th_of_february_is_found_across_1900_and_2100():
    found = cron("0 0 29 2 *").after(datetime(2096, 3, 1, tzinfo=UTC), ZoneInfo("UTC"))
    assert found.isoformat() == "2104-02-29T00:00:00+00:00"


def test_the_longest_pause_is_known():
    start = datetime(2026, 10, 20, tzinfo=UTC)
    assert cron("0 2 * * *").longest_pause(start, BERLIN) == timedelta(hours=25)
    assert cron("0 2 * * *").longest_pause(start, ZoneInfo("UTC")) == timedelta(hours=24)
    assert cron("0 2 * * 1-5").longest_pause(start, ZoneInfo("UTC")) == timedelta(hours=72)
