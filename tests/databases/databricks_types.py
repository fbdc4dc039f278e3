"""Type matrix of Databricks: loads, as Spark's SQL reads them."""

from __future__ import annotations

from dvt.testing.databases import LoadCase

_NINES = "9" * 38
_WIDE_DIGITS = "1234567890123456789012345678.0123456789"
_ODD = (
    "'a''b\\c\\n\\u0041\"d' || chr(9) || chr(10) || chr(13) || chr(0) || "
    "'😀é ,{}$?%_ ${spark.app.name} ' || ' '"
)
_ODD_TEXT = "a'b\\c\\n\\u0041\"d\t\n\r\x00😀é ,{}$?%_ ${spark.app.name}  "

LOAD_CASES = (
    LoadCase("BOOLEAN", "true", "boolean", "true"),
    LoadCase("BOOLEAN", "NULL", "boolean", None),
    LoadCase("TINYINT", "-128", "tinyint", "-128"),
    LoadCase("UTINYINT", "255", "smallint", "255"),
    LoadCase("SMALLINT", "-32768", "smallint", "-32768"),
    LoadCase("USMALLINT", "65535", "int", "65535"),
    LoadCase("INTEGER", "-2147483648", "int", "-2147483648"),
    LoadCase("UINTEGER", "4294967295", "bigint", "4294967295"),
    LoadCase("BIGINT", "-9223372036854775808", "bigint", "-9223372036854775808"),
    LoadCase("UBIGINT", "18446744073709551615", "decimal(20,0)", "18446744073709551615"),
    LoadCase("HUGEINT", f"-{_NINES}", "decimal(38,0)", f"-{_NINES}"),
    LoadCase("DECIMAL(9,2)", "-1234567.89", "decimal(9,2)", "-1234567.89"),
    LoadCase("DECIMAL(38,10)", f"'{_WIDE_DIGITS}'", "decimal(38,10)", _WIDE_DIGITS),
    LoadCase("DECIMAL(38,38)", f"'-0.{_NINES}'", "decimal(38,38)", f"-0.{_NINES}"),
    LoadCase("FLOAT", "0.1", "float", "0.1"),
    LoadCase("FLOAT", "3.4028235e38", "float", "3.4028235E38"),
    LoadCase("FLOAT", "'-inf'", "float", "-Infinity"),
    LoadCase("DOUBLE", "0.30000000000000004e0", "double", "0.30000000000000004"),
    LoadCase("DOUBLE", "5e-324", "double", "4.9E-324"),
    LoadCase("DOUBLE", "'-0.0'", "double", "-0.0"),
    LoadCase("DOUBLE", "'nan'", "double", "NaN"),
    LoadCase("DOUBLE", "'inf'", "double", "Infinity"),
    LoadCase("DOUBLE", "1.7976931348623157e308", "double", "1.7976931348623157E308"),
    LoadCase("VARCHAR", "''", "string", ""),
    LoadCase("VARCHAR", "'NULL'", "string", "NULL"),
    LoadCase("VARCHAR", "'null'", "string", "null"),
    LoadCase("VARCHAR", "NULL", "string", None),
    LoadCase("VARCHAR", _ODD, "string", _ODD_TEXT),
    LoadCase("VARCHAR", "'-- no /* comment */; ? :name'", "string", "-- no /* comment */; ? :name"),
    LoadCase("VARCHAR", "repeat('x$', 100000)", "string", "x$" * 100_000),
    LoadCase("UUID", "'6f9619ff-8b86-d011-b42d-00c04fc964ff'", "string",
             "6f9619ff-8b86-d011-b42d-00c04fc964ff", loses=True),
    LoadCase("BLOB", "'\\x00\\xFF\\x27a'::BLOB", "binary", "00FF2761"),
    LoadCase("BLOB", "''::BLOB", "binary", ""),
    LoadCase("BLOB", "NULL", "binary", None),
    LoadCase("DATE", "'2024-02-29'", "date", "2024-02-29"),
    LoadCase("DATE", "'1582-10-10'", "date", "1582-10-10"),
    LoadCase("DATE", "'0001-01-01'", "date", "0001-01-01"),
    LoadCase("DATE", "'9999-12-31'", "date", "9999-12-31"),
    LoadCase("TIMESTAMP", "'2024-03-31 02:30:00.123456'", "timestamp_ntz", "2024-03-31 02:30:00.123456"),
    LoadCase("TIMESTAMP", "'1582-10-10 00:00:00.5'", "timestamp_ntz", "1582-10-10 00:00:00.5"),
    LoadCase("TIMESTAMP", "'0001-01-01 00:00:00.000001'", "timestamp_ntz", "0001-01-01 00:00:00.000001"),
    LoadCase("TIMESTAMP", "'9999-12-31 23:59:59.999999'", "timestamp_ntz", "9999-12-31 23:59:59.999999"),
    LoadCase("TIMESTAMP_MS", "'1969-12-31 23:59:59.999'", "timestamp_ntz", "1969-12-31 23:59:59.999"),
    LoadCase("TIMESTAMP_NS", "'1969-12-31 23:59:59.999999'", "timestamp_ntz", "1969-12-31 23:59:59.999999"),
    LoadCase("TIMESTAMP WITH TIME ZONE", "'2024-02-29 23:59:59.5+02'", "timestamp", "2024-02-29 21:59:59.5"),
    LoadCase("TIMESTAMP WITH TIME ZONE", "'1883-11-18 12:00:00+00'", "timestamp", "1883-11-18 12:00:00"),
    LoadCase("TIME", "'23:59:59.999999'", "string", "23:59:59.999999", loses=True),
    LoadCase("JSON", """'{"b": 1.00, "a": "''"}'""", "string", """{"b": 1.00, "a": "'"}""", loses=True),
    LoadCase("ENUM('b', 'a')", "'a'", "string", "a", loses=True),
    LoadCase("INTEGER[]", "[1, NULL]", "string", "[1,null]", loses=True),
    LoadCase("STRUCT(a VARCHAR, b INTEGER)", "{'a': '\"', 'b': 2}", "string",
             '{"a":"\\"","b":2}', loses=True),
)  # fmt: skip
"""Staged values → what is in the table, as Spark casts it to text."""
REFUSED = (
    ("HUGEINT", "170141183460469231731687303715884105727"),
    ("DATE", "'4713-01-01 (BC)'"),
    ("DATE", "'12345-01-01'"),
    ("DATE", "'-infinity'"),
    ("TIMESTAMP", "'infinity'"),
    ("TIMESTAMP_NS", "'1969-12-31 23:59:59.999999999'"),
    ("TIMESTAMP WITH TIME ZONE", "'-infinity'"),
    ("VARCHAR", "repeat('x', 5000001)"),
)
"""Types and values that Databricks cannot hold."""
