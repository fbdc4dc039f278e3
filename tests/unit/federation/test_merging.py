"""Queries to one table are merged where that moves less; what is merged holds what each part asks for."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from dvt.core.estimates import Estimate, ExtractLimits
from dvt.core.queries import SourceQuery
from dvt.federation.expected import ExpectedQueries
from dvt.federation.merging import MergedQuery, TableSize, merge
from tests.unit.federation.test_sharing import NEED, A, B, query

ROWS = 1000
WIDTHS = {"p": 4, "q": 4, "wide": 4000}


def estimates(kept: dict[str, float]):
    """Return a function that estimates queries of `WIDTHS`, of which each condition keeps a part."""

    def estimate(queries):
        for sent in queries:
            part = 1.0
            for condition in sent.where:
                part *= kept.get(condition, 1.0)
            width = sum(WIDTHS[column.name] for column in sent.columns)
            yield Estimate(round(ROWS * part), round(ROWS * part) * width)

    return lambda queries: list(estimate(queries))


def sent(kept: dict[str, float], *queries: SourceQuery) -> list[SourceQuery]:
    """Return what is sent for the queries, each once."""
    expected = ExpectedQueries(estimates(kept))
    for part in queries:
        expected.add([part])
    answering = [expected.answering(part) for part in queries]
    assert all(merged.covers(part) or part.needs for merged, part in zip(answering, queries, strict=True))
    return list({merged.sent.key: merged.sent for merged in answering}.values())


def test_whole_tables_have_the_columns_of_all() -> None:
    (merged,) = sent({}, query("p"), query("q"), query("p", "q"))
    assert sorted(column.name for column in merged.columns) == ["p", "q"]
    assert merged.where == ()


def test_conditions_are_joined_by_or_what_all_have_stays() -> None:
    common, first, second = "q > 0", "p = 1", "p = 2"
    kept = {first: 0.01, second: 0.01}
    (merged,) = sent(kept, query("p", where=(common, first)), query("q", where=(second, common)))
    (*kept_by_all, alternatives) = merged.where
    assert kept_by_all == [common]
    assert alternatives in {"((p = 1)) OR ((p = 2))", "((p = 2)) OR ((p = 1))"}


def test_a_part_without_a_condition_leaves_none() -> None:
    (merged,) = sent({"p = 1": 0.9}, query("p", where=("p = 1",)), query("p", "q"))
    assert merged.where == ()


def test_conditions_that_keep_most_rows_are_left_out() -> None:
    kept = {"p = 1": 0.6, "p = 2": 0.6}
    (merged,) = sent(kept, query("p", "q", where=("p = 1",)), query("q", where=("p = 2",)))
    assert merged.where == ()


def test_a_wide_column_of_few_rows_is_not_read_of_all() -> None:
    narrow, wide = query("p"), query("wide", where=("p = 1",))
    assert sent({"p = 1": 0.01}, narrow, wide) == [narrow, wide]


def test_a_condition_has_no_more_than_24_alternatives() -> None:
    parts = [query("p", where=(f"p = {number}",)) for number in range(40)]
    first, second = sent({f"p = {number}": 0.001 for number in range(40)}, *parts)
    assert {str(group.where).count(" OR ") for group in (first, second)} == {23, 15}


def test_queries_of_other_tables_states_and_shapes_stay_alone() -> None:
    others = [
        query("p", table=B),
        query("p", "q", this=True),
        query("q", needs=(NEED,)),
        query("q", group_by=("q",)),
    ]
    assert sent({}, query("p"), *others) == [query("p"), *others]


def test_a_name_that_means_two_columns_is_not_merged() -> None:
    other = replace(query("p"), select=('"q" AS "p"',))
    assert len(sent({}, query("p"), other)) == 2


def test_one_query_stays_as_it_is() -> None:
    alone = query("p", where=("p = 1",))
    assert sent({}, alone) == [alone]
    assert sent({}, alone, replace(alone, alias="y")) == [alone]


def test_what_is_expected_after_the_merge_is_merged_without_it() -> None:
    expected = ExpectedQueries(estimates({}))
    expected.add([query("p")])
    first = expected.answering(query("p"))
    expected.add([query("q"), query("q", where=("p = 1",))])
    assert first.sent == query("p")
    assert [column.name for column in expected.answering(query("q")).sent.columns] == ["q"]


def test_a_split_query_is_sent_by_itself() -> None:
    expected = ExpectedQueries(estimates({}))
    expected.add([query("p"), query("q")])
    expected.split(expected.answering(query("p")))
    assert [expected.answering(part).sent for part in (query("p"), query("q"))] == [query("p"), query("q")]


def test_a_group_stays_within_the_limits_of_its_nodes() -> None:
    parts = [query("p", where=("p = 1",)), query("p", "q", where=("p = 2",))]
    for rows, groups in ((200, 1), (150, 2)):
        expected = ExpectedQueries(estimates({"p = 1": 0.1, "p = 2": 0.1}))
        limits = ExtractLimits(rows=rows)
        expected.add(parts, limits)
        assert len({expected.answering(part, limits).sent.key for part in parts}) == groups


def test_nodes_of_other_limits_are_not_merged() -> None:
    expected = ExpectedQueries(estimates({}))
    expected.add([query("p")], ExtractLimits(rows=5000))
    expected.add([query("q")])
    assert expected.answering(query("q")).sent == query("q")


def test_a_query_is_merged_with_those_of_its_bucket_alone() -> None:
    expected = ExpectedQueries(estimates({}))
    expected.add([query("p"), query("q")])
    assert len(expected.answering(query("p")).parts) == 2
    elsewhere = [replace(query(name), bucket="eu") for name in ("p", "wide")]
    expected.add(elsewhere)
    for part in elsewhere:
        answering = expected.answering(part)
        assert sorted(column.name for column in answering.sent.columns) == ["p", "wide"]
        assert {answering.sent.bucket, *(other.bucket for other in answering.parts)} == {"eu"}


def test_without_any_estimate_the_ratios_count() -> None:
    expected = ExpectedQueries(lambda queries: [None] * len(queries))
    parts = [query("p"), query("q"), query("p", where=("p = 1",))]
    expected.add(parts)
    assert len({expected.answering(part).sent.key for part in parts}) == 1


@pytest.mark.parametrize("seed", range(200))
def test_groups_cost_no_more_than_their_parts_and_hold_every_query_once(seed: int) -> None:
    names = [*itertools.combinations(WIDTHS, 1), *itertools.combinations(WIDTHS, 2)]
    conditions = {f"p = {number}": (seed * 7 + number * 3) % 11 / 10 for number in range(4)}
    parts = [
        query(*names[(seed * 5 + number * number) % len(names)], where=tuple([*conditions][: number % 5]))
        for number in range(2 + seed % 6)
    ]
    parts = list({part.key: part for part in parts}.values())
    kept = {part.key: estimates(conditions)([part])[0].rows / ROWS for part in parts}
    size = TableSize(ROWS, WIDTHS, kept)
    groups = merge(parts, size)
    assert sorted(part.key for group in groups for part in group.parts) == sorted(part.key for part in parts)
    assert sum(size.cost(group.parts) for group in groups) <= sum(size.cost([part]) for part in parts) + 1e-6
    assert all(group.covers(part) for group in groups for part in group.parts)


def test_a_merged_query_covers_what_each_part_covers_and_no_more() -> None:
    first, second = query("p", "q", where=("p = 1",)), query("p", where=("q = 2",))
    (merged,) = merge([first, second], TableSize(ROWS, WIDTHS, {first.key: 0.1, second.key: 0.1}))
    assert merged.covers(query("q", where=("q = 2", "p > 5")))
    assert not merged.covers(query("q", where=("p > 5",)))
    assert not merged.covers(query("wide", where=("p = 1",)))
    assert not MergedQuery.of(second).covers(query("p", where=("p = 1",)))
    assert A in merged.sent.tables
