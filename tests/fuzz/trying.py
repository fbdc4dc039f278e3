"""From a seed to a trial, and from a failing trial to a small one."""

from __future__ import annotations

from collections.abc import Sequence

from dvt.core.requests import Pushdown
from tests.fuzz.choices import Choices, shrunk
from tests.fuzz.grammar import Grammar
from tests.fuzz.judging import SPARK, Judge, Judgement, Trial
from tests.fuzz.tables import TABLES

PLACES = {
    "duckdb": ("duckdb", "target", "auto", "source"),
    "postgres": ("target", "auto", "source"),
    "mysql": ("target", "auto", "duckdb", "source"),
}
"""Dialect → values of `compute`: a place, or the engine."""
SOURCES = {"duckdb": "src", "postgres": "pg2", "mysql": "my2"}
"""Dialect → the output that has all tables of a query that is computed at its source."""


def may_refuse(dialect: str, trial: Trial) -> bool:
    """True where the engine is named that does not speak the dialect: it refuses what is not proven."""
    return trial.compute == SPARK or (trial.compute == "duckdb" and dialect != "duckdb")


def trial_of(judge: Judge, dialect: str, seed: int, place: str = "") -> tuple[Choices, Trial]:
    """Return the trial that the seed decides, the same on every machine, and its choices.

    `place` replaces the place that the seed decides.
    """
    choices = Choices(f"{dialect} {seed}")
    return choices, _trial(judge, dialect, choices, place)


def shrink(
    judge: Judge, dialect: str, choices: Choices, judgement: Judgement, place: str = ""
) -> tuple[Trial, Judgement]:
    """Return the smallest trial found with the same verdict."""

    def still_fails(drawn: Sequence[float]) -> int | None:
        trial = _trial(judge, dialect, Choices(replay=drawn), place)
        fails = judge.judge(trial).verdict is judgement.verdict
        return len(trial.sql) if fails else None

    smallest = _trial(judge, dialect, Choices(replay=shrunk(choices.drawn, still_fails)), place)
    return smallest, judge.judge(smallest)


def _trial(judge: Judge, dialect: str, choices: Choices, place: str) -> Trial:
    placement = {table.name: choices.choice(judge.placeable(table.name)) for table in TABLES}
    pushdown = Pushdown.OFF if choices.random() > 0.8 else Pushdown.AUTO
    drawn = choices.choice(PLACES[dialect])
    compute = place or drawn
    sql = Grammar(dialect, choices).query()
    if compute == "source":
        placement = dict.fromkeys(placement, SOURCES[dialect])
        compute = compute if "{" in sql else "auto"  # without a table there is no source
    return Trial(sql=sql, placement=placement, pushdown=pushdown, compute=compute)
