"""DuckDB macros that answer as another database's operators and functions do."""

from __future__ import annotations

from collections.abc import Mapping

_POWERS = ", ".join(f"{10**exponent}::HUGEINT" for exponent in range(0, 37, 4))
"""Powers of 10000, which is the base that PostgreSQL computes numerics in."""
_TENS = ", ".join(f"{10**exponent}::HUGEINT" for exponent in range(21))

FUNCTIONS: Mapping[str, str] = {
    "dvt_pg_weight": "dvt_pg_weight(n) AS (length(CAST(n AS VARCHAR)) - 1) // 4",
    "dvt_pg_digit": f"dvt_pg_digit(n) AS n // list_extract([{_POWERS}], dvt_pg_weight(n) + 1)",
    "dvt_pg_scale": (
        "dvt_pg_scale(n, d, least_scale) AS least(20, greatest(16 - 4 * (dvt_pg_weight(n) - dvt_pg_weight(d)"
        " - CAST(dvt_pg_digit(n) <= dvt_pg_digit(d) AS INTEGER)), least_scale, 0))"
    ),
    "dvt_pg_step": f"dvt_pg_step(scale) AS list_extract([{_TENS}], CAST(21 - scale AS INTEGER))",
    "dvt_pg_fraction": (
        "dvt_pg_fraction(r, d) AS ((r * 10000000000) // d) * 10000000000"
        " + (((r * 10000000000) % d) * 10000000000) // d"
    ),
    "dvt_pg_rest": "dvt_pg_rest(r, d) AS (((r * 10000000000) % d) * 10000000000) % d",
    "dvt_pg_rounded": (
        "dvt_pg_rounded(f, rest, d, step) AS CASE WHEN step = 1 THEN f + CAST(2 * rest >= d AS INTEGER)"
        " ELSE ((f + step // 2) // step) * step END"
    ),
    "dvt_pg_quotient": (
        "dvt_pg_quotient(n, d, least_scale) AS CAST(n // d AS DECIMAL(38,20))"
        " + CAST(dvt_pg_rounded(dvt_pg_fraction(n % d, d), dvt_pg_rest(n % d, d), d,"
        " dvt_pg_step(dvt_pg_scale(n, d, least_scale))) AS DECIMAL(38,0))"
        " * CAST('0.00000000000000000001' AS DECIMAL(20,20))"
    ),
    "dvt_pg_divide": (
        "dvt_pg_divide(n, d, least_scale) AS CASE WHEN n IS NULL OR d IS NULL THEN NULL"
        " WHEN d = 0 THEN error('division by zero')"
        " WHEN (n < 0) <> (d < 0) THEN -dvt_pg_quotient(abs(n), abs(d), least_scale)"
        " ELSE dvt_pg_quotient(abs(n), abs(d), least_scale) END"
    ),
    "dvt_pg_upper": (
        "dvt_pg_upper(s) AS CASE WHEN contains(s, 'ß')"
        " THEN array_to_string(list_transform(string_split(s, 'ß'), lambda part: upper(part)), 'ß')"
        " ELSE upper(s) END"
    ),
    "dvt_pg_date_text": (
        "dvt_pg_date_text(s) AS CASE WHEN contains(s, ' (BC)')"
        " THEN regexp_replace(s, '^(\\S+) \\(BC\\)(.*)$', '\\1\\2 BC') ELSE s END"
    ),
    "dvt_pg_json_text": (
        "dvt_pg_json_text(j) AS CASE WHEN json_type(j) IN ('OBJECT', 'ARRAY')"
        " THEN error('the text of a JSON object or array is not that of the database') ELSE j ->> '$' END"
    ),
    "dvt_pg_integer": (
        "dvt_pg_integer(s) AS CASE WHEN s IS NULL OR regexp_full_match(s, '\\s*[-+]?[0-9]+\\s*') THEN trim(s)"
        " ELSE error('invalid input syntax for type integer: ' || s) END"
    ),
    "dvt_pg_split": (
        "dvt_pg_split(s, delimiter, place) AS CASE WHEN place = 0 THEN"
        " CASE WHEN s IS NULL THEN NULL ELSE error('field position must not be zero') END"
        " WHEN delimiter = '' THEN CASE WHEN abs(place) = 1 THEN s ELSE s[1:0] END"
        " ELSE split_part(s, delimiter, place) END"
    ),
    "dvt_pg_power": (
        "dvt_pg_power(x, y) AS CASE WHEN x = 0 AND y < 0"
        " THEN error('zero raised to a negative power is undefined')"
        " WHEN x < 0 AND isfinite(x) AND isfinite(y) AND y <> trunc(y)"
        " THEN error('a negative number raised to a non-integer power yields a complex result')"
        " ELSE pow(x, y) END"
    ),
    "dvt_pg_finite": (
        "dvt_pg_finite(x, moment) AS CASE WHEN isinf(moment)"
        " THEN error('a part of an infinite date or time is no number here') ELSE x END"
    ),
    "dvt_pg_year": (
        "dvt_pg_year(x, moment) AS CASE WHEN isinf(moment)"
        " THEN error('a part of an infinite date or time is no number here')"
        " WHEN x <= 0 THEN x - 1 ELSE x END"
    ),
    "dvt_pg_formatted": (
        "dvt_pg_formatted(s, moment) AS CASE WHEN isinf(moment) THEN NULL"
        " WHEN year(moment) < 1 THEN error('the engine formats no year before 1') ELSE s END"
    ),
    "dvt_pg_days": (
        "dvt_pg_days(a, b) AS CASE WHEN isinf(a) OR isinf(b) THEN error('cannot subtract infinite dates')"
        " ELSE CAST(a - b AS INTEGER) END"
    ),
    "dvt_pg_moved": (  # DuckDB moves by months, days and the rest in this order only if it adds
        "dvt_pg_moved(moment, i) AS moment"
        " + to_months(CAST(12 * datepart('year', i) + datepart('month', i) AS INTEGER))"
        " + to_days(CAST(datepart('day', i) AS INTEGER))"
        " + to_microseconds(3600000000 * datepart('hour', i) + 60000000 * datepart('minute', i)"
        " + datepart('microseconds', i))"
    ),
    "dvt_pg_hour": (  # of two hours of one name, where clocks go back, DuckDB takes the second
        "dvt_pg_hour(moment) AS CASE WHEN isinf(moment) THEN moment ELSE moment"
        " - to_microseconds(60000000 * datepart('minute', moment) + datepart('microseconds', moment)) END"
    ),
    "dvt_pg_number": (
        "dvt_pg_number(s) AS CASE WHEN contains(s, '_')"
        " THEN error('invalid input syntax for a number: ' || s) ELSE s END"
    ),
    "dvt_my_divide": (
        "dvt_my_divide(n, d, power, unit) AS CASE WHEN n IS NULL OR d IS NULL THEN NULL"
        " WHEN d = 0 THEN error('division by zero')"
        " ELSE CAST((n * power) // d AS DECIMAL(38,0)) * unit END"
    ),
    "dvt_my_in_range": (
        "dvt_my_in_range(x) AS CASE WHEN NOT isfinite(x)"
        " THEN error('DOUBLE value is out of range') ELSE x END"
    ),
    "dvt_my_sqrt": "dvt_my_sqrt(x) AS CASE WHEN x >= 0 THEN sqrt(x) END",
    "dvt_my_substring": (
        "dvt_my_substring(s, start, size) AS CASE WHEN s IS NULL OR start IS NULL OR size IS NULL THEN NULL"
        " WHEN start = 0 OR size < 1 OR -start > length(s) THEN ''"
        " WHEN start > 0 THEN substring(s, start, size) ELSE substring(s, length(s) + start + 1, size) END"
    ),
    "dvt_my_left": (
        "dvt_my_left(s, size) AS CASE WHEN s IS NULL OR size IS NULL THEN NULL WHEN size < 1 THEN ''"
        " ELSE left(s, size) END"
    ),
    "dvt_my_right": (
        "dvt_my_right(s, size) AS CASE WHEN s IS NULL OR size IS NULL THEN NULL WHEN size < 1 THEN ''"
        " ELSE right(s, size) END"
    ),
    "dvt_my_parts": (
        "dvt_my_parts(s, delimiter, size) AS CASE WHEN s IS NULL OR delimiter IS NULL OR size IS NULL"
        " THEN NULL"
        " WHEN delimiter = '' OR size = 0 THEN '' WHEN size > 0"
        " THEN array_to_string(string_split(s, delimiter)[1:size], delimiter)"
        " ELSE array_to_string(list_reverse(list_reverse(string_split(s, delimiter))[1:-size]), delimiter)"
        " END"
    ),
    "dvt_my_moment": (
        "dvt_my_moment(moment) AS CASE WHEN moment > TIMESTAMP '9999-12-31 23:59:59.999999'"
        " OR moment < TIMESTAMP '0001-01-01 00:00:00'"
        " THEN error('Datetime function: datetime field overflow') ELSE moment END"
    ),
    "dvt_pg_element": "dvt_pg_element(l, i) AS CASE WHEN i < 1 THEN NULL ELSE l[i] END",
}
"""Name → `<name>(<parameters>) AS <expression>`; each comes after those that it calls."""


def dialect_functions(names: set[str]) -> list[str]:
    """Return the macros of these names, with those that they call, in the order to define them in."""
    needed = set(names)
    for name in reversed(list(FUNCTIONS)):
        if name in needed:
            needed |= {other for other in FUNCTIONS if other != name and f"{other}(" in FUNCTIONS[name]}
    return [sql for name, sql in FUNCTIONS.items() if name in needed]
