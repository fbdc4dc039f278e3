from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from dvt.federation.answer_reading import AnswerReading

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
VIENNA = ZoneInfo("Europe/Vienna")


def reading(digits: tuple[bool, ...] = (False,), *, has_offsets: bool = True) -> AnswerReading:
    return AnswerReading(digits=digits, zone=VIENNA, has_offsets=has_offsets)


def test_instants_are_told_in_the_sessions_zone() -> None:
    assert [str(value) for value in reading().row((NOON,))] == ["2024-07-01 14:00:00+02:00"]


def test_instants_without_offset_are_the_time_of_day_there() -> None:
    assert reading(has_offsets=False).row((NOON,)) == (datetime(2024, 7, 1, 14),)  # noqa: DTZ001 - as drivers do


def test_the_first_and_the_last_instant_stay() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert reading().row((last,)) == (last,)
    first = datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))
    assert reading().row((first,)) == (first,)


def test_digits_become_numbers_and_all_else_stays() -> None:
    row = reading((True, True, False, False)).row(("1.50", None, "1.50", datetime(2024, 7, 1)))  # noqa: DTZ001
    assert row == (Decimal("1.50"), None, "1.50", datetime(2024, 7, 1))  # noqa: DTZ001
