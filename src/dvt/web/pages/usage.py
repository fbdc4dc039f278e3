"""Draws what there would have been with a policy, with the valid one, and in fact: as lines over days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvt.core.reports import size
from dvt.core.retention import Moment
from dvt.lifecycle.reports.simulations import Comparison, notes, sentences, some
from dvt.lifecycle.reports.times import moment_text
from dvt.lifecycle.simulate import Amount
from dvt.web.masking import Mask

WIDTH, HEIGHT = 600, 160
"""Units of the drawing, which is stretched to the room that it has."""
_ROWS = 13
"""Rows of the table, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one policy would have left, or what there was."""

    name: str
    style: str
    """Class by which the style sheet draws it: `wanted`, `valid` or `known`."""
    points: str
    """As SVG writes them."""
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A chart, with all that it says in words and numbers."""

    data_type: str
    days: int
    lines: Sequence[Line]
    """Those that are drawn first, first; none if there is nothing to draw."""
    marks: Sequence[str]
    """Sizes at the top, in the middle and at the bottom."""
    dates: Sequence[str]
    """Days at the left, in the middle and at the right."""
    sentences: Sequence[str]
    notes: Sequence[str]
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    """Of the table: a day, and a size for each title."""


def usage(of: Comparison, mask: Mask) -> Usage:
    """Draw a simulation; `mask` is for paths in its notes."""
    steps = of.wanted.steps
    series = [("in fact", "known", [step.known for step in steps])]
    if of.is_change:
        series.append(("with the valid policy", "valid", [step.simulated for step in of.valid.steps]))
    name = "with this policy" if of.is_change else "with this policy, the valid one"
    series.append((name, "wanted", [step.simulated for step in steps]))
    top = max(amount.bytes for _, _, amounts in series for amount in amounts)
    table = some(list(zip(steps, *(amounts for _, _, amounts in series), strict=True)), _ROWS)
    return Usage(
        data_type=of.wanted.data_type,
        days=of.days,
        lines=[
            Line(name=name, style=style, points=_points(amounts, top, style), now=size(amounts[-1].bytes))
            for name, style, amounts in series
            if top
        ],
        marks=[size(top), size(top / 2), "0"],
        dates=[_day(steps[at].at) for at in (0, len(steps) // 2, -1)],
        sentences=list(sentences(of)),
        notes=[mask.text(note) for note in notes(of)],
        titles=[name for name, _, _ in reversed(series)],
        rows=[[_day(step.at), *(size(of.bytes) for of in reversed(amounts))] for step, *amounts in table],
    )


def _points(amounts: Sequence[Amount], top: int, style: str) -> str:
    """Return the points of a line; of what there was, those of the area below it."""
    last = len(amounts) - 1
    points = [(WIDTH * at / last, HEIGHT * (1 - amount.bytes / top)) for at, amount in enumerate(amounts)]
    if style == "known":
        points = [(0.0, float(HEIGHT)), *points, (float(WIDTH), float(HEIGHT))]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _day(at: Moment) -> str:
    return moment_text(at)[:10]
