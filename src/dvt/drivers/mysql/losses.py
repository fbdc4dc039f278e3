"""What the server says when a value does not fit its column or a row breaks a constraint: ours, by column.

For a file that a client sends, the server makes warnings of what would be errors, lands something else or
leaves the row out; in strict mode too. So a warning is as good as an error here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dvt.core.errors import DvtError, RowRefused, ValueLost

_CONSTRAINTS = frozenset({1022, 1048, 1062, 1263, 1364, 1452, 1526, 1586, 1748, 3819, 4025})
"""Duplicate keys, NULL where none may be, foreign keys, no partition for the row, CHECK."""
_VALUES = frozenset(
    {1153, 1261, 1262, 1264, 1265, 1292, 1300, 1301, 1365, 1366, 1367, 1406, 1411, 1441, 1690}
    | {3140, 3141, 3156, 3854, 3903, 4037, 4038, 4078, 4079}
)
"""Out of range, cut, of no such type, not in the character set, too large, no JSON."""
_OLD_WORDS = frozenset({1287, 1681, 3719, 3778, 3779})
"""That something is deprecated says nothing about values."""
_CHANGE = "change the value in the model, or cast the column to another type"
_ROOM = "raise max_allowed_packet on the server, or make the value smaller"
_PACKET = frozenset({1153, 1301})


class Warned(NamedTuple):
    """One line of SHOW WARNINGS."""

    level: str
    code: int
    said: str


def refused(code: int, said: str, where: str, columns: Sequence[str]) -> DvtError | None:
    """Our error for a value or row that the server refuses; None for what is about something else."""
    if code in _CONSTRAINTS:
        return RowRefused(_place(said, where, columns), said)
    if code in _VALUES:
        return ValueLost(_place(said, where, columns), said, _ROOM if code in _PACKET else _CHANGE)
    return None


def warned(count: int, shown: Sequence[Warned], where: str, columns: Sequence[str]) -> DvtError | None:
    """Our error for a statement with so many warnings; None when they are not about rows."""
    serious = [one for one in shown if one.code not in _OLD_WORDS]
    if not serious:
        if count <= len(shown):
            return None
        return ValueLost(where, f"the server gave {count} warnings and does not say which", _CHANGE)
    first = serious[0]
    more = f" (the first of {count})" if count > 1 else ""
    known = refused(first.code, first.said + more, where, columns)
    return known or ValueLost(_place(first.said, where, columns), first.said + more, _CHANGE)


def _place(said: str, where: str, columns: Sequence[str]) -> str:
    """With the column's name, where the server gives it: in quotes of one kind or the other."""
    named = [one for one in columns if any(f"{quote}{one}{quote}" in said for quote in "'`")]
    # A value that is shown may spell another column's name; the column stands behind it.
    last = max(named, key=lambda one: max(said.rfind(f"'{one}'"), said.rfind(f"`{one}`")), default=None)
    return f"{where}, column {last}" if last else where
