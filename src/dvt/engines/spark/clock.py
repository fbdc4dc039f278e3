"""The run's clock: literals in the place of now() and its like."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlglot import Token
from sqlglot.dialects.dialect import Dialect

_CALLS = frozenset(
    {"current_timestamp", "now", "current_date", "curdate", "localtimestamp", "unix_timestamp"}
)
"""Functions that tell the time when they are called without arguments."""
_WORDS = frozenset({"current_timestamp", "current_date", "localtimestamp"})
"""Those that need no brackets."""


def with_time(sql: str, started_at: datetime, time_zone: str, columns: Collection[str] = ()) -> str:
    """Return Spark's SQL in which the time stands still; `columns` are names that mean columns.

    Example:
        >>> now = datetime(2024, 5, 6, 23, 30, tzinfo=UTC)
        >>> with_time("SELECT now(), 'now()', current_date AS d", now, "Europe/Vienna")
        "SELECT TIMESTAMP'2024-05-06 23:30:00.000000Z', 'now()', DATE'2024-05-07' AS d"
    """
    tokens = Dialect.get_or_raise("spark").tokenize(sql)
    known = {name.casefold() for name in columns}
    text, at = [], 0
    for number, token in enumerate(tokens):
        end = _end(tokens, number, known)
        if end is not None:
            text += [sql[at : token.start], _literal(token.text.lower(), started_at, time_zone)]
            at = end
    return "".join([*text, sql[at:]])


def _end(tokens: Sequence[Token], number: int, columns: Collection[str]) -> int | None:
    """Return where an expression that tells the time ends; None if no such expression begins here."""
    name = tokens[number].text.lower()
    after = [token.text for token in tokens[number + 1 : number + 3]]
    before = tokens[number - 1].text.upper() if number else ""
    if before == "." or name not in _CALLS:
        return None
    if after == ["(", ")"]:
        return tokens[number + 2].end + 1
    is_word = name in _WORDS and name not in columns and before != "AS" and after[:1] not in (["("], ["."])
    return tokens[number].end + 1 if is_word and tokens[number].text[:1] != "`" else None


def _literal(name: str, started_at: datetime, time_zone: str) -> str:
    moment, local = started_at.astimezone(UTC), started_at.astimezone(ZoneInfo(time_zone))
    if name in ("current_date", "curdate"):
        return f"DATE'{local:%Y-%m-%d}'"
    if name == "localtimestamp":
        return f"TIMESTAMP_NTZ'{local:%Y-%m-%d %H:%M:%S.%f}'"
    return (
        f"{int(moment.timestamp())}L"
        if name == "unix_timestamp"
        else f"TIMESTAMP'{moment:%Y-%m-%d %H:%M:%S.%f}Z'"
    )
