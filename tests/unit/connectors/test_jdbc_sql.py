"""Numbers that a database does not read as they stand are written as it does."""

from __future__ import annotations

from dvt.connectors.jdbc.answering import _with_wide
from dvt.core.queries import ValuePlace

TEMPLATE = "DECIMAL '{}'"


def test_only_numbers_of_more_than_64_bits_are_written_anew():
    numbers = "5, 9223372036854775807, -9223372036854775808, 5.5, '99999999999999999999'"
    condition = f'"a9223372036854775808" IN ({numbers})'
    assert _with_wide(condition, TEMPLATE) == condition.replace(
        "-9223372036854775808", "-DECIMAL '9223372036854775808'"
    )


def test_places_in_a_condition_stay():
    place = ValuePlace("least")
    assert _with_wide(('"n" > ', place, " OR 18446744073709551615 < 0"), TEMPLATE) == (
        '"n" > ',
        place,
        " OR DECIMAL '18446744073709551615' < 0",
    )
