"""Rows of the client, in batches of Arrow: for small answers, and where there is no bucket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dvt.drivers.duckdb.client_rows import Arrives, ClientRows
from dvt.drivers.snowflake.connect import Session

_BATCH = 5000
"""Rows that become one batch; the client fetches an answer in pieces of its own, some ahead."""
_REAL = 1
"""The client's code of FLOAT."""


def answer_rows(session: Session, sql: str, is_stopped: Callable[[], bool]) -> ClientRows:
    """Return a query's answer; nothing else is run in the session before it is read.

    The client's own Arrow would need pandas, and makes doubles of decimals unless it is told otherwise.
    """
    session.run(sql)
    columns = [(str(column.name).lower(), _arrives(column)) for column in session.columns]
    return ClientRows(columns, lambda: session.fetch(_BATCH), is_stopped, extra="snowflake")


def _arrives(column: Any) -> Arrives:
    """Return what a column's values are; those of fixed digits are Python's integers and decimals."""
    return "double" if column.type_code == _REAL else "text"
