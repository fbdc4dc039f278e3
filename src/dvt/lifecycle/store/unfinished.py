"""Runs that were killed: their ends are put on record by the next run, with what became of their items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dvt.core.retention import Item, Outcome, Result, RunRecord, RunStatus, Tally
from dvt.lifecycle.store.encoding import outcome_data, results_data
from dvt.lifecycle.store.events import Event, EventKind
from dvt.lifecycle.store.present import now
from dvt.lifecycle.store.recording import Recorder
from dvt.lifecycle.store.records import EventFilter, Records
from dvt.runs.operations import Process
from dvt.runs.running_operations import DIED


def origin(state: Path) -> dict[str, str]:
    """Return where runs are that have their state in this folder."""
    return {"host": Process.this().host, "state": str(state.resolve())}


def is_from(records: Records, run: str, here: Mapping[str, str]) -> bool:
    """Return whether a run began in this place."""
    begun = records.events(EventFilter(run=run, kind=EventKind.RUN_BEGAN), limit=1)
    return any(all(event.details.get(key) == value for key, value in here.items()) for event in begun)


def open_items(records: Records, run: str) -> list[Item]:
    """Return the items that a run has planned to delete, and of which it has not said what became of them.

    They are those of its last batch, at most.
    """
    left: dict[tuple[str | None, str | None], Item] = {}
    for event in records.events(EventFilter(run=run)):
        if event.kind is EventKind.PLANNED:
            left[event.data_type, event.key] = _item(event)
        elif event.kind is EventKind.OUTCOME:
            left.pop((event.data_type, event.key), None)
    return list(left.values())


def end(records: Records, recorder: Recorder, record: RunRecord, outcomes: Sequence[Outcome]) -> None:
    """Put on record what became of a killed run's items, and its end."""
    events = [
        Event(
            at=now(),
            kind=EventKind.OUTCOME,
            asking=record.asking,
            run=record.id,
            data_type=outcome.item.data_type,
            key=outcome.item.key,
            result=outcome.result.value,
            details=outcome_data(outcome),
        )
        for outcome in outcomes
    ]
    counted = _counted([*_outcomes(records, record.id), *outcomes])
    ended = Event(
        at=now(),
        kind=EventKind.RUN_ENDED,
        asking=record.asking,
        run=record.id,
        result=RunStatus.FAILED.value,
        details={"results": results_data(counted), "detail": DIED},
    )
    recorder.write([*events, ended], record.asking)


def _outcomes(records: Records, run: str) -> Iterator[Outcome]:
    for event in records.events(EventFilter(run=run, kind=EventKind.OUTCOME)):
        yield Outcome(item=_item(event), result=Result(event.result or ""))


def _counted(outcomes: Sequence[Outcome]) -> Mapping[str, Mapping[Result, Tally]]:
    counted: dict[str, dict[Result, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for outcome in outcomes:
        item = outcome.item
        counted[item.data_type][outcome.result] += Tally(items=1, files=item.files, bytes=item.bytes)
    return counted


def _item(event: Event) -> Item:
    """Return the item of an event, as far as it says what it is."""
    said: Any = event.details.get("item")
    item = said if isinstance(said, dict) else {}
    return Item(
        data_type=event.data_type or "",
        key=event.key or "",
        root=item.get("root", ""),
        identity=item.get("identity", ""),
        group=item.get("group", ""),
        bytes=item.get("bytes", 0),
        files=item.get("files", 1),
    )
