"""Servers' messages about values become errors: MariaDB's were captured, MySQL's are from its manual."""

from __future__ import annotations

import pytest

from dvt.core.errors import DvtError, RowRefused, ValueLost
from dvt.drivers.mysql.losses import ServerWarning, error_for_code, error_for_warnings

_COLUMNS = ("id", "name", "total")


@pytest.mark.parametrize(
    ("code", "message", "kind", "where"),
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
def test_a_refused_value_names_its_column(code: int, message: str, kind: type[DvtError], where: str) -> None:
    error = error_for_code(code, message, "t", _COLUMNS)
    assert isinstance(error, kind)
    assert error.where == where  # type: ignore[attr-defined]


def test_an_error_about_no_value_is_not_translated_here() -> None:
    assert error_for_code(1205, "Lock wait timeout exceeded", "t", _COLUMNS) is None


def test_any_warning_is_an_error_but_a_deprecation() -> None:
    deprecated = ServerWarning("Warning", 1287, "'x' is deprecated and will be removed in a future release.")
    assert error_for_warnings(1, [deprecated], "t", _COLUMNS) is None
    truncated = ServerWarning("Note", 1265, "Data truncated for column 'total' at row 1")
    error = error_for_warnings(2, [deprecated, truncated], "t", _COLUMNS)
    assert isinstance(error, ValueLost)
    assert error.where == "t, column total"
    unknown = error_for_warnings(1, [ServerWarning("Warning", 9999, "Something about 'name'")], "t", _COLUMNS)
    assert isinstance(unknown, ValueLost)


def test_warnings_that_are_not_shown_are_errors_too() -> None:
    deprecated = ServerWarning("Warning", 1287, "'x' is deprecated and will be removed in a future release.")
    assert isinstance(error_for_warnings(65, [deprecated] * 64, "t", _COLUMNS), ValueLost)
    assert isinstance(error_for_warnings(1, [], "t", _COLUMNS), ValueLost)
