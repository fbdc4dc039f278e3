"""Where ranges end: alike in rows whatever the values, and nowhere where counts contradict."""

from __future__ import annotations

import doctest
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvt.connectors.jdbc import audit_columns, ranges
from dvt.connectors.jdbc.audit_columns import in_order
from dvt.connectors.jdbc.ranges import _conditions, ends

VALUES = st.lists(
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-3, 3), st.integers(10**6, 10**6 + 50)),
    min_size=1,
    max_size=200,
)


def cut(rows: list[int], parts: int) -> list[int]:
    def below(steps):
        return [sum(row < step for row in rows) for step in steps]

    return ends(below, min(rows), max(rows), len(rows), parts)


@settings(deadline=None)
@given(VALUES, st.integers(2, 20))
def test_no_range_is_empty_and_all_are_in_order(rows, parts):
    found = cut(rows, parts)
    assert found == sorted(set(found))
    assert len(found) < parts
    edges = [min(rows), *found, max(rows) + 1]
    assert all(any(low <= row < high for row in rows) for low, high in pairwise(edges))


def test_rows_that_are_dense_at_one_end_are_cut_there():
    rows = [*range(1000), 10**12]
    (end,) = cut(rows, 2)
    assert 350 < end < 650


def test_a_value_of_most_rows_has_one_range():
    assert cut([7] * 900 + list(range(100)), 4) in ([7, 8], [8], [7])


@pytest.mark.parametrize(
    "rows",
    [
        [number**5 for number in range(2000)],
        [int(1.02**number) + number for number in range(2000)],
        [*range(1999), 2**63 - 1],
        [-(10**37), *range(10**9, 10**9 + 1998), 2**62],
        [*range(1000), *range(10**37, 10**37 + 1000)],
    ],
)
def test_a_skewed_key_is_cut_into_ranges_of_rows_alike(rows):
    edges = [min(rows), *cut(rows, 8), max(rows) + 1]
    sizes = [sum(low <= row < high for row in rows) for low, high in pairwise(edges)]
    assert len(sizes) == 8
    assert max(sizes) <= 1.5 * len(rows) / 8


def test_counts_that_contradict_each_other_cut_nothing():
    assert ends(lambda steps: [100 - number for number, _ in enumerate(steps)], 0, 1000, 100, 4) == []


@pytest.mark.parametrize("has_nulls", [True, False])
@pytest.mark.parametrize("ends", [["5"], ["5", "6", "9"]])
def test_any_value_that_comes_meanwhile_is_in_one_range(ends, has_nulls):
    conditions = _conditions("k", ends, has_nulls=has_nulls)
    met = " + ".join(f"CASE WHEN {condition} THEN 1 ELSE 0 END" for condition in conditions)
    values = ", ".join(f"({value})" for value in ("NULL", -(2**63), *range(3, 12), 2**63 - 1))
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT DISTINCT {met} FROM (VALUES {values}) t(k)").fetchall() == [(1,)]


def test_a_null_that_comes_meanwhile_is_in_the_first_range():
    assert _conditions("k", ["5", "9"], has_nulls=False) == [
        "k < 5 OR k IS NULL",
        "k >= 5 AND k < 9",
        "k >= 9",
    ]
    assert _conditions("k", ["5"], has_nulls=True) == ["k < 5", "k >= 5", "k IS NULL"]
    assert _conditions("k", [], has_nulls=True) == [""]


@pytest.mark.parametrize(
    "name", ["UPDATED_AT", "LastModified", "last_update", "modified_date", "SystemModstamp"]
)
def test_a_time_of_the_last_change_is_never_chosen(name):
    assert in_order([name, "no"], [name, "kind"]) == ("no", "kind")


@pytest.mark.parametrize("name", ["CREATED_AT", "createdOn", "creation_date", "insert_ts", "loaded_at"])
def test_a_time_of_creation_is_chosen_before_other_indexes(name):
    assert in_order(["no"], ["created_by", "update_count", name]) == (
        "no",
        name,
        "created_by",
        "update_count",
    )


@pytest.mark.parametrize("module", [audit_columns, ranges])
def test_examples_hold(module):
    failed, attempted = doctest.testmod(module)
    assert (failed, attempted > 0) == (0, True)
