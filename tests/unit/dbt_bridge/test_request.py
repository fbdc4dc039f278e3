"""What a request says of its inputs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dvt.dbt_bridge.request import _zero_dates


@pytest.mark.parametrize(
    ("config", "meta", "output", "becomes"),
    [
        ({}, {}, {}, "error"),
        ({"zero_dates": "null"}, {}, {}, "null"),
        ({"zero_dates": None}, {}, {}, "null"),  # YAML's bare null
        ({}, {"zero_dates": None}, {"zero_dates": "error"}, "null"),
        ({"zero_dates": "error"}, {}, {"zero_dates": "null"}, "error"),
        ({}, {}, {"zero_dates": None}, "null"),
    ],
)
def test_the_nearest_word_on_zero_dates_holds(
    config: dict[str, object], meta: dict[str, object], output: dict[str, object], becomes: str
) -> None:
    assert _zero_dates(SimpleNamespace(config=config, meta=meta), output) == becomes
