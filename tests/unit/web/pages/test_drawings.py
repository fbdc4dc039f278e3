"""The time axis of a run, and the forecast of a disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dvt.core.operation_record import NodeRecord, OperationRecord
from dvt.core.status import Status
from dvt.web.pages import timeline as axis
from dvt.web.pages.forecast import forecast
from dvt.web.pages.rendering import ago, duration, moment
from dvt.web.pages.timeline import timeline

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = 86_400


def node(name: str, start: float | None, end: float | None) -> NodeRecord:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else NOON + timedelta(seconds=seconds)

    return NodeRecord(unique_id=name, name=name, resource_type="model", started=at(start), ended=at(end))


def test_nodes_are_placed_by_when_they_ran():
    record = OperationRecord(end_time=NOON + timedelta(seconds=10), nodes=(node("b", 5, 10), node("a", 0, 5)))
    drawn = timeline(record)
    assert [(bar.node.name, bar.x, bar.width) for bar in drawn.bars] == [
        ("a", axis.LEFT, axis.WIDTH / 2),
        ("b", axis.LEFT + axis.WIDTH / 2, axis.WIDTH / 2),
    ]
    assert [at for _, at in drawn.marks] == [0, 2, 4, 6, 8, 10]


def test_what_runs_goes_to_now_and_what_has_not_begun_is_left_out():
    record = OperationRecord(
        status=Status.RUNNING, heartbeat=NOON, nodes=(node("a", 0, None), node("b", None, None))
    )
    drawn = timeline(record, NOON + timedelta(seconds=4))
    assert [(bar.node.name, bar.seconds) for bar in drawn.bars] == [("a", 4)]


def test_the_longest_nodes_are_drawn_where_there_are_too_many():
    nodes = tuple(node(f"n{at}", at, at + 1 + at % 7) for at in range(axis.MOST + 30))
    drawn = timeline(OperationRecord(end_time=NOON + timedelta(hours=1), nodes=nodes))
    assert (len(drawn.bars), drawn.left_out) == (axis.MOST, 30)
    assert sum(bar.seconds > 1 for bar in drawn.bars) == sum(at % 7 > 0 for at in range(len(nodes)))


def test_nothing_that_has_begun_is_no_axis():
    assert timeline(OperationRecord(nodes=(node("a", None, None),))).bars == ()


def test_a_disk_that_fills_is_told_with_its_days():
    found = [(at * DAY, 10_000_000 * at) for at in range(1, 11)]
    assert (
        forecast(found, free=300_000_000).text == "10.0 MB more every day: the disk would be full in 30 days"
    )


@pytest.mark.parametrize(
    ("growth", "text"),
    [(0, "about the same every day"), (-5_000_000, "5.0 MB less every day"), (1500, "1.5 kB more every day")],
)
def test_a_disk_that_does_not_fill_is_told_without(growth: int, text: str):
    found = [(at * DAY, 900_000_000 + growth * at) for at in range(1, 11)]
    assert forecast(found, free=10**12).text == text


def test_a_forecast_needs_two_days():
    assert forecast([(DAY + 1, 5), (DAY + 2, 7)], free=1).text == ""
    assert forecast([], free=None).points == []


def test_nothing_is_forecast_below_zero():
    drawn = forecast([(DAY, 1_000_000_000), (2 * DAY, 10)], free=None)
    assert all(0 <= float(point.split(",")[1]) <= 200 for point in drawn.guess.split())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.034, "0.034 s"),
        (9.94, "9.9 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (7260, "2 h 1 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_have_their_two_largest_units(seconds: float | None, text: str):
    assert duration(seconds) == text


def test_times_are_written_for_people_and_for_the_script():
    assert str(moment(NOON)) == '<time datetime="2026-03-01T12:00:00+00:00">2026-03-01 12:00 UTC</time>'
    assert "3 h ago" in ago(NOON, NOON + timedelta(hours=3, minutes=5))
    assert "in 2 d" in ago(NOON, NOON - timedelta(days=2))
    assert "now" in ago(NOON, NOON + timedelta(seconds=2))
    assert str(moment(None)) == "–"
    assert str(moment(10**30)) == "–"
