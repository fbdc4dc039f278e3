"""Type matrices of databases over JDBC: extractions."""

from __future__ import annotations

from dvt.testing.databases import ReadCase

_TEXT = "VARCHAR"
_LOCAL = "TIMESTAMP"
_NANOS = "TIMESTAMP_NS"
_INSTANT = "TIMESTAMP WITH TIME ZONE"
_OFFSET = "TIME WITH TIME ZONE"
_NINES = "9" * 38

_COMMON = (
    ReadCase("boolean", "true", "BOOLEAN", "true"),
    ReadCase("boolean", "null", "BOOLEAN", None),
    ReadCase("smallint", "-32768", "SMALLINT", "-32768"),
    ReadCase("integer", "2147483647", "INTEGER", "2147483647"),
    ReadCase("integer", "null", "INTEGER", None),
    ReadCase("bigint", "-9223372036854775808", "BIGINT", "-9223372036854775808"),
    ReadCase("bigint", "9223372036854775807", "BIGINT", "9223372036854775807"),
    ReadCase("double precision", "1.7976931348623157e308", "DOUBLE", "1.7976931348623157e+308"),
    ReadCase("double precision", "0.1e0", "DOUBLE", "0.1"),
    ReadCase("double precision", "null", "DOUBLE", None),
    ReadCase("decimal(10,2)", "-12345678.90", "DECIMAL(10,2)", "-12345678.90"),
    ReadCase("decimal(10,2)", "0", "DECIMAL(10,2)", "0.00"),
    ReadCase("decimal(31,31)", "0." + "9" * 31, "DECIMAL(31,31)", "." + "9" * 31),
    ReadCase("decimal(31,0)", "-" + "9" * 31, "DECIMAL(31,0)", "-" + "9" * 31),
    ReadCase("decimal(5,2)", "null", "DECIMAL(5,2)", None),
    ReadCase("varchar(20)", "'ab😀é '", _TEXT, "ab😀é "),
    ReadCase("varchar(20)", "'what?'", _TEXT, "what?"),
    ReadCase("varchar(20)", "''", _TEXT, ""),
    ReadCase("varchar(20)", "null", _TEXT, None),
    ReadCase("char(5)", "'ab'", _TEXT, "ab   "),
    ReadCase("clob", "'ab😀é'", _TEXT, "ab😀é"),
    ReadCase("clob", "null", _TEXT, None),
    ReadCase("date", "'2024-02-29'", "DATE", "2024-02-29"),
    ReadCase("date", "'1582-10-04'", "DATE", "1582-10-04"),
    ReadCase("date", "'1500-03-01'", "DATE", "1500-03-01"),
    ReadCase("date", "'0001-01-01'", "DATE", "0001-01-01"),
    ReadCase("date", "'9999-12-31'", "DATE", "9999-12-31"),
    ReadCase("date", "null", "DATE", None),
    ReadCase("time", "'23:59:59'", "TIME", "23:59:59"),
    ReadCase("time", "'00:00:00'", "TIME", "00:00:00"),
)
"""What H2, HSQLDB and Derby write alike."""

H2_READ_CASES = (
    *_COMMON,
    ReadCase("tinyint", "-128", "TINYINT", "-128"),
    ReadCase("real", "0.1", "FLOAT", "0.1"),
    ReadCase("real", "'NaN'", "FLOAT", "nan"),
    ReadCase("double precision", "'-Infinity'", "DOUBLE", "-inf"),
    ReadCase("numeric(38,0)", f"-{_NINES}", "DECIMAL(38,0)", f"-{_NINES}"),
    ReadCase("numeric(38,38)", f"0.{_NINES}", "DECIMAL(38,38)", f".{_NINES}"),
    ReadCase("numeric(40,2)", "1" * 37 + ".25", _TEXT, "1" * 37 + ".25", loses=True),
    ReadCase("numeric(40,2)", "null", _TEXT, None, loses=True),
    ReadCase("decfloat(10)", "1.5e10", _TEXT, "15000000000", loses=True),
    ReadCase("date", "'1582-10-10'", "DATE", "1582-10-10"),
    ReadCase("date", "'-4713-01-01'", "DATE", "4714-01-01 (BC)"),
    ReadCase("time(6)", "'23:59:59.999999'", "TIME", "23:59:59.999999"),
    ReadCase("time(9)", "'23:59:59.123456789'", "TIME", error=True),
    ReadCase("timestamp", "'2024-02-29 23:59:59.123456'", _LOCAL, "2024-02-29 23:59:59.123456"),
    ReadCase("timestamp", "'1969-12-31 23:59:59.999999'", _LOCAL, "1969-12-31 23:59:59.999999"),
    ReadCase("timestamp", "'1582-10-10 00:00:00.5'", _LOCAL, "1582-10-10 00:00:00.5"),
    ReadCase("timestamp", "'9999-12-31 23:59:59.999999'", _LOCAL, "9999-12-31 23:59:59.999999"),
    ReadCase("timestamp(9)", "'2024-02-29 23:59:59.123456789'", _NANOS, "2024-02-29 23:59:59.123456789"),
    ReadCase("timestamp(9)", "'1677-09-22 00:00:00.000000001'", _NANOS, "1677-09-22 00:00:00.000000001"),
    ReadCase("timestamp(9)", "'9999-12-31 00:00:00'", _NANOS, error=True),
    ReadCase(
        "timestamp with time zone",
        "'2024-07-01 12:00:00.123456+05:30'",
        _INSTANT,
        "2024-07-01 06:30:00.123456+00",
        loses=True,
    ),
    ReadCase("time with time zone", "'12:00:00+05:30'", _OFFSET, "12:00:00+05:30"),
    ReadCase("varbinary(10)", "x'00ff61'", "BLOB", "\\x00\\xFFa"),
    ReadCase("blob", "x''", "BLOB", ""),
    ReadCase("blob", "null", "BLOB", None),
    ReadCase("varchar_ignorecase(10)", "'aB'", _TEXT, "aB"),
    ReadCase(
        "uuid", "'ffffffff-ffff-ffff-ffff-fffffffffff0'", "UUID", "ffffffff-ffff-ffff-ffff-fffffffffff0"
    ),
    ReadCase("json", "json '{\"a\":1}'", "JSON", '{"a":1}'),
    ReadCase("enum('sad', 'happy')", "'happy'", _TEXT, "happy", loses=True),
    ReadCase("integer array", "array[1, 2]", _TEXT, "[1, 2]", loses=True),
    ReadCase(
        "interval year to month",
        "interval '1-2' year to month",
        _TEXT,
        "INTERVAL '1-2' YEAR TO MONTH",
        loses=True,
    ),
    ReadCase("row(a integer)", "row(1)", _TEXT, "ROW (1)", loses=True),
)

HSQLDB_READ_CASES = (
    *_COMMON,
    ReadCase("tinyint", "-128", "TINYINT", "-128"),
    ReadCase("decimal(38,2)", f"{'9' * 36}.25", "DECIMAL(38,2)", f"{'9' * 36}.25"),
    ReadCase("decimal(60,2)", f"{'9' * 50}.25", _TEXT, f"{'9' * 50}.25", loses=True),
    ReadCase("real", "0.1e0", "DOUBLE", "0.1"),
    ReadCase("timestamp", "'2024-02-29 23:59:59.123456'", _LOCAL, "2024-02-29 23:59:59.123456"),
    ReadCase("timestamp", "'1582-10-04 00:00:00'", _LOCAL, "1582-10-04 00:00:00"),
    ReadCase("timestamp", "'0001-01-01 00:00:00'", _LOCAL, "0001-01-01 00:00:00"),
    ReadCase("timestamp", "null", _LOCAL, None),
    ReadCase("timestamp(9)", "'2024-02-29 23:59:59.123456789'", _NANOS, "2024-02-29 23:59:59.123456789"),
    ReadCase(
        "timestamp with time zone",
        "'2024-07-01 12:00:00.123456+5:30'",
        _INSTANT,
        "2024-07-01 06:30:00.123456+00",
        loses=True,
    ),
    ReadCase("time with time zone", "'12:00:00+5:30'", _OFFSET, "12:00:00+05:30"),
    ReadCase("varbinary(10)", "x'00ff61'", "BLOB", "\\x00\\xFFa"),
    ReadCase("blob", "x'00'", "BLOB", "\\x00"),
    ReadCase("bit(3)", "b'101'", _TEXT, "101", loses=True),
    ReadCase(
        "uuid", "'ffffffff-ffff-ffff-ffff-fffffffffff0'", "UUID", "ffffffff-ffff-ffff-ffff-fffffffffff0"
    ),
    ReadCase("integer array", "array[1, 2]", _TEXT, "ARRAY[1,2]", loses=True),
    ReadCase("interval day to second", "interval '1 02:03:04' day to second", _TEXT, "1 02:03:04.000000"),
)

DERBY_READ_CASES = (
    *_COMMON,
    ReadCase("real", "0.1", "FLOAT", "0.1"),
    ReadCase("timestamp", "'2024-02-29 23:59:59.123456'", _LOCAL, "2024-02-29 23:59:59.123456"),
    ReadCase("timestamp", "'1582-10-04 00:00:00.5'", _LOCAL, "1582-10-04 00:00:00.5"),
    ReadCase("timestamp", "'9999-12-31 23:59:59'", _LOCAL, "9999-12-31 23:59:59"),
    ReadCase("timestamp", "'2024-02-29 23:59:59.123456789'", _LOCAL, error=True),
    ReadCase("varchar(10) for bit data", "x'00ff61'", "BLOB", "\\x00\\xFFa"),
    ReadCase("blob", "cast(x'00ff61' as blob)", "BLOB", "\\x00\\xFFa"),
)

POSTGRES_READ_CASES = (
    *(case for case in _COMMON if case.type != "clob"),
    ReadCase("real", "'-Infinity'", "FLOAT", "-inf"),
    ReadCase("double precision", "'NaN'", "DOUBLE", "nan"),
    ReadCase("double precision", "'-0'", "DOUBLE", "-0.0"),
    ReadCase("numeric(38,38)", f"0.{_NINES}", "DECIMAL(38,38)", f".{_NINES}"),
    ReadCase("numeric(10,2)", "'NaN'", "DECIMAL(10,2)", error=True),
    ReadCase("numeric", "0.0000000000000000001", _TEXT, "0.0000000000000000001", loses=True),
    ReadCase("numeric", "'NaN'", _TEXT, loses=True, error=True),
    ReadCase("numeric(40,2)", "1" * 37 + ".25", _TEXT, "1" * 37 + ".25", loses=True),
    ReadCase("money", "'1234.50'", _TEXT, "$1,234.50", loses=True),
    ReadCase("oid", "4294967295", "UBIGINT", "4294967295"),
    ReadCase("date", "'4713-01-01 BC'", "DATE", "4713-01-01 (BC)"),
    ReadCase("date", "'infinity'", "DATE", error=True),
    ReadCase("time", "'23:59:59.999999'", "TIME", "23:59:59.999999"),
    ReadCase("time", "'24:00:00'", "TIME", error=True),
    ReadCase("timetz", "'12:00:00.5+05:30'", _OFFSET, "12:00:00.5+05:30"),
    ReadCase("timestamp", "'2024-02-29 23:59:59.123456'", _LOCAL, "2024-02-29 23:59:59.123456"),
    ReadCase("timestamp", "'4713-01-01 BC'", _LOCAL, "4713-01-01 (BC) 00:00:00"),
    ReadCase("timestamp", "'infinity'", _LOCAL, error=True),
    ReadCase("timestamp", "'2024-03-10 02:30:00'", _LOCAL, "2024-03-10 02:30:00"),
    ReadCase("timestamptz", "'2024-07-01 12:00:00.123456+05'", _INSTANT, "2024-07-01 07:00:00.123456+00"),
    ReadCase("timestamptz", "'-infinity'", _INSTANT, error=True),
    ReadCase("text", "E'a\\nb\\tc\\\\d'", _TEXT, "a\nb\tc\\d"),
    ReadCase(
        "uuid", "'ffffffff-ffff-ffff-ffff-fffffffffff0'", "UUID", "ffffffff-ffff-ffff-ffff-fffffffffff0"
    ),
    ReadCase("bytea", "'\\x00ff61'", "BLOB", "\\x00\\xFFa"),
    ReadCase("bytea", "''", "BLOB", ""),
    ReadCase("json", """'{"a":  1, "a": 1e400}'""", "JSON", '{"a":  1, "a": 1e400}'),
    ReadCase("jsonb", """'{"b": [1, null]}'""", "JSON", '{"b": [1, null]}'),
    ReadCase("xml", "'<a/>'", _TEXT, "<a/>", loses=True),
    ReadCase("bit(3)", "B'101'", _TEXT, "101", loses=True),
    ReadCase("inet", "'10.0.0.1/8'", _TEXT, "10.0.0.1/8", loses=True),
    ReadCase("interval", "'1 year 2 mons'", _TEXT, loses=True, text="1 year 2 mons"),
    ReadCase("integer[]", "'{1,NULL,3}'", _TEXT, "{1,NULL,3}", loses=True),
)

MARIADB_READ_CASES = (
    ReadCase("tinyint(1)", "2", "TINYINT", "2"),
    ReadCase("tinyint unsigned", "255", "UTINYINT", "255"),
    ReadCase("smallint unsigned", "65535", "USMALLINT", "65535"),
    ReadCase("mediumint", "-8388608", "INTEGER", "-8388608"),
    ReadCase("int unsigned", "4294967295", "UINTEGER", "4294967295"),
    ReadCase("bigint", "-9223372036854775808", "BIGINT", "-9223372036854775808"),
    ReadCase("bigint unsigned", "18446744073709551615", "UBIGINT", "18446744073709551615"),
    ReadCase("bigint unsigned", "null", "UBIGINT", None),
    ReadCase("year", "2024", "USMALLINT", "2024"),
    ReadCase("float", "0.1", "FLOAT", "0.1"),
    ReadCase("double", "0.1", "DOUBLE", "0.1"),
    ReadCase("decimal(38,38)", f"0.{_NINES}", "DECIMAL(38,38)", f".{_NINES}"),
    ReadCase("decimal(65,0)", "9" * 65, _TEXT, "9" * 65, loses=True),
    ReadCase("date", "'2024-02-29'", "DATE", "2024-02-29"),
    ReadCase("date", "'1582-10-10'", "DATE", "1582-10-10"),
    ReadCase("date", "'0000-00-00'", "DATE", error=True),
    ReadCase("datetime(6)", "'2024-02-29 23:59:59.123456'", _LOCAL, "2024-02-29 23:59:59.123456"),
    ReadCase("datetime(6)", "'0000-00-00'", _LOCAL, error=True),
    ReadCase("datetime", "'2024-03-10 02:30:00'", _LOCAL, "2024-03-10 02:30:00"),
    ReadCase("timestamp(6) null", "'2024-07-01 12:00:00.5'", _INSTANT, "2024-07-01 12:00:00.5+00"),
    ReadCase("time(6)", "'23:59:59.999999'", "TIME", "23:59:59.999999"),
    ReadCase("time", "'-800:00:00'", "TIME", error=True),
    ReadCase("char(5)", "'ab'", _TEXT, "ab"),
    ReadCase("varchar(20)", "'ab😀é '", _TEXT, "ab😀é "),
    ReadCase("longtext", "'ab😀é'", _TEXT, "ab😀é"),
    ReadCase("enum('sad','happy')", "'happy'", _TEXT, "happy"),
    ReadCase("set('a','b')", "'a,b'", _TEXT, "a,b"),
    ReadCase("binary(3)", "x'00ff'", "BLOB", "\\x00\\xFF\\x00"),
    ReadCase("longblob", "x'00ff61'", "BLOB", "\\x00\\xFFa"),
    ReadCase("bit(1)", "b'1'", "BOOLEAN", "true"),
    ReadCase("json", """'{"a":  1}'""", "JSON", '{"a":  1}'),
    ReadCase(
        "uuid", "'ffffffff-ffff-ffff-ffff-fffffffffff0'", "UUID", "ffffffff-ffff-ffff-ffff-fffffffffff0"
    ),
)
