"""The servers' words about values: MariaDB's as it said them, MySQL's as its manual has them."""

from __future__ import annotations

import pytest

from dvt.core.errors import DvtError, RowRefused, ValueLost
from dvt.drivers.mysql.losses import Warned, refused, warned

_COLUMNS = ("id", "name", "total")


@pytest.mark.parametrize(
    ("code", "said", "error", "where"),
    [
        (1264, "Out of range value for column 'total' at row 3", ValueLost, "t, column total"),
        (1366, "Incorrect integer value: 'name' for column `s`.`t`.`id` at row 1", ValueLost, "t, column id"),
        (1366, "Incorrect integer value: 'id' for column 'total' at row 1", ValueLost, "t, column total"),
        (1406, "Data too long for column 'name' at row 1", ValueLost, "t, column name"),
        (
            3140,
            "Invalid JSON text: \"Missing a name\" at position 1 in value for column 't.name'.",
            ValueLost,
            "t",
        ),
        (1062, "Duplicate entry '1' for key 'PRIMARY'", RowRefused, "t"),
        (1048, "Column 'id' cannot be null", RowRefused, "t, column id"),
        (4025, "CONSTRAINT `t.total` failed for `s`.`t`", RowRefused, "t"),
        (3819, "Check constraint 't_chk_1' is violated.", RowRefused, "t"),
    ],
)
def test_a_refused_value_names_its_column(code: int, said: str, error: type[DvtError], where: str) -> None:
    found = refused(code, said, "t", _COLUMNS)
    assert isinstance(found, error)
    assert found.where == where  # type: ignore[attr-defined]


def test_what_is_about_no_value_is_somebody_else_s() -> None:
    assert refused(1205, "Lock wait timeout exceeded", "t", _COLUMNS) is None


def test_any_warning_is_an_error_but_old_words() -> None:
    old = Warned("Warning", 1287, "'x' is deprecated and will be removed in a future release.")
    assert warned(1, [old], "t", _COLUMNS) is None
    cut = Warned("Note", 1265, "Data truncated for column 'total' at row 1")
    found = warned(2, [old, cut], "t", _COLUMNS)
    assert isinstance(found, ValueLost)
    assert found.where == "t, column total"
    unknown = warned(1, [Warned("Warning", 9999, "Something about 'name'")], "t", _COLUMNS)
    assert isinstance(unknown, ValueLost)


def test_warnings_that_are_not_shown_are_errors_too() -> None:
    old = Warned("Warning", 1287, "'x' is deprecated and will be removed in a future release.")
    assert isinstance(warned(65, [old] * 64, "t", _COLUMNS), ValueLost)
    assert isinstance(warned(1, [], "t", _COLUMNS), ValueLost)
