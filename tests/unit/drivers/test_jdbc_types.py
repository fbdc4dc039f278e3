"""Types of databases that could not be run, as their drivers' documentation describes them."""

from __future__ import annotations

import pytest

from dvt.drivers.jdbc import JdbcColumn, kind, mapping, product

SQLSERVER = [
    ("bit", -7, 1, 0, True, "BOOLEAN", "b"),
    ("tinyint", -6, 3, 0, False, "UTINYINT", "i"),
    ("int", 4, 10, 0, True, "INTEGER", "i"),
    ("bigint", -5, 19, 0, True, "BIGINT", "i"),
    ("money", 3, 19, 4, True, "DECIMAL(19,4)", "n19,4"),
    ("smallmoney", 3, 10, 4, True, "DECIMAL(10,4)", "n10,4"),
    ("numeric", 2, 38, 38, True, "DECIMAL(38,38)", "n38,38"),
    ("float", 8, 15, 0, True, "DOUBLE", "d"),
    ("real", 7, 7, 0, True, "FLOAT", "f"),
    ("date", 91, 10, 0, False, "DATE", "D!"),
    ("datetime", 93, 23, 3, False, "TIMESTAMP", "m!"),
    ("datetime2", 93, 27, 7, False, "TIMESTAMP_NS", "M!"),
    ("time", 92, 16, 7, False, "TIME", "t!"),
    ("datetimeoffset", -155, 34, 7, False, "TIMESTAMP WITH TIME ZONE", "z!"),
    ("uniqueidentifier", 1, 36, 0, False, "UUID", "s"),
    ("nvarchar", -9, 50, 0, False, "VARCHAR", "s"),
    ("timestamp", -2, 8, 0, False, "BLOB", "x"),
    ("xml", -16, 2**31 - 1, 0, False, "VARCHAR", "s"),
    ("sql_variant", -156, 8000, 0, False, "VARCHAR", "s"),
    ("geography", -158, 0, 0, False, "VARCHAR", "s"),
]
ORACLE = [
    ("NUMBER", 2, 0, -127, True, "VARCHAR", "N"),
    ("NUMBER", 2, 126, -127, True, "VARCHAR", "N"),
    ("NUMBER", 2, 38, -2, True, "VARCHAR", "N"),
    ("NUMBER", 2, 10, 0, True, "DECIMAL(10,0)", "n10,0"),
    ("NUMBER", 2, 18, 2, True, "DECIMAL(18,2)", "n18,2"),
    ("BINARY_FLOAT", 100, 0, 0, True, "FLOAT", "f"),
    ("BINARY_DOUBLE", 101, 0, 0, True, "DOUBLE", "d"),
    ("DATE", 93, 0, 0, True, "TIMESTAMP", "m!"),
    ("TIMESTAMP", 93, 0, 6, True, "TIMESTAMP", "m!"),
    ("TIMESTAMP", 93, 0, 9, True, "TIMESTAMP_NS", "M!"),
    ("TIMESTAMP WITH TIME ZONE", -101, 0, 6, True, "TIMESTAMP WITH TIME ZONE", "z!"),
    ("TIMESTAMP WITH LOCAL TIME ZONE", -102, 0, 6, True, "TIMESTAMP WITH TIME ZONE", "z!"),
    ("VARCHAR2", 12, 4000, 0, True, "VARCHAR", "s"),
    ("CLOB", 2005, 0, 0, True, "VARCHAR", "s"),
    ("RAW", -3, 16, 0, True, "BLOB", "x"),
    ("JSON", 2016, 0, 0, True, "JSON", "s"),
    ("INTERVALDS", -104, 2, 6, True, "VARCHAR", "s"),
]
DATABRICKS = [
    ("TINYINT", -6, 3, 0, True, "TINYINT", "i"),
    ("BIGINT", -5, 19, 0, True, "BIGINT", "i"),
    ("DECIMAL", 3, 38, 10, True, "DECIMAL(38,10)", "n38,10"),
    ("FLOAT", 7, 7, 0, True, "FLOAT", "f"),
    ("STRING", 12, 255, 0, False, "VARCHAR", "s"),
    ("BINARY", -2, 1, 0, False, "BLOB", "x"),
    ("DATE", 91, 10, 0, False, "DATE", "D?"),
    ("TIMESTAMP", 93, 29, 9, False, "TIMESTAMP WITH TIME ZONE", "z?"),
    ("TIMESTAMP_NTZ", 93, 29, 6, False, "TIMESTAMP", "m?"),
    ("ARRAY<INT>", 2003, 0, 0, False, "VARCHAR", "s"),
]


def described(url: str, facts):
    native, code, precision, scale, signed = facts
    return mapping(JdbcColumn("c", code, native, precision, scale, signed), product(url), "t, column c")


@pytest.mark.parametrize(
    ("url", "case"),
    [
        *(("jdbc:sqlserver://h", case) for case in SQLSERVER),
        *(("jdbc:oracle:thin:@h", case) for case in ORACLE),
        *(("jdbc:databricks://h", case) for case in DATABRICKS),
    ],
)
def test_a_type_is_staged_and_travels_as_documented(url, case):
    *facts, stage, letter = case
    column = described(url, facts)
    assert str(column.stage) == stage
    assert kind(column, product(url)) == letter
    assert not column.exact, "nothing is pushed to what was not run"


@pytest.mark.parametrize(
    ("url", "facts"),
    [
        ("jdbc:sqlserver://h", ("datetimeoffset", -155, 34, 7, False)),
        ("jdbc:sqlserver://h", ("sql_variant", -156, 0, 0, False)),
        ("jdbc:oracle:thin:@h", ("NUMBER", 2, 0, -127, True)),
        ("jdbc:oracle:thin:@h", ("TIMESTAMP WITH TIME ZONE", -101, 0, 6, True)),
        ("jdbc:databricks://h", ("ARRAY<INT>", 2003, 0, 0, False)),
    ],
)
def test_what_is_lost_is_said(url, facts):
    assert described(url, facts).loses


def test_times_of_databricks_are_read_as_its_texts():
    assert described("jdbc:databricks://h", DATABRICKS[7][:5]).read == "CONCAT(CAST({0} AS STRING), 'Z')"
    assert described("jdbc:databricks://h", DATABRICKS[6][:5]).read == "CAST({0} AS STRING)"


@pytest.mark.parametrize(
    ("native", "bare"),
    [
        ("LowCardinality(Nullable(String))", "string"),
        ("Nullable(DateTime64(3, 'Europe/Vienna'))", "datetime64"),
        ("DateTime('UTC')", "datetime"),
        ("Decimal(10, 2)", "decimal"),
        ("Array(Nullable(String))", "array(nullable(string))"),
    ],
)
def test_types_of_clickhouse_are_known_within_others(native, bare):
    assert product("jdbc:clickhouse://h").type_of(native) == bare
