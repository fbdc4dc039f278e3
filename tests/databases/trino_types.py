"""Type matrix of Trino: extractions."""

from __future__ import annotations

from dvt.testing.databases import ReadCase

_TEXT = "VARCHAR"
_LOCAL = "TIMESTAMP"
_NANOS = "TIMESTAMP_NS"
_INSTANT = "TIMESTAMP WITH TIME ZONE"
_NINES = "9" * 38

READ_CASES = (
    ReadCase("boolean", "true", "BOOLEAN", "true"),
    ReadCase("tinyint", "tinyint '-128'", "TINYINT", "-128"),
    ReadCase("smallint", "smallint '32767'", "SMALLINT", "32767"),
    ReadCase("integer", "-2147483648", "INTEGER", "-2147483648"),
    ReadCase("integer", "null", "INTEGER", None),
    ReadCase("bigint", "9223372036854775807", "BIGINT", "9223372036854775807"),
    ReadCase("real", "real '0.1'", "FLOAT", "0.1"),
    ReadCase("real", "nan()", "FLOAT", "nan"),
    ReadCase("double", "double '1.7976931348623157e308'", "DOUBLE", "1.7976931348623157e+308"),
    ReadCase("double", "-infinity()", "DOUBLE", "-inf"),
    ReadCase("double", "double '-0.0'", "DOUBLE", "-0.0"),
    ReadCase("decimal(38,38)", f"decimal '0.{_NINES}'", "DECIMAL(38,38)", f".{_NINES}"),
    ReadCase("decimal(38,0)", f"decimal '-{_NINES}'", "DECIMAL(38,0)", f"-{_NINES}"),
    ReadCase("decimal(10,2)", "null", "DECIMAL(10,2)", None),
    ReadCase("varchar(20)", "'ab😀é '", _TEXT, "ab😀é "),
    ReadCase("varchar", "''", _TEXT, ""),
    ReadCase("varchar", "null", _TEXT, None),
    ReadCase("char(5)", "char 'ab'", _TEXT, "ab   "),
    ReadCase("varbinary", "x'00ff61'", "BLOB", "\\x00\\xFFa"),
    ReadCase("date", "date '2024-02-29'", "DATE", "2024-02-29"),
    ReadCase("date", "date '1582-10-10'", "DATE", "1582-10-10"),
    ReadCase("date", "date '0001-01-01'", "DATE", "0001-01-01"),
    ReadCase("date", "date '-4712-01-01'", "DATE", "4713-01-01 (BC)"),
    ReadCase("date", "null", "DATE", None),
    ReadCase("time(6)", "time '23:59:59.999999'", "TIME", "23:59:59.999999"),
    ReadCase("time(9)", "time '23:59:59.123456789'", "TIME", error=True),
    ReadCase("time(12)", "time '23:59:59.999999999999'", _TEXT, "23:59:59.999999999999", loses=True),
    ReadCase("time(6) with time zone", "time '12:00:00.5+05:30'", "TIME WITH TIME ZONE", "12:00:00.5+05:30"),
    ReadCase("timestamp(6)", "timestamp '2024-02-29 23:59:59.123456'", _LOCAL, "2024-02-29 23:59:59.123456"),
    ReadCase("timestamp(6)", "timestamp '1582-10-10 00:00:00.5'", _LOCAL, "1582-10-10 00:00:00.5"),
    ReadCase("timestamp(6)", "timestamp '0001-01-01 00:00:00'", _LOCAL, "0001-01-01 00:00:00"),
    ReadCase("timestamp(3)", "timestamp '2024-03-31 02:30:00.123'", _LOCAL, "2024-03-31 02:30:00.123"),
    ReadCase(
        "timestamp(9)", "timestamp '2024-02-29 23:59:59.123456789'", _NANOS, "2024-02-29 23:59:59.123456789"
    ),
    ReadCase(
        "timestamp(12)",
        "timestamp '2024-02-29 23:59:59.123456789012'",
        _TEXT,
        "2024-02-29 23:59:59.123456789012",
        loses=True,
    ),
    ReadCase(
        "timestamp(6) with time zone",
        "timestamp '2024-07-01 12:00:00.123456 +05:30'",
        _INSTANT,
        "2024-07-01 06:30:00.123456+00",
        loses=True,
    ),
    ReadCase(
        "timestamp(3) with time zone",
        "timestamp '2024-07-01 12:00:00.123 Europe/Berlin'",
        _INSTANT,
        "2024-07-01 10:00:00.123+00",
        loses=True,
    ),
    ReadCase(
        "timestamp(9) with time zone",
        "timestamp '2024-07-01 12:00:00.123456789 UTC'",
        _INSTANT,
        loses=True,
        error=True,
    ),
    ReadCase(
        "uuid", "uuid 'ffffffff-ffff-ffff-ffff-fffffffffff0'", "UUID", "ffffffff-ffff-ffff-ffff-fffffffffff0"
    ),
    ReadCase("json", "json '{\"a\":  1}'", "JSON", '{"a":1}'),
    ReadCase("array(integer)", "array[1, null]", _TEXT, "[1, null]", loses=True),
    ReadCase("map(varchar, integer)", "map(array['a'], array[1])", _TEXT, loses=True, error=True),
    ReadCase("interval day to second", "interval '1' day", _TEXT, loses=True, error=True),
)
