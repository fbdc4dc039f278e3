"""Which types of new rows a table takes that is kept."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.base import Column

from dvt.core.errors import SchemaChanged
from dvt.core.places import Place
from dvt.dbt_bridge.nodes.publish import materialization


def check(old: str, new: str) -> None:
    """Publish rows with a column of type `new` into a table in which it is `old`."""

    def relation(type_: str) -> Any:
        return SimpleNamespace(type="table", columns=[Column("n", type_)])

    config = SimpleNamespace(materialized="incremental", on_schema_change="ignore")
    node: Any = SimpleNamespace(name="m", original_file_path="m.sql", config=config)
    context = {
        "this": "m",
        "load_cached_relation": lambda _: relation(old),
        "should_full_refresh": lambda: False,
        "adapter": SimpleNamespace(get_columns_in_relation=lambda existing: existing.columns),
    }
    materialization(context, node, relation(new), "macro", Place.ENGINE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bigint", "integer"), ("INTEGER", "SMALLINT"), ("int(11)", "tinyint(1)"),
        ("decimal(38,0)", "decimal(41,0)"), ("numeric(12,4)", "numeric(9,2)"),
    ],
)  # fmt: skip
def test_a_number_is_taken_by_a_wider_type_as_natively(old: str, new: str) -> None:
    check(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("integer", "bigint"), ("bigint", "int unsigned"), ("bigint unsigned", "int"), ("bigint", "date"),
        ("decimal(12,4)", "decimal(12,2)"), ("decimal(12,2)", "decimal(12,4)"), ("bigint", "decimal(9,0)"),
    ],
)  # fmt: skip
def test_what_a_column_may_not_hold_is_a_changed_schema(old: str, new: str) -> None:
    with pytest.raises(SchemaChanged, match=re.escape(f"column n was {old}, is {new}")):
        check(old, new)
