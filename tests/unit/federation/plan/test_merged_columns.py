"""Columns that JOIN … USING merges, in translated models."""

from __future__ import annotations

import pytest

from dvt.core.errors import TranslationWrong
from tests.acceptance.oracle import Oracle


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT o.id FROM {orders} AS o JOIN {customers} AS c USING (id)",
        "SELECT * FROM {orders} JOIN (SELECT id, 1 AS one FROM {customers}) AS c USING (id)",
        "SELECT o.* FROM (SELECT total, id FROM {orders}) AS o JOIN {customers} AS c USING (id)",
    ],
)
def test_merged_columns_of_one_type_and_place_are_translated(shop: Oracle, sql: str) -> None:
    assert shop.plan(sql, dialect="postgres").transform.sql


@pytest.mark.parametrize(
    ("sql", "construct"),
    [
        ("SELECT id FROM {orders} AS o NATURAL JOIN {customers} AS c", "NATURAL JOIN"),
        ("SELECT * FROM (SELECT total, id FROM {orders}) AS o JOIN {customers} AS c USING (id)", "*"),
        (
            "SELECT id FROM {orders} AS o JOIN (SELECT id::bigint AS id FROM {customers}) AS c USING (id)",
            "id",
        ),
        (
            "SELECT 1 AS one FROM (SELECT total AS id FROM {orders}) AS o FULL JOIN {customers} USING (id)",
            "id",
        ),
    ],
)
def test_merged_columns_of_other_types_or_places_are_not_translated(
    shop: Oracle, sql: str, construct: str
) -> None:
    with pytest.raises(TranslationWrong) as caught:
        shop.plan(sql, dialect="postgres")
    assert construct in caught.value.expression
