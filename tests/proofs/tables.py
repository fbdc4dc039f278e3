"""Tables of the proofs of whole queries: few rows, with duplicates and NULLs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Table = tuple[Mapping[str, str], Sequence[Sequence[str | None]]]
"""Classes by column, and rows."""

TABLES: Mapping[str, Table] = {
    "t": (
        {
            "id": "integer",
            "k": "integer",
            "n": "decimal",
            "s": "text",
            "d": "date",
            "b": "boolean",
            "f": "double",
        },
        (
            ("1", "1", "1.50", "abc", "2024-01-31", "true", "0"),
            ("2", "1", "2.25", "ABC", "2024-02-29", "false", "-0"),
            ("3", None, None, None, None, None, None),
            ("4", "2", "-3.00", "", "2023-12-31", "true", "NaN"),
            ("5", "2", "1.50", "a", "2024-01-31", None, "NaN"),
            ("6", "3", "99999999.99", "Straße", "0001-01-01", "false", "1.5"),
            ("7", None, "0.00", "abc", "infinity", "true", "Infinity"),
            ("8", "1", "1.50", "abc", "2024-01-31", "true", "1.5"),
        ),
    ),
    "u": (
        {
            "id": "integer",
            "k": "integer",
            "x": "decimal",
            "s": "text",
            "m": "bigint",
            "y": "smallint",
            "w": "timestamptz",
        },
        (
            ("1", "1", "1.50", "abc", "1", "1", "2024-01-31 00:00:00+00"),
            ("2", "1", "0.50", "x", "3000000000", "32767", "2024-01-31 01:00:00+01"),
            ("3", "2", None, "a", None, None, None),
            ("4", None, "7.00", None, "-9223372036854775808", "-32768", "infinity"),
            ("5", "5", "2.25", "", "1", "1", "1999-12-31 23:59:59.5+00"),
        ),
    ),
    "v": (
        {"k": "integer", "name": "text", "z": "timestamp"},
        (
            ("1", "one", "2024-01-31 00:00:00"),
            ("2", "abc", "2023-12-31 23:59:59.5"),
            (None, "none", None),
            ("9", None, "2000-01-01 12:00:00"),
        ),
    ),
}
