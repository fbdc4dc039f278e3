"""What every connector promises (`dvt.core.ports.connectors.Connector`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, ClassVar

import pytest

from dvt.buckets.filesystem import FilesystemBucket
from dvt.core.errors import Cancelled, DvtError, TableNotFound, ValueLost
from dvt.core.ports.connectors import CanEstimate, Job
from dvt.core.ports.staging import Dataset, Location
from dvt.core.types import StageType
from dvt.staging.parquet import ParquetSink
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from dvt.testing.databases import ReadCase
from dvt.testing.suites.pushdown import PushdownSuite

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
"""Names of tables and columns that something between dvt and a database may take for something else."""
SLOW_QUERY = 60
"""Seconds that a query computes which is stopped long before."""


class ConnectorSuite(PushdownSuite):
    """Tests of a connector. A subclass has the fixture `database`, and its `read_cases`."""

    read_cases: ClassVar[Sequence[ReadCase]] = ()
    """The type matrix: a value of every type, and how it is staged."""

    # --- descriptions -------------------------------------------------------------------------

    def test_a_table_that_is_not_there_is_named_with_those_that_are(self, bench: Bench) -> None:
        bench.filled("orders", 1)
        with pytest.raises(TableNotFound) as caught:
            bench.describe(bench.database.table("order"))
        assert "order" in str(caught.value)
        assert "orders" in caught.value.hint

    def test_several_tables_are_described_at_once(self, bench: Bench) -> None:
        refs = [bench.filled(f"several_{place}", 10 * place + 1) for place in range(3)]
        tables = bench.connector.describe(refs)
        assert list(tables) == refs
        for ref in refs:
            assert [column.name for column in tables[ref].columns] == ["n", "word"]
            assert tables[ref].ref == ref

    def test_names_of_tables_and_columns_may_hold_anything(self, bench: Bench) -> None:
        for name in ODD_NAMES:
            if name in bench.database.impossible_names:
                continue
            ref = bench.database.table(name)
            bench.create(ref, [(name, bench.database.integer_type)], ["7"])
            table = bench.describe(ref)
            assert [column.name for column in table.columns] == [name]
            assert bench.rows(bench.read_table(ref)) == [("7",)]

    # --- shapes -------------------------------------------------------------------------------

    def test_every_value_arrives_as_it_was_or_the_extraction_stops(self, bench: Bench) -> None:
        assert self.read_cases, "a subclass gives its `read_cases`"
        problems = [f"{case.id}: {why}" for case in self.read_cases if (why := _misread(bench, case))]
        assert not problems, "\n".join(problems)

    def test_an_empty_table_is_a_dataset_with_columns_and_no_rows(self, bench: Bench) -> None:
        ref = bench.database.table("empty")
        bench.create(ref, [("a", bench.database.integer_type), ("b", bench.database.text_type)])
        dataset = bench.read_table(ref)
        assert dataset.rows == 0
        assert [column.name for column in dataset.columns] == ["c0", "c1"]
        assert bench.rows(dataset) == []

    def test_of_a_table_without_needed_columns_the_number_of_rows_arrives(self, bench: Bench) -> None:
        table = bench.describe(bench.filled("counted", 1234))
        (dataset,) = bench.read(bench.extraction(table, names=()))
        assert dataset.rows == 1234
        assert bench.first_row("SELECT count(*), sum(c0) FROM t", dataset) == (1234, 1234)

    def test_a_table_of_five_hundred_columns_arrives_whole_and_in_order(self, bench: Bench) -> None:
        ref = bench.database.table("wide")
        columns = [(f"column_{place}", bench.database.integer_type) for place in range(500)]
        bench.create(ref, columns, [str(place) for place in range(500)])
        table = bench.describe(ref)
        assert [column.name for column in table.columns] == [name for name, _ in columns]
        (dataset,) = bench.read(bench.extraction(table))
        assert bench.rows(dataset) == [tuple(str(place) for place in range(500))]

    def test_every_row_of_a_large_table_arrives_once(self, bench: Bench) -> None:
        rows = 1_000_000
        table = bench.describe(bench.filled("large", rows))
        filtered = bench.extraction(table, ["n"], where=(f"{bench.database.name_of('n')} > 5",))
        whole, rest = bench.read(bench.extraction(table), filtered)
        assert whole.rows == rows
        totals = "SELECT count(*), count(DISTINCT c0), sum(c0), min(length(c1)) FROM t"
        assert bench.first_row(totals, whole) == (rows, rows, rows * (rows + 1) // 2, 96)
        assert rest.rows == rows - 5

    # --- estimates ----------------------------------------------------------------------------

    def test_an_estimate_is_of_the_order_of_the_answer(self, bench: Bench) -> None:
        if not isinstance(bench.connector, CanEstimate):
            pytest.skip("it does not estimate")
        table = bench.describe(bench.filled("estimated", 10_000))
        number = bench.database.name_of("n")
        queries = [
            bench.extraction(table),
            bench.extraction(table, ["n"]),
            bench.extraction(table, where=(f"{number} = 5",)),
        ]
        whole, narrow, filtered = bench.connector.estimate(queries)
        assert whole is not None
        assert narrow is not None
        assert filtered is not None
        assert 5_000 < whole.rows < 20_000
        assert whole.rows == narrow.rows
        assert 20 * whole.rows < whole.bytes < 300 * whole.rows
        assert 4 * narrow.rows <= narrow.bytes <= 16 * narrow.rows
        assert filtered.rows < whole.rows / 2
        assert bench.staged() == []

    def test_a_query_that_is_refused_leaves_the_estimates_of_others(self, bench: Bench) -> None:
        if not isinstance(bench.connector, CanEstimate):
            pytest.skip("it does not estimate")
        table = bench.describe(bench.filled("refused", 1000))
        wrong = bench.extraction(table, where=(f"{bench.database.name_of('no such column')} = 5",))
        _, after = bench.connector.estimate([wrong, bench.extraction(table)])
        assert after is not None
        assert after.rows > 0

    # --- snapshots ----------------------------------------------------------------------------

    def test_extractions_of_one_snapshot_agree_while_others_write(self, bench: Bench) -> None:
        assert bench.connector.capabilities.snapshot, "it promises none: `never` says so"
        refs = [bench.database.table(name) for name in ("left_side", "right_side")]
        for ref in refs:
            bench.create(ref, [("a", bench.database.integer_type)], ["1"])
        tables = bench.connector.describe(refs)
        datasets: list[Dataset] = []
        with bench.connector.snapshot() as snapshot:
            first = Job(bench.extraction(tables[refs[0]]), bench.sink())
            snapshot.extract([first], lambda _, dataset: datasets.append(dataset))
            inserts = [f"insert into {bench.database.quoted(ref)} values (2)" for ref in refs]
            bench.database.execute(*inserts)
            later = [Job(bench.extraction(tables[ref]), bench.sink()) for ref in refs]
            snapshot.extract(later, lambda _, dataset: datasets.append(dataset))
        assert [dataset.rows for dataset in datasets] == [1, 1, 1]
        assert bench.read_table(refs[1]).rows == 2

    # --- reports ------------------------------------------------------------------------------

    def test_finished_is_called_once_for_each_job_after_its_commit(self, bench: Bench) -> None:
        refs = [bench.filled(f"reported_{place}", 100 + place) for place in range(3)]
        tables = bench.connector.describe(refs)
        jobs = [Job(bench.extraction(tables[ref]), bench.sink()) for ref in refs]
        reports: list[tuple[Job, int]] = []

        def finished(job: Job, dataset: Dataset) -> None:
            reports.append((job, len(bench.rows(dataset))))

        with bench.connector.snapshot() as snapshot:
            snapshot.extract(jobs, finished)
        assert sorted(rows for _, rows in reports) == [100, 101, 102]
        assert {id(job) for job, _ in reports} == {id(job) for job in jobs}

    def test_a_dataset_is_committed_when_all_its_files_are_complete(self, bench: Bench) -> None:
        query = bench.extraction(bench.describe(bench.filled("complete", 1000)))
        bucket = _WatchedBucket(bench.bucket)
        datasets: list[Dataset] = []
        with bench.connector.snapshot() as snapshot:
            job = Job(query, ParquetSink(Location(bucket, "watched")))
            snapshot.extract([job], lambda _, dataset: datasets.append(dataset))
        (dataset,) = datasets
        assert all(bucket.was_complete(key) for key in dataset.keys), "the marker came before the files"
        assert len(bench.rows(dataset)) == dataset.rows == 1000

    def test_nothing_to_extract_is_nothing_done(self, bench: Bench) -> None:
        table = bench.describe(bench.filled("not_asked", 3))
        datasets: list[Dataset] = []
        with bench.connector.snapshot() as snapshot:
            snapshot.extract([], lambda _, dataset: datasets.append(dataset))
            assert (datasets, bench.staged()) == ([], [])
            job = Job(bench.extraction(table), bench.sink())
            snapshot.extract([job], lambda _, dataset: datasets.append(dataset))
        assert [dataset.rows for dataset in datasets] == [3]

    # --- failures, stopping, closing ----------------------------------------------------------

    def test_a_query_that_fails_leaves_nothing_and_the_snapshot_reads_on(self, bench: Bench) -> None:
        table = bench.describe(bench.filled("failing_once", 3))
        wrong = f"no_such_function({bench.database.name_of('n')}) = 1"
        jobs = [Job(bench.extraction(table, where=(wrong,)), bench.sink())]
        datasets: list[Dataset] = []
        with bench.connector.snapshot() as snapshot:
            with pytest.raises(DvtError, match="no_such_function"):
                snapshot.extract(jobs, lambda *_: pytest.fail("it has failed"))
            assert bench.staged() == []
            job = Job(bench.extraction(table), bench.sink())
            snapshot.extract([job], lambda _, dataset: datasets.append(dataset))
        assert [dataset.rows for dataset in datasets] == [3]

    def test_a_query_is_cancelled_before_its_first_row(self, bench: Bench) -> None:
        ref = bench.filled("sleeping", 1)
        query = bench.slow(ref, SLOW_QUERY)
        reading = BackgroundCall(lambda: bench.read(query))
        reading.join(0.5)
        assert isinstance(reading.stop_by(bench.connector.cancel), Cancelled)
        assert bench.staged() == []
        assert bench.read_table(ref).rows == 1, "the connector works on"

    def test_a_query_is_cancelled_amid_its_rows(self, bench: Bench) -> None:
        table = bench.describe(bench.filled("long", 3_000_000))
        reading = BackgroundCall(lambda: bench.read(bench.extraction(table)))
        # Where a table is read in ranges, some of their files are complete.
        assert wait_until(lambda: len(bench.staged()) >= bench.database.ranges)
        bench.connector.cancel()
        error = reading.finish()
        if error is not None:  # a database that was quick enough has nothing left to stop
            assert isinstance(error, Cancelled)
            assert bench.staged() == []

    def test_a_cancel_without_a_query_under_way_does_nothing(self, bench: Bench) -> None:
        bench.connector.cancel()
        assert bench.read_table(bench.filled("quiet", 3)).rows == 3

    def test_a_connector_may_be_closed_twice(self, bench_with: Callable[..., Bench]) -> None:
        used, unused = bench_with(), bench_with()
        assert used.read_table(used.filled("closed", 3)).rows == 3
        for bench in (used, unused):
            bench.connector.close()
            bench.connector.close()


class _WatchedBucket(FilesystemBucket):
    """Notes which files and folders are complete when a marker is put (once, as a sink does)."""

    def __init__(self, bucket: FilesystemBucket) -> None:
        self.__dict__.update(vars(bucket))
        self._complete: set[str] = set()
        self._committed: set[str] = set()

    def was_complete(self, key: str) -> bool:
        return any(key == complete or key.startswith(f"{complete}/") for complete in self._committed)

    def put_once(self, key: str, data: bytes) -> None:
        self._committed = set(self._complete)
        super().put_once(key, data)

    def put(self, key: str, data: BinaryIO) -> None:
        super().put(key, data)
        self._complete.add(key)

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        with super().writing(consumer, key) as uri:
            yield uri
        self._complete.add(key)


def _misread(bench: Bench, case: ReadCase) -> str | None:
    """What is wrong with the staged value, if anything is."""
    ref = bench.database.table("types")
    bench.create(ref, [("v", case.type)], [case.literal])
    (column,) = bench.describe(ref).columns
    if column.stage != StageType.parse(case.stage):
        return f"staged as {column.stage}, not {case.stage}"
    if bool(column.loses) != case.loses:
        return f"loses {column.loses!r}"
    try:
        rows = bench.rows(bench.read_table(ref))
    except ValueLost as error:
        text = str(error)
        named = "types" in text and "column v" in text and "hint" in text
        return None if case.error and named else f"stopped: {text}"
    except DvtError as error:
        return f"failed: {error}"
    if case.error:
        return f"went through as {rows}"
    return None if rows == [(case.text,)] else f"arrived as {rows}"
