"""Turns the server's errors and warnings about a value or a row into dvt's, with the column's name.

For a file that a client sends, the server reports as warnings what would be errors in an INSERT, and stores
another value or skips the row; in strict mode too. So a load treats a warning as an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dvt.core.errors import DvtError, RowRefused, ValueLost

_CONSTRAINTS = frozenset({1022, 1048, 1062, 1263, 1364, 1452, 1526, 1586, 1748, 3819, 4025})
"""Codes for rows: duplicate key, NULL in a NOT NULL column, foreign key, no partition for the row, CHECK."""
_VALUES = frozenset(
    {1153, 1261, 1262, 1264, 1265, 1292, 1300, 1301, 1365, 1366, 1367, 1406, 1411, 1441, 1690}
    | {3140, 3141, 3156, 3854, 3903, 4037, 4038, 4078, 4079}
)
"""Codes for values: out of range, truncated, of another type, not in the character set, too long, no JSON."""
_DEPRECATIONS = frozenset({1287, 1681, 3719, 3778, 3779})
"""Codes of warnings that syntax is deprecated, which are ignored: they say nothing about values."""
CHANGE_HINT = "change the value in the model, or cast the column to another type"
_PACKET_HINT = "raise max_allowed_packet on the server, or make the value smaller"
_PACKET = frozenset({1153, 1301})
"""Codes for values longer than `max_allowed_packet`."""


class ServerWarning(NamedTuple):
    """One line of SHOW WARNINGS."""

    level: str
    code: int
    message: str


def error_for_code(code: int, message: str, where: str, columns: Sequence[str]) -> DvtError | None:
    """Return dvt's error for a value or row that the server refused; None for other codes."""
    if code in _CONSTRAINTS:
        return RowRefused(_place(message, where, columns), message)
    if code in _VALUES:
        hint = _PACKET_HINT if code in _PACKET else CHANGE_HINT
        return ValueLost(_place(message, where, columns), message, hint)
    return None


def error_for_warnings(
    count: int, shown: Sequence[ServerWarning], where: str, columns: Sequence[str]
) -> DvtError | None:
    """Return dvt's error for a statement with `count` warnings, of which the server shows only `shown`.

    None if no warning is about rows.
    """
    serious = [warning for warning in shown if warning.code not in _DEPRECATIONS]
    if not serious:
        if count <= len(shown):
            return None
        return ValueLost(where, f"the server gave {count} warnings and does not say which", CHANGE_HINT)
    first = serious[0]
    message = first.message + (f" (the first of {count})" if count > 1 else "")
    error = error_for_code(first.code, message, where, columns)
    return error or ValueLost(_place(first.message, where, columns), message, CHANGE_HINT)


def _place(message: str, where: str, columns: Sequence[str]) -> str:
    """Return the table, with the column if the message names one, in single quotes or backticks."""
    named = [column for column in columns if any(f"{quote}{column}{quote}" in message for quote in "'`")]
    # The message may also quote a value that equals another column's name; the column's name comes after it.
    last = max(
        named, key=lambda name: max(message.rfind(f"'{name}'"), message.rfind(f"`{name}`")), default=None
    )
    return f"{where}, column {last}" if last else where
