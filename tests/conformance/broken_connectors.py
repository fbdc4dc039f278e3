"""Connectors that break one promise each, under the suites; `test_broken_connectors.py` sees them fail."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from dvt.connectors.duckdb import DuckDBConnector
from dvt.core.errors import QueryFailed
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.core.ports.connectors import Job, Snapshot
from dvt.core.ports.staging import Dataset
from dvt.core.types import DOUBLE
from dvt.drivers.duckdb import FILES
from dvt.drivers.duckdb.sql import literal, quoted
from dvt.drivers.duckdb.staging import CONSUMER
from dvt.testing.databases import LoadCase, ReadCase
from dvt.testing.suites import ConnectorSuite, LoadingSuite
from tests.databases.embedded import DuckDB

pytestmark = pytest.mark.slow

Finished = Callable[[Job, Dataset], None]


@dataclass
class OtherSnapshot:
    """A snapshot that extracts by a function: (snapshot, jobs, finished)."""

    snapshot: Snapshot
    function: Callable[[Snapshot, Sequence[Job], Finished], None]

    def extract(self, jobs: Sequence[Job], finished: Finished) -> None:
        self.function(self.snapshot, jobs, finished)


class OtherExtraction(DuckDBConnector):
    """DuckDB's connector with another `extract`."""

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        with super().snapshot() as snapshot:
            yield OtherSnapshot(snapshot, self.extract)

    def extract(self, snapshot: Snapshot, jobs: Sequence[Job], finished: Finished) -> None:
        snapshot.extract(jobs, finished)


class IgnoresConditions(OtherExtraction):
    def extract(self, snapshot, jobs, finished):
        whole = {Job(replace(job.query, where=()), job.sink): job for job in jobs}
        snapshot.extract(list(whole), lambda job, dataset: finished(whole[job], dataset))


class ForgetsRows(OtherExtraction):
    def extract(self, snapshot, jobs, finished):
        half = {Job(_every_second_row(job), job.sink): job for job in jobs}
        snapshot.extract(list(half), lambda job, dataset: finished(half[job], dataset))


def _every_second_row(job: Job) -> Any:
    condition = (*job.query.where, "rowid % 2 = 0") if job.query.scan else job.query.where
    return replace(job.query, where=condition)


class ReportsTwice(OtherExtraction):
    def extract(self, snapshot, jobs, finished):
        def twice(job: Job, dataset: Dataset) -> None:
            finished(job, dataset)
            finished(job, dataset)

        snapshot.extract(jobs, twice)


class CommitsBeforeItsFileIsComplete(OtherExtraction):
    def extract(self, snapshot, jobs, finished):
        for job in jobs:
            with (
                job.sink.location.bucket.writing(CONSUMER, job.sink.part()) as uri,
                self._cursor("") as cursor,
            ):
                names = [".".join(map(quoted, ("shop", ref.identifier))) for ref in job.query.tables]
                cursor.execute(f"COPY ({job.query.sql(names)}) TO {literal(uri)} (FORMAT parquet)")
                finished(job, job.sink.commit(job.query.staged, 1000))


class LeavesFilesAfterAFailure(OtherExtraction):
    def extract(self, snapshot, jobs, finished):
        try:
            snapshot.extract(jobs, finished)
        except BaseException:
            with jobs[0].sink.location.bucket.writing(CONSUMER, jobs[0].sink.part()) as uri:
                open(uri, "w").close()  # noqa: PTH123
            raise


class StagesWrongTypes(DuckDBConnector):
    def describe(self, tables):
        described = super().describe(tables)
        return {
            ref: replace(table, columns=tuple(map(self._wrong, table.columns)))
            for ref, table in described.items()
        }

    def _wrong(self, column):
        return replace(column, stage=DOUBLE) if column.native.startswith("DECIMAL") else column


class IgnoresCancel(DuckDBConnector):
    def cancel(self) -> None:
        """Nothing."""


class ClosesOnce(DuckDBConnector):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._closings = itertools.count()

    def close(self) -> None:
        if next(self._closings) == 1:  # the fixture closes it a third time
            raise RuntimeError("it is closed")


class LoadsHalf(DuckDBConnector):
    def fill(self, load: Load, dataset: Dataset) -> int:
        rows = super().fill(load, dataset)
        with self._cursor("") as cursor:
            cursor.execute(f"DELETE FROM {'.'.join(map(quoted, _parts(load)))} WHERE rowid % 2 = 1")
        return rows


class LeavesATableAfterAFailure(DuckDBConnector):
    def fill(self, load: Load, dataset: Dataset) -> int:
        try:
            return super().fill(load, dataset)
        except BaseException:
            with self._cursor("") as cursor:
                cursor.execute(
                    f"CREATE TABLE IF NOT EXISTS {'.'.join(map(quoted, _parts(load)))} (a INTEGER)"
                )
            raise


class DropsOnce(DuckDBConnector):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._filled: set[TableRef] = set()
        self._dropped: set[TableRef] = set()

    def fill(self, load: Load, dataset: Dataset) -> int:
        self._filled.add(load.stage)
        return super().fill(load, dataset)

    def drop(self, stage: TableRef) -> None:
        if stage in self._dropped:
            raise QueryFailed("duckdb", f"dropping {stage}", "it was dropped")
        if stage in self._filled:
            self._dropped.add(stage)
        super().drop(stage)


class LoadsWrongTypes(DuckDBConnector):
    def columns(self, columns):
        return tuple(replace(column, native="DOUBLE") for column in super().columns(columns))


def _parts(load: Load) -> list[str]:
    return [part for part in (load.stage.database, load.stage.schema, load.stage.identifier) if part]


class File(DuckDB):
    """A DuckDB file in which no query computes for more than some seconds."""

    def sleeping(self, seconds: int) -> str:
        return super().sleeping(min(seconds, 4))


class Broken(ConnectorSuite, LoadingSuite):
    read_cases = (ReadCase("DECIMAL(10,2)", "1.25", "DECIMAL(10,2)", "1.25"),)
    load_cases = (LoadCase("DECIMAL(10,2)", "1.25", "DECIMAL(10,2)", "1.25"),)

    @pytest.fixture
    def database(self, tmp_path):
        database = File(tmp_path / "broken.duckdb")
        database.execute()
        yield database
        FILES.close(str(database.path))


class EstimatesWholeTables(DuckDBConnector):
    def estimate(self, queries):
        return super().estimate([replace(query, where=()) for query in queries])


class RefusesToEstimate(DuckDBConnector):
    def estimate(self, queries):
        estimates = super().estimate(queries)
        return [None] * len(queries) if None in estimates else estimates


BREAKS: dict[type, set[str]] = {
    IgnoresConditions: {
        "test_only_the_rows_of_the_pushed_predicates_arrive",
        "test_a_value_of_an_earlier_answer_narrows_what_arrives",
        "test_a_condition_may_read_another_table",
        "test_a_join_is_filtered_by_conditions_on_each_table",
    },
    ForgetsRows: {"test_every_row_of_a_large_table_arrives_once"},
    ReportsTwice: {"test_finished_is_called_once_for_each_job_after_its_commit"},
    CommitsBeforeItsFileIsComplete: {"test_a_dataset_is_committed_when_all_its_files_are_complete"},
    LeavesFilesAfterAFailure: {"test_a_query_that_fails_leaves_nothing_and_the_snapshot_reads_on"},
    StagesWrongTypes: {"test_every_value_arrives_as_it_was_or_the_extraction_stops"},
    IgnoresCancel: {
        "test_a_query_is_cancelled_before_its_first_row",
        "test_a_cancelled_load_leaves_no_table",
    },
    ClosesOnce: {"test_a_connector_may_be_closed_twice"},
    LoadsHalf: {"test_a_stage_table_holds_what_was_staged"},
    LeavesATableAfterAFailure: {
        "test_a_table_that_cannot_be_filled_does_not_exist",
        "test_a_cancelled_load_leaves_no_table",
        "test_a_row_that_breaks_a_constraint_leaves_no_table",
    },
    DropsOnce: {"test_a_stage_table_may_be_dropped_twice"},
    LoadsWrongTypes: {"test_every_value_is_loaded_as_it_was_or_the_load_stops"},
    EstimatesWholeTables: {"test_an_estimate_is_of_the_order_of_the_answer"},
    RefusesToEstimate: {"test_a_query_that_is_refused_leaves_the_estimates_of_others"},
}
"""Connector → tests that notice what is wrong with it."""

for broken in BREAKS:
    globals()[f"Test{broken.__name__}"] = type(f"Test{broken.__name__}", (Broken,), {"connector": broken})
