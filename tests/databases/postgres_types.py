"""Type matrix of PostgreSQL: extractions and loads."""

from __future__ import annotations

from dvt.testing.databases import LoadCase, ReadCase

_TEXT = "VARCHAR"
_LOCAL = "TIMESTAMP"
_INSTANT = "TIMESTAMP WITH TIME ZONE"
_OFFSET = "TIME WITH TIME ZONE"
_UNBOUNDED = "DECIMAL(38,18)"
"""Stage type of a numeric without precision and scale."""
_MOOD = "ENUM('worst', 'sad', 'happy')"
_NINES = "9" * 38

NUMBERS = (
    ReadCase("boolean", "true", "BOOLEAN", "true"),
    ReadCase("boolean", "null", "BOOLEAN", None),
    ReadCase("smallint", "-32768", "SMALLINT", "-32768"),
    ReadCase("integer", "2147483647", "INTEGER", "2147483647"),
    ReadCase("bigint", "-9223372036854775808", "BIGINT", "-9223372036854775808"),
    ReadCase("real", "'0.1'", "FLOAT", "0.1"),
    ReadCase("real", "'NaN'", "FLOAT", "nan"),
    ReadCase("real", "'-Infinity'", "FLOAT", "-inf"),
    ReadCase("double precision", "'0.1'", "DOUBLE", "0.1"),
    ReadCase("double precision", "'1.7976931348623157e308'", "DOUBLE", "1.7976931348623157e+308"),
    ReadCase("double precision", "'NaN'", "DOUBLE", "nan"),
    ReadCase("double precision", "'Infinity'", "DOUBLE", "inf"),
    ReadCase("double precision", "'-0'", "DOUBLE", "-0.0"),
    ReadCase("numeric(10,2)", "-12345678.90", "DECIMAL(10,2)", "-12345678.90"),
    ReadCase("numeric(10,2)", "null", "DECIMAL(10,2)", None),
    ReadCase("numeric(10,2)", "'NaN'", "DECIMAL(10,2)", error=True),
    ReadCase("numeric(38,0)", f"-{_NINES}", "DECIMAL(38,0)", f"-{_NINES}"),
    ReadCase("numeric(38,38)", f"0.{_NINES}", "DECIMAL(38,38)", f".{_NINES}"),
    ReadCase("numeric(5,-2)", "1234567", "DECIMAL(7,0)", "1234600"),
    ReadCase("numeric(3,5)", "0.00999", "DECIMAL(5,5)", ".00999"),
    ReadCase("numeric(40,2)", "1" * 36 + ".25", "DECIMAL(38,2)", "1" * 36 + ".25"),
    ReadCase("numeric(40,2)", "1" * 37 + ".25", "DECIMAL(38,2)", error=True),
    ReadCase("numeric(50,40)", "1.5", "DECIMAL(38,28)", "1.5" + "0" * 27),
    ReadCase("numeric(50,40)", "1e-40", "DECIMAL(38,28)", error=True),
    ReadCase(
        "numeric",
        "12345678901234567890.123456789012345678",
        _UNBOUNDED,
        "12345678901234567890.123456789012345678",
    ),
    ReadCase("numeric", "-0.000000000000000001", _UNBOUNDED, "-0.000000000000000001"),
    ReadCase("numeric", "1.5000000000000000000000000", _UNBOUNDED, "1.500000000000000000"),
    ReadCase("numeric", "0.0000000000000000001", _UNBOUNDED, error=True),
    ReadCase("numeric", "100000000000000000000", _UNBOUNDED, error=True),
    ReadCase("numeric", "'NaN'", _UNBOUNDED, error=True),
    ReadCase("numeric", "'-Infinity'", _UNBOUNDED, error=True),
    ReadCase("money", "'1234.50'", _TEXT, "$1,234.50", loses=True),
    ReadCase("oid", "4294967295", "BIGINT", "4294967295"),
)

DATES_AND_TIMES = (
    ReadCase("date", "'2024-02-29'", "DATE", "2024-02-29"),
    ReadCase("date", "'4713-01-01 BC'", "DATE", "4713-01-01 (BC)"),
    ReadCase("date", "'5874897-12-31'", "DATE", "5874897-12-31"),
    ReadCase("date", "'infinity'", "DATE", "infinity"),
    ReadCase("date", "'-infinity'", "DATE", "-infinity"),
    ReadCase("time", "'23:59:59.999999'", "TIME", "23:59:59.999999"),
    ReadCase("time", "'24:00:00'", "TIME", "24:00:00"),
    ReadCase("timetz", "'12:00:00.5+05:30'", _OFFSET, "12:00:00.5+05:30"),
    ReadCase("timestamp", "'2024-02-29 23:59:59.123456'", _LOCAL, "2024-02-29 23:59:59.123456"),
    ReadCase("timestamp(3)", "'2024-02-29 23:59:59.123'", _LOCAL, "2024-02-29 23:59:59.123"),
    ReadCase("timestamp", "'4713-01-01 BC'", _LOCAL, "4713-01-01 (BC) 00:00:00"),
    ReadCase("timestamp", "'infinity'", _LOCAL, "infinity"),
    ReadCase("timestamp", "'-infinity'", _LOCAL, "-infinity"),
    ReadCase("timestamp", "'294246-12-31 23:59:59.999999'", _LOCAL, "294246-12-31 23:59:59.999999"),
    ReadCase("timestamp", "'294276-01-01'", _LOCAL, error=True),
    ReadCase("timestamptz", "'2024-07-01 12:00:00.123456+05'", _INSTANT, "2024-07-01 07:00:00.123456+00"),
    ReadCase("timestamptz", "'-infinity'", _INSTANT, "-infinity"),
    ReadCase("timestamptz", "'294276-01-01 00:00+00'", _INSTANT, error=True),
    ReadCase(
        "interval",
        "'1 year 2 mons -3 days 04:05:06.789012'",
        "INTERVAL",
        "1 year 2 months -3 days 04:05:06.789012",
    ),
    ReadCase("interval", "'-14 mons -00:00:00.000001'", "INTERVAL", "-1 year -2 months -00:00:00.000001"),
    ReadCase("interval", "'0'", "INTERVAL", "00:00:00"),
)

TEXTS = (
    ReadCase("text", "'ab😀é '", _TEXT, "ab😀é "),
    ReadCase("text", "''", _TEXT, ""),
    ReadCase("text", "null", _TEXT, None),
    ReadCase("text", "E'a\\nb\\tc\\\\d'", _TEXT, "a\nb\tc\\d"),
    ReadCase("varchar(10)", "'abc  '", _TEXT, "abc  "),
    ReadCase("char(5)", "'ab'", _TEXT, "ab"),
    ReadCase('"char"', "'x'", _TEXT, "x"),
    ReadCase("name", "'abc'", _TEXT, "abc"),
    ReadCase(
        "uuid", "'ffffffff-ffff-ffff-ffff-fffffffffff0'", "UUID", "ffffffff-ffff-ffff-ffff-fffffffffff0"
    ),
    ReadCase("bytea", "'\\x00ff61'", "BLOB", "\\x00\\xFFa"),
    ReadCase("bytea", "''", "BLOB", ""),
    ReadCase("json", """'{"a":  1, "a": 1e400}'""", "JSON", '{"a":  1, "a": 1e400}'),
    ReadCase("jsonb", """'{"b": [1, null]}'""", "JSON", '{"b": [1, null]}'),
    ReadCase("xml", "'<a/>'", _TEXT, "<a/>", loses=True),
    ReadCase("bit(3)", "B'101'", _TEXT, "101", loses=True),
    ReadCase("bit varying", "B'1'", _TEXT, "1", loses=True),
    ReadCase("inet", "'10.0.0.1/8'", _TEXT, "10.0.0.1/8", loses=True),
    ReadCase("cidr", "'10.0.0.0/8'", _TEXT, "10.0.0.0/8", loses=True),
    ReadCase("macaddr", "'08:00:2b:01:02:03'", _TEXT, "08:00:2b:01:02:03", loses=True),
    ReadCase("tsvector", "'a b'", _TEXT, "'a' 'b'", loses=True),
    ReadCase("int4range", "'[1,5)'", _TEXT, "[1,5)", loses=True),
    ReadCase("tstzrange", "'[2024-01-01 00:00+05,)'", _TEXT, '["2023-12-31 19:00:00+00",)', loses=True),
    ReadCase("point", "'(0.1,2)'", _TEXT, "(0.1,2)", loses=True),
    ReadCase("pg_lsn", "'16/B374D848'", _TEXT, "16/B374D848", loses=True),
)

LISTS = (
    ReadCase("integer[]", "'{1,NULL,3}'", "INTEGER[]", "[1, NULL, 3]"),
    ReadCase("integer[]", "'{}'", "INTEGER[]", "[]"),
    ReadCase("integer[]", "null", "INTEGER[]", None),
    ReadCase("integer[]", "'{{1,2},{3,4}}'", "INTEGER[]", error=True),
    ReadCase("integer[]", "'[0:1]={1,2}'", "INTEGER[]", error=True),
    ReadCase("text[]", '\'{a,"b, c",NULL,""}\'', "VARCHAR[]", "[a, 'b, c', NULL, '']"),
    ReadCase("varchar(3)[]", "'{abc}'", "VARCHAR[]", "[abc]"),
    ReadCase("boolean[]", "'{t,f}'", "BOOLEAN[]", "[true, false]"),
    ReadCase("float8[]", "'{NaN,-Infinity,0.1}'", "DOUBLE[]", "[nan, -inf, 0.1]"),
    ReadCase("numeric(10,2)[]", "'{1.25,NULL}'", "DECIMAL(10,2)[]", "[1.25, NULL]"),
    ReadCase("numeric(10,2)[]", "'{1.25,NaN,NULL}'", "DECIMAL(10,2)[]", error=True),
    ReadCase("numeric[]", "'{1.5,NULL}'", f"{_UNBOUNDED}[]", "[1.500000000000000000, NULL]"),
    ReadCase("numeric[]", "'{0.0000000000000000001}'", f"{_UNBOUNDED}[]", error=True),
    ReadCase("date[]", "'{2024-02-29,infinity}'", "DATE[]", "[2024-02-29, infinity]"),
    ReadCase(
        "timestamp[]", "'{2024-02-29 01:02:03.000004}'", "TIMESTAMP[]", "['2024-02-29 01:02:03.000004']"
    ),
    ReadCase("timestamp[]", "'{294276-01-01}'", "TIMESTAMP[]", error=True),
    ReadCase("timestamp[]", "'{infinity,-infinity,NULL}'", "TIMESTAMP[]", "[infinity, -infinity, NULL]"),
    ReadCase("timestamptz[]", "'{infinity}'", f"{_INSTANT}[]", "[infinity]"),
    ReadCase(
        "uuid[]",
        "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'",
        "UUID[]",
        "[a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11]",
    ),
    ReadCase("inet[]", "'{10.0.0.1}'", _TEXT, "{10.0.0.1}", loses=True),
    ReadCase("bytea[]", "array['\\x00ff'::bytea]", _TEXT, '{"\\\\x00ff"}', loses=True),
)

USER_DEFINED = (
    ReadCase("mood", "'happy'", _MOOD, "happy"),
    ReadCase("any_mood", "'sad'", _MOOD, "sad"),
    ReadCase("mood[]", "'{happy,NULL}'", f"{_MOOD}[]", "[happy, NULL]"),
    ReadCase("braced", "'}'", "ENUM('{0}', '}', 'it''s', '')", "}"),
    ReadCase("cents", "12.34", "DECIMAL(6,2)", "12.34"),
    ReadCase("cents_or_more", "12.34", "DECIMAL(6,2)", "12.34"),
    ReadCase("loose", "1.5", _UNBOUNDED, "1.500000000000000000"),
    ReadCase("numbers", "'{1,2}'", "INTEGER[]", "[1, 2]"),
    ReadCase("pair", "'(1,a)'", _TEXT, "(1,a)", loses=True),
)
USER_DEFINED_TYPES = (
    "create type mood as enum ('worst', 'happy')",
    "alter type mood add value 'sad' before 'happy'",
    "create domain any_mood as mood",
    "create type braced as enum ('{0}', '}', 'it''s', '')",
    "create domain cents as numeric(6,2)",
    "create domain cents_or_more as cents check (value > 0)",
    "create domain loose as numeric",
    "create domain numbers as integer[]",
    "create type pair as (a integer, b text)",
)
"""Statements that create the types of `USER_DEFINED`."""

READ_CASES: tuple[ReadCase, ...] = (*NUMBERS, *DATES_AND_TIMES, *TEXTS, *LISTS, *USER_DEFINED)

LOAD_CASES: tuple[LoadCase, ...] = (
    LoadCase("BOOLEAN", "true", "boolean", "true"),
    LoadCase("TINYINT", "-128", "smallint", "-128"),
    LoadCase("UTINYINT", "255", "smallint", "255"),
    LoadCase("SMALLINT", "-32768", "smallint", "-32768"),
    LoadCase("USMALLINT", "65535", "integer", "65535"),
    LoadCase("INTEGER", "-2147483648", "integer", "-2147483648"),
    LoadCase("UINTEGER", "4294967295", "bigint", "4294967295"),
    LoadCase("BIGINT", "-9223372036854775808", "bigint", "-9223372036854775808"),
    LoadCase("UBIGINT", "18446744073709551615", "numeric(20,0)", "18446744073709551615"),
    LoadCase("HUGEINT", f"'-{_NINES}'", "numeric(38,0)", f"-{_NINES}"),
    LoadCase("HUGEINT", f"1{'0' * 38}", "numeric(38,0)", error=True),
    LoadCase("DECIMAL(38,0)", _NINES, "numeric(38,0)", _NINES),
    LoadCase("DECIMAL(38,38)", f"'-0.{_NINES}'", "numeric(38,38)", f"-0.{_NINES}"),
    LoadCase("DECIMAL(10,2)", "-12345678.90", "numeric(10,2)", "-12345678.90"),
    LoadCase("DECIMAL(10,2)", "10000.00", "numeric(10,2)", "10000.00"),
    LoadCase("DECIMAL(9,9)", "'-0.999990000'", "numeric(9,9)", "-0.999990000"),
    LoadCase("DECIMAL(17,17)", "'-0.73690619752060949'", "numeric(17,17)", "-0.73690619752060949"),
    LoadCase("DECIMAL(18,17)", "'-0.09999999999990000'", "numeric(18,17)", "-0.09999999999990000"),
    LoadCase("DECIMAL(18,18)", "'0.099999999999990000'", "numeric(18,18)", "0.099999999999990000"),
    LoadCase(
        "DECIMAL(38,37)",
        "'-9.0999999999999999999999999999999999999'",
        "numeric(38,37)",
        "-9.0999999999999999999999999999999999999",
    ),
    LoadCase("DECIMAL(4,1)", "0.0", "numeric(4,1)", "0.0"),
    LoadCase("DECIMAL(38,18)", "'0.000100000000000001'", "numeric(38,18)", "0.000100000000000001"),
    LoadCase("DECIMAL(10,2)", "null", "numeric(10,2)", None),
    LoadCase("FLOAT", "0.1", "real", "0.1"),
    LoadCase("DOUBLE", "'nan'", "double precision", "NaN"),
    LoadCase("DOUBLE", "'-inf'", "double precision", "-Infinity"),
    LoadCase("DOUBLE", "1.7976931348623157e308", "double precision", "1.7976931348623157e+308"),
    LoadCase("VARCHAR", "'ab😀é '", "text", "ab😀é "),
    LoadCase("VARCHAR", "''", "text", ""),
    LoadCase("VARCHAR", "null", "text", None),
    LoadCase("VARCHAR", "'a' || chr(0) || 'b'", "text", error=True),
    LoadCase("BLOB", "'\\x00\\xFF'::BLOB", "bytea", "\\x00ff"),
    LoadCase(
        "UUID", "'ffffffff-ffff-ffff-ffff-fffffffffff0'", "uuid", "ffffffff-ffff-ffff-ffff-fffffffffff0"
    ),
    LoadCase(
        "UUID", "'00000000-0000-0000-0000-000000000001'", "uuid", "00000000-0000-0000-0000-000000000001"
    ),
    LoadCase("JSON", """'{"a":  1}'""", "json", '{"a":  1}'),
    LoadCase("DATE", "'2024-02-29'", "date", "2024-02-29"),
    LoadCase("DATE", "'infinity'", "date", "infinity"),
    LoadCase("DATE", "'4713-01-01 (BC)'", "date", "4713-01-01 BC"),
    LoadCase("DATE", "'5000-01-01 (BC)'", "date", error=True),
    LoadCase("TIME", "'23:59:59.999999'", "time without time zone", "23:59:59.999999"),
    LoadCase("TIME", "'24:00:00'", "time without time zone", "24:00:00"),
    LoadCase(_OFFSET, "'12:00:00.5+05:30'", "time with time zone", "12:00:00.5+05:30"),
    LoadCase(
        _LOCAL, "'2024-02-29 23:59:59.123456'", "timestamp without time zone", "2024-02-29 23:59:59.123456"
    ),
    LoadCase(_LOCAL, "'infinity'", "timestamp without time zone", "infinity"),
    LoadCase(_LOCAL, "'-infinity'", "timestamp without time zone", "-infinity"),
    LoadCase(_LOCAL, "'0044-03-15 (BC) 12:00:00'", "timestamp without time zone", "0044-03-15 12:00:00 BC"),
    LoadCase(_LOCAL, "'290000-01-01 (BC) 00:00:00'", "timestamp without time zone", error=True),
    LoadCase(_LOCAL, "'290308-12-22 (BC) 00:00:00'", "timestamp without time zone", error=True),
    LoadCase("TIMESTAMP_S", "'2024-02-29 23:59:59'", "timestamp without time zone", "2024-02-29 23:59:59"),
    LoadCase(
        "TIMESTAMP_NS",
        "'2024-02-29 23:59:59.123456789'",
        "timestamp without time zone",
        "2024-02-29 23:59:59.123456",
        loses=True,
    ),
    LoadCase(
        _INSTANT,
        "'2024-07-01 12:00:00.123456+05'",
        "timestamp with time zone",
        "2024-07-01 07:00:00.123456+00",
    ),
    LoadCase(_INSTANT, "'infinity'", "timestamp with time zone", "infinity"),
    LoadCase(
        "INTERVAL",
        "'14 months -3 days 04:05:06.789012'",
        "interval",
        "1 year 2 mons -3 days +04:05:06.789012",
    ),
    LoadCase("ENUM('b', 'a')", "'a'", "text", "a", loses=True),
    LoadCase("ENUM('b', 'a')[]", "['a', NULL]", "text[]", "{a,NULL}", loses=True),
    LoadCase("INTEGER[]", "[1, NULL, 3]", "integer[]", "{1,NULL,3}"),
    LoadCase("INTEGER[]", "[]", "integer[]", "{}"),
    LoadCase("INTEGER[]", "null", "integer[]", None),
    LoadCase("VARCHAR[]", "['a', 'b, c', NULL, '']", "text[]", '{a,"b, c",NULL,""}'),
    LoadCase("DOUBLE[]", "['nan'::DOUBLE, 0.1]", "double precision[]", "{NaN,0.1}"),
    LoadCase("DECIMAL(10,2)[]", "[1.25, NULL]", "numeric(10,2)[]", "{1.25,NULL}"),
    LoadCase("DATE[]", "['2024-02-29'::DATE]", "date[]", "{2024-02-29}"),
    LoadCase(
        "TIMESTAMP[]",
        "['2024-02-29 01:02:03'::TIMESTAMP]",
        "timestamp without time zone[]",
        '{"2024-02-29 01:02:03"}',
    ),
    LoadCase("TIMESTAMP[]", "['infinity'::TIMESTAMP]", "timestamp without time zone[]", "{infinity}"),
    LoadCase("TIMESTAMP[]", "['290308-12-22 (BC) 00:00:00']", "timestamp without time zone[]", error=True),
    LoadCase(f"{_INSTANT}[]", "['290308-12-22 (BC) 00:00:00+00']", "timestamp with time zone[]", error=True),
    LoadCase("DATE[]", "['5000-01-01 (BC)']", "date[]", error=True),
    LoadCase("VARCHAR[]", "['a' || chr(0)]", "text[]", error=True),
    LoadCase("BOOLEAN[]", "[true]", "boolean[]", "{t}"),
    LoadCase("UBIGINT[]", "[18446744073709551615]", "numeric(20,0)[]", "{18446744073709551615}"),
    LoadCase(
        "UUID[]",
        "['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID]",
        "uuid[]",
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
    ),
    LoadCase("INTEGER[][]", "[[1], [2, 3]]", "json", "[[1],[2,3]]", loses=True),
    LoadCase("STRUCT(a INTEGER, b VARCHAR)", "{'a': 1, 'b': 'x'}", "json", '{"a":1,"b":"x"}', loses=True),
    LoadCase("STRUCT(a DOUBLE)", "{'a': 'nan'::DOUBLE}", "json", error=True, loses=True),
    LoadCase("MAP(VARCHAR, INTEGER)", "MAP {'x': 1}", "json", '{"x":1}', loses=True),
    LoadCase(
        "VARIANT", "{'a': [1], 'b': DATE '2024-02-29'}", "json", '{"a":[1],"b":"2024-02-29"}', loses=True
    ),
    LoadCase("VARIANT", "'x'", "json", '"x"', loses=True),
    LoadCase("TIME_NS", "'23:59:59.9999999'", "time without time zone", "24:00:00", loses=True),
)
