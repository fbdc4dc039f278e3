"""The run's clock: macros that stand in for now() and its like, so that the SQL itself need not change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_MACROS = {
    "now": "TIMESTAMPTZ",
    "get_current_timestamp": "TIMESTAMPTZ",
    "transaction_timestamp": "TIMESTAMPTZ",
    "current_date": "DATE",
    "today": "DATE",
    "get_current_time": "TIMETZ",
    "current_localtimestamp": "TIMESTAMP",
    "current_localtime": "TIME",
}
"""DuckDB's functions that tell the time → their types. CURRENT_TIMESTAMP and the other words call them."""
_CASTS = {"TIMESTAMPTZ": "{0}", "TIME": "CAST(CAST({0} AS TIMESTAMP) AS TIME)"}
"""SQL of a type's value for an instant, where that is no plain cast."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One time for all models of a run."""

    started_at: datetime

    def define(self, cursor: Any) -> None:
        """Make the time stand still on this connection, whatever its time zone."""
        now = f"CAST('{self.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00' AS TIMESTAMPTZ)"
        for name, type_ in _MACROS.items():
            cursor.execute(
                f"CREATE TEMP MACRO {name}() AS {_CASTS.get(type_, 'CAST({0} AS {1})').format(now, type_)}"
            )
