"""The type matrix of Snowflake, as far as its emulator has the types."""

from __future__ import annotations

from dvt.testing.databases import ReadCase

READ_CASES = (
    ReadCase("number(9,0)", "-999999999", "DECIMAL(9,0)", "-999999999"),
    ReadCase("number(10,2)", "-12345678.90", "DECIMAL(10,2)", "-12345678.90"),
    ReadCase("number(38,10)", "1234567890123456789012345678.0123456789", "DECIMAL(38,10)",
             "1234567890123456789012345678.0123456789"),
    ReadCase("number(18,0)", "null", "DECIMAL(18,0)", None),
    ReadCase("float", "0.1::float", "DOUBLE", "0.1"),
    ReadCase("float", "1.7976931348623157e308::float", "DOUBLE", "1.7976931348623157e+308"),
    ReadCase("float", "'NaN'::float", "DOUBLE", "nan"),
    ReadCase("float", "'-inf'::float", "DOUBLE", "-inf"),
    ReadCase("float", "null", "DOUBLE", None),
    ReadCase("boolean", "true", "BOOLEAN", "true"),
    ReadCase("boolean", "false", "BOOLEAN", "false"),
    ReadCase("boolean", "null", "BOOLEAN", None),
    ReadCase("varchar(20)", "''", "VARCHAR", ""),
    ReadCase("varchar(20)", "'NULL'", "VARCHAR", "NULL"),
    ReadCase("varchar(60)", "'a\\\\b\\n''\"😀 '", "VARCHAR", "a\\b\n'\"😀 "),
    ReadCase("varchar(20)", "'\\\\\\\\N'", "VARCHAR", "\\\\N"),
    ReadCase("text", "null", "VARCHAR", None),
    ReadCase("char(5)", "'ab'", "VARCHAR", "ab"),
    ReadCase("binary", "to_binary('00ff27', 'HEX')", "BLOB", "\\x00\\xFF\\x27"),
    ReadCase("date", "'2024-02-29'", "DATE", "2024-02-29"),
    ReadCase("date", "'0001-01-01'", "DATE", "0001-01-01"),
    ReadCase("date", "'9999-12-31'", "DATE", "9999-12-31"),
    ReadCase("time", "'23:59:59.999999'", "TIME", "23:59:59.999999"),
    ReadCase("timestamp_ntz", "'2024-02-29 23:59:59.123456'", "TIMESTAMP", "2024-02-29 23:59:59.123456"),
    ReadCase("timestamp_ntz", "'9999-12-31 23:59:59'", "TIMESTAMP", "9999-12-31 23:59:59"),
    ReadCase("timestamp_ntz", "null", "TIMESTAMP", None),
    ReadCase("timestamp_ltz", "'2024-02-29 23:59:59.5+02:00'", "TIMESTAMP WITH TIME ZONE",
             "2024-02-29 21:59:59.5+00", loses=True),  # the emulator describes it as a timestamp_tz
    ReadCase("timestamp_tz", "'2024-02-29 23:59:59.5+02:00'", "TIMESTAMP WITH TIME ZONE",
             "2024-02-29 21:59:59.5+00", loses=True),
    ReadCase("variant", "parse_json('{\"a\": [1, null, \"x\"]}')", "JSON", '{"a":[1,null,"x"]}'),
    ReadCase("object", "parse_json('{\"a\": 1}')", "JSON", '{"a":1}'),
    ReadCase("array", "parse_json('[1, 2]')", "JSON", "[1,2]"),
)  # fmt: skip
"""Values as the database holds them → what is staged."""
