"""What databases are sent that were never asked, word for word.

A reader who knows the database can judge by the files in `tests/conformance/golden/` what it would make of
that. `DVT_TEST_WRITE_GOLDEN=1` writes the files anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dvt.core.types import Kind, StageType
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.jdbc.loads import DATABRICKS, ORACLE, SQLSERVER, Loads

GOLDEN = Path(__file__).parents[2] / "conformance" / "golden"
VALUES = {
    "BOOLEAN": "true",
    "TINYINT": "-128",
    "UTINYINT": "255",
    "SMALLINT": "-32768",
    "USMALLINT": "65535",
    "INTEGER": "-2147483648",
    "UINTEGER": "4294967295",
    "BIGINT": "9223372036854775807",
    "UBIGINT": "18446744073709551615",
    "HUGEINT": "-1",
    "DECIMAL(9,2)": "-1.5",
    "FLOAT": "0.5",
    "DOUBLE": "1e300",
    "VARCHAR": "'it''s \\ \"odd\" ${x}'",
    "BLOB": "'\\x00a'::BLOB",
    "UUID": "'6f9619ff-8b86-d011-b42d-00c04fc964ff'",
    "DATE": "'2024-02-29'",
    "TIME": "'10:00:00.5'",
    "TIME_NS": "'10:00:00.1234567'",
    "TIME WITH TIME ZONE": "'10:00:00+05:30'",
    "TIMESTAMP": "'2024-02-29 10:00:00.5'",
    "TIMESTAMP_S": "'2024-02-29 10:00:00'",
    "TIMESTAMP_MS": "'2024-02-29 10:00:00.123'",
    "TIMESTAMP_NS": "'2024-02-29 10:00:00.123456'",
    "TIMESTAMP WITH TIME ZONE": "'2024-02-29 10:00:00+02'",
    "INTERVAL": "INTERVAL 1 MONTH",
    "JSON": "'{\"a\": 1}'",
    "INTEGER[]": "[1, NULL]",
}


@pytest.mark.parametrize(
    ("name", "loads"), [("sqlserver", SQLSERVER), ("oracle", ORACLE), ("databricks", DATABRICKS)]
)
def test_what_is_sent_is_what_a_reader_has_seen(name: str, loads: Loads):
    lines = [f"-- {loads.drop.format(table='the stage table')}", *_lines(loads)]
    file = GOLDEN / f"{name}-load.txt"
    if os.environ.get("DVT_TEST_WRITE_GOLDEN"):
        file.write_text("\n".join(lines) + "\n")
    assert lines == file.read_text().splitlines()


def test_every_kind_of_type_is_among_them():
    kinds = {StageType.parse(type_).kind for type_ in VALUES}
    rare = {Kind.NULL, Kind.UHUGEINT, Kind.BIGNUM, Kind.BIT, Kind.ENUM, Kind.GEOMETRY, Kind.VARIANT}
    assert kinds | rare | {Kind.ARRAY, Kind.STRUCT, Kind.MAP, Kind.UNION} == set(Kind)


def _lines(loads: Loads) -> list[str]:
    instance = MemoryInstance(threads=1, memory_limit="256MiB")
    cursor = instance.cursor()
    lines, sent, types = [], [], []
    for type_, value in VALUES.items():
        load_type = loads.of(StageType.parse(type_))
        text = load_type.checked(f"CAST({value} AS {type_})", type_)
        sql = f"SELECT CAST(CAST({text} AS {load_type.carried}) AS VARCHAR)"
        (as_sent,) = cursor.execute(sql).fetchone() or ("",)
        arrives = load_type.of("?" if loads.json is None else f"'{as_sent}'")
        carrier = f", ? is {as_sent} ({load_type.carrier})" if loads.json is None else ""
        lines.append(f"{type_}: {load_type.native} = {arrives}{carrier}")
        sent.append(text)
        types.append(load_type)
    if loads.json is not None:
        head, tail = loads.json.insert("INSERT INTO t (…)", types)
        (row,) = cursor.execute(f"SELECT {loads.json.row(sent)}").fetchone() or ("",)
        lines.append(head + row[:-1] + tail)
    cursor.close()
    instance.close()
    return lines
