"""Writes simulations: what would have been there with a policy, beside the valid one and what was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dvt.core.moments import DAY
from dvt.core.reports import count, size
from dvt.core.retention import Action, Moment, Policy
from dvt.lifecycle.reports.plans import stays_for
from dvt.lifecycle.reports.policies import as_object as policy_object
from dvt.lifecycle.reports.times import moment_text
from dvt.lifecycle.simulate import Amount, Simulated, Step

_T = TypeVar("_T")
_KEEPS = ("keep_last", "keep_daily", "keep_weekly", "keep_monthly")
_ROWS = 12
"""Days of the table that are shown where not all are asked for."""
_WIDTH = 60
"""Characters of a chart, at most."""
BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.:-=+*#"
"""What charts are drawn with, from low to high."""
_MUCH = 0.01
"""Share of the most that was there, from which on it is told what is lacking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A policy, and the valid one, over the same days."""

    wanted: Simulated
    valid: Simulated
    """The same as `wanted` where that is the valid policy."""

    @property
    def is_change(self) -> bool:
        """Whether these are two policies."""
        return self.wanted.policy != self.valid.policy

    @property
    def days(self) -> int:
        """Days from the first step to the last."""
        return round((self.wanted.end.at - self.wanted.steps[0].at) / DAY)

    @property
    def step_days(self) -> int:
        """Days from one step to the next."""
        return round((self.wanted.steps[1].at - self.wanted.steps[0].at) / DAY)


def as_lines(of: Comparison, *, everything: bool = False, marks: str = BLOCKS) -> Iterator[str]:
    """Yield a simulation for people: a chart, a table, the most and the end, and what is not known."""
    wanted, valid = of.wanted, of.valid
    yield f"{wanted.data_type}, the last {count(of.days, 'day')}, with a cleanup every {_how_often(of)}"
    yield f"  with this policy: stays for {stays_for(wanted.policy)}{_keeps(wanted.policy)}"
    if of.is_change:
        yield f"  the valid policy: stays for {stays_for(valid.policy)}{_keeps(valid.policy)}"
    yield ""
    series = {"with this policy": [step.simulated for step in wanted.steps]}
    if of.is_change:
        series["the valid policy"] = [step.simulated for step in valid.steps]
    series["in fact"] = [step.known for step in wanted.steps]
    yield from _chart(series, marks)
    yield ""
    yield from _table(of, everything=everything)
    yield ""
    yield from sentences(of)
    yield from (f"note: {note}" for note in notes(of))


def _how_often(of: Comparison) -> str:
    return "day" if of.step_days == 1 else f"{of.step_days} days"


def _keeps(policy: Policy | None) -> str:
    if policy is None:
        return ""
    names = ("min_keep", *_KEEPS)
    keeps = [f"{name} {getattr(policy.rule, name)}" for name in names if getattr(policy.rule, name)]
    if policy.rule.max_total_bytes is not None:
        keeps.append(f"max_total_size {size(policy.rule.max_total_bytes)}")
    return f"; {', '.join(keeps)}" if keeps else ""


def _chart(series: dict[str, list[Amount]], marks: str) -> Iterator[str]:
    top = max(1, *(amount.bytes for amounts in series.values() for amount in amounts))
    width = max(map(len, series))
    for name, amounts in series.items():
        line = "".join(_mark(amount.bytes, top, marks) for amount in some(amounts, _WIDTH))
        yield f"{name.ljust(width)}  {line}  {size(amounts[-1].bytes)} now"


def _mark(value: int, top: int, marks: str) -> str:
    return " " if value <= 0 else marks[min(len(marks) - 1, value * len(marks) // top)]


def some(of: Sequence[_T], most: int) -> list[_T]:
    """Return so many of a sequence at most, equally far from each other; the last is one of them."""
    if len(of) <= most:
        return list(of)
    return [of[(len(of) - 1) * place // (most - 1)] for place in range(most)]


def _table(of: Comparison, *, everything: bool) -> Iterator[str]:
    titles = [
        "with this policy",
        *(["the valid policy"] if of.is_change else []),
        "deleted by then",
        "in fact",
    ]
    rows = [["day (UTC)", *titles, "found by a cleanup"]]
    steps = list(zip(_with_deleted(of.wanted.steps), of.valid.steps, strict=True))
    for (step, deleted), valid in steps if everything else some(steps, _ROWS):
        amounts = [step.simulated, *([valid.simulated] if of.is_change else []), deleted, step.known]
        found = "" if step.found is None else _short(step.found)
        rows.append([_day(step.at), *map(_short, amounts), found])
    yield from _aligned(rows)
    if len(steps) > _ROWS and not everything:
        yield f"… {_ROWS} of {len(steps)} (--all shows each)"


def _short(amount: Amount) -> str:
    return f"{amount.items:,} / {size(amount.bytes)}"


def _with_deleted(steps: Sequence[Step]) -> Iterator[tuple[Step, Amount]]:
    """Yield steps, each with all that would have been deleted until then."""
    items = sizes = 0
    for step in steps:
        items, sizes = items + step.deleted.items, sizes + step.deleted.bytes
        yield step, Amount(items, sizes)


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    """Yield rows in columns: the first to the left, the others to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for first, *others in rows:
        cells = [
            first.ljust(widths[0]),
            *(of.rjust(width) for of, width in zip(others, widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()


def sentences(of: Comparison) -> Iterator[str]:
    """Yield what comes of it, in sentences."""
    wanted, valid = of.wanted, of.valid
    peak, known = wanted.peak, wanted.known_peak
    yield (
        f"At the most there would have been {size(peak.simulated.bytes)}, on {_day(peak.at)}; "
        f"in fact there were {size(known.known.bytes)}, on {_day(known.at)}."
    )
    now = f"Now there would be {size(wanted.end.simulated.bytes)}, {_than(wanted.difference)} there is"
    more = wanted.end.simulated.bytes - valid.end.simulated.bytes
    yield f"{now}, and {_than(more)} with the valid policy." if of.is_change else f"{now}."
    yield f"It would have deleted {_amount(wanted.deleted)}, in these {count(of.days, 'day')}."


def _than(more: int) -> str:
    return f"{size(abs(more))} {'more' if more > 0 else 'less'} than" if more else "as much as"


def notes(of: Comparison) -> list[str]:
    """Return what is not known for certain, or would surprise, in sentences."""
    return [*_of_policy(of.wanted), *_of_record(of.wanted), *_of_items(of.wanted)]


def _of_policy(of: Simulated) -> Iterator[str]:
    if of.policy is None:
        yield f"there is no policy for {of.data_type}, so it would have deleted nothing"
    elif not of.policy.rule.enabled:
        yield "the policy is disabled, so it would have deleted nothing but what special rules say"
    numbers = [name for name in _KEEPS if of.policy is not None and getattr(of.policy.rule, name)]
    if numbers and not of.has_groups:
        keep = f"{' and '.join(numbers)} keep{'s' if len(numbers) == 1 else ''} nothing"
        yield f"{keep}, since no item of {of.data_type} has a group"
    if of.compressed.items:
        yield (
            f"it would have compressed {_amount(of.compressed)}: they count with their whole size, since "
            "it is not known how much that frees"
        )
    if of.policy is not None and of.policy.rule.action is Action.QUARANTINE:
        yield "what would have been moved aside is not counted, though its space is freed only days later"


def _of_record(of: Simulated) -> Iterator[str]:
    since, complete = of.doubts.recorded_since, of.complete_from
    if since is None or complete is None:
        yield (
            "no cleanup is on record: what was deleted until now is not known, so the figures of earlier "
            "days may be too low"
        )
        return
    if since > of.steps[0].at:
        yield (
            f"the record begins on {_day(since)}: what was deleted before is not known. In fact there may "
            f"have been more until then; with the policy, until {_day(complete)}, longer where numbers keep"
        )
    if of.doubts.missing > _MUCH * of.known_peak.known.bytes:
        yield (
            f"cleanups found up to {size(of.doubts.missing)} that nothing is known of any more: others have "
            "deleted it, or it was larger then"
        )


def _of_items(of: Simulated) -> Iterator[str]:
    doubts = of.doubts
    if doubts.changed.items:
        yield (
            f"{_amount(doubts.changed)}: written or renamed a day or more after they began; they count with "
            "the size that they have now"
        )
    if doubts.ageless.items:
        yield f"{_amount(doubts.ageless)}: when they began is not known; they count as always there"
    if doubts.held.items:
        yield f"{_amount(doubts.held)}: in use, or otherwise held, now; they count as held all the time"
    yield from (f"not looked at: {problem}" for problem in doubts.problems)


def _amount(amount: Amount) -> str:
    return f"{count(amount.items, 'item')}, {size(amount.bytes)}"


def _day(moment: Moment) -> str:
    return moment_text(moment)[:10]


def total_lines(of: Sequence[Comparison], marks: str = BLOCKS) -> Iterator[str]:
    """Yield simulations of several data types for people: what there would have been of all, and of each."""
    if not of:
        yield "no policy is valid: `dvt lifecycle policies simulate DATA_TYPE --days N` tries one out"
        return
    yield f"the last {count(of[0].days, 'day')}, with a cleanup every {_how_often(of[0])}"
    yield ""
    simulated = _sums(of, lambda step: step.simulated)
    known = _sums(of, lambda step: step.known)
    yield from _chart({"with the policies": simulated, "in fact": known}, marks)
    yield ""
    rows = [["data type", "most", "now", "in fact: most", "now", "difference", "stays for"]]
    for one in of:
        wanted = one.wanted
        sizes = [wanted.peak.simulated, wanted.end.simulated, wanted.known_peak.known, wanted.end.known]
        cells = [size(amount.bytes) for amount in sizes]
        rows.append([wanted.data_type, *cells, _signed(wanted.difference), stays_for(wanted.policy)])
    peaks = [max(amount.bytes for amount in amounts) for amounts in (simulated, known)]
    ends = [amounts[-1].bytes for amounts in (simulated, known)]
    whole = [size(peaks[0]), size(ends[0]), size(peaks[1]), size(ends[1]), _signed(ends[0] - ends[1])]
    rows.append(["all", *whole, ""])
    yield from _aligned(rows)
    yield from (f"note: {one.wanted.data_type}: {note}" for one in of for note in notes(one))


def _sums(of: Sequence[Comparison], amount: Callable[[Step], Amount]) -> list[Amount]:
    columns = zip(*([amount(step) for step in one.wanted.steps] for one in of), strict=True)
    return [Amount(sum(of.items for of in column), sum(of.bytes for of in column)) for column in columns]


def _signed(number: int) -> str:
    return f"{'-' if number < 0 else '+' if number else ''}{size(abs(number))}"


def as_object(of: Comparison) -> dict[str, Any]:
    """Return a simulation for programs. Times are ISO 8601 in UTC, sizes bytes."""
    wanted, valid = of.wanted, of.valid
    known_from = wanted.doubts.recorded_since
    return {
        "data_type": wanted.data_type,
        "over_days": of.days,
        "step_days": of.step_days,
        "policy": None if wanted.policy is None else policy_object(wanted.policy),
        "valid_policy": None if valid.policy is None else policy_object(valid.policy),
        "steps": [
            {
                "at": moment_text(step.at),
                "simulated": _numbers(step.simulated),
                "valid": _numbers(other.simulated),
                "deleted": _numbers(step.deleted),
                "known": _numbers(step.known),
                "found": None if step.found is None else _numbers(step.found),
            }
            for step, other in zip(wanted.steps, valid.steps, strict=True)
        ],
        "peak": {"at": moment_text(wanted.peak.at), **_numbers(wanted.peak.simulated)},
        "known_peak": {"at": moment_text(wanted.known_peak.at), **_numbers(wanted.known_peak.known)},
        "deleted": _numbers(wanted.deleted),
        "difference": wanted.difference,
        "recorded_since": None if known_from is None else moment_text(known_from),
        "complete_from": None if wanted.complete_from is None else moment_text(wanted.complete_from),
        "notes": notes(of),
    }


def _numbers(amount: Amount) -> dict[str, int]:
    return {"items": amount.items, "bytes": amount.bytes}
