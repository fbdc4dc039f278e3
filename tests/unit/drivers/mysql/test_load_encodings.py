"""Columns of MySQL and MariaDB for staged types, and the values that are sent. MySQL itself was not run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from dvt.core.types import Kind, StageType
from dvt.drivers.mysql import LoadEncoding, fitted, flavour_of, load_encoding

MARIADB, OLD_MARIADB, MYSQL = (
    flavour_of(version) for version in ("10.11.19-MariaDB", "10.6.1-MariaDB", "8.0.36")
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    with duckdb.connect() as connection:
        yield connection


def test_types_that_only_some_servers_have_fall_back_to_others() -> None:
    def natives(type_: str) -> list[tuple[str, bool]]:
        encodings = [
            load_encoding(StageType.parse(type_), server) for server in (MARIADB, OLD_MARIADB, MYSQL)
        ]
        return [(encoding.native, bool(encoding.loses)) for encoding in encodings]

    assert natives("UUID") == [("uuid", False), ("char(36)", False), ("char(36)", False)]
    # MySQL keeps the value of a document, in a form of its own.
    assert natives("JSON") == [("json", False), ("json", False), ("json", True)]
    assert natives("VARCHAR") == [("longtext", False)] * 3
    assert natives("INTEGER[]") == [("json", True)] * 3


LOSSLESS = {
    "BOOLEAN": "tinyint(1)", "TINYINT": "tinyint",
    "SMALLINT": "smallint", "INTEGER": "int", "BIGINT": "bigint",
    "HUGEINT": "decimal(38,0)", "UTINYINT": "tinyint unsigned", "USMALLINT": "smallint unsigned",
    "UINTEGER": "int unsigned", "UBIGINT": "bigint unsigned", "UHUGEINT": "decimal(38,0)", "FLOAT": "float",
    "DOUBLE": "double", "VARCHAR": "longtext", "BLOB": "longblob", "UUID": "char(36)",
    "DATE": "date", "TIME": "time(6)", "TIMESTAMP": "datetime(6)", "TIMESTAMP_S": "datetime(6)",
    "TIMESTAMP_MS": "datetime(6)", "NULL": "int",
}  # fmt: skip
LOSING = {
    "BIGNUM": "longtext", "BIT": "longtext", "ENUM": "longtext",
    "TIMETZ": "longtext", "INTERVAL": "longtext", "GEOMETRY": "longtext",
    "TIME_NS": "time(6)", "TIMESTAMP_NS": "datetime(6)", "TIMESTAMPTZ": "datetime(6)", "JSON": "json",
    "VARIANT": "json", "LIST": "json", "ARRAY": "json", "STRUCT": "json", "MAP": "json", "UNION": "json",
}  # fmt: skip
"""MySQL's column for each kind of type but DECIMAL, whose digits decide; LOSING ones name what is lost."""


def test_every_type_has_its_column() -> None:
    columns = {kind.name: load_encoding(StageType(kind), MYSQL) for kind in Kind if kind is not Kind.DECIMAL}
    assert {name: column.native for name, column in columns.items() if not column.loses} == LOSSLESS
    assert {name: column.native for name, column in columns.items() if column.loses} == LOSING


@pytest.mark.parametrize(
    ("scale", "native"), [(30, "decimal(38,30)"), (31, "longtext"), (0, "decimal(38,0)")]
)
def test_decimals_have_30_digits_behind_the_point(scale: int, native: str) -> None:
    encoding = load_encoding(StageType.parse(f"DECIMAL(38,{scale})"), MARIADB)
    assert encoding.native == native
    assert bool(encoding.loses) == (scale > 30)


def sent(engine: Any, encoding: LoadEncoding, value: str) -> Any:
    return engine.execute(f"SELECT {encoding.of(value, 'stage, column v')}").fetchone()[0]


def test_not_a_number_is_refused_or_null(engine: Any) -> None:
    type_ = StageType.parse("DOUBLE")
    with pytest.raises(duckdb.Error, match=r"column v.*holds nan.*nan: .null"):
        sent(engine, load_encoding(type_, MARIADB), "'nan'::DOUBLE")
    assert sent(engine, load_encoding(type_, MARIADB, "null"), "'nan'::DOUBLE") is None
    assert sent(engine, load_encoding(type_, MARIADB), "0.1::DOUBLE") == 0.1


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("DOUBLE[]", "['nan'::DOUBLE]"),
        ("STRUCT(a FLOAT[])", "{'a': ['-inf'::FLOAT]}"),
        ("VARIANT", "'inf'::DOUBLE::VARIANT"),
        ("JSON[]", "['[NaN]'::JSON]"),
    ],
)
def test_not_a_number_within_a_document_is_refused(engine: Any, type_: str, value: str) -> None:
    with pytest.raises(duckdb.Error, match=r"column v.*holds .*neither NaN nor infinity"):
        sent(engine, load_encoding(StageType.parse(type_), MARIADB), value)


def test_texts_within_a_document_may_say_nan(engine: Any) -> None:
    encoding = load_encoding(StageType.parse("STRUCT(a DOUBLE, b VARCHAR)"), MARIADB)
    text = sent(engine, encoding, r"""{'a': 1.5, 'b': 'NaN "Infinity\'}""")
    assert text == r"""{"a":1.5,"b":"NaN \"Infinity\\"}"""


def test_a_float_is_sent_as_the_double_it_is(engine: Any) -> None:
    encoding = load_encoding(StageType.parse("FLOAT"), MARIADB)
    (text,) = engine.execute(f"SELECT CAST({encoding.of('0.1::FLOAT', 'v')} AS VARCHAR)").fetchone()
    assert text == "0.10000000149011612"


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("DATE", "infinity"),
        ("DATE", "-infinity"),
        ("DATE", "0044-03-15 (BC)"),
        ("DATE", "10000-01-01"),
        ("TIMESTAMP", "infinity"),
        ("TIMESTAMP", "10000-01-01 00:00:00"),
        ("TIMESTAMP_S", "10000-01-01 00:00:00"),
        ("TIMESTAMP_NS", "infinity"),
        ("TIMESTAMP WITH TIME ZONE", "-infinity"),
        ("TIMESTAMP WITH TIME ZONE", "10000-01-01 00:00:00+00"),
        ("HUGEINT", "1" + "0" * 38),
        ("UHUGEINT", "1" + "0" * 38),
    ],
)
def test_what_no_column_could_hold_stops_before_it_is_sent(engine: Any, type_: str, value: str) -> None:
    with pytest.raises(duckdb.Error, match=r"column v.*holds"):
        sent(engine, load_encoding(StageType.parse(type_), MARIADB), f"'{value}'::{type_}")


@pytest.mark.parametrize(
    ("native", "value", "fits"),
    [
        ("datetime(3)", "TIMESTAMP '2024-02-29 10:00:00.123'", True),
        ("datetime(3)", "TIMESTAMP '2024-02-29 10:00:00.1234'", False),
        ("datetime(0)", "TIMESTAMP '2024-02-29 10:00:00'", True),
        ("datetime(0)", "TIMESTAMP '2024-02-29 10:00:00.5'", False),
        ("datetime(0)", "TIMESTAMP 'infinity'", False),
        ("time(0)", "TIME '10:00:00.000001'", False),
        ("time(6)", "TIME '10:00:00.000001'", True),
    ],
)
def test_a_fraction_of_a_second_fits_or_is_refused(engine: Any, native: str, value: str, fits: bool) -> None:
    kind, digits = native.rstrip(")").split("(")
    type_ = StageType.parse(value.split(" ", maxsplit=1)[0])
    encoding = fitted(load_encoding(type_, MARIADB), kind, int(digits))
    if fits:
        assert sent(engine, encoding, value) is not None
    else:
        with pytest.raises(duckdb.Error, match="column v"):
            sent(engine, encoding, value)
