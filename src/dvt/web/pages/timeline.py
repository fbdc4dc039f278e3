"""Places an operation's nodes on a time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dvt.core.operation_record import NodeRecord, OperationRecord

ROW = 26
"""Pixels of a node's row."""
LEFT, WIDTH = 210, 760
"""Pixels of the names, and of the axis."""
TOP = 24
"""Pixels of the axis's own labels."""
MOST = 200
"""Nodes that are drawn: the longest."""
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between marks of the axis."""
_MARKS = 6
_THINNEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A node on the axis. Pixels."""

    node: NodeRecord
    x: float
    y: float
    width: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What is drawn. Pixels."""

    bars: Sequence[Bar] = ()
    marks: Sequence[tuple[float, float]] = ()
    """Places of the axis, and seconds since the first node began."""
    height: float = 0
    left_out: int = 0
    """Nodes that took less time than those that are drawn."""


def timeline(record: OperationRecord, now: datetime | None = None) -> Timeline:
    """Place the nodes that have begun; what runs ends now, or at the last sign of life."""
    begun = [node for node in record.nodes if node.started is not None]
    if not begun:
        return Timeline()
    now = now or datetime.now(UTC)
    last = record.end_time or (record.heartbeat if record.is_stale(now) else None) or now
    first = min(node.started for node in begun if node.started)
    drawn = sorted(begun, key=lambda node: -_seconds(node, last))[:MOST]
    drawn.sort(key=lambda node: (node.started or first, node.name))
    whole = max(0.001, *((min(node.ended or last, last) - first).total_seconds() for node in drawn))
    scale = WIDTH / whole
    bars = [
        Bar(
            node=node,
            x=LEFT + ((node.started or first) - first).total_seconds() * scale,
            y=TOP + index * ROW,
            width=max(_THINNEST, _seconds(node, last) * scale),
            seconds=_seconds(node, last),
        )
        for index, node in enumerate(drawn)
    ]
    return Timeline(
        bars=bars,
        marks=[(LEFT + at * scale, at) for at in _marks(whole)],
        height=TOP + len(bars) * ROW,
        left_out=len(begun) - len(drawn),
    )


def _seconds(node: NodeRecord, last: datetime) -> float:
    return 0.0 if node.started is None else max(0.0, ((node.ended or last) - node.started).total_seconds())


def _marks(whole: float) -> list[float]:
    step = next((step for step in _STEPS if whole / step <= _MARKS), _STEPS[-1])
    return [step * index for index in range(int(whole / step) + 1)]
