"""Rows of the client, in batches of Arrow: for small answers, and where there is no bucket."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from dvt.drivers.duckdb.client_rows import Arrives, ClientRows
from dvt.drivers.redshift.connect import Session

_BATCH = 1000
"""Rows that are fetched at once: the most that a cluster of a single node allows."""
_NUMBERS = itertools.count()
"""Numbers for cursors: the client keeps what it knows of the columns of a statement's text."""
_KINDS: dict[int, Arrives] = {
    **dict.fromkeys((20, 21, 23, 26), "whole"),
    **dict.fromkeys((700, 701), "double"),
}
"""oid of a type → what arrives; all others are texts."""


def answer_rows(session: Session, sql: str, is_stopped: Callable[[], bool]) -> ClientRows:
    """Return a query's answer, within the session's transaction; nothing else is run before it is read."""
    name = f"dvt_cursor_{next(_NUMBERS)}"
    session.run(f"DECLARE {name} CURSOR FOR {sql}")

    def fetched() -> list[tuple[Any, ...]]:
        return session.rows(f"FETCH FORWARD {_BATCH} FROM {name}")

    waiting = [fetched()]  # of a cursor, only an answer tells the columns
    return ClientRows(
        [(column, _KINDS.get(oid, "text")) for column, oid in session.types],
        lambda: waiting.pop() if waiting else fetched(),
        is_stopped,
        extra="redshift",
        finish=lambda: session.run(f"CLOSE {name}"),
    )
