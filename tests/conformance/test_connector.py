"""What every connector promises, kept on the real thing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import Cancelled, DvtError, TableNotFound
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.core.queries import ExtractedColumn, SourceQuery, TablePlace
from dvt.core.tables import Column, Table
from dvt.core.types import BIGINT
from tests.conformance.reading import Aside, Bench, soon
from tests.local_bucket import files

pytestmark = pytest.mark.slow

ODD_NAMES = (
    "select",
    "two words",
    "Mixed",
    "ünï😀",
    "dollar$",
    'quo"te',
    "back\\slash",
    "per%cent",
    "br{0}ace",
    "n" * 63,
)


def numbers(bench: Bench, identifier: str, rows: int) -> TableRef:
    ref: TableRef = bench.database.table(identifier)
    bench.database.fill(ref, rows)
    return ref


# --- what is there ----------------------------------------------------------------------------


def test_a_table_that_is_not_there_is_named_with_those_that_are(bench: Bench) -> None:
    numbers(bench, "orders", 1)
    with pytest.raises(TableNotFound) as found:
        bench.describe(bench.database.table("order"))
    assert "order" in str(found.value)
    assert "orders" in found.value.hint


def test_several_tables_are_described_at_once(bench: Bench) -> None:
    refs = [numbers(bench, f"several_{place}", 10 * place + 1) for place in range(3)]
    found = bench.connector.describe(refs)
    assert list(found) == refs
    for ref in refs:
        assert [one.name for one in found[ref].columns] == ["n", "word"]
        assert found[ref].ref == ref


def test_names_come_and_go_exactly_as_they_are(bench: Bench) -> None:
    for name in ODD_NAMES:
        if name in getattr(bench.database, "impossible_names", ()):
            continue
        ref = bench.database.table(name)
        bench.create(ref, [(name, "integer")], ["7"])
        table = bench.describe(ref)
        assert [one.name for one in table.columns] == [name]
        assert bench.rows(bench.read_table(ref)) == [("7",)]


# --- shapes -----------------------------------------------------------------------------------


def test_an_empty_table_is_a_dataset_with_columns_and_no_rows(bench: Bench) -> None:
    ref = bench.database.table("empty")
    bench.create(ref, [("a", "integer"), ("b", "text")])
    dataset = bench.read_table(ref)
    assert dataset.rows == 0
    assert [one.name for one in dataset.columns] == ["c0", "c1"]
    assert bench.rows(dataset) == []


def test_of_a_table_without_needed_columns_the_number_of_rows_arrives(bench: Bench) -> None:
    table = bench.describe(numbers(bench, "counted", 1234))
    (dataset,) = bench.read(bench.extraction(table, names=()))
    assert dataset.rows == 1234
    assert bench.asked("SELECT count(*), sum(c0) FROM t", dataset) == (1234, 1234)


def test_a_table_of_five_hundred_columns_arrives_whole_and_in_order(bench: Bench) -> None:
    ref = bench.database.table("wide")
    columns = [(f"column_{place}", "integer") for place in range(500)]
    bench.create(ref, columns, [str(place) for place in range(500)])
    table = bench.describe(ref)
    assert [one.name for one in table.columns] == [name for name, _ in columns]
    (dataset,) = bench.read(bench.extraction(table))
    assert bench.rows(dataset) == [tuple(str(place) for place in range(500))]


def test_only_the_rows_of_the_pushed_predicates_arrive(bench: Bench) -> None:
    table = bench.describe(numbers(bench, "filtered", 1000))
    n = bench.database.name_of("n")
    (dataset,) = bench.read(bench.extraction(table, ["n"], where=(f"{n} > 10 or {n} = 1", f"{n} <= 20")))
    assert sorted(int(row[0] or 0) for row in bench.rows(dataset)) == [1, *range(11, 21)]


# --- several tables ---------------------------------------------------------------------------

HOSTILE = ("or{1}ders", "cust%s omers {0}")
"""Names that a template would take for a place of its own."""


def two_tables(bench: Bench, names: Sequence[str] = ("joined_orders", "joined_customers")) -> list[Table]:
    """Orders of customers; a tag looks like a template's place."""
    orders, customers = (bench.database.table(name) for name in names)
    rows = (["1", "10"], ["2", "10"], ["3", "20"], ["4", "30"])
    bench.create(orders, [("id", "integer"), ("customer", "integer")], *rows)
    tags = (["10", "'{0}{x}%s?'"], ["20", "'b'"], ["30", "'c'"])
    bench.create(customers, [("id", "integer"), ("tag", "varchar(20)")], *tags)
    return [bench.describe(orders), bench.describe(customers)]


def joined(bench: Bench, tables: Sequence[Table], **more: Any) -> SourceQuery:
    """Orders with the tags of their customers, as a planner would ask for them."""
    name = bench.database.name_of
    outputs = [(0, tables[0].columns[0]), (1, tables[1].columns[1])]
    columns = tuple(
        ExtractedColumn(name=f"c{place}", column=column, table=table)
        for place, (table, column) in enumerate(outputs)
    )
    select = tuple(
        f"{one.column.read.format(f't{one.table}.{name(one.column.name)}')} AS {name(one.name)}"
        for one in columns
    )
    on = f" AS t1 ON t0.{name('customer')} = t1.{name('id')}"
    source = (TablePlace(0), " AS t0 JOIN ", TablePlace(1), on)
    refs = tuple(table.ref for table in tables)
    query = SourceQuery(
        alias="t", connection=bench.database.name, tables=refs, select=select, source=source, columns=columns
    )
    return replace(query, **more)


def test_tables_of_one_connection_are_joined_there(bench: Bench) -> None:
    (dataset,) = bench.read(joined(bench, two_tables(bench)))
    assert bench.rows(dataset) == [("1", "{0}{x}%s?"), ("2", "{0}{x}%s?"), ("3", "b"), ("4", "c")]


def test_a_join_is_filtered_by_conditions_on_each_table(bench: Bench) -> None:
    name = bench.database.name_of
    where = (f"t1.{name('tag')} = '{{0}}{{x}}%s?' OR t1.{name('tag')} = 'b'", f"t0.{name('id')} > 1")
    (dataset,) = bench.read(joined(bench, two_tables(bench), where=where))
    assert bench.rows(dataset) == [("2", "{0}{x}%s?"), ("3", "b")]


def test_a_join_is_aggregated_there(bench: Bench) -> None:
    tables, name = two_tables(bench), bench.database.name_of
    tag = tables[1].columns[1]
    counted = Column(name="", native="", stage=BIGINT, unpack="CAST({0} AS BIGINT)")
    columns = (
        ExtractedColumn(name="c0", column=tag, table=1),
        ExtractedColumn(name="c1", column=counted),
    )
    by = f"t1.{name('tag')}"
    select = (f"{tag.read.format(by)} AS {name('c0')}", f"COUNT(*) AS {name('c1')}")
    where = (f"t0.{name('id')} < 4",)
    query = joined(bench, tables, select=select, columns=columns, where=where, group_by=(by,))
    assert bench.rows(bench.read(query)[0]) == [("b", "1"), ("{0}{x}%s?", "2")]
    whole = replace(query, select=select[1:], columns=columns[1:], group_by=())
    assert bench.rows(bench.read(whole)[0]) == [("3",)]


def test_a_table_may_be_read_twice_by_one_query(bench: Bench) -> None:
    orders, _ = two_tables(bench)
    name = bench.database.name_of
    on = f" AS t1 ON t0.{name('customer')} = t1.{name('customer')} AND t0.{name('id')} < t1.{name('id')}"
    source = (TablePlace(0), " AS t0 JOIN ", TablePlace(1), on)
    query = joined(bench, [orders, orders], source=source)
    assert bench.rows(bench.read(query)[0]) == [("1", "10")]


def test_names_of_joined_tables_may_hold_anything(bench: Bench) -> None:
    if set(HOSTILE) & set(getattr(bench.database, "impossible_names", ())):
        pytest.skip("no such names")
    (dataset,) = bench.read(joined(bench, two_tables(bench, HOSTILE)))
    assert dataset.rows == 4


def test_every_row_of_a_large_table_arrives_once(bench: Bench) -> None:
    rows = 1_000_000
    table = bench.describe(numbers(bench, "large", rows))
    whole, filtered = bench.read(
        bench.extraction(table), bench.extraction(table, ["n"], where=(f"{bench.database.name_of('n')} > 5",))
    )
    assert whole.rows == rows
    assert bench.asked("SELECT count(*), count(DISTINCT c0), sum(c0), min(length(c1)) FROM t", whole) == (
        rows,
        rows,
        rows * (rows + 1) // 2,
        96,
    )
    assert filtered.rows == rows - 5


# --- snapshots and limits ---------------------------------------------------------------------


@pytest.mark.never("mysql", "mariadb", "files", reason="no snapshot without a lock")
def test_several_extractions_see_one_moment_while_others_write(bench: Bench) -> None:
    if not bench.connector.capabilities.snapshot:
        pytest.skip("promises none")
    refs = [bench.database.table(name) for name in ("left_side", "right_side")]
    for ref in refs:
        bench.create(ref, [("a", "integer")], ["1"])
    tables = bench.connector.describe(refs)
    found: list[Dataset] = []
    with bench.connector.snapshot() as snapshot:
        first = Job(bench.extraction(tables[refs[0]]), bench.sink())
        snapshot.extract([first], lambda _, dataset: found.append(dataset))
        write = [f"insert into {bench.database.quoted(ref)} values (2)" for ref in refs]
        bench.database.execute(*write)
        later = [Job(bench.extraction(tables[ref]), bench.sink()) for ref in refs]
        snapshot.extract(later, lambda _, dataset: found.append(dataset))
    assert [one.rows for one in found] == [1, 1, 1]
    assert bench.read_table(refs[1]).rows == 2


def test_no_more_connections_than_allowed(server: Any, another: Callable[..., Bench]) -> None:
    bench = another(limit=3)
    refs = [numbers(bench, f"limited_{place}", 1) for place in range(6)]
    most = 0
    with bench.connector.snapshot() as snapshot:
        jobs = [Job(bench.slow(ref, 1), bench.sink()) for ref in refs]
        threads = [
            Aside(lambda: snapshot.extract(jobs[:3], lambda *_: None)),
            Aside(lambda: snapshot.extract(jobs[3:], lambda *_: None)),
            Aside(lambda: bench.connector.describe(refs)),
        ]
        while any(one.is_alive() for one in threads):
            most = max(most, server.connections())
        for one in threads:
            assert one.finish() is None
    assert 1 <= most <= 3


def test_nothing_stays_open_after_the_end(server: Any, bench: Bench) -> None:
    bench.read_table(numbers(bench, "ended", 10))
    bench.connector.close()
    bench.connector.close()
    assert soon(lambda: server.connections() == 0)


# --- what is reported -------------------------------------------------------------------------


def test_finished_is_called_once_for_each_after_its_commit(bench: Bench) -> None:
    refs = [numbers(bench, f"reported_{place}", 100 + place) for place in range(3)]
    tables = bench.connector.describe(refs)
    jobs = [Job(bench.extraction(tables[ref]), bench.sink()) for ref in refs]
    seen: list[tuple[Job, int]] = []

    def finished(job: Job, dataset: Dataset) -> None:
        seen.append((job, len(bench.rows(dataset))))

    with bench.connector.snapshot() as snapshot:
        snapshot.extract(jobs, finished)
    assert sorted(rows for _, rows in seen) == [100, 101, 102]
    assert {id(job) for job, _ in seen} == {id(job) for job in jobs}


def test_nothing_to_extract_is_nothing_done(bench: Bench) -> None:
    table = bench.describe(numbers(bench, "not_asked", 3))
    done: list[Dataset] = []
    with bench.connector.snapshot() as snapshot:
        snapshot.extract([], lambda _, dataset: done.append(dataset))
        assert (done, bench.staged()) == ([], [])
        snapshot.extract([Job(bench.extraction(table), bench.sink())], lambda _, one: done.append(one))
    assert [dataset.rows for dataset in done] == [3]


def test_the_first_failure_ends_the_others_and_leaves_nothing(server: Any, bench: Bench) -> None:
    ref = numbers(bench, "failing", 10)
    table = bench.describe(ref)
    wrong = bench.extraction(table, ["n"], where=(f"{server.name_of('no_such_column')} = 1",))
    jobs = [Job(bench.slow(ref, 60), bench.sink()), Job(wrong, bench.sink())]
    started = time.monotonic()
    with bench.connector.snapshot() as snapshot:
        with pytest.raises(DvtError) as found:
            snapshot.extract(jobs, lambda *_: pytest.fail("none of them can end well"))
        # One query's failure is not the snapshot's.
        good: list[Dataset] = []
        snapshot.extract([Job(bench.extraction(table), bench.sink())], lambda _, one: good.append(one))
    assert time.monotonic() - started < 30
    assert "no_such_column" in str(found.value)
    assert good[0].rows == 10
    assert soon(lambda: not server.running())
    assert {path.parent for path in bench.staged()} == {bench_folder(good[0])}


def bench_folder(dataset: Dataset) -> Path:
    return Path(files(dataset)[0]).parent


# --- stopping ---------------------------------------------------------------------------------


def test_a_query_is_cancelled_before_its_first_row(server: Any, bench: Bench) -> None:
    extraction = bench.slow(numbers(bench, "slow", 1), 60)
    reading = Aside(lambda: bench.read(extraction))
    assert soon(lambda: _marked(server, bench))
    bench.connector.cancel()
    assert isinstance(reading.finish(), Cancelled)
    assert soon(lambda: not server.running())
    assert bench.staged() == []
    assert bench.read_table(bench.database.table("slow")).rows == 1, "the connector works on"


def test_a_query_is_cancelled_amid_its_rows(bench: Bench) -> None:
    table = bench.describe(numbers(bench, "long", 3_000_000))
    # Where a table is read in pieces, some of them lie there complete.
    files = getattr(bench.database, "ranges", 1)
    reading = Aside(lambda: bench.read(bench.extraction(table)))
    assert soon(lambda: len(bench.staged()) >= files, 60)
    bench.connector.cancel()
    error = reading.finish()
    if error is not None:  # a database that was quick enough has nothing left to stop
        assert isinstance(error, Cancelled)
        assert bench.staged() == []


def test_cancel_without_anything_under_way_does_nothing(bench: Bench) -> None:
    bench.connector.cancel()
    assert bench.read_table(numbers(bench, "quiet", 3)).rows == 3


def test_a_connection_cut_in_the_middle_is_an_error_that_says_so(server: Any, bench: Bench) -> None:
    extraction = bench.slow(numbers(bench, "cut", 1), 60)
    reading = Aside(lambda: bench.read(extraction))
    assert soon(lambda: _marked(server, bench))
    server.cut()
    error = reading.finish()
    assert isinstance(error, DvtError)
    assert error.code == "DVT132", error
    assert not [secret for secret in server.secrets if secret in _chain(error)]
    assert bench.staged() == []
    assert bench.read_table(bench.database.table("cut")).rows == 1, "the connector works on"


def test_a_cut_amid_rows_never_passes_for_their_end(server: Any, bench: Bench) -> None:
    table = bench.describe(numbers(bench, "cut_rows", 2_000_000))
    reading = Aside(lambda: bench.read(bench.extraction(table)))
    assert soon(lambda: any(path.stat().st_size for path in bench.staged()), 60)
    server.cut()
    error = reading.finish()
    if error is None:
        assert reading.answer[0].rows == 2_000_000
    else:
        assert isinstance(error, DvtError)
        assert error.code == "DVT132", error


def _marked(server: Any, bench: Bench) -> bool:
    """Whether the slow query has begun."""
    words = server.sleeping(60)
    return any(words in said and "EXPLAIN" not in said for said in server.running())


def _chain(error: BaseException | None) -> str:
    said = []
    while error is not None:
        said.append(f"{error!r} {error}")
        error = error.__cause__
    return "\n".join(said)
