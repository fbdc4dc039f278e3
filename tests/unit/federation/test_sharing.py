"""A narrower query reads what a wider one has extracted, and no two models wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from dvt.core.errors import ValueLost
from dvt.core.estimates import UNLIMITED, ExtractLimits
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Capabilities, Job
from dvt.core.queries import ExtractedColumn, Need, SourceQuery, TablePlace, ValuePlace
from dvt.core.tables import Column, Table
from dvt.core.types import INTEGER
from dvt.federation.connections import Connections
from dvt.federation.extract import Extractor
from dvt.federation.kept import KeptTables
from dvt.resolution.output_types import output_type
from dvt.staging.shared import Staging
from tests.local_bucket import local_bucket, one_bucket

A = TableRef(connection="pg", schema="s", identifier="a")
B = TableRef(connection="pg", schema="s", identifier="b")


def query(*names: str, where: tuple[str, ...] = (), table: TableRef = A, **fields: Any) -> SourceQuery:
    columns = tuple(
        ExtractedColumn(name=name, column=Column(name=name, native="int", stage=INTEGER)) for name in names
    )
    question = SourceQuery(
        alias="x",
        connection="pg",
        tables=(table,),
        select=tuple(f'"{name}" AS "{name}"' for name in names),
        where=where,
        columns=columns,
    )
    return replace(question, **fields)


WIDE = query("p", "q", "r", where=("p > 1",))
NEED = Need(name="v", answers=("first",), value="1", column=Column(name="p", native="", stage=INTEGER))

COVERED = {
    "itself": WIDE,
    "fewer columns": query("r", where=("p > 1",)),
    "columns in another order": query("r", "p", where=("p > 1",)),
    "more filters": query("p", "q", "r", where=("q = 2", "p > 1")),
}
NOT_COVERED = {
    "one column more": query("p", "s", where=("p > 1",)),
    "no filter": query("p"),
    "another filter": query("p", where=("p > 2",)),
    "another table": query("p", where=("p > 1",), table=B),
    "other options": query("p", where=("p > 1",), table=replace(A, options=(("zero_dates", "null"),))),
    "another join": query("p", where=("p > 1",), source=(TablePlace(0), " AS a")),
    "one group": query("p", where=("p > 1",), group_by=()),
    "the same name for something else": query("p", where=("p > 1",), select=('"q" AS "p"',)),
    "the model's own": query("p", where=("p > 1",), this=True),
    "a value that is not known": query("p", where=("p > 1", ("p > ", ValuePlace("v"))), needs=(NEED,)),
}


@pytest.mark.parametrize("narrow", COVERED.values(), ids=COVERED)
def test_a_query_covers_narrower_ones(narrow: SourceQuery) -> None:
    assert WIDE.covers(narrow)


@pytest.mark.parametrize("other", NOT_COVERED.values(), ids=NOT_COVERED)
def test_a_query_does_not_cover_other_rows_or_columns(other: SourceQuery) -> None:
    assert not WIDE.covers(other)


def test_groups_are_covered_by_the_same_groups_of_the_same_rows_alone() -> None:
    grouped = replace(WIDE, group_by=("p",))
    assert grouped.covers(query("p", where=("p > 1",), group_by=("p",)))
    assert not grouped.covers(query("p", where=("p > 1", "q = 2"), group_by=("p",)))


class Gated:
    """A connector that answers once a test opens its gate, and fails on the columns it is given."""

    def __init__(self) -> None:
        self.capabilities = Capabilities(snapshot=True)
        self.extracted: list[tuple[str, ...]] = []
        self.extracting = threading.Event()
        self.gate = threading.Event()
        self.fails: set[str] = set()

    def describe(self, tables: list[TableRef]) -> dict[TableRef, Table]:
        return {ref: Table(ref=ref, columns=()) for ref in tables}

    @contextmanager
    def snapshot(self) -> Iterator[Gated]:
        yield self

    def extract(self, jobs: list[Job], finished: Any) -> None:
        for job in jobs:
            names = tuple(column.name for column in job.query.columns)
            self.extracted.append(names)
            self.extracting.set()
            assert self.gate.wait(30)
            if self.fails & set(names):
                job.sink.discard()
                raise ValueLost("column q", "holds what it cannot", "correct it")
            finished(job, job.sink.commit(job.query.staged, 7))

    def cancel(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def source() -> Gated:
    return Gated()


@pytest.fixture
def extractor(source: Gated, tmp_path: Any) -> Extractor:
    connections = Connections(lambda _: source, lambda _: output_type("postgres"))  # type: ignore[arg-type,return-value]
    buckets = one_bucket(Staging(local_bucket(tmp_path), "run"))
    kept = KeptTables(buckets, duckdb.connect, refresh=False)
    return Extractor(connections, buckets, lambda: False, kept)


def ask(
    extractor: Extractor, *queries: SourceQuery, limits: ExtractLimits = UNLIMITED
) -> tuple[dict[str, Any], list[bool]]:
    """Extract the queries; return the datasets, and for each whether it was there before."""
    moved: list[bool] = []
    refs = [ref for query in queries for ref in query.tables]
    tables = extractor.connections.describe(refs)
    return extractor.extract(queries, tables, lambda stage: moved.append(stage.reused), limits), moved


def test_a_narrower_query_reads_what_was_extracted(extractor: Extractor, source: Gated) -> None:
    source.gate.set()
    ask(extractor, WIDE)
    narrow = replace(COVERED["fewer columns"], alias="narrow")
    staged, reused = ask(extractor, narrow)
    assert reused == [True]
    assert [column.name for column in staged["narrow"].columns] == ["r"]
    assert source.extracted == [("p", "q", "r")]


def test_a_query_for_more_than_was_extracted_is_run(extractor: Extractor, source: Gated) -> None:
    source.gate.set()
    ask(extractor, COVERED["fewer columns"])
    assert ask(extractor, WIDE)[1] == [False]
    assert source.extracted == [("r",), ("p", "q", "r")]


def test_a_table_that_was_written_since_is_extracted_again(extractor: Extractor, source: Gated) -> None:
    source.gate.set()
    ask(extractor, WIDE)
    extractor.connections.wrote("pg", B)
    assert ask(extractor, COVERED["fewer columns"])[1] == [True]
    extractor.connections.wrote("pg", A)
    assert ask(extractor, COVERED["fewer columns"])[1] == [False]


def test_a_join_is_run_again_when_any_of_its_tables_was_written(extractor: Extractor, source: Gated) -> None:
    source.gate.set()
    joined = query("p", "q", tables=(A, B), source=(TablePlace(0), " JOIN ", TablePlace(1), " USING (p)"))
    ask(extractor, joined)
    assert ask(extractor, joined)[1] == [True]
    extractor.connections.wrote("pg", B)
    assert ask(extractor, joined)[1] == [False]


def test_a_narrower_query_waits_for_a_wider_one_under_way(extractor: Extractor, source: Gated) -> None:
    with ThreadPoolExecutor(2) as pool:
        wide = pool.submit(ask, extractor, WIDE)
        assert source.extracting.wait(30)
        narrow = pool.submit(ask, extractor, COVERED["fewer columns"])
        source.gate.set()
        assert (wide.result(30)[1], narrow.result(30)[1]) == ([False], [True])
    assert source.extracted == [("p", "q", "r")]


def test_a_failed_wider_query_does_not_fail_a_narrower_one(extractor: Extractor, source: Gated) -> None:
    source.fails = {"q"}
    with ThreadPoolExecutor(2) as pool:
        wide = pool.submit(ask, extractor, WIDE)
        assert source.extracting.wait(30)
        narrow = pool.submit(ask, extractor, COVERED["fewer columns"])
        source.gate.set()
        with pytest.raises(ValueLost):
            wide.result(30)
        assert narrow.result(30)[1] == [False]
    assert source.extracted == [("p", "q", "r"), ("r",)]


def test_a_node_joins_what_its_own_limits_or_none_may_stop(extractor: Extractor, source: Gated) -> None:
    source.gate.set()
    few, more = ExtractLimits(rows=10), ExtractLimits(rows=20)
    assert ask(extractor, WIDE, limits=few)[1] == [False]
    assert ask(extractor, WIDE, limits=few)[1] == [True]
    assert ask(extractor, WIDE, limits=more)[1] == [False]
    assert ask(extractor, WIDE)[1] == [False]
    assert ask(extractor, COVERED["more filters"], limits=ExtractLimits(rows=30))[1] == [True]


def expecting(extractor: Extractor) -> list[SourceQuery]:
    """Expect two nodes whose queries are merged."""
    parts = [query("p", where=("p > 1",), alias="first"), query("q", where=("p > 1",), alias="second")]
    for part in parts:
        extractor.expect([part], UNLIMITED)
    return parts


def test_expected_queries_are_extracted_when_the_first_of_them_is_sent(
    extractor: Extractor, source: Gated
) -> None:
    source.gate.set()
    first, second = expecting(extractor)
    staged, reused = ask(extractor, second)
    assert reused == [False]
    assert [column.name for column in staged["second"].columns] == ["q"]
    assert ask(extractor, first)[1] == [True]
    assert [sorted(names) for names in source.extracted] == [["p", "q"]]


def test_after_a_write_a_merged_query_is_sent_again(extractor: Extractor, source: Gated) -> None:
    source.gate.set()
    first, second = expecting(extractor)
    assert ask(extractor, first)[1] == [False]
    extractor.connections.wrote("pg", A)
    assert ask(extractor, second)[1] == [False]


@pytest.mark.parametrize("waits", [True, False])
def test_a_merged_query_that_fails_is_sent_in_its_parts(
    extractor: Extractor, source: Gated, waits: bool
) -> None:
    source.fails = {"q"}
    first, second = expecting(extractor)
    with ThreadPoolExecutor(2) as pool:
        owner = pool.submit(ask, extractor, first)
        assert source.extracting.wait(30)
        if waits:
            other = pool.submit(ask, extractor, second)
        source.gate.set()
        assert owner.result(30)[1] == [False]
        if not waits:
            other = pool.submit(ask, extractor, second)
        with pytest.raises(ValueLost):
            other.result(30)
    assert sorted(map(sorted, source.extracted)) == [["p"], ["p", "q"], ["q"]]


def test_models_that_need_parts_of_each_others_queries_all_end(extractor: Extractor, source: Gated) -> None:
    source.gate.set()
    large = {ref: query("p", "q", "r", table=ref, alias=ref.identifier) for ref in (A, B)}
    small = {ref: query("p", table=ref, alias=f"small_{ref.identifier}") for ref in (A, B)}
    questions = [(large[A], small[B]), (large[B], small[A])] * 8
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(ask, extractor, *queries) for queries in questions]
        assert all(len(answer.result(60)[0]) == 2 for answer in answers)
    assert len(source.extracted) <= 4
