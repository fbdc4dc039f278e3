"""Type matrix of ClickHouse: extractions."""

from __future__ import annotations

from dvt.testing.databases import ReadCase

_TEXT = "VARCHAR"
_UUID = "61f0c404-5cb3-11e7-907b-a6006ad3dba0"
_INSTANT = "TIMESTAMP WITH TIME ZONE"

READ_CASES = (
    ReadCase("Bool", "true", "BOOLEAN", "true"),
    ReadCase("Int8", "-128", "TINYINT", "-128"),
    ReadCase("Int16", "-32768", "SMALLINT", "-32768"),
    ReadCase("Int32", "-2147483648", "INTEGER", "-2147483648"),
    ReadCase("Int64", "-9223372036854775808", "BIGINT", "-9223372036854775808"),
    ReadCase("Int64", "null", "BIGINT", None),
    ReadCase("UInt8", "255", "USMALLINT", "255"),
    ReadCase("UInt16", "65535", "UINTEGER", "65535"),
    ReadCase("UInt32", "4294967295", "UBIGINT", "4294967295"),
    ReadCase("UInt64", "18446744073709551615", "DECIMAL(20,0)", "18446744073709551615"),
    ReadCase("Int128", "toInt128('-17014118346046923173168730371588410572')", _TEXT, loses=True,
             text="-17014118346046923173168730371588410572"),
    ReadCase("UInt256", f"toUInt256('{'1' * 77}')", _TEXT, "1" * 77, loses=True),
    ReadCase("Float32", "toFloat32(0.1)", "FLOAT", "0.1"),
    ReadCase("Float64", "1.7976931348623157e308", "DOUBLE", "1.7976931348623157e+308"),
    ReadCase("Float64", "nan", "DOUBLE", "nan"),
    ReadCase("Float64", "-inf", "DOUBLE", "-inf"),
    ReadCase("Decimal(38, 38)", f"toDecimal128('0.{'9' * 38}', 38)", "DECIMAL(38,38)", f".{'9' * 38}"),
    ReadCase("Decimal(9, 2)", "toDecimal64('-1234567.89', 2)", "DECIMAL(9,2)", "-1234567.89"),
    ReadCase("Decimal(76, 5)", "toDecimal256('1234567890123456789012345678901234567890.5', 5)", _TEXT,
             "1234567890123456789012345678901234567890.50000", loses=True),
    ReadCase("String", "'ab😀é '", _TEXT, "ab😀é "),
    ReadCase("String", "''", _TEXT, ""),
    ReadCase("String", "null", _TEXT, None),
    ReadCase("LowCardinality(String)", "'x'", _TEXT, "x"),
    ReadCase("LowCardinality(Nullable(String))", "null", _TEXT, None),
    ReadCase("FixedString(4)", "'ab'", _TEXT, "ab\0\0"),
    ReadCase("Enum8('a' = 1, 'b''c' = -2)", "'b\\'c'", _TEXT, "b'c"),
    ReadCase("UUID", f"'{_UUID}'", "UUID", _UUID),
    ReadCase("Date", "'2149-06-06'", "DATE", "2149-06-06"),
    ReadCase("Date32", "'1900-01-01'", "DATE", "1900-01-01"),
    ReadCase("Date32", "'2299-12-31'", "DATE", "2299-12-31"),
    ReadCase("Date32", "null", "DATE", None),
    ReadCase("DateTime", "'2024-03-31 02:30:00'", _INSTANT, "2024-03-31 02:30:00+00"),
    ReadCase("DateTime('Europe/Vienna')", "toDateTime('2024-10-27 00:30:00', 'UTC')", _INSTANT,
             "2024-10-27 00:30:00+00"),
    ReadCase("DateTime64(6)", "'1900-01-01 00:00:00.000001'", _INSTANT, "1900-01-01 00:00:00.000001+00"),
    ReadCase("DateTime64(3, 'Asia/Kathmandu')", "toDateTime64('2299-12-31 00:00:00.999', 3, 'UTC')", _INSTANT,
             "2299-12-31 00:00:00.999+00"),
    ReadCase("DateTime64(9)", "'2024-02-29 23:59:59.123456'", _INSTANT, "2024-02-29 23:59:59.123456+00"),
    ReadCase("DateTime64(9)", "'2024-02-29 23:59:59.123456789'", _INSTANT, error=True),
    ReadCase("DateTime64(3)", "null", _INSTANT, None),
    ReadCase("IPv4", "'1.2.3.4'", _TEXT, "1.2.3.4", loses=True),
    ReadCase("IPv6", "'::1'", _TEXT, "::1", loses=True),
    ReadCase("Array(Int32)", "[1, 2]", _TEXT, "[1,2]", loses=True),
    ReadCase("Map(String, Int32)", "map('a', 1)", _TEXT, "{'a':1}", loses=True),
    ReadCase("Tuple(Int32, String)", "(1, 'x')", _TEXT, "(1,'x')", loses=True),
)  # fmt: skip
