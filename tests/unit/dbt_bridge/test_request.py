"""Options and comparisons that a request takes from configs and outputs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dvt.core.errors import BadConfig
from dvt.core.requests import TextComparison
from dvt.dbt_bridge.jinja.inputs import options_of
from dvt.dbt_bridge.nodes.request import _text_comparison
from dvt.dbt_bridge.project.settings import check_settings
from dvt.resolution.output_types import output_type


@pytest.mark.parametrize(
    ("config", "meta", "output", "option"),
    [
        ({}, {}, {}, "error"),
        ({"zero_dates": "null"}, {}, {}, "null"),
        ({"zero_dates": None}, {}, {}, "null"),  # YAML's bare null
        ({}, {"zero_dates": None}, {"zero_dates": "error"}, "null"),
        ({"zero_dates": "error"}, {}, {"zero_dates": "null"}, "error"),
        ({}, {}, {"zero_dates": None}, "null"),
    ],
)
def test_the_nearest_zero_dates_setting_holds(
    config: dict[str, object], meta: dict[str, object], output: dict[str, object], option: str
) -> None:
    source = SimpleNamespace(config=config, meta=meta)
    assert options_of(source, output_type("mysql"), output).get("zero_dates", "error") == option
    assert not options_of(source, output_type("postgres"), output), "it has no such option"


@pytest.mark.parametrize(
    ("config", "comparison"),
    [
        (None, TextComparison.UNSET),
        ("source", TextComparison.SOURCE),
        ("engine", TextComparison.ENGINE),
        ("utf8mb4_bin", TextComparison.UNSET),  # the target table's own
    ],
)
def test_a_models_collation_setting_becomes_a_comparison(
    config: str | None, comparison: TextComparison
) -> None:
    node = SimpleNamespace(
        config={"collation": config}, resource_type="model", name="m", original_file_path="models/m.sql"
    )
    check_settings(SimpleNamespace(nodes={"m": node}, sources={}), lambda node, key: "models/m.sql")
    assert _text_comparison(node) is comparison


@pytest.mark.parametrize("value", ["sorce", "", "utf8mb4 bin", True])
def test_a_setting_that_is_no_collation_is_refused(value: object) -> None:
    node = SimpleNamespace(
        config={"collation": value}, resource_type="model", name="m", original_file_path="models/m.sql"
    )
    with pytest.raises(BadConfig, match="collation cannot be"):
        check_settings(SimpleNamespace(nodes={"m": node}, sources={}), lambda node, key: "models/m.sql")
