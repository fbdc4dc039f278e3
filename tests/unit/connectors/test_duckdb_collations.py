"""Which collation a column has, as DuckDB's plan of a comparison tells."""

from __future__ import annotations

import duckdb
import pytest

from dvt.connectors.duckdb.collations import with_collations
from dvt.core.tables import Column
from dvt.core.types import INTEGER, VARCHAR

TABLE = (
    'CREATE TABLE t (id INTEGER, "lower(s)" VARCHAR, n VARCHAR COLLATE NOCASE,'
    ' "upper(s)" VARCHAR COLLATE NFC)'
)
ANSWER = "(SELECT lower(n), lower('a'), n, n FROM t)"


@pytest.mark.parametrize(
    ("relation", "collations"),
    [
        ("t", [None, None, "duckdb nocase", "duckdb nfc"]),
        (ANSWER, ["duckdb nocase", None, "duckdb nocase", "duckdb nocase"]),
    ],
)
def test_names_and_calls_are_no_collations(relation: str, collations: list[str | None]) -> None:
    with duckdb.connect() as connection:
        connection.execute(TABLE)
        described = connection.execute(f"SELECT * FROM {relation} AS x LIMIT 0").description
        columns = [
            Column(name=name, native=str(type_), stage=VARCHAR if str(type_) == "VARCHAR" else INTEGER)
            for name, type_, *_ in described
        ]
        known = with_collations(connection, relation, columns)
    assert [column.collation for column in known] == collations
