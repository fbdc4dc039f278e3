"""What every connector that can load promises (`dvt.core.ports.connectors.CanLoad`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from dvt.core.errors import Cancelled, DvtError, RowRefused, TableNotFound, ValueLost
from dvt.core.plan import Load
from dvt.core.ports.staging import Dataset
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, DOUBLE, HUGEINT, INTEGER, VARCHAR, StageType, decimal
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from dvt.testing.databases import LoadCase, ServerDatabase, TargetDatabase
from dvt.testing.suites.suite import ConnectorFixtures

CONTRACTED = (
    StageColumn("the id", BIGINT),
    StageColumn("word", VARCHAR),
    StageColumn("total", decimal(9, 2)),
)
"""Columns of the stage tables whose definition a contract gives."""
CONTRACTED_ROWS = """
SELECT i AS "the id", 'word ' || i AS word, (i / 4)::DECIMAL(9,2) AS total FROM range({count}) r(i)
"""
"""Rows that keep the contract, in DuckDB's SQL."""


class LoadingSuite(ConnectorFixtures):
    """Tests of a loads. A subclass has the fixture `database` (a TargetDatabase), and `load_cases`."""

    load_cases: ClassVar[Sequence[LoadCase]] = ()
    """The type matrix: a value of every stage type, and what it becomes in a stage table."""

    def test_a_stage_table_holds_what_was_staged(self, bench: Bench) -> None:
        columns = [
            StageColumn("Id", BIGINT),
            StageColumn("the word", VARCHAR),
            StageColumn("select", DOUBLE),
        ]
        sql = """SELECT i AS "Id", 'w' || i AS "the word", i / 4 AS "select" FROM range(100000) r(i)"""
        load, dataset = new_load(bench, 'dvt_Stage "one"', sql, columns)
        assert bench.loader.fill(load, dataset) == 100_000
        table = bench.describe(load.stage)
        assert [(column.name, column.stage) for column in table.columns] == [
            (column.name, column.type) for column in columns
        ]
        back = bench.read_table(load.stage)
        totals = "SELECT count(*), sum(c0), count(DISTINCT c1), sum(c2) FROM t"
        assert bench.first_row(totals, back) == (100_000, 4999950000, 100_000, 1249987500.0)

    def test_every_value_is_loaded_as_it_was_or_the_load_stops(
        self, database: TargetDatabase, bench: Bench
    ) -> None:
        assert self.load_cases, "a subclass gives its `load_cases`"
        problems = [
            f"{case.id}: {why}" for case in self.load_cases if (why := _misloaded(bench, database, case))
        ]
        assert not problems, "\n".join(problems)

    def test_an_empty_dataset_makes_an_empty_table(self, database: TargetDatabase, bench: Bench) -> None:
        column = StageColumn("a", INTEGER)
        load, dataset = new_load(bench, "dvt_empty", "SELECT 1 AS a WHERE false", [column])
        assert bench.loader.fill(load, dataset) == 0
        assert database.as_text(load.stage) == []
        bench.loader.drop(load.stage)
        assert bench.loader.fill(load, Dataset(dataset.at, (), (column,), 0, 0)) == 0

    # --- a stage table is whole, or not there ---------------------------------------------------

    def test_a_table_that_cannot_be_filled_does_not_exist(self, bench: Bench) -> None:
        column = StageColumn("a", INTEGER)
        sql = "SELECT i::INTEGER AS a FROM range(200000) r(i)"
        load, dataset = new_load(bench, "dvt_broken", sql, [column])
        broken = f"{dataset.at.prefix}/broken.parquet"
        dataset.at.bucket.put_once(broken, b"PAR1" + b"no rows at all" * 9 + b"PAR1")
        damaged = replace(dataset, keys=(*dataset.keys, broken))
        with pytest.raises(DvtError):
            bench.loader.fill(load, damaged)
        _is_not_there(bench, load)
        assert bench.loader.fill(load, dataset) == 200_000

    def test_a_stage_table_that_is_there_is_not_filled_again(
        self, database: TargetDatabase, bench: Bench
    ) -> None:
        load, dataset = new_load(bench, "dvt_twice", "SELECT 1 AS a", [StageColumn("a", INTEGER)])
        bench.loader.fill(load, dataset)
        with pytest.raises(DvtError):
            bench.loader.fill(load, dataset)
        assert database.as_text(load.stage) == [("1",)]

    def test_a_stage_table_may_be_dropped_twice(self, bench: Bench) -> None:
        load, dataset = new_load(bench, "dvt_dropped", "SELECT 1 AS a", [StageColumn("a", INTEGER)])
        bench.loader.fill(load, dataset)
        bench.loader.drop(load.stage)
        bench.loader.drop(load.stage)
        _is_not_there(bench, load)

    def test_a_cancelled_load_leaves_no_table(self, database: TargetDatabase, bench: Bench) -> None:
        load, dataset = large_load(bench, "dvt_stopped")
        loading = BackgroundCall(lambda: bench.loader.fill(load, dataset))
        if isinstance(database, ServerDatabase):
            assert wait_until(database.running)
        loading.join(0.3)
        assert isinstance(loading.stop_by(bench.connector.cancel), Cancelled)
        _is_not_there(bench, load)

    def test_a_value_that_does_not_fit_is_named_and_leaves_no_table(self, bench: Bench) -> None:
        column = StageColumn("the total", HUGEINT)
        sql = """SELECT ('1' || repeat('0', i::INTEGER % 39)) AS "the total" FROM range(1000) r(i)"""
        load, dataset = new_load(bench, "dvt_lost", sql, [column])
        if load.columns[0].loses or "38" not in load.columns[0].native:
            pytest.skip("it holds every HUGEINT, or says that it does not")
        with pytest.raises(ValueLost, match="the total"):
            bench.loader.fill(load, dataset)
        _is_not_there(bench, load)

    # --- contracts ------------------------------------------------------------------------------

    def test_rows_are_loaded_by_name_into_the_contracts_columns(
        self, database: TargetDatabase, bench: Bench
    ) -> None:
        load = _contracted(bench, "dvt_contracted")
        dataset = bench.stage(CONTRACTED_ROWS.format(count=1000), CONTRACTED)
        assert bench.loader.fill(load, dataset) == 1000
        table = bench.describe(load.stage)
        assert [column.name for column in table.columns] == ["total", "word", "the id"]
        with pytest.raises(Exception, match=r"(?i)null"):
            database.execute(f"INSERT INTO {database.quoted(load.stage)} VALUES (1, NULL, -1)")
        rows = sorted(database.as_text(load.stage), key=lambda row: int(str(row[2])))
        assert rows[7] == ("1.75", "word 7", "7")

    @pytest.mark.parametrize(
        ("case", "rows", "key"),
        [
            ("null", 'SELECT 1 AS "the id", NULL AS word, 2 AS total', "the id"),
            ("check", "SELECT 1 AS \"the id\", 'a' AS word, 2000 AS total", "the id"),
            ("twice", "SELECT 1 AS \"the id\", 'a' AS word, 2 AS total FROM range(2)", "the id"),
            ("late", f"{CONTRACTED_ROWS.format(count=20000)} UNION ALL SELECT 1, 'again', 1.75", "total"),
        ],
        ids=["null", "check", "twice", "late"],
    )
    def test_a_row_that_breaks_a_constraint_leaves_no_table(
        self, bench: Bench, case: str, rows: str, key: str
    ) -> None:
        load = _contracted(bench, f"dvt_refused_{case}", key)
        with pytest.raises(RowRefused, match=f"dvt_refused_{case}"):
            bench.loader.fill(load, bench.stage(rows, CONTRACTED))
        _is_not_there(bench, load)

    def test_a_text_too_long_for_its_column_is_refused_and_not_cut(self, bench: Bench) -> None:
        column = StageColumn("word", VARCHAR)
        load, dataset = new_load(bench, "dvt_short", "SELECT 'äöü' AS word", [column])
        load = replace(load, definition="(word varchar(3))")
        assert bench.loader.fill(load, dataset) == 1
        bench.loader.drop(load.stage)
        longer = bench.stage("SELECT unnest(['a', 'äöüß']) AS word", [column])
        with pytest.raises(ValueLost, match="word"):
            bench.loader.fill(load, longer)
        _is_not_there(bench, load)


def new_load(bench: Bench, name: str, sql: str, columns: Sequence[StageColumn]) -> tuple[Load, Dataset]:
    """A load into a stage table that is not there, and the dataset of a query in DuckDB's SQL."""
    ref = bench.database.table(name)
    bench.loader.drop(ref)
    return Load(stage=ref, columns=bench.loader.columns(columns)), bench.stage(sql, columns)


def large_load(bench: Bench, name: str) -> tuple[Load, Dataset]:
    """A load that takes long enough to be stopped."""
    columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
    return new_load(bench, name, "SELECT i AS a, md5(i::VARCHAR) AS b FROM range(3000000) r(i)", columns)


def _contracted(bench: Bench, name: str, key: str = "the id") -> Load:
    """A load whose definition has the columns the other way round, a constraint on each, and a key."""
    ref = bench.database.table(name)
    bench.loader.drop(ref)
    columns = bench.loader.columns(CONTRACTED)
    quoted = bench.database.name_of
    lines = [f"{quoted(column.name)} {column.native} not null" for column in reversed(columns)]
    lines += [f"check ({quoted('total')} < 1000)", f"primary key ({quoted(key)})"]
    return Load(stage=ref, columns=columns, definition=f"({', '.join(lines)})")


def _is_not_there(bench: Bench, load: Load) -> None:
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)


def _misloaded(bench: Bench, database: TargetDatabase, case: LoadCase) -> str | None:
    """What is wrong with the loaded value, if anything is."""
    column = StageColumn("v", StageType.parse(case.stage))
    sql = f"SELECT CAST({case.literal} AS {case.stage}) AS v"
    load, dataset = new_load(bench, "dvt_types", sql, [column])
    if bool(load.columns[0].loses) != case.loses:
        return f"loses {load.columns[0].loses!r}"
    try:
        count = bench.loader.fill(load, dataset)
    except ValueLost as error:
        return None if case.error and "dvt_types" in str(error) else f"stopped: {error}"
    except DvtError as error:
        return f"failed: {error}"
    if case.error:
        return f"went through as {database.as_text(load.stage)}"
    if database.type_of(load.stage, "v") != case.native:
        return f"is a {database.type_of(load.stage, 'v')} there"
    rows = database.as_text(load.stage)
    return None if (count, rows) == (1, [(case.text,)]) else f"landed as {rows}"
