"""Type matrices of DuckDB, SQLite and Parquet files: extractions and loads."""

from __future__ import annotations

from dvt.testing.databases import LoadCase, ReadCase

_HUGE = "170141183460469231731687303715884105727"
_UHUGE = "340282366920938463463374607431768211455"
_LONG = "1234567890123456789012345678.0123456789"
_UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"

_STORED_AS_IS = (
    ("BOOLEAN", "true", "true"),
    ("TINYINT", "-128", "-128"),
    ("SMALLINT", "-32768", "-32768"),
    ("INTEGER", "-2147483648", "-2147483648"),
    ("BIGINT", "-9223372036854775808", "-9223372036854775808"),
    ("UTINYINT", "255", "255"),
    ("USMALLINT", "65535", "65535"),
    ("UINTEGER", "4294967295", "4294967295"),
    ("UBIGINT", "18446744073709551615", "18446744073709551615"),
    ("FLOAT", "'nan'::FLOAT", "nan"),
    ("FLOAT", "1.5::FLOAT", "1.5"),
    ("DOUBLE", "'-infinity'::DOUBLE", "-inf"),
    ("DOUBLE", "'nan'::DOUBLE", "nan"),
    ("DOUBLE", "0.1::DOUBLE", "0.1"),
    ("DECIMAL(38,10)", _LONG, _LONG),
    ("DECIMAL(4,4)", "0.1234", ".1234"),
    ("DECIMAL(18,3)", "-999999999999999.999", "-999999999999999.999"),
    ("VARCHAR", "''", ""),
    ("VARCHAR", "'it''s 😀 ÿ'", "it's 😀 ÿ"),
    ("VARCHAR", "'a' || chr(0) || 'b'", "a\0b"),
    ("VARCHAR", "NULL", None),
    ("BLOB", "'\\x00\\xFF'::BLOB", "\\x00\\xFF"),
    ("BLOB", "''::BLOB", ""),
    ("DATE", "DATE '2024-02-29'", "2024-02-29"),
    ("DATE", "'infinity'::DATE", "infinity"),
    ("DATE", "'0044-03-15 (BC)'::DATE", "0044-03-15 (BC)"),
    ("TIME", "TIME '23:59:59.999999'", "23:59:59.999999"),
    ("TIMESTAMP", "TIMESTAMP '2024-02-29 12:34:56.789012'", "2024-02-29 12:34:56.789012"),
    ("TIMESTAMP", "'294246-12-31 23:59:59.999999'::TIMESTAMP", "294246-12-31 23:59:59.999999"),
    ("TIMESTAMP", "'-infinity'::TIMESTAMP", "-infinity"),
    ("TIMESTAMP_NS", "'2024-01-01 10:00:01.123456789'::TIMESTAMP_NS", "2024-01-01 10:00:01.123456789"),
    (
        "TIMESTAMP WITH TIME ZONE",
        "'2024-01-01 10:00:01.123456+05:30'::TIMESTAMPTZ",
        "2024-01-01 04:30:01.123456+00",
    ),
    ("UUID", f"'{_UUID}'::UUID", _UUID),
    ("JSON", "'{\"a\": 1}'::JSON", '{"a": 1}'),
    ("INTEGER[]", "[1, NULL, 3]", "[1, NULL, 3]"),
    ("MAP(VARCHAR, INTEGER)", "MAP {'a': 1}", "{a=1}"),
)
"""Values of types that Parquet stores: (type, literal, text)."""

_STORED_AS_TEXT = (
    ("HUGEINT", f"-{_HUGE}", f"-{_HUGE}"),
    ("HUGEINT", _HUGE, _HUGE),
    ("UHUGEINT", _UHUGE, _UHUGE),
    ("BIGNUM", f"'{_UHUGE}{_UHUGE}'::BIGNUM", f"{_UHUGE}{_UHUGE}"),
    ("TIME WITH TIME ZONE", "'10:11:12.123456+05:30'::TIMETZ", "10:11:12.123456+05:30"),
    ("TIME_NS", "'10:11:12.123456789'::TIME_NS", "10:11:12.123456789"),
    ("INTERVAL", "INTERVAL '1 month 2 days 03:04:05.678901'", "1 month 2 days 03:04:05.678901"),
    ("INTERVAL", "INTERVAL '-1 month'", "-1 month"),
    ("BIT", "'0101'::BIT", "0101"),
    ("ENUM('b', 'a')", "'b'", "b"),
    ("HUGEINT[]", f"[{_HUGE}, NULL]", f"[{_HUGE}, NULL]"),
)
"""Values of DuckDB types that Parquet lacks: (type, literal, text)."""

DUCKDB_READ_CASES: tuple[ReadCase, ...] = (
    *(ReadCase(type_, literal, type_, text) for type_, literal, text in _STORED_AS_IS + _STORED_AS_TEXT),
    ReadCase("TIMESTAMP_S", "'2024-01-01 10:00:01'::TIMESTAMP_S", "TIMESTAMP_S", "2024-01-01 10:00:01"),
    ReadCase(
        "TIMESTAMP_MS", "'2024-01-01 10:00:01.123'::TIMESTAMP_MS", "TIMESTAMP_MS", "2024-01-01 10:00:01.123"
    ),
    ReadCase("INTEGER[2]", "[1, 2]", "INTEGER[2]", "[1, 2]"),
    ReadCase(
        "STRUCT(a INTEGER, b VARCHAR)",
        "{'a': 1, 'b': 'x'}",
        'STRUCT("a" INTEGER, "b" VARCHAR)',
        "{'a': 1, 'b': x}",
    ),
    ReadCase(
        "STRUCT(h HUGEINT, e ENUM('x'))",
        f"{{'h': {_HUGE}, 'e': 'x'}}",
        'STRUCT("h" HUGEINT, "e" ENUM(\'x\'))',
        f"{{'h': {_HUGE}, 'e': x}}",
    ),
    ReadCase("UNION(n INTEGER, s VARCHAR)", "'x'", "VARCHAR", "x", loses=True),
    ReadCase("GEOMETRY", "'POINT (1 2)'", "GEOMETRY", "POINT (1 2)"),
    ReadCase("STRUCT(u UNION(n INTEGER))", "{'u': 1}", 'STRUCT("u" VARCHAR)', "{'u': 1}", loses=True),
)

FILE_READ_CASES: tuple[ReadCase, ...] = tuple(
    ReadCase(type_, literal, type_, text) for type_, literal, text in _STORED_AS_IS
)

DUCKDB_LOAD_CASES: tuple[LoadCase, ...] = tuple(
    LoadCase(type_, literal, type_, text)
    for type_, literal, text in (
        *_STORED_AS_IS,
        *_STORED_AS_TEXT,
        ("STRUCT(a INTEGER, b VARCHAR)", "{'a': 1, 'b': 'x'}", "{'a': 1, 'b': x}"),
    )
)

_ABOVE_DOUBLE = "9007199254740993"

SQLITE_READ_CASES: tuple[ReadCase, ...] = (
    ReadCase("INTEGER", "9223372036854775807", "BIGINT", "9223372036854775807"),
    ReadCase("BIGINT", "-9223372036854775808", "BIGINT", "-9223372036854775808"),
    ReadCase("UNSIGNED BIG INT", "NULL", "BIGINT", None),
    ReadCase("INTEGER", "'abc'", "BIGINT", error=True),
    ReadCase("INTEGER", "1.5", "BIGINT", error=True),
    ReadCase("INTEGER", "''", "BIGINT", error=True),
    ReadCase("INTEGER PRIMARY KEY", "7", "BIGINT", "7"),
    ReadCase("BOOLEAN", "1", "BOOLEAN", "true"),
    ReadCase("BOOLEAN", "2", "BOOLEAN", error=True),
    ReadCase("BOOLEAN", "'true'", "BOOLEAN", error=True),
    ReadCase("REAL", "0.1", "DOUBLE", "0.1"),
    ReadCase("REAL", "9e999", "DOUBLE", "inf"),
    ReadCase("DOUBLE PRECISION", "-1.7976931348623157e308", "DOUBLE", "-1.7976931348623157e+308"),
    ReadCase("FLOAT", "'abc'", "DOUBLE", error=True),
    ReadCase("NUMERIC", "3", "DOUBLE", "3.0"),
    ReadCase("NUMERIC", _ABOVE_DOUBLE, "DOUBLE", error=True),
    ReadCase("DECIMAL(10,2)", "3.14", "DECIMAL(10,2)", "3.14"),
    ReadCase("DECIMAL(10,2)", "-99999999.99", "DECIMAL(10,2)", "-99999999.99"),
    ReadCase("DECIMAL(10,2)", "0.1 + 0.2", "DECIMAL(10,2)", "0.30"),
    ReadCase("DECIMAL(10,2)", "3.149", "DECIMAL(10,2)", error=True),
    ReadCase("DECIMAL(10,2)", "100000000", "DECIMAL(10,2)", error=True),
    ReadCase("DECIMAL(10,2)", "'x'", "DECIMAL(10,2)", error=True),
    ReadCase("DECIMAL(38,2)", _ABOVE_DOUBLE, "DECIMAL(38,2)", f"{_ABOVE_DOUBLE}.00"),
    ReadCase("NUMERIC(20)", "9223372036854775807", "DECIMAL(20,0)", "9223372036854775807"),
    ReadCase("TEXT", "''", "VARCHAR", ""),
    ReadCase("TEXT", "NULL", "VARCHAR", None),
    ReadCase("TEXT", "'it''s 😀 ÿ'", "VARCHAR", "it's 😀 ÿ"),
    ReadCase("TEXT", "'a' || char(0) || 'b'", "VARCHAR", "a\0b"),
    ReadCase("TEXT", "x'00ff'", "VARCHAR", error=True),
    ReadCase("TEXT", "CAST(x'ff41' AS TEXT)", "VARCHAR", error=True),
    ReadCase("VARCHAR(3)", "'longer'", "VARCHAR", "longer"),
    ReadCase("STRING", "'x'", "VARCHAR", "x"),
    ReadCase("JSON", "5", "VARCHAR", "5"),
    ReadCase("BLOB", "x'00ff'", "BLOB", "\\x00\\xFF"),
    ReadCase("BLOB", "x''", "BLOB", ""),
    ReadCase("BLOB", "'text'", "BLOB", error=True),
    ReadCase("DATE", "'2024-02-29'", "DATE", "2024-02-29"),
    ReadCase("DATE", "'2024-02-30'", "DATE", error=True),
    ReadCase("DATE", "'2024-01-01 10:00:00'", "DATE", error=True),
    ReadCase("DATE", "1704067200", "DATE", error=True),
    ReadCase("DATE", "2460000.5", "DATE", error=True),
    ReadCase("DATETIME", "'2024-02-29 10:11:12.123456'", "TIMESTAMP", "2024-02-29 10:11:12.123456"),
    ReadCase("TIMESTAMP", "'2024-02-29T10:11'", "TIMESTAMP", "2024-02-29 10:11:00"),
    ReadCase("TIMESTAMP", "'2024-02-29'", "TIMESTAMP", "2024-02-29 00:00:00"),
    ReadCase("TIMESTAMP", "'2024-02-29 10:11:12.1234567'", "TIMESTAMP", error=True),
    ReadCase("TIMESTAMP", "'2024-02-29T10:11:12Z'", "TIMESTAMP", error=True),
    ReadCase("TIMESTAMP", "1704067200", "TIMESTAMP", error=True),
    ReadCase(
        "TIMESTAMPTZ", "'2024-02-29 10:11:12+05:30'", "TIMESTAMP WITH TIME ZONE", "2024-02-29 04:41:12+00"
    ),
    ReadCase("TIMESTAMPTZ", "'2024-02-29 10:11:12'", "TIMESTAMP WITH TIME ZONE", error=True),
    ReadCase("TIME", "'10:11:12.5'", "TIME", "10:11:12.5"),
    ReadCase("TIME", "'25:00:00'", "TIME", error=True),
    ReadCase("", "7", "BIGINT", "7"),
    ReadCase("", "1.5", "DOUBLE", "1.5"),
    ReadCase("", "'x'", "VARCHAR", "x"),
    ReadCase("", "x'01'", "BLOB", "\\x01"),
    ReadCase("", "NULL", "VARCHAR", None),
)
