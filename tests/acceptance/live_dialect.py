"""Lists of a database's expressions, and whether a federated model answers as that database does."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import DvtError, SqlInvalid, TranslationWrong
from tests.acceptance.oracle import Oracle

_KINDS = ("wrong", "warned", "missing", "error", "text")
Answer = tuple[list[str], list[Any]]
"""Names and rows."""


def cases(file: Path) -> Iterator[tuple[str, str, str]]:
    """Kind, expression and query of each line; those after `-- aggregates` have no rows beside them."""
    single, _, grouped = file.read_text().partition("-- aggregates\n")
    for kind, one in _listed(single):
        yield kind, one, f"SELECT id, {one} FROM {{vals}} ORDER BY id"
    for kind, one in _listed(grouped):
        yield kind, one, f"SELECT {one} FROM {{vals}}"


def _listed(lines: str) -> Iterator[tuple[str, str]]:
    for line in lines.splitlines():
        kind, colon, expression = line.partition(": ")
        if line and not line.startswith("--"):
            yield (kind, expression) if colon and kind in _KINDS else ("", line)


def check(oracle: Oracle, native: Callable[[str], Answer | None], kind: str, sql: str, dialect: str) -> None:
    """The line's promise, kept or broken; `native` answers None for an error."""
    if kind in ("wrong", "missing"):
        with pytest.raises(TranslationWrong if kind == "wrong" else SqlInvalid):
            oracle.plan(sql, dialect=dialect)
        return
    plan = oracle.plan(sql, dialect=dialect)
    warned = [one for one in plan.notices if one.code == "DVT003"]
    assert bool(warned) == (kind == "warned")
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
    return [name for name, _ in described], plain(rows)


def plain(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Rows whose values compare, whatever types the drivers give them."""
    return sorted(([_value(one) for one in row] for row in rows), key=repr)


def _value(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    if isinstance(value, int | float | decimal.Decimal):
        return float(f"{float(value):.9g}")
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dt.datetime) and value.tzinfo:
        return value.astimezone(dt.UTC).isoformat()
    return None if value is None else str(value)
