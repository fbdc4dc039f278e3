"""The type matrix of MariaDB: what each value has to become in staging."""

from __future__ import annotations

from tests.databases import Case

_TEXT = "VARCHAR"
_INSTANT = "TIMESTAMP WITH TIME ZONE"

INTEGERS = (
    Case("tinyint", "-128", "TINYINT", "-128"),
    Case("tinyint(1)", "2", "TINYINT", "2"),
    Case("tinyint unsigned", "255", "UTINYINT", "255"),
    Case("smallint", "-32768", "SMALLINT", "-32768"),
    Case("smallint unsigned", "65535", "USMALLINT", "65535"),
    Case("mediumint", "-8388608", "INTEGER", "-8388608"),
    Case("mediumint unsigned", "16777215", "UINTEGER", "16777215"),
    Case("int", "-2147483648", "INTEGER", "-2147483648"),
    Case("int unsigned", "4294967295", "UINTEGER", "4294967295"),
    Case("int(5) zerofill", "42", "UINTEGER", "42"),
    Case("bigint", "-9223372036854775808", "BIGINT", "-9223372036854775808"),
    Case("bigint unsigned", "18446744073709551615", "UBIGINT", "18446744073709551615"),
    Case("bigint unsigned", "null", "UBIGINT", None),
    Case("boolean", "true", "TINYINT", "1"),
    Case("bit(1)", "b'1'", "UTINYINT", "1"),
    Case("bit(12)", "b'100000000001'", "USMALLINT", "2049"),
    Case("bit(64)", "18446744073709551615", "UBIGINT", "18446744073709551615"),
    Case("year", "2155", "SMALLINT", "2155"),
    Case("year", "0", "SMALLINT", "0"),
)

NUMBERS = (
    Case("decimal(10,2)", "-12345678.90", "DECIMAL(10,2)", "-12345678.90"),
    Case("decimal(10,2) unsigned", "99999999.99", "DECIMAL(10,2)", "99999999.99"),
    Case("decimal(18,0)", "-999999999999999999", "DECIMAL(18,0)", "-999999999999999999"),
    Case("decimal(38,0)", "-" + "9" * 38, "DECIMAL(38,0)", "-" + "9" * 38),
    Case("decimal(38,38)", "0." + "9" * 38, "DECIMAL(38,38)", "." + "9" * 38),
    Case("decimal(41,0)", "-" + "9" * 38, "DECIMAL(38,0)", "-" + "9" * 38),
    Case("decimal(41,0)", "9" * 39, "DECIMAL(38,0)", error=True),
    Case("decimal(42,18)", "9" * 20 + "." + "9" * 18, "DECIMAL(38,18)", "9" * 20 + "." + "9" * 18),
    Case("decimal(42,18)", "1" + "0" * 20, "DECIMAL(38,18)", error=True),
    Case("decimal(41,0)", "NULL", "DECIMAL(38,0)", None),
    Case("decimal(42,19)", "0." + "9" * 19, _TEXT, "0." + "9" * 19, loses=True),
    Case(
        "decimal(65,30)", "-" + "9" * 35 + "." + "9" * 30, _TEXT, "-" + "9" * 35 + "." + "9" * 30, loses=True
    ),
    Case("float", "0.1", "FLOAT", "0.1"),
    Case("float", "16777216", "FLOAT", "16777216.0"),
    Case("float", "1234567.8", "FLOAT", "1234567.75"),
    Case("float(7,3)", "1234.567", "FLOAT", "1234.567"),
    Case("double", "0.1", "DOUBLE", "0.1"),
    Case("double", "1.7976931348623157e308", "DOUBLE", "1.7976931348623157e+308"),
    Case("double", "-2.2250738585072014e-308", "DOUBLE", "-2.2250738585072014e-308"),
    Case("double(10,3)", "1234567.891", "DOUBLE", "1234567.891"),
)

MOMENTS = (
    Case("date", "'2024-02-29'", "DATE", "2024-02-29"),
    Case("date", "'0001-01-01'", "DATE", "0001-01-01"),
    Case("date", "'9999-12-31'", "DATE", "9999-12-31"),
    Case("date", "null", "DATE", None),
    Case("date not null", "'0000-00-00'", "DATE", error=True),
    Case("date", "'2024-00-10'", "DATE", error=True),
    Case("date", "'2024-10-00'", "DATE", error=True),
    Case("date", "'2024-02-31'", "DATE", error=True),
    Case("datetime", "'2024-06-01 23:59:59'", "TIMESTAMP", "2024-06-01 23:59:59"),
    Case("datetime(3)", "'2024-06-01 10:00:00.001'", "TIMESTAMP", "2024-06-01 10:00:00.001"),
    Case("datetime(6)", "'9999-12-31 23:59:59.999999'", "TIMESTAMP", "9999-12-31 23:59:59.999999"),
    Case("datetime", "'0000-00-00 00:00:00'", "TIMESTAMP", error=True),
    Case("datetime(6)", "'2024-00-10 10:00:00.5'", "TIMESTAMP", error=True),
    Case("timestamp", "'2024-06-01 10:00:00'", _INSTANT, "2024-06-01 10:00:00+00"),
    Case("timestamp(6)", "'2038-01-19 03:14:07.999999'", _INSTANT, "2038-01-19 03:14:07.999999+00"),
    Case("timestamp", "'0000-00-00 00:00:00'", _INSTANT, error=True),
    Case("time", "'10:00:00'", "INTERVAL", "10:00:00"),
    Case("time", "'838:59:59'", "INTERVAL", "838:59:59"),
    Case("time(6)", "'00:00:00'", "INTERVAL", "00:00:00"),
    Case("time(6)", "'-838:59:59.999999'", "INTERVAL", "-838:59:59.999999"),
)

TEXTS = (
    Case("char(5)", "'ab'", _TEXT, "ab"),
    Case("char(5)", "''", _TEXT, ""),
    Case("varchar(20)", "''", _TEXT, ""),
    Case("varchar(20)", "null", _TEXT, None),
    Case("varchar(20)", "'  ab  '", _TEXT, "  ab  "),
    Case("varchar(20)", "'a\\0b'", _TEXT, "a\x00b"),
    Case("varchar(20) character set utf8mb4", "'ß 😀 É'", _TEXT, "ß 😀 É"),
    Case("varchar(20) character set utf8mb4 collate utf8mb4_bin", "'ß 😀 É'", _TEXT, "ß 😀 É"),
    Case("varchar(20) character set utf8mb3", "'ß É'", _TEXT, "ß É"),
    Case("varchar(20) character set latin1", "'ß É €'", _TEXT, "ß É €"),
    Case("varchar(20) character set latin1 collate latin1_bin", "'ß É €'", _TEXT, "ß É €"),
    Case("varchar(20) character set ucs2", "'ß Ж'", _TEXT, "ß Ж"),
    Case("varchar(20) character set utf16 collate utf16_bin", "'😀'", _TEXT, "😀"),
    Case("varchar(20) character set ascii", "'ab'", _TEXT, "ab"),
    Case("tinytext", "'é'", _TEXT, "é"),
    Case("mediumtext", "repeat('é', 70000)", _TEXT, "é" * 70_000),
    Case("longtext character set latin1 collate latin1_bin", "repeat('é', 70000)", _TEXT, "é" * 70_000),
    Case("enum('small','LARGE')", "'LARGE'", _TEXT, "LARGE"),
    Case("enum('ß','é') character set latin1 collate latin1_bin", "'é'", _TEXT, "é"),
    Case("set('a','b','c')", "'a,c'", _TEXT, "a,c"),
    Case("set('a','b','c')", "''", _TEXT, ""),
)

OTHERS = (
    Case("binary(4)", "x'00ff27'", "BLOB", "\\x00\\xFF\\x27\\x00"),
    Case("varbinary(10)", "x'00ff5c27e9'", "BLOB", "\\x00\\xFF\\x5C\\x27\\xE9"),
    Case("varbinary(10)", "''", "BLOB", ""),
    Case("tinyblob", "x'80'", "BLOB", "\\x80"),
    Case("blob", "null", "BLOB", None),
    Case("longblob", "repeat(x'00ff', 40000)", "BLOB", "\\x00\\xFF" * 40_000),
    Case("json", '\'{"a": [1, "é", null]}\'', "JSON", '{"a": [1, "é", null]}'),
    Case("json", "'null'", "JSON", "null"),
    Case("json", "null", "JSON", None),
    Case("uuid", "'123E4567-e89b-12d3-a456-426655440000'", "UUID", "123e4567-e89b-12d3-a456-426655440000"),
    Case("inet6", "'2001:db8::1'", _TEXT, "2001:db8::1"),
    Case("inet4", "'192.0.2.1'", _TEXT, "192.0.2.1"),
    Case(
        "point",
        "point(1, 2)",
        "BLOB",
        "\\x01\\x01" + "\\x00" * 9 + "\\xF0?" + "\\x00" * 7 + "@",
        loses=True,
    ),
    Case("geometry", "null", "BLOB", None, loses=True),
)

TYPES: tuple[Case, ...] = INTEGERS + NUMBERS + MOMENTS + TEXTS + OTHERS
