"""Writes what a run has done."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dvt.core.reports import count, size
from dvt.core.retention import FREED, Result, RunRecord, RunStatus, Tally
from dvt.lifecycle.reports.times import moment_text

if TYPE_CHECKING:
    from dvt.lifecycle.store.events import Event

EXIT_CODES: Mapping[RunStatus, int] = {
    RunStatus.COMPLETED: 0,
    RunStatus.FAILED: 1,
    RunStatus.PARTIAL: 2,
    RunStatus.STOPPED: 2,
    RunStatus.REFUSED: 3,
}
"""How a run ended → the exit code of its command."""
_WORDS: Mapping[Result, str] = {
    Result.DELETED: "deleted",
    Result.ARCHIVED: "archived",
    Result.COMPRESSED: "compressed",
    Result.QUARANTINED: "moved to the quarantine",
    Result.CHANGED: "left, since they are not due any more",
    Result.FAILED: "left, since they could not be backed up or deleted",
}


def words(result: str) -> str:
    """Return how items are called of which this became, such as `deleted`."""
    return _WORDS.get(Result(result), result.replace("_", " ")) if result else ""


def as_lines(record: RunRecord) -> Iterator[str]:
    """Yield what a run did, for people."""
    for name in sorted(record.results):
        for result, words in _WORDS.items():
            tally = record.results[name].get(result)
            if tally is not None:
                yield f"{name}: {count(tally.items, 'item')} ({size(tally.bytes)}) {words}"
    detail = f": {record.detail}" if record.detail else ""
    yield f"run {record.id} {record.status}{detail}; {size(freed(record).bytes)} freed"
    if record.status is RunStatus.PARTIAL:
        yield f"why each has stayed: dvt lifecycle audit --run {record.id}"


def freed(record: RunRecord) -> Tally:
    """Return what takes no space any more."""
    return of_results(record, FREED)


def of_results(record: RunRecord, results: Collection[Result]) -> Tally:
    """Return how many items have become one of these, of all data types."""
    tallies = (tally for of in record.results.values() for result, tally in of.items() if result in results)
    return sum(tallies, Tally())


def as_object(record: RunRecord) -> dict[str, Any]:
    """Return what a run did, for programs."""
    return {
        "run": record.id,
        "plan": record.plan,
        "status": record.status,
        "exit_code": EXIT_CODES.get(record.status),
        "actor": record.asking.actor,
        "source": record.asking.source,
        "cleanup_type": record.asking.cleanup_type,
        "began": moment_text(record.began),
        "ended": None if record.ended is None else moment_text(record.ended),
        "detail": record.detail,
        "space_freed": freed(record).bytes,
        "results": [
            {"data_type": name, "result": result, "items": tally.items, "bytes": tally.bytes}
            for name, results in sorted(record.results.items())
            for result, tally in results.items()
        ],
    }


def list_lines(records: Sequence[RunRecord]) -> Iterator[str]:
    """Yield runs for people, a line each."""
    for record in records:
        gone = freed(record)
        yield (
            f"{record.id}  {moment_text(record.began)}  {record.status}  {record.asking.cleanup_type}  "
            f"{count(gone.items, 'item')}, {size(gone.bytes)}  by {record.asking.actor}"
        )
    if not records:
        yield "no run is on record"


EVENT_COLUMNS = ("number", "at", "kind", "actor", "source", "run", "data_type", "key", "result", "detail")
"""Columns of an export of events."""


def event_row(event: Event) -> tuple[object, ...]:
    """Return the values of these columns."""
    return (
        event.id,
        moment_text(event.at),
        event.kind,
        event.asking.actor,
        event.asking.source,
        event.run,
        event.data_type,
        event.key,
        event.result,
        event.details.get("detail", ""),
    )
