"""Rows that follow from events: of runs, of their ends, and of the original's table of what was deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from dvt.core.moments import Moment, moment_of_time, time_of_moment
from dvt.core.retention import FREED, GONE, Result, RunStatus, Tally
from dvt.lifecycle.store.encoding import Data, canonical, results_from, shown
from dvt.lifecycle.store.events import Event, EventKind
from dvt.lifecycle.store.tables import AUDIT, RUN_ENDS, RUNS

_LONGEST_RUN = 100
"""Characters of a run's id, at most."""
MAX_INTEGER, MAX_BIGINT = 2**31 - 1, 2**63 - 1
"""The largest numbers that the original's columns hold."""


def add_run_rows(connection: Connection, events: Sequence[Event]) -> None:
    """Add the rows that follow from these events, which are being put on record."""
    for event in events:
        if event.kind is EventKind.RUN_BEGAN:
            _begin(connection, event, dict(event.details))
        elif event.kind is EventKind.RUN_ENDED:
            _end(connection, event, dict(event.details))


def timestamp(moment: Moment) -> datetime:
    """Return a moment as the original's tables have it: in UTC, without a zone."""
    return time_of_moment(moment).replace(tzinfo=None)


def moment_of(stamp: datetime) -> Moment:
    """Return the moment of a timestamp of the original's tables."""
    return moment_of_time(stamp.replace(tzinfo=UTC))


def _begin(connection: Connection, event: Event, details: Data) -> None:
    run = _run(event)
    if connection.execute(select(RUNS.c.id).where(RUNS.c.run == run)).first():
        return  # a run that was killed is taken up again
    connection.execute(
        insert(RUNS),
        {
            "run": run,
            "plan": shown(str(details.get("plan", ""))),
            "actor": shown(event.asking.actor),
            "source": event.asking.source,
            "cleanup_type": event.asking.cleanup_type,
            "began": event.at,
            "boot": details.get("boot", ""),
            "uptime": details.get("uptime", 0),
        },
    )


def _end(connection: Connection, event: Event, details: Data) -> None:
    results = details.get("results", {})
    connection.execute(
        insert(RUN_ENDS),
        {
            "run": _run(event),
            "ended": event.at,
            "status": event.result,
            "results": canonical(results),
            "detail": shown(str(details.get("detail", ""))),
        },
    )
    if event.result == RunStatus.REFUSED:
        return
    rows = [_summary(event, data_type, of) for data_type, of in sorted(results_from(results).items())]
    if rows:
        connection.execute(insert(AUDIT), rows)


def _run(event: Event) -> str:
    """Return a run's id as its column holds it, so that nothing in a spool keeps a store from opening."""
    return shown(event.run or "")[:_LONGEST_RUN]


def _summary(event: Event, data_type: str, results: dict[Result, Tally]) -> dict[str, Any]:
    deleted = sum(tally.files for result, tally in results.items() if result in GONE)
    freed = sum(tally.bytes for result, tally in results.items() if result in FREED)
    return {
        "data_type": shown(data_type)[:50],
        "cleanup_type": event.asking.cleanup_type,
        "records_deleted": min(deleted, MAX_INTEGER),
        "space_freed_bytes": min(freed, MAX_BIGINT),
        "executed_at": timestamp(event.at),
        "executed_by": shown(event.asking.actor)[:100],
    }
