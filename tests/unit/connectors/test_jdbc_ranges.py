"""Where ranges end: alike in rows whatever the values, and nowhere where counts contradict."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_counts_that_contradict_each_other_cut_nothing():
    assert ends(lambda steps: [100 - number for number, _ in enumerate(steps)], 0, 1000, 100, 4) == []


def test_a_null_that_comes_meanwhile_is_in_the_first_range():
    assert _conditions("k", ["5", "9"], has_nulls=False) == [
        "k < 5 OR k IS NULL",
        "k >= 5 AND k < 9",
        "k >= 9",
    ]
    assert _conditions("k", ["5"], has_nulls=True) == ["k < 5", "k >= 5", "k IS NULL"]
    assert _conditions("k", [], has_nulls=True) == [""]
