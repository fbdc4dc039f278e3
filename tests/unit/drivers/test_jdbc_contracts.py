"""Into a contract's columns over JDBC values arrive unchanged, or are refused before they are sent."""

from __future__ import annotations

import duckdb
import pytest

from dvt.core.errors import ValueLost
from dvt.core.types import StageType
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.jdbc import JdbcColumn, product
from dvt.drivers.jdbc.loads import DATABRICKS, DERBY, H2, ORACLE, SQLSERVER, Loads
from dvt.drivers.jdbc.loads.contracts import exact, kept

_URLS = {id(H2): "jdbc:h2:x", id(DERBY): "jdbc:derby:x", id(SQLSERVER): "jdbc:sqlserver:x"}
_CODES = {"BIGINT": -5, "SMALLINT": 5, "DECIMAL": 3, "VARCHAR": 12, "NVARCHAR": -9, "CLOB": 2005}
_CODES |= {"TIMESTAMP": 93, "DATETIME2": 93, "TIME": 92, "DATE": 91, "REAL": 7, "DOUBLE": 8, "BOOLEAN": 16}


def _column(native: str, precision: int = 0, scale: int = 0) -> JdbcColumn:
    return JdbcColumn("v", _CODES[native], native, precision, scale, signed=True)


def _sent(loads: Loads, type_: str, value: str, column: JdbcColumn) -> object:
    """Compute in DuckDB what is sent for a value."""
    stage = StageType.parse(type_)
    database = product(_URLS.get(id(loads), "jdbc:oracle:x"))
    load_type = kept(loads, loads.of(stage), stage, column, product=database, where="t, column v")
    sql = f"SELECT CAST({load_type.checked(f'CAST({value} AS {type_})', 't, column v')} AS VARCHAR)"
    instance = MemoryInstance(threads=1, memory_limit="256MiB")
    try:
        cursor = instance.cursor()
        (text,) = cursor.execute(sql).fetchone() or (None,)
        cursor.close()
    finally:
        instance.close()
    return text


@pytest.mark.parametrize(
    ("loads", "type_", "value", "column", "text"),
    [
        (H2, "BIGINT", "7", _column("SMALLINT"), "7"),
        (H2, "BIGINT", "7", _column("DECIMAL", 9, 2), "7"),
        (H2, "DECIMAL(9,2)", "1.50", _column("DECIMAL", 9, 1), "1.50"),
        (H2, "DECIMAL(9,2)", "1.25", _column("DECIMAL", 12, 4), "1.25"),
        (H2, "FLOAT", "0.5", _column("DOUBLE"), "0.5"),
        (H2, "VARCHAR", "'äöü'", _column("VARCHAR", 3), "äöü"),
        (H2, "VARCHAR", "'ab ' || repeat('c', 99)", _column("CLOB", 2**31 - 1), "ab " + "c" * 99),
        (DERBY, "VARCHAR", "repeat('x', 40000)", _column("CLOB", 2**31 - 1), "x" * 40_000),
        (H2, "TIMESTAMP_NS", "'2024-01-01 00:00:00.5'", _column("TIMESTAMP", 0, 2), "2024-01-01 00:00:00.5"),
        (SQLSERVER, "VARCHAR", "'plain'", _column("VARCHAR", 9), "plain"),
        (SQLSERVER, "VARCHAR", "'ł'", _column("NVARCHAR", 9), "ł"),
        (ORACLE, "DATE", "'2024-01-01'", _column("TIMESTAMP"), "2024-01-01"),
        (ORACLE, "BOOLEAN", "true", _column("DECIMAL", 1, 0), "1"),
    ],
)  # fmt: skip
def test_what_a_column_holds_is_sent(loads, type_, value, column, text):
    assert _sent(loads, type_, value, column) == text


@pytest.mark.parametrize(
    ("loads", "type_", "value", "column", "problem"),
    [
        (H2, "DECIMAL(9,2)", "1.25", _column("DECIMAL", 9, 1), "1 digits after the point"),
        (H2, "DECIMAL(9,2)", "1.25", _column("BIGINT"), "0 digits after the point"),
        (H2, "VARCHAR", "'äöüß'", _column("VARCHAR", 3), "longer than the 3 characters"),
        (H2, "VARCHAR", "'ab  '", _column("VARCHAR", 3), "longer than the 3 characters"),
        (DERBY, "VARCHAR", "'😀a '", _column("VARCHAR", 3), "longer than the 3 characters"),
        (H2, "TIMESTAMP", "'2024-01-01 00:00:00.123'", _column("TIMESTAMP", 0, 2), "2 digits of a second"),
        (H2, "TIME", "'00:00:00.5'", _column("TIME"), "0 digits of a second"),
        (H2, "TIMESTAMP_NS", "'2024-01-01 00:00:00.0000001'", _column("TIMESTAMP", 0, 6), "6 digits"),
        (H2, "TIMESTAMP", "'infinity'", _column("TIMESTAMP", 0, 6), "no date"),
        (SQLSERVER, "VARCHAR", "'ł'", _column("VARCHAR", 9), "sure to hold ASCII alone"),
        (ORACLE, "VARCHAR", "''", _column("CLOB", 2**31 - 1), "NULL in Oracle"),
    ],
)
def test_what_a_column_would_change_is_refused(loads, type_, value, column, problem):
    with pytest.raises(duckdb.Error, match=problem):
        _sent(loads, type_, value, column)


@pytest.mark.parametrize(
    ("type_", "column"),
    [
        ("DOUBLE", _column("DECIMAL", 9, 2)),
        ("DOUBLE", _column("REAL")),
        ("TIMESTAMP", _column("DATE")),
        ("DATE", _column("VARCHAR", 20)),
        ("BOOLEAN", _column("BIGINT")),
        ("VARCHAR", _column("BIGINT")),
    ],
)
def test_a_type_of_another_kind_is_refused_before_anything_is_sent(type_, column):
    with pytest.raises(ValueLost, match="column v: the contract has"):
        _sent(H2, type_, "NULL", column)


def test_databricks_takes_dvts_own_types_alone():
    of = DATABRICKS.of(StageType.parse("DECIMAL(9,2)"))
    assert exact(of, _column("DECIMAL", 9, 2), "t, column v") == of
    with pytest.raises(ValueLost, match=r"decimal\(9,2\)"):
        exact(of, _column("DECIMAL", 9, 1), "t, column v")
    with pytest.raises(ValueLost, match="string"):
        exact(DATABRICKS.of(StageType.parse("VARCHAR")), _column("VARCHAR", 10), "t, column v")
