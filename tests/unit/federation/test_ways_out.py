"""Ways out that hints name are possible."""

from __future__ import annotations

import pytest

from dvt.federation.ways_out import elsewhere
from dvt.resolution.output_types import output_type


@pytest.mark.parametrize(
    ("dialect", "types", "way"),
    [
        ("postgres", {"wh": "postgres", "crm": "postgres"}, "`compute: target`"),
        ("postgres", {"wh": "duckdb", "crm": "postgres"}, "`target: crm`"),
        ("mysql", {"wh": "duckdb", "crm": "postgres"}, "an output that speaks mysql"),
        ("sqlite", {"wh": "duckdb", "crm": "sqlite"}, "`dialect: target`"),
    ],
)
def test_a_way_out_fits_the_outputs(dialect: str, types: dict[str, str], way: str) -> None:
    assert way in elsewhere(dialect, "wh", {name: output_type(type_) for name, type_ in types.items()})
