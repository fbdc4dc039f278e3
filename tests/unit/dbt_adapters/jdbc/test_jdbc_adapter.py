"""What the adapter for JDBC makes of texts, values and types."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dvt.dbt_adapters.jdbc.column import spelled
from dvt.dbt_adapters.jdbc.credentials import JdbcCredentials
from dvt.dbt_adapters.jdbc.handle import statements
from dvt.dbt_adapters.jdbc.products import target
from dvt.dbt_adapters.jdbc.relation import JdbcRelation
from dvt.dbt_adapters.jdbc.values import literal
from dvt.drivers.jdbc import JdbcColumn, product
from dvt.drivers.jdbc.products import _PRODUCTS


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        (" /* a; */ -- b;\n ; ", []),
        ("a;b", ["a", "b"]),
        ("a;;", ["a"]),
        ("'it''s; ' ; \"x;\"\"y\" ", ["'it''s; ' ", ' "x;""y" ']),
        ("a -- it's;\n;b", ["a -- it's;\n", "b"]),
        ("/* {\"a\": 'x;'} */ a /* ' */; b", ["/* {\"a\": 'x;'} */ a /* ' */", " b"]),
        (r"'\'; b", [r"'\'", " b"]),
    ],
)
def test_a_text_is_cut_at_semicolons_outside_of_texts_names_and_comments(text: str, parts: list[str]):
    assert list(statements(text)) == parts


@pytest.mark.parametrize(
    ("value", "type_", "sql"),
    [
        (None, "integer", "null"),
        (True, None, "true"),
        (Decimal("1E+3"), None, "1000"),
        (Decimal("-0.10"), None, "-0.10"),
        ("a'b\\", "varchar(10)", "'a''b\\'"),
        ("2025-01-01", "date", "cast('2025-01-01' as date)"),
        (date(2025, 1, 1), None, "DATE '2025-01-01'"),
        (datetime(2025, 1, 1, 10, 0, 0, 5, UTC), "timestamp", "TIMESTAMP '2025-01-01 10:00:00.000005'"),
    ],
)
def test_a_seeds_value_is_a_literal(value: Any, type_: str | None, sql: str):
    assert literal(value, type_, product("jdbc:h2:mem")) == sql


@pytest.mark.parametrize(
    ("code", "native", "precision", "scale", "spelling"),
    [
        (12, "CHARACTER VARYING", 1_000_000_000, 0, "CHARACTER VARYING"),
        (1, "CHAR", 3, 0, "CHAR(3)"),
        (2, "NUMERIC", 10, 2, "NUMERIC(10,2)"),
        (-3, "VARCHAR () FOR BIT DATA", 20, 0, "VARCHAR (20) FOR BIT DATA"),
        (93, "TIMESTAMP", 26, 0, "TIMESTAMP"),
        (93, "TIMESTAMP", 29, 0, "TIMESTAMP(9)"),
        (93, "TIMESTAMP", 19, 0, "TIMESTAMP(0)"),
        (2014, "TIMESTAMP WITH TIME ZONE", 35, 9, "TIMESTAMP(9) WITH TIME ZONE"),
        (92, "TIME", 8, 0, "TIME"),
        (4, "INTEGER", 32, 0, "INTEGER"),
    ],
)
def test_a_columns_type_is_spelled_as_ddl_takes_it(
    code: int, native: str, precision: int, scale: int, spelling: str
):
    assert spelled(JdbcColumn("a", code, native, precision, scale, signed=True)) == spelling


def test_a_name_without_quotes_is_in_upper_case():
    plain = JdbcRelation.create(schema="marts", identifier="my_model")
    assert str(plain) == '"MARTS"."MY_MODEL"'
    quoted = JdbcRelation.create(schema="marts", identifier='my"model', quote_policy={"identifier": True})
    assert str(quoted) == '"MARTS"."my""model"'


def test_only_databases_with_a_row_can_be_targets():
    assert all(target(f"jdbc:{name}:x").rename for name, row in _PRODUCTS.items() if row.can_be_target)


def test_what_dbt_shows_of_an_output_has_no_password(tmp_path: Any):
    (tmp_path / "driver.jar").touch()
    credentials = JdbcCredentials(
        url="jdbc:h2:tcp://db1/./erp;PASSWORD=s3cret-word",
        jar=str(tmp_path / "driver.jar"),
        user="reader",
        password="s3cret-word",
    )
    shown = str([*credentials.connection_info(), credentials.unique_field])
    assert "jdbc:h2:tcp://db1/./erp" in shown
    assert "s3cret-word" not in shown
    assert credentials.schema == "PUBLIC"
