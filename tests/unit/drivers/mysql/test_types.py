"""Stage types of MySQL's columns, and which of them may be compared at the source."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import pytest

from dvt.core.errors import ValueLost
from dvt.core.names import TableRef
from dvt.core.tables import Column
from dvt.core.types import VARCHAR
from dvt.drivers.duckdb import translate
from dvt.drivers.mysql import checked, flavour_of
from dvt.drivers.mysql.types import CatalogColumn, map_column, own_type

TABLE = TableRef(connection="erp", schema="shop", identifier="or{d}ers")


def described(native: str, **fields: Any) -> Column:
    kind = native.split("(", maxsplit=1)[0].split(" ", maxsplit=1)[0]
    return map_column(CatalogColumn(name="v", native=native, kind=kind, **fields))


@pytest.mark.parametrize(
    ("native", "fields", "stage"),
    [
        ("tinyint(1)", {}, "TINYINT"),
        ("bigint(20) unsigned", {}, "UBIGINT"),
        ("int(5) unsigned zerofill", {}, "UINTEGER"),
        ("decimal(38,10)", {"precision": 38, "scale": 10}, "DECIMAL(38,10)"),
        ("decimal(41,0)", {"precision": 41, "scale": 0}, "DECIMAL(38,0)"),
        ("date", {}, "DATE"),
        ("datetime(6)", {}, "TIMESTAMP"),
        ("timestamp(6)", {}, "TIMESTAMP WITH TIME ZONE"),
    ],
)
def test_what_compares_alike_in_both_databases_is_exact(native: str, fields: dict[str, Any], stage: str):
    result = described(native, **fields)
    assert (str(result.stage), result.exact, result.loses) == (stage, True, None)


@pytest.mark.parametrize(
    ("native", "fields"),
    [
        ("varchar(10)", {"collation": "utf8mb4_general_ci"}),
        ("varchar(10)", {"collation": "utf8mb4_bin"}),
        ("enum('a')", {"collation": "utf8mb4_general_ci"}),
        ("char(1)", {"collation": "utf8mb4_nopad_bin"}),
        ("float", {}),
        ("double", {}),
        ("year(4)", {}),
        ("bit(1)", {}),
        ("time", {}),
        ("json", {}),
        ("uuid", {}),
        ("varbinary(10)", {}),
        ("point", {}),
        ("decimal(65,30)", {"precision": 65, "scale": 30}),
        ("a type of tomorrow", {}),
    ],
)
def test_other_types_are_not_exact(native: str, fields: dict[str, Any]):
    assert not described(native, **fields).exact


def test_wkb_is_no_geometry_to_the_servers_functions():
    assert described("multipoint").is_misread
    assert not described("longblob").is_misread


def test_digits_that_duckdb_has_no_room_for_travel_as_text_and_say_so():
    result = described("decimal(65,30)", precision=65, scale=30)
    assert result.stage == VARCHAR
    assert "65" in str(result.loses)


@pytest.mark.parametrize(
    ("kind", "arrived", "text"),
    [
        ("date", "2024-02-29", "2024-02-29"),
        ("datetime(6)", "2024-02-29 23:59:59.999999", "2024-02-29 23:59:59.999999"),
        ("timestamp", "2024-02-29 23:59:59", "2024-02-29 23:59:59+00"),
        ("date", None, None),
    ],
)
def test_dates_arrive_unchanged(kind: str, arrived: str | None, text: str | None):
    for zero_dates in ("error", "null"):
        assert _unpacked(kind, arrived, zero_dates) == text


@pytest.mark.parametrize("kind", ["date", "datetime", "timestamp"])
@pytest.mark.parametrize("arrived", ["0000-00-00", "2024-00-10", "2024-10-00", "0000-00-00 00:00:00"])
def test_zero_dates_stop_the_extraction_unless_they_may_be_null(kind: str, arrived: str):
    assert _unpacked(kind, arrived, "null") is None
    with pytest.raises(ValueLost) as caught:
        _unpacked(kind, arrived, "error")
    message = str(caught.value)
    assert f"{TABLE}, column v: holds the zero date {arrived}" in message
    assert '`zero_dates: "null"`' in message


@pytest.mark.parametrize("zero_dates", ["error", "null"])
def test_a_day_that_never_was_is_an_error_in_any_case(zero_dates: str):
    with pytest.raises(ValueLost, match="column v: holds 2024-02-31, which no calendar has"):
        _unpacked("date", "2024-02-31", zero_dates)


def _unpacked(kind: str, arrived: str | None, zero_dates: str) -> str | None:
    sql = checked('"arr"', described(kind), replace(TABLE, options=(("zero_dates", zero_dates),)))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        try:
            ((text,),) = connection.execute(
                f"SELECT CAST({sql} AS VARCHAR) FROM (SELECT CAST(? AS VARCHAR) AS arr)", [arrived]
            ).fetchall()
        except duckdb.Error as error:
            raise translate(error, connection="erp", doing="extracting") from error
    return text


@pytest.mark.parametrize(
    ("native", "collation", "expected"),
    [
        ("varchar(10)", "utf8mb4_general_ci", "utf8mb4_general_ci"),
        ("char(1)", "utf8mb4_bin", "utf8mb4_bin"),
        ("enum('a')", "latin1_swedish_ci", "latin1_swedish_ci"),
        ("text", "utf8mb4_nopad_bin", None),
        ("text", "utf8mb4_0900_bin", None),
        ("json", "utf8mb4_bin", None),
        ("int(11)", None, None),
    ],
)
def test_the_collation_is_kept_where_it_compares_otherwise_than_bytes(
    native: str, collation: str | None, expected: str | None
):
    result = described(native, collation=collation)
    assert result.collation == expected
    assert result.ranked == native.startswith("enum")


@pytest.mark.parametrize(
    ("native", "server", "kept"),
    [
        ("year(2)", "10.11.6-MariaDB", "year(2)"),
        ("year(2)", "8.0.36", None),
        ("timestamp(3)", "8.0.36", "timestamp(3) NULL"),
        ("inet6", "10.11.6-MariaDB", "inet6"),
        ("inet6", "10.1.48-MariaDB", None),
        ("geometry", "10.11.6-MariaDB", None),
    ],
)
def test_a_copy_has_the_types_that_its_server_knows(native: str, server: str, kept: str | None):
    assert own_type(described(native), flavour_of(server)) == kept
