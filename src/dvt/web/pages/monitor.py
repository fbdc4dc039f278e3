"""The run monitor: what the project's commands are doing, and what they did."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from dvt.core.operation_record import PENDING, RUNNING, SKIPPED, Failure, NodeRecord, OperationRecord
from dvt.core.status import Status
from dvt.web.masking import Mask
from dvt.web.pages.graph import Graph, graph
from dvt.web.pages.timeline import Timeline, timeline

SILENT_AFTER = timedelta(seconds=30)
"""A running command writes its file every five seconds: after so long without, something is wrong."""
STAGES = ("extract", "compute", "load", "publish")
_CHART = 40
"""Commands of the chart of durations."""
_CHART_HEIGHT = 56
_OF_PLANS = frozenset({"--target", "--profile", "--profiles-dir", "--compute", "--bucket"})
"""Options that `dvt explain` has, too. Values of `--vars` are not on record."""
_EXPLAIN_TIMEOUT = 120
"""Seconds after which a plan is not waited for any more: it asks databases."""


def seconds(record: OperationRecord | NodeRecord, now: datetime | None = None) -> float | None:
    """Return how long an operation or a node has taken, or has taken until now; None: it has not begun."""
    start, end = (
        (record.start_time, record.end_time)
        if isinstance(record, OperationRecord)
        else (record.started, record.ended)
    )
    return None if start is None else max(0.0, ((end or now or datetime.now(UTC)) - start).total_seconds())


def is_silent(record: OperationRecord, now: datetime | None = None) -> bool:
    """Return whether an operation says that it runs, and has not written its file for a while."""
    if record.status is not Status.RUNNING:
        return False
    last = record.heartbeat or record.start_time
    return last is None or (now or datetime.now(UTC)) - last > SILENT_AFTER


def state(node: NodeRecord) -> str:
    """Return the class of a node's status: `ok`, `failed`, `warned`, `running`, `pending`, `skipped`."""
    if node.has_failed:
        return "failed"
    known = {
        PENDING: "pending",
        RUNNING: "running",
        SKIPPED: "skipped",
        "cancelled": "skipped",
        "warn": "warned",
    }
    return known.get(node.status, "ok")


def states(record: OperationRecord) -> Mapping[str, int]:
    """Return how many nodes are in each state, in the order in which they are drawn."""
    order = ("ok", "warned", "failed", "skipped", "running", "pending")
    counted: dict[str, int] = defaultdict(int)
    for node in record.nodes:
        counted[state(node)] += 1
    return {name: counted[name] for name in order if counted[name]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A command in the chart of durations. Pixels."""

    record: OperationRecord
    seconds: float
    height: float


def chart(records: Sequence[OperationRecord]) -> list[Column]:
    """Return the commands of the chart, the oldest first, with their heights."""
    known = [(record, seconds(record)) for record in records[:_CHART]]
    longest = max((took for _, took in known if took is not None), default=0) or 1
    return [
        Column(record=record, seconds=took, height=max(3.0, _CHART_HEIGHT * took / longest))
        for record, took in reversed(known)
        if took is not None
    ]


def spent(node: NodeRecord) -> list[tuple[str, float, float]]:
    """Return the stages of a node with their seconds, and their share of all of them."""
    return shares_of(stages([node]))


def stages(nodes: Sequence[NodeRecord]) -> dict[str, float]:
    """Return the seconds that nodes have spent in each stage, in the order of a run."""
    sums: dict[str, float] = defaultdict(float)
    for node in nodes:
        for moved in node.moved:
            sums[moved.what] += moved.seconds
    return {stage: sums[stage] for stage in STAGES if stage in sums}


def shares_of(stages: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Return stages with their seconds, and their share of all of them."""
    whole = sum(stages.values()) or 1
    return [(stage, time, time / whole) for stage, time in stages.items()]


def moved_rows(node: NodeRecord) -> int | None:
    """Return the rows that a node has written, or else loaded; None if nobody knows."""
    loaded = [moved.rows for moved in node.moved if moved.what == "load" and moved.rows >= 0]
    return node.rows if node.rows is not None else (sum(loaded) if loaded else None)


def moved_bytes(node: NodeRecord) -> int | None:
    """Return the bytes that were extracted for a node; None for a node that extracts nothing."""
    extracted = [of.bytes for of in node.moved if of.what == "extract" and of.bytes >= 0 and not of.reused]
    return sum(extracted) if extracted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An operation with what is drawn of it."""

    record: OperationRecord
    graph: Graph
    timeline: Timeline
    stages: Mapping[str, float]
    """Stage → seconds of all nodes."""
    tests: Mapping[str, Sequence[NodeRecord]]
    """Node → its tests, which are not drawn in the graph."""
    is_silent: bool


def shown(record: OperationRecord, around: str = "") -> Shown:
    """Draw an operation; `around`: of the graph only this node and its neighbours."""
    return Shown(
        record=record,
        graph=graph([node for node in record.nodes if not is_test(node)], around),
        timeline=timeline(record),
        stages=stages(record.nodes),
        tests=_tests(record),
        is_silent=is_silent(record),
    )


def masked(record: OperationRecord, mask: Mask) -> OperationRecord:
    """Return an operation whose texts name no path that is none of the project's, as the API tells it."""
    return replace(
        record,
        command=tuple(map(mask.text, record.command)),
        message=mask.text(record.message),
        error=_masked(record.error, mask),
        nodes=tuple(replace(of, error=_masked(of.error, mask)) if of.error else of for of in record.nodes),
    )


def _masked(error: Failure | None, mask: Mask) -> Failure | None:
    return None if error is None else replace(error, text=mask.text(error.text))


def is_test(node: NodeRecord) -> bool:
    """Return whether a node tests others."""
    return node.resource_type in {"test", "unit_test"}


def _tests(record: OperationRecord) -> Mapping[str, Sequence[NodeRecord]]:
    tests: dict[str, list[NodeRecord]] = defaultdict(list)
    for node in filter(is_test, record.nodes):
        for name in node.dependencies:
            tests[name].append(node)
    return tests


def explain(project_dir: Path, node: NodeRecord, record: OperationRecord) -> tuple[bool, str]:
    """Return whether the plan of a node could be made by the project as it is now, and its text or the error.

    It is made by `dvt explain` in a process of its own: this server does not load dbt. Options of the
    command that the plan depends on are given again.
    """
    command = [sys.executable, "-m", "dvt.cli.main", "--no-use-colors", "explain", f"--select={node.name}"]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and each value is one argument
            [*command, *_again(record)],
            cwd=project_dir,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_EXPLAIN_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"dvt explain has not answered within {_EXPLAIN_TIMEOUT} seconds"
    return done.returncode == 0, done.stdout if done.returncode == 0 else done.stdout + done.stderr


def _again(record: OperationRecord) -> list[str]:
    """Return the options of a command on which plans depend; a target that was not asked for is none."""
    pairs = pairwise(record.command)
    return [f"{name}={value}" for name, value in pairs if name in _OF_PLANS]


FUNCTIONS: Mapping[str, Any] = {
    "shares_of": shares_of,
    "is_test": is_test,
    "seconds": seconds,
    "state": state,
    "states": states,
    "spent": spent,
    "moved_rows": moved_rows,
    "moved_bytes": moved_bytes,
    "is_silent": is_silent,
}
"""What templates ask of operations."""
