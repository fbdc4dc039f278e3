"""Durations are hours or days, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dvt.core.durations import duration
from dvt.core.errors import DurationInvalid


@pytest.mark.parametrize(
    ("text", "hours"), [("24h", 24), ("7d", 168), ("7D", 168), ("1H", 1), ("0h", 0), ("007d", 168)]
)
def test_hours_and_days_are_read(text, hours):
    assert duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "text",
    ["", "7", "d", "7w", "-7d", "7.5h", "7 d", " 7d", "7d\n", "7dd", "1d12h", "٧d", "+7d", "1e3h"],  # noqa: RUF001
)
def test_anything_else_is_refused_with_examples(text):
    with pytest.raises(DurationInvalid) as error:
        duration(text)
    assert error.value.message == (
        f"Invalid duration format: '{text}'. Expected format: Nh (hours) or Nd (days), e.g., '24h', '7d'"
    )


@pytest.mark.parametrize("text", ["99999999999d", "9" * 5000 + "h"])
def test_a_duration_too_long_to_count_is_the_longest(text):
    assert duration(text) == timedelta.max
