"""Random queries answer as the live database of their dialect does, wherever their tables are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dvt.drivers.duckdb import FILES
from tests.fuzz.choices import Choices, shrunk
from tests.fuzz.judging import SPARK, FuzzWorkspace, Judge, Verdict
from tests.fuzz.trying import may_refuse, shrink, trial_of

pytestmark = pytest.mark.slow

_QUERIES = 669
"""Number of queries of a dialect."""
_QUERIES_OF_SPARK = 200
"""The same for Spark, a statement of which takes a second."""
_PARTS = 3
"""Number of tests that they are divided among; `make test` runs the first one."""


@pytest.fixture(scope="module")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, databases: Callable[[str], Any]
) -> Iterator[FuzzWorkspace]:
    workspace = FuzzWorkspace(tmp_path_factory.mktemp("fuzz"), databases)
    yield workspace
    workspace.close()
    FILES.close()


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=[pytest.mark.long] if part else []) for part in range(_PARTS)]
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "mysql"])
def test_random_queries_answer_as_the_database_of_their_dialect(
    workspace: FuzzWorkspace, dialect: str, part: int
) -> None:
    share = _QUERIES // _PARTS
    invalid, refused = 0, 0
    with Judge(workspace, dialect) as judge:
        for seed in range(part * share, (part + 1) * share):
            choices, trial = trial_of(judge, dialect, seed)
            judgement = judge.judge(trial)
            invalid += judgement.verdict is Verdict.INVALID
            refused += judgement.verdict is Verdict.REFUSED and not may_refuse(dialect, trial)
            if judgement.fails:
                small, shown = shrink(judge, dialect, choices, judgement)
                pytest.fail(f"{dialect} {seed}: {small}\n{shown.verdict}: {shown.reason}")
    assert refused <= share / 50
    assert invalid < share / 20, "the grammar makes queries that the database itself refuses"


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "mysql"])
def test_random_queries_that_spark_computes_answer_as_the_database_of_their_dialect(
    workspace: FuzzWorkspace, dialect: str
) -> None:
    verdicts: Counter[Verdict] = Counter()
    with Judge(workspace, dialect) as judge:
        for seed in range(_QUERIES_OF_SPARK):
            choices, trial = trial_of(judge, dialect, seed, SPARK)
            judgement = judge.judge(trial)
            verdicts[judgement.verdict] += 1
            if judgement.fails:
                small, shown = shrink(judge, dialect, choices, judgement, SPARK)
                pytest.fail(f"{dialect} {seed}: {small}\n{shown.verdict}: {shown.reason}")
    assert verdicts[Verdict.SAME] > _QUERIES_OF_SPARK / 10, verdicts


def test_a_seed_decides_the_choices() -> None:
    assert [Choices("a").random() for _ in range(2)] == [Choices("a").random() for _ in range(2)]
    assert Choices("a").random() != Choices("b").random()


def test_choices_are_shrunk_to_the_fewest_that_fail() -> None:
    drawn = [0.3, 0.9, 0.1, 0.8, 0.4, 0.2]

    def still_fails(choices: list[float]) -> int | None:
        return len([value for value in choices if value]) if 0.9 in choices and 0.4 in choices else None

    assert shrunk(drawn, still_fails) == [0.9, 0.4]
