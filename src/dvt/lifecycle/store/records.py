"""What is on record, for reports and pages: runs, events, and the original's numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from dvt.core.retention import Asking, CleanupType, Moment, Result, RunRecord, RunStatus, Source, Tally
from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.encoding import Data, results_from, shown
from dvt.lifecycle.store.events import Event, EventKind, key_digest, read_event
from dvt.lifecycle.store.run_rows import MAX_BIGINT, MAX_INTEGER
from dvt.lifecycle.store.tables import AUDIT, EVENTS, POLICIES, RUN_ENDS, RUNS

_PAGE = 1000
"""Rows that are read at once."""
_LOW_HALF = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are asked for: those for which all that is given here holds."""

    run: str | None = None
    data_type: str | None = None
    key: str | None = None
    kind: EventKind | None = None
    result: str | None = None
    actor: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    """Events before this moment."""


class Records:
    """What a database has on record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def runs(
        self, *, limit: int = 50, before: str | None = None, cleanup_type: CleanupType | None = None
    ) -> tuple[RunRecord, ...]:
        """Return runs, those that were put on record last first; `before` continues after that run's."""
        query = _runs().order_by(RUNS.c.id.desc()).limit(limit)
        if cleanup_type is not None:
            query = query.where(RUNS.c.cleanup_type == cleanup_type.value)
        if before is not None:
            other = RUNS.alias()
            query = query.where(RUNS.c.id < select(other.c.id).where(other.c.run == before).scalar_subquery())
        return self._run_records(query)

    def run(self, run: str) -> RunRecord | None:
        """Return one run; None if it is not on record."""
        return next(iter(self._run_records(_runs().where(RUNS.c.run == run))), None)

    def unfinished(self) -> tuple[RunRecord, ...]:
        """Return the runs whose end is not on record: those at work, and those that were killed."""
        return self._run_records(_runs().where(RUN_ENDS.c.id.is_(None)).order_by(RUNS.c.id))

    def has_note(self, run: str, action: str) -> bool:
        """Return whether something is on record about a run."""
        query = select(EVENTS.c.id).where(
            EVENTS.c.run == shown(run), EVENTS.c.kind == EventKind.NOTE.value, EVENTS.c.key == action
        )
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def with_progress(self, run: RunRecord) -> RunRecord:
        """Return a run without an end, with the number of items whose end is on record, without bytes."""
        query = (
            select(EVENTS.c.data_type, EVENTS.c.result, func.count(EVENTS.c.id))
            .where(EVENTS.c.run == shown(run.id), EVENTS.c.kind == EventKind.OUTCOME.value)
            .group_by(EVENTS.c.data_type, EVENTS.c.result)
        )
        results: dict[str, dict[Result, Tally]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query).all():
                data_type, result, number = row[0], row[1], int(row[2])
                results.setdefault(str(data_type), {})[Result(str(result))] = Tally(
                    items=number, files=number
                )
        return replace(run, results=results)

    def _run_records(self, query: Select[Any]) -> tuple[RunRecord, ...]:
        with self._database.reading() as connection:
            return tuple(_run_record(row) for row in connection.execute(query).all())

    def events(
        self, wanted: EventFilter | None = None, *, after: int = 0, limit: int | None = None
    ) -> Iterator[Event]:
        """Yield events in the order of the chain, in constant memory; `after` continues after that number."""
        query = _filtered(wanted or EventFilter()).order_by(EVENTS.c.id)
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            with self._database.reading() as connection:
                page = connection.execute(query.where(EVENTS.c.id > after).limit(size)).all()
            yield from map(read_event, page)
            if len(page) < size:
                return
            after = page[-1].id
            left = None if left is None else left - size

    def found(self, *, limit: int = 100) -> Iterator[tuple[Moment, dict[str, Tally]]]:
        """Yield what the last runs have found, by data type, with when they began; the newest first."""
        query = (
            select(EVENTS.c.at, EVENTS.c.body)
            .where(
                EVENTS.c.kind == EventKind.RUN_BEGAN.value, EVENTS.c.run.in_(select(_last_runs(limit).c.run))
            )
            .order_by(EVENTS.c.id.desc())
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            found = json.loads(row.body)["details"].get("found", {})
            yield row.at, {name: Tally(**tally) for name, tally in found.items()}

    def latest_run(self) -> Any:
        """Return the row of the run that began last, None if there is none."""
        query = select(RUNS).order_by(RUNS.c.began.desc(), RUNS.c.id.desc()).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first()

    def stats(self) -> list[Data]:
        """Return for each policy what was deleted under it, as `get_cleanup_stats()` does, as JSON."""
        query = (
            select(
                POLICIES.c.data_type,
                POLICIES.c.retention_days,
                POLICIES.c.enabled,
                func.max(AUDIT.c.executed_at).label("last_cleanup"),
                func.coalesce(func.sum(AUDIT.c.records_deleted), 0).label("total_cleaned"),
                # In two halves, since SQLite fails where a sum has more than 63 bits.
                func.coalesce(func.sum(AUDIT.c.space_freed_bytes.op(">>")(32)), 0).label("high"),
                func.coalesce(func.sum(AUDIT.c.space_freed_bytes.op("&")(_LOW_HALF)), 0).label("low"),
            )
            .outerjoin(AUDIT, AUDIT.c.data_type == POLICIES.c.data_type)
            .group_by(POLICIES.c.data_type, POLICIES.c.retention_days, POLICIES.c.enabled)
            .order_by(POLICIES.c.data_type)
        )
        with self._database.reading() as connection:
            return [_stats(row) for row in connection.execute(query).all()]

    def history(self, *, limit: int = 50, before: int | None = None) -> list[Data]:
        """Return the rows of the original's table of what was deleted, newest first, as data of JSON."""
        query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(AUDIT.c.id < before)
        with self._database.reading() as connection:
            return [_deleted(row) for row in connection.execute(query).all()]


def _runs() -> Select[Any]:
    """Return the query for runs with their ends: the last, where a run was taken up again."""
    ends = RUN_ENDS.alias()
    last = select(func.max(ends.c.id)).where(ends.c.run == RUNS.c.run).correlate(RUNS).scalar_subquery()
    end = (RUN_ENDS.c.ended, RUN_ENDS.c.status, RUN_ENDS.c.results, RUN_ENDS.c.detail)
    return select(RUNS, *end).select_from(RUNS.outerjoin(RUN_ENDS, RUN_ENDS.c.id == last))


def _last_runs(limit: int) -> Any:
    return select(RUNS.c.run).order_by(RUNS.c.id.desc()).limit(limit).subquery()


def _filtered(wanted: EventFilter) -> Select[Any]:
    query = select(EVENTS)
    for name in ("run", "data_type", "kind", "result", "actor"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(EVENTS.c[name] == shown(value))
    if wanted.key is not None:
        query = query.where(EVENTS.c.key_digest == key_digest(wanted.key), EVENTS.c.key == shown(wanted.key))
    if wanted.since is not None:
        query = query.where(EVENTS.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(EVENTS.c.at < wanted.until)
    return query


def _run_record(row: Any) -> RunRecord:
    return RunRecord(
        id=row.run,
        plan=row.plan,
        asking=Asking(actor=row.actor, source=Source(row.source), cleanup_type=CleanupType(row.cleanup_type)),
        began=row.began,
        ended=row.ended,
        status=RunStatus.RUNNING if row.status is None else RunStatus(row.status),
        results=results_from(json.loads(row.results)) if row.results else {},
        detail=row.detail or "",
    )


def _stats(row: Any) -> Data:
    return {
        "data_type": row.data_type,
        "retention_days": row.retention_days,
        "enabled": bool(row.enabled),
        "last_cleanup": _iso(row.last_cleanup),
        "total_cleaned": min(int(row.total_cleaned), MAX_INTEGER),
        "space_saved": min((int(row.high) << 32) + int(row.low), MAX_BIGINT),
    }


def _deleted(row: Any) -> Data:
    return {
        "id": row.id,
        "data_type": row.data_type,
        "cleanup_type": row.cleanup_type,
        "records_deleted": row.records_deleted or 0,
        "space_freed": row.space_freed_bytes or 0,
        "executed_at": _iso(row.executed_at),
        "executed_by": row.executed_by,
    }


def _iso(stamp: datetime | None) -> str | None:
    return None if stamp is None else f"{stamp.isoformat(timespec='seconds')}Z"
