"""What a request says of its inputs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dvt.core.errors import BadConfig
from dvt.core.requests import TextComparison
from dvt.dbt_bridge.nodes.request import _comparing, _options
from dvt.dbt_bridge.project.settings import check_settings
from dvt.resolution.output_types import output_type


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
    source = SimpleNamespace(config=config, meta=meta)
    assert _options(source, output_type("mysql"), output).get("zero_dates", "error") == becomes
    assert not _options(source, output_type("postgres"), output), "it has no such option"


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        (None, TextComparison.UNSAID),
        ("source", TextComparison.SOURCE),
        ("engine", TextComparison.ENGINE),
        ("utf8mb4_bin", TextComparison.UNSAID),  # the target table's own
    ],
)
def test_what_a_model_says_of_collations(said: str | None, becomes: TextComparison) -> None:
    node = SimpleNamespace(
        config={"collation": said}, resource_type="model", name="m", original_file_path="models/m.sql"
    )
    check_settings(SimpleNamespace(nodes={"m": node}, sources={}))
    assert _comparing(node) is becomes


@pytest.mark.parametrize("said", ["sorce", "", "utf8mb4 bin", True])
def test_a_word_that_is_no_collation_is_refused(said: object) -> None:
    node = SimpleNamespace(
        config={"collation": said}, resource_type="model", name="m", original_file_path="models/m.sql"
    )
    with pytest.raises(BadConfig, match="collation cannot be"):
        check_settings(SimpleNamespace(nodes={"m": node}, sources={}))
