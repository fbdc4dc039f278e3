"""Hostile values by class of arguments, as texts that every database reads; None is NULL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

VALUES: Mapping[str, Sequence[str | None]] = {
    "boolean": (None, "true", "false"),
    "smallint": (None, "0", "1", "-1", "2", "7", "-13", "100", "32767", "-32768"),
    "integer": (None, "0", "1", "-1", "2", "3", "-7", "10", "255", "46341", "2147483647", "-2147483648"),
    "bigint": (
        *(None, "0", "1", "-1", "5", "-12", "1000", "2147483648", "3037000500", "9007199254740993"),
        *("9223372036854775807", "-9223372036854775808"),
    ),
    "decimal": (
        *(None, "0.00", "0.01", "-0.01", "0.30", "0.70", "1.00", "1.15", "-2.50", "2.50", "5.35"),
        *("7.25", "99999.99", "-12345.67", "99999999.99"),
    ),
    "quotient": (
        *(None, "0", "0.33333333333333333333", "-0.66666666666666666667", "1.5", "2.5000000000000000"),
        *("123456.78901234567", "-7.25", "0.00010000", "1000000.0000000001"),
    ),
    "float": (None, "0", "1", "-1.5", "2.5", "0.1", "3.4e38", "1e-30", "NaN", "Infinity", "-Infinity"),
    "double": (
        *(
            None,
            "0",
            "-0",
            "1",
            "-1.5",
            "0.5",
            "1.5",
            "2.5",
            "0.1",
            "1.005",
            "2.675",
            "1e15",
            "123456789.125",
        ),
        *("1.7976931348623157e308", "5e-324", "NaN", "Infinity", "-Infinity"),
    ),
    "text": (
        *(None, "", " ", "a", "A", "abc", "abc ", " abc", "ABC", "a_b", "a%b", "a\\b", "b,a,c", "'quoted'"),
        *("Straße", "ÄÖü", "e\u0301", "😀x", "İi", "line\nbreak", "tab\there", "10", "-3.5", "true"),
        *(
            "2024-02-29",
            "x" * 300,
            "1e3",
            " 12 ",
            "1_000",
            "yes",
            "1.50",
            "infinity",
            "\u212aelvin",
            "\u017f",
        ),
    ),
    "date": (
        *(None, "2024-02-29", "2023-02-28", "2024-12-30", "2021-01-03", "2020-12-31", "2000-01-01"),
        *("1999-12-31", "1900-03-01", "1582-10-15", "0001-01-01", "9999-12-31", "2024-03-10", "2024-01-31"),
        *("infinity", "-infinity", "0044-03-15 BC"),
    ),
    "time": (None, "00:00:00", "23:59:59.999999", "12:30:15.5", "06:07:08", "12:00:00"),
    "timestamp": (
        *(None, "2024-02-29 13:45:30.123456", "2023-12-31 23:59:59.999999", "2024-12-30 00:00:00"),
        *("2021-01-03 12:00:00", "2000-01-01 00:00:00", "1969-12-31 23:59:59.5", "1900-03-01 06:00:00"),
        *("0001-01-01 00:00:00", "9999-12-31 23:59:59", "2024-03-10 02:30:00", "2024-11-03 01:30:00"),
        *("infinity", "-infinity", "0044-03-15 12:00:00 BC"),
    ),
    "timestamptz": (
        *(None, "2024-02-29 13:45:30.123456+00", "2023-12-31 23:30:00+00", "2024-03-10 07:30:00+00"),
        *(
            "2024-11-03 05:30:00+00",
            "2024-11-03 06:30:00+00",
            "2000-01-01 00:00:00+00",
            "2024-12-30 12:00:00+00",
        ),
        *("1969-12-31 23:59:59.5+00", "1900-03-01 06:00:00+00", "infinity", "-infinity"),
    ),
    "interval": (
        *(
            None,
            "0 seconds",
            "1 day",
            "-1 day",
            "1 month",
            "1 year 2 months",
            "36 hours",
            "1 month 2 days 03:04:05.6",
        ),
        *("-1 month 30 days", "00:00:00.000001", "25 hours", "30 days"),
    ),
    "uuid": (None, "6f1d0f3e-8c0d-4b8a-9d3c-0123456789ab", "00000000-0000-0000-0000-000000000000"),
    "json": (
        *(None, "{}", "[]", "null", "1", '"a"', '{"a": 1}', '{"a": null}', '{"a": {"b": "x"}}'),
        *('{"a": [1, 2, "three"], "b": true}', '{"a.b": 1, "a": "text"}', '[{"a": 1.50}, "two", null]'),
        *('{"a": "ü\\n\\u00e9"}', "true", '{"a": 12345678901234567890}'),
    ),
    "integer[]": (None, "{}", "{1}", "{1,2,3}", "{NULL,5}", "{-2147483648,0,2147483647}"),
    "text[]": (None, "{}", "{a}", "{a,b,NULL}", '{"",x,"a b"}'),
    # As literals in the text of the query:
    "literal": ("'abc'", "''", "'Straße'", "'a%b'", "' x '"),
    "literal date": ("'2024-02-29'", "'0001-01-01'", "'9999-12-31'", "'2000-01-01'"),
    "literal timestamp": ("'2024-02-29 13:45:30.5'", "'2000-01-01 00:00'", "'1900-03-01T06:00:00'"),
    "literal utc": ("'2024-02-29 13:45:30+00'", "'2024-03-10T07:30:00Z'", "'2024-01-01 00:00:00+00:00'"),
    "literal instant": ("'2024-02-29 13:45:30-08'", "'2000-01-01 00:00:00+05:30'"),
    "literal integer": ("'0'", "'-7'", "'12'"),
    "literal number": ("'1.50'", "'-0.007'"),
}

INFINITE = ("NaN", "Infinity", "-Infinity", "infinity", "-infinity")
"""Values that some proofs leave out."""

MARIADB_VALUES: Mapping[str, Sequence[str | None]] = {
    **VALUES,
    "unsigned": (
        None,
        "0",
        "1",
        "2",
        "7",
        "255",
        "65536",
        "4294967295",
        "9223372036854775807",
        "18446744073709551615",
    ),
    "double": tuple(value for value in VALUES["double"] if value not in INFINITE),
    "float": tuple(value for value in VALUES["float"] if value not in INFINITE),
    "collated": VALUES["text"],
    "session text": VALUES["text"],
    "date": tuple(
        value for value in VALUES["date"] if value is None or not value.endswith(("infinity", "BC"))
    ),
    "timestamp": tuple(
        value for value in VALUES["timestamp"] if value is None or not value.endswith(("infinity", "BC"))
    ),
    "timestamptz": (
        *(None, "2024-02-29 13:45:30.123456", "2023-12-31 23:30:00", "2024-03-10 07:30:00"),
        *("2000-01-01 00:00:00", "2024-12-30 12:00:00", "1970-01-02 00:00:00.5", "2038-01-18 00:00:00"),
    ),
    "duration": (
        None,
        "00:00:00",
        "23:59:59.999999",
        "12:30:15.5",
        "06:07:08",
        "-01:30:00",
        "838:59:59",
        "100:00:00",
    ),
    "year": (None, "1901", "1999", "2000", "2024", "2155"),
    "bit": (None, "0", "1", "5", "255"),
    "enum": (None, "a", "b", "c", "1"),
    "blob": (None, "", "abc", "ABC", "a "),
    "small": (None, "0", "1", "2", "5", "-1", "-3", "400", "31"),
}
"""The same for MariaDB, which has no infinity and no year before 1; `small` are counts."""
