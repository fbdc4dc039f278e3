"""Type matrix of MariaDB: extractions and loads."""

from __future__ import annotations

from dvt.testing.databases import LoadCase, ReadCase

_TEXT = "VARCHAR"
_INSTANT = "TIMESTAMP WITH TIME ZONE"

INTEGERS = (
    ReadCase("tinyint", "-128", "TINYINT", "-128"),
    ReadCase("tinyint(1)", "2", "TINYINT", "2"),
    ReadCase("tinyint unsigned", "255", "UTINYINT", "255"),
    ReadCase("smallint", "-32768", "SMALLINT", "-32768"),
    ReadCase("smallint unsigned", "65535", "USMALLINT", "65535"),
    ReadCase("mediumint", "-8388608", "INTEGER", "-8388608"),
    ReadCase("mediumint unsigned", "16777215", "UINTEGER", "16777215"),
    ReadCase("int", "-2147483648", "INTEGER", "-2147483648"),
    ReadCase("int unsigned", "4294967295", "UINTEGER", "4294967295"),
    ReadCase("int(5) zerofill", "42", "UINTEGER", "42"),
    ReadCase("bigint", "-9223372036854775808", "BIGINT", "-9223372036854775808"),
    ReadCase("bigint unsigned", "18446744073709551615", "UBIGINT", "18446744073709551615"),
    ReadCase("bigint unsigned", "null", "UBIGINT", None),
    ReadCase("boolean", "true", "TINYINT", "1"),
    ReadCase("bit(1)", "b'1'", "UTINYINT", "1"),
    ReadCase("bit(12)", "b'100000000001'", "USMALLINT", "2049"),
    ReadCase("bit(64)", "18446744073709551615", "UBIGINT", "18446744073709551615"),
    ReadCase("year", "2155", "SMALLINT", "2155"),
    ReadCase("year", "0", "SMALLINT", "0"),
    ReadCase("year(2)", "0", "SMALLINT", "2000"),
    ReadCase("year(2)", "70", "SMALLINT", "1970"),
)

NUMBERS = (
    ReadCase("decimal(10,2)", "-12345678.90", "DECIMAL(10,2)", "-12345678.90"),
    ReadCase("decimal(10,2) unsigned", "99999999.99", "DECIMAL(10,2)", "99999999.99"),
    ReadCase("decimal(18,0)", "-999999999999999999", "DECIMAL(18,0)", "-999999999999999999"),
    ReadCase("decimal(38,0)", "-" + "9" * 38, "DECIMAL(38,0)", "-" + "9" * 38),
    ReadCase("decimal(38,38)", "0." + "9" * 38, "DECIMAL(38,38)", "." + "9" * 38),
    ReadCase("decimal(41,0)", "-" + "9" * 38, "DECIMAL(38,0)", "-" + "9" * 38),
    ReadCase("decimal(41,0)", "9" * 39, "DECIMAL(38,0)", error=True),
    ReadCase("decimal(42,18)", "9" * 20 + "." + "9" * 18, "DECIMAL(38,18)", "9" * 20 + "." + "9" * 18),
    ReadCase("decimal(42,18)", "1" + "0" * 20, "DECIMAL(38,18)", error=True),
    ReadCase("decimal(41,0)", "NULL", "DECIMAL(38,0)", None),
    ReadCase("decimal(42,19)", "0." + "9" * 19, _TEXT, "0." + "9" * 19, loses=True),
    ReadCase(
        "decimal(65,30)", "-" + "9" * 35 + "." + "9" * 30, _TEXT, "-" + "9" * 35 + "." + "9" * 30, loses=True
    ),
    ReadCase("float", "0.1", "FLOAT", "0.1"),
    ReadCase("float", "16777216", "FLOAT", "16777216.0"),
    ReadCase("float", "1234567.8", "FLOAT", "1234567.75"),
    ReadCase("float(7,3)", "1234.567", "FLOAT", "1234.567"),
    ReadCase("double", "0.1", "DOUBLE", "0.1"),
    ReadCase("double", "1.7976931348623157e308", "DOUBLE", "1.7976931348623157e+308"),
    ReadCase("double", "-2.2250738585072014e-308", "DOUBLE", "-2.2250738585072014e-308"),
    ReadCase("double(10,3)", "1234567.891", "DOUBLE", "1234567.891"),
)

DATES_AND_TIMES = (
    ReadCase("date", "'2024-02-29'", "DATE", "2024-02-29"),
    ReadCase("date", "'0001-01-01'", "DATE", "0001-01-01"),
    ReadCase("date", "'9999-12-31'", "DATE", "9999-12-31"),
    ReadCase("date", "null", "DATE", None),
    ReadCase("date not null", "'0000-00-00'", "DATE", error=True),
    ReadCase("date", "'2024-00-10'", "DATE", error=True),
    ReadCase("date", "'2024-10-00'", "DATE", error=True),
    ReadCase("date", "'2024-02-31'", "DATE", error=True),
    ReadCase("datetime", "'2024-06-01 23:59:59'", "TIMESTAMP", "2024-06-01 23:59:59"),
    ReadCase("datetime(3)", "'2024-06-01 10:00:00.001'", "TIMESTAMP", "2024-06-01 10:00:00.001"),
    ReadCase("datetime(6)", "'9999-12-31 23:59:59.999999'", "TIMESTAMP", "9999-12-31 23:59:59.999999"),
    ReadCase("datetime", "'0000-00-00 00:00:00'", "TIMESTAMP", error=True),
    ReadCase("datetime(6)", "'2024-00-10 10:00:00.5'", "TIMESTAMP", error=True),
    ReadCase("timestamp", "'2024-06-01 10:00:00'", _INSTANT, "2024-06-01 10:00:00+00"),
    ReadCase("timestamp(6)", "'2038-01-19 03:14:07.999999'", _INSTANT, "2038-01-19 03:14:07.999999+00"),
    ReadCase("timestamp", "'0000-00-00 00:00:00'", _INSTANT, error=True),
    ReadCase("time", "'10:00:00'", "INTERVAL", "10:00:00"),
    ReadCase("time", "'838:59:59'", "INTERVAL", "838:59:59"),
    ReadCase("time(6)", "'00:00:00'", "INTERVAL", "00:00:00"),
    ReadCase("time(6)", "'-838:59:59.999999'", "INTERVAL", "-838:59:59.999999"),
)

TEXTS = (
    ReadCase("char(5)", "'ab'", _TEXT, "ab"),
    ReadCase("char(5)", "''", _TEXT, ""),
    ReadCase("varchar(20)", "''", _TEXT, ""),
    ReadCase("varchar(20)", "null", _TEXT, None),
    ReadCase("varchar(20)", "'  ab  '", _TEXT, "  ab  "),
    ReadCase("varchar(20)", "'a\\0b'", _TEXT, "a\x00b"),
    ReadCase("varchar(20) character set utf8mb4", "'ß 😀 É'", _TEXT, "ß 😀 É"),
    ReadCase("varchar(20) character set utf8mb4 collate utf8mb4_bin", "'ß 😀 É'", _TEXT, "ß 😀 É"),
    ReadCase("varchar(20) character set utf8mb3", "'ß É'", _TEXT, "ß É"),
    ReadCase("varchar(20) character set latin1", "'ß É €'", _TEXT, "ß É €"),
    ReadCase("varchar(20) character set latin1 collate latin1_bin", "'ß É €'", _TEXT, "ß É €"),
    ReadCase("varchar(20) character set ucs2", "'ß Ж'", _TEXT, "ß Ж"),
    ReadCase("varchar(20) character set utf16 collate utf16_bin", "'😀'", _TEXT, "😀"),
    ReadCase("varchar(20) character set ascii", "'ab'", _TEXT, "ab"),
    ReadCase("tinytext", "'é'", _TEXT, "é"),
    ReadCase("mediumtext", "repeat('é', 70000)", _TEXT, "é" * 70_000),
    ReadCase("longtext character set latin1 collate latin1_bin", "repeat('é', 70000)", _TEXT, "é" * 70_000),
    ReadCase("enum('small','LARGE')", "'LARGE'", _TEXT, "LARGE"),
    ReadCase("enum('ß','é') character set latin1 collate latin1_bin", "'é'", _TEXT, "é"),
    ReadCase("set('a','b','c')", "'a,c'", _TEXT, "a,c"),
    ReadCase("set('a','b','c')", "''", _TEXT, ""),
)

OTHERS = (
    ReadCase("binary(4)", "x'00ff27'", "BLOB", "\\x00\\xFF\\x27\\x00"),
    ReadCase("varbinary(10)", "x'00ff5c27e9'", "BLOB", "\\x00\\xFF\\x5C\\x27\\xE9"),
    ReadCase("varbinary(10)", "''", "BLOB", ""),
    ReadCase("tinyblob", "x'80'", "BLOB", "\\x80"),
    ReadCase("blob", "null", "BLOB", None),
    ReadCase("longblob", "repeat(x'00ff', 40000)", "BLOB", "\\x00\\xFF" * 40_000),
    ReadCase("json", '\'{"a": [1, "é", null]}\'', "JSON", '{"a": [1, "é", null]}'),
    ReadCase("json", "'null'", "JSON", "null"),
    ReadCase("json", "null", "JSON", None),
    ReadCase(
        "uuid", "'123E4567-e89b-12d3-a456-426655440000'", "UUID", "123e4567-e89b-12d3-a456-426655440000"
    ),
    ReadCase("inet6", "'2001:db8::1'", _TEXT, "2001:db8::1"),
    ReadCase("inet4", "'192.0.2.1'", _TEXT, "192.0.2.1"),
    ReadCase(
        "point",
        "point(1, 2)",
        "BLOB",
        "\\x01\\x01" + "\\x00" * 9 + "\\xF0?" + "\\x00" * 7 + "@",
        loses=True,
    ),
    ReadCase("geometry", "null", "BLOB", None, loses=True),
)

READ_CASES: tuple[ReadCase, ...] = INTEGERS + NUMBERS + DATES_AND_TIMES + TEXTS + OTHERS

_NINES = "9" * 38
_LOCAL = "TIMESTAMP"
_DIGITS = f"{_NINES[:8]}.{_NINES[:30]}"

LOAD_CASES: tuple[LoadCase, ...] = (
    LoadCase("BOOLEAN", "true", "tinyint(1)", "1"),
    LoadCase("BOOLEAN", "false", "tinyint(1)", "0"),
    LoadCase("BOOLEAN", "null", "tinyint(1)", None),
    LoadCase("TINYINT", "-128", "tinyint(4)", "-128"),
    LoadCase("UTINYINT", "255", "tinyint(3) unsigned", "255"),
    LoadCase("SMALLINT", "-32768", "smallint(6)", "-32768"),
    LoadCase("USMALLINT", "65535", "smallint(5) unsigned", "65535"),
    LoadCase("INTEGER", "-2147483648", "int(11)", "-2147483648"),
    LoadCase("UINTEGER", "4294967295", "int(10) unsigned", "4294967295"),
    LoadCase("BIGINT", "-9223372036854775808", "bigint(20)", "-9223372036854775808"),
    LoadCase("UBIGINT", "18446744073709551615", "bigint(20) unsigned", "18446744073709551615"),
    LoadCase("HUGEINT", f"'-{_NINES}'", "decimal(38,0)", f"-{_NINES}"),
    LoadCase("HUGEINT", f"'-1{'0' * 38}'", "decimal(38,0)", error=True),
    LoadCase("HUGEINT", f"1{'0' * 38}", "decimal(38,0)", error=True),
    LoadCase("UHUGEINT", f"1{'0' * 38}", "decimal(38,0)", error=True),
    LoadCase("UHUGEINT", _NINES, "decimal(38,0)", _NINES),
    LoadCase("DECIMAL(38,0)", _NINES, "decimal(38,0)", _NINES),
    LoadCase("DECIMAL(10,2)", "-12345678.90", "decimal(10,2)", "-12345678.90"),
    LoadCase("DECIMAL(10,2)", "null", "decimal(10,2)", None),
    LoadCase("DECIMAL(9,9)", "'-0.999990000'", "decimal(9,9)", "-0.999990000"),
    LoadCase("DECIMAL(38,30)", f"'-{_DIGITS}'", "decimal(38,30)", f"-{_DIGITS}"),
    LoadCase("DECIMAL(38,31)", f"'-0.{_NINES[:31]}'", "longtext", f"-0.{_NINES[:31]}", loses=True),
    LoadCase("DECIMAL(4,1)", "0.0", "decimal(4,1)", "0.0"),
    LoadCase("FLOAT", "0.1", "float", "0.1"),
    LoadCase("FLOAT", "16777216", "float", "16777200"),
    LoadCase("FLOAT", "'nan'", "float", error=True),
    LoadCase("DOUBLE", "0.1", "double", "0.1"),
    LoadCase("DOUBLE", "'-0'", "double", "0"),
    LoadCase("DOUBLE", "'nan'", "double", error=True),
    LoadCase("DOUBLE", "'-inf'", "double", error=True),
    LoadCase("DOUBLE", "1.7976931348623157e308", "double", "1.7976931348623157e308"),
    LoadCase("DOUBLE", "-2.2250738585072014e-308", "double", "-2.2250738585072014e-308"),
    LoadCase("DOUBLE", "123456789012345680", "double", "1.2345678901234568e17"),
    LoadCase("VARCHAR", "'ab😀é '", "longtext", "ab😀é "),
    LoadCase("VARCHAR", "''", "longtext", ""),
    LoadCase("VARCHAR", "null", "longtext", None),
    LoadCase("VARCHAR", "'NULL'", "longtext", "NULL"),
    LoadCase("VARCHAR", "'null'", "longtext", "null"),
    LoadCase("VARCHAR", "'\\N'", "longtext", "\\N"),
    LoadCase("VARCHAR", "'a' || chr(0) || 'b'", "longtext", "a\x00b"),
    LoadCase("VARCHAR", r"'\' || chr(9) || chr(10) || chr(13) || '\",'''", "longtext", "\\\t\n\r\\\",'"),
    LoadCase("VARCHAR", "'\"' || chr(10) || '\"'", "longtext", '"\n"'),
    LoadCase("VARCHAR", r"chr(26) || '\0\'", "longtext", "\x1a\\0\\"),
    LoadCase("ENUM('a', 'b')", "'b'", "longtext", "b", loses=True),
    LoadCase("BLOB", r"'\x41\x00\x5C\x27'::BLOB", "longblob", "A\x00\\'"),
    LoadCase("BLOB", "''::BLOB", "longblob", ""),
    LoadCase("BLOB", "null", "longblob", None),
    LoadCase(
        "UUID", "'ffffffff-ffff-ffff-ffff-fffffffffff0'", "uuid", "ffffffff-ffff-ffff-ffff-fffffffffff0"
    ),
    LoadCase(
        "UUID", "'00000000-0000-0000-0000-000000000001'", "uuid", "00000000-0000-0000-0000-000000000001"
    ),
    LoadCase("JSON", '\'{"b":  1, "a": "é", "b": 2}\'', "json", '{"b":  1, "a": "é", "b": 2}'),
    LoadCase("JSON", "'null'", "json", "null"),
    LoadCase("JSON", "null", "json", None),
    LoadCase("JSON", f"'{'[' * 60}{']' * 60}'", "json", error=True),
    LoadCase("DATE", "'2024-02-29'", "date", "2024-02-29"),
    LoadCase("DATE", "'0001-01-01'", "date", "0001-01-01"),
    LoadCase("DATE", "'9999-12-31'", "date", "9999-12-31"),
    LoadCase("DATE", "'10000-01-01'", "date", error=True),
    LoadCase("DATE", "'infinity'", "date", error=True),
    LoadCase("DATE", "'-infinity'", "date", error=True),
    LoadCase("DATE", "'0044-03-15 (BC)'", "date", error=True),
    LoadCase("TIME", "'23:59:59.999999'", "time(6)", "23:59:59.999999"),
    LoadCase("TIME", "'24:00:00'", "time(6)", "24:00:00.000000"),
    LoadCase("TIME WITH TIME ZONE", "'12:00:00.5+05:30'", "longtext", "12:00:00.5+05:30", loses=True),
    LoadCase(_LOCAL, "'2024-02-29 23:59:59.123456'", "datetime(6)", "2024-02-29 23:59:59.123456"),
    LoadCase(_LOCAL, "'0001-01-01 00:00:00'", "datetime(6)", "0001-01-01 00:00:00.000000"),
    LoadCase(_LOCAL, "'9999-12-31 23:59:59.999999'", "datetime(6)", "9999-12-31 23:59:59.999999"),
    LoadCase(_LOCAL, "'infinity'", "datetime(6)", error=True),
    LoadCase(_LOCAL, "'10000-01-01 00:00:00'", "datetime(6)", error=True),
    LoadCase(_LOCAL, "'0044-03-15 (BC) 12:00:00'", "datetime(6)", error=True),
    LoadCase("TIMESTAMP_S", "'2024-02-29 23:59:59'", "datetime(6)", "2024-02-29 23:59:59.000000"),
    LoadCase("TIMESTAMP_MS", "'2024-02-29 23:59:59.123'", "datetime(6)", "2024-02-29 23:59:59.123000"),
    LoadCase(
        "TIMESTAMP_NS",
        "'2024-02-29 23:59:59.123456789'",
        "datetime(6)",
        "2024-02-29 23:59:59.123456",
        loses=True,
    ),
    LoadCase("TIMESTAMP_NS", "'infinity'", "datetime(6)", error=True, loses=True),
    LoadCase(
        _INSTANT, "'2024-07-01 12:00:00.123456+05'", "datetime(6)", "2024-07-01 07:00:00.123456", loses=True
    ),
    LoadCase(_INSTANT, "'infinity'", "datetime(6)", error=True, loses=True),
    LoadCase(_INSTANT, "'10000-01-01 00:00:00+00'", "datetime(6)", error=True, loses=True),
    LoadCase(
        "INTERVAL",
        "'14 months -3 days 838:05:06.789012'",
        "longtext",
        "1 year 2 months -3 days 838:05:06.789012",
        loses=True,
    ),
    LoadCase("BIT", "'0101'", "longtext", "0101", loses=True),
    LoadCase("INTEGER[]", "[1, NULL, 3]", "json", "[1,null,3]", loses=True),
    LoadCase("VARCHAR[]", "['a', 'b, \"c', NULL, '']", "json", '["a","b, \\"c",null,""]', loses=True),
    LoadCase("DOUBLE[]", "['nan'::DOUBLE]", "json", error=True, loses=True),
    LoadCase(
        "STRUCT(a INTEGER, b DATE)",
        "{'a': 1, 'b': '2024-02-29'}",
        "json",
        '{"a":1,"b":"2024-02-29"}',
        loses=True,
    ),
    LoadCase("STRUCT(a DOUBLE[])", "{'a': ['inf'::DOUBLE]}", "json", error=True, loses=True),
    LoadCase(
        "STRUCT(a DOUBLE, b VARCHAR)", "{'a': 1.5, 'b': ':NaN'}", "json", '{"a":1.5,"b":":NaN"}', loses=True
    ),
    LoadCase("MAP(VARCHAR, INTEGER)", "MAP {'k': 1}", "json", '{"k":1}', loses=True),
    LoadCase(
        "VARIANT", "{'a': [1], 'b': DATE '2024-02-29'}", "json", '{"a":[1],"b":"2024-02-29"}', loses=True
    ),
    LoadCase("VARIANT", "'nan'::DOUBLE", "json", error=True, loses=True),
    LoadCase("TIME_NS", "'23:59:59.9999999'", "time(6)", "24:00:00.000000", loses=True),
)
