"""Which conditions of a model that its target computes a source may apply."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dvt.core.requests import Translate
from dvt.federation.plan.certain import keep_certain
from dvt.federation.plan.source_queries import extract
from dvt.federation.plan.state import PlanState
from tests.unit.federation.plan.examples import copy_state_after, state_after


@pytest.mark.parametrize(
    ("condition", "dialect", "is_kept"),
    [
        ("id = 1", "duckdb", True),
        ("id IN (1, 2) AND total > -1.5 + 1", "duckdb", True),
        ("id BETWEEN 1 AND '2'", "duckdb", False),
        ("id = date '2024-01-01'", "duckdb", False),
        ("id = true", "duckdb", False),
        ("id = 7 / 2", "duckdb", False),
        ("changed >= '2024-01-01 00:00:00'", "postgres", True),
        ("changed >= '2024-01-01'", "postgres", False),
        ("changed >= '2024-01-01 00:00:00+02'", "postgres", False),
        ("changed >= '2024-01-01 00:00:00+00:00'", "postgres", True),
        ("changed >= '2024-01-01 00:00:00+00:00'", "duckdb", True),
        ("changed >= '2024-01-01 00:00:00+00:00'", "mysql", False),
        ("changed BETWEEN '2024-01-01 00:00:00+00:00' AND '2024-01-02 00:00:00+01:00'", "duckdb", False),
        ("changed < date '2024-01-31' + interval '1 month'", "postgres", True),
        ("changed < date '2024-02-30'", "postgres", False),
        ("changed < date '2024-01-01' + 1", "postgres", False),
        ("changed < now()", "postgres", False),
        ("changed IS NULL", "mysql", True),
        ("NOT id IN (1, 2)", "mysql", True),
    ],
)
def test_a_condition_is_pushed_if_every_database_understands_it_alike(
    condition: str, dialect: str, is_kept: bool
) -> None:
    state = copy_state_after(keep_certain, f"SELECT id FROM {{orders}} WHERE {condition}", dialect=dialect)
    (scan,) = state.scans
    assert bool(scan.candidates) is is_kept


@pytest.mark.parametrize(
    ("condition", "dialects"),
    [
        ("name = 'a'", {"duckdb", "postgres"}),
        ("name <> 'a'", {"duckdb", "postgres"}),
        ("name IN ('a', 'b')", {"duckdb", "postgres"}),
        ("name > 'a'", {"duckdb"}),
        ("name IS NOT NULL", {"duckdb", "postgres", "mysql"}),
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "mysql"])
def test_text_is_compared_at_its_source_only_as_the_target_would(
    condition: str, dialects: set[str], dialect: str
) -> None:
    state = copy_state_after(keep_certain, f"SELECT id FROM {{customers}} WHERE {condition}", dialect=dialect)
    (scan,) = state.scans
    assert bool(scan.candidates) is (dialect in dialects)


@pytest.mark.parametrize("planned", [state_after, copy_state_after])
@pytest.mark.parametrize(
    ("text", "is_pushed"), [("1 day 02:00", False), ("1 hour 5 minutes", False), ("2 days", True)]
)
def test_an_interval_of_which_sqlglot_reads_a_part_is_not_pushed(
    planned: Callable[..., PlanState], text: str, is_pushed: bool
) -> None:
    sql = f"SELECT id FROM {{orders}} WHERE changed < timestamp '2024-01-31 00:00:00' + interval '{text}'"
    for dialect in ("duckdb", "postgres"):
        (query,) = planned(extract, sql, dialect=dialect, translate=Translate.BEST_EFFORT).queries
        assert bool(query.where) is is_pushed
