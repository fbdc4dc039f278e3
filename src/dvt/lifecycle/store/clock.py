"""Whether the clock can be trusted, since ages are what decides: facts, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

from dvt.core.moments import SECOND, Moment

MAX_JUMP = 24 * 3600 * SECOND
"""Nanoseconds by which the clock and the time that this machine was on may differ since the last run."""
MAX_DIFFERENCE = 300 * SECOND
"""Nanoseconds by which this machine's clock may differ from the database's, or from another machine's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFacts:
    """What is known of the time."""

    now: Moment
    """By this machine's clock."""
    boot: str
    """Id of this machine's last start."""
    uptime: int
    """Nanoseconds for which it has been on since then, sleep included."""
    database: Moment | None = None
    """What the database's clock said at the same time; None: it has none of its own."""
    last_run: Moment | None = None
    """When the last run on record began; None: there is none."""
    last_boot: str = ""
    last_uptime: int = 0
    """What `boot` and `uptime` were then, on the machine of that run."""


def clock_refusals(facts: ClockFacts) -> tuple[str, ...]:
    """Return why an automatic run must not trust the clock, in sentences; empty: it may."""
    sentences = (_before_last_run(facts), _jump(facts), _difference(facts))
    return tuple(sentence for sentence in sentences if sentence)


def _same_machine(facts: ClockFacts) -> bool:
    return bool(facts.boot) and facts.boot == facts.last_boot


def _before_last_run(facts: ClockFacts) -> str:
    if facts.last_run is None:
        return ""
    behind = facts.last_run - facts.now
    if behind <= (0 if _same_machine(facts) else MAX_DIFFERENCE):
        return ""
    return f"the clock is {_duration(behind)} before the beginning of the last run on record"


def _jump(facts: ClockFacts) -> str:
    if facts.last_run is None or not _same_machine(facts):
        return ""
    jump = (facts.now - facts.last_run) - (facts.uptime - facts.last_uptime)
    if abs(jump) <= MAX_JUMP:
        return ""
    direction = "forward" if jump > 0 else "back"
    return f"the clock was set {direction} by {_duration(abs(jump))} since the last run"


def _difference(facts: ClockFacts) -> str:
    if facts.database is None:
        return ""
    difference = facts.now - facts.database
    if abs(difference) <= MAX_DIFFERENCE:
        return ""
    side = "ahead of" if difference > 0 else "behind"
    return f"the clock is {_duration(abs(difference))} {side} the database's"


def _duration(nanoseconds: int) -> str:
    minutes, seconds = divmod(nanoseconds // SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than 1 s"
