"""Lists of a database's expressions, and the comparison of a federated model with that database."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import DvtError, TranslationWrong
from tests.acceptance.oracle import Oracle

_KINDS = ("unproven", "wrong", "warned", "missing", "error", "text")
"""Prefixes of a line whose answer differs from the database's, or is an error in both."""
Answer = tuple[list[str], list[Any]]
"""Column names and rows."""


def cases(file: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each line's kind, expression and query; queries after `-- aggregates` give one row."""
    single, _, grouped = file.read_text().partition("-- aggregates\n")
    for kind, expression in _parse(single):
        yield kind, expression, f"SELECT id, {expression} FROM {{vals}} ORDER BY id"
    for kind, expression in _parse(grouped):
        yield kind, expression, f"SELECT {expression} FROM {{vals}}"


def _parse(lines: str) -> Iterator[tuple[str, str]]:
    for line in lines.splitlines():
        kind, colon, expression = line.partition(": ")
        if line and not line.startswith("--"):
            yield (kind, expression) if colon and kind in _KINDS else ("", line)


def check(oracle: Oracle, native: Callable[[str], Answer | None], kind: str, sql: str, dialect: str) -> None:
    """Assert what the line's kind promises; `native` returns None for an error."""
    if kind in ("unproven", "wrong", "missing"):
        with pytest.raises(TranslationWrong):
            oracle.plan(sql, dialect=dialect)
        return
    plan = oracle.plan(sql, dialect=dialect)
    warnings = [notice for notice in plan.notices if notice.code == "DVT003"]
    assert bool(warnings) == (kind == "warned")
    expected, federated = native(sql), _federated(oracle, plan)
    if kind == "error":
        assert expected is federated is None
    elif kind != "warned":
        assert expected is not None
        assert federated is not None
        assert expected[0] == federated[0]
        assert kind == "text" or expected[1] == federated[1]


def _federated(oracle: Oracle, plan: Any) -> Answer | None:
    try:
        described, rows = oracle.run(plan)
    except DvtError:
        return None
    return [name for name, _ in described], comparable(rows)


def comparable(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Sort rows, and make their values comparable whatever types the drivers give them."""
    return sorted(([_value(value) for value in row] for row in rows), key=repr)


def _value(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, int | float | decimal.Decimal):
        number = float(value)
        return float(f"{number:.9g}") if number == number else "nan"  # noqa: PLR0124  NaN equals nothing
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode(errors="surrogateescape")
    if isinstance(value, dt.datetime) and value.tzinfo:
        return value.astimezone(dt.UTC).isoformat()
    return None if value is None else str(value)
