"""The promises of filling a stage table, kept by every real database that can be a target."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from dvt.core.errors import Cancelled, DvtError, TableNotFound, ValueLost
from dvt.core.plan import Load
from dvt.core.ports.staging import Dataset
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, DOUBLE, HUGEINT, INTEGER, VARCHAR
from tests.conformance.reading import Aside, Bench, soon

pytestmark = pytest.mark.slow


def _loaded(bench: Bench, name: str, sql: str, *columns: StageColumn) -> tuple[Load, Dataset]:
    ref = bench.database.table(name)
    bench.connector.drop(ref)
    return Load(stage=ref, columns=bench.connector.columns(columns)), bench.stage(sql, columns)


def test_a_stage_table_holds_what_was_staged(target: Any, bench: Bench) -> None:
    name = 'dvt_Stage "one"'
    columns = [
        StageColumn("Id", BIGINT),
        StageColumn("the word", VARCHAR),
        StageColumn("select", DOUBLE),
    ]
    sql = """SELECT i AS "Id", 'w' || i AS "the word", i / 4 AS "select" FROM range(100000) r(i)"""
    load, dataset = _loaded(bench, name, sql, *columns)
    assert bench.connector.fill(load, dataset) == 100_000
    table = bench.describe(load.stage)
    assert [(one.name, one.stage) for one in table.columns] == [(one.name, one.type) for one in columns]
    back = bench.read_table(load.stage)
    assert bench.asked("SELECT count(*), sum(c0), count(DISTINCT c1), sum(c2) FROM t", back) == (
        100_000,
        4999950000,
        100_000,
        1249987500.0,
    )


def test_an_empty_dataset_makes_an_empty_table(target: Any, bench: Bench) -> None:
    column = StageColumn("a", INTEGER)
    load, dataset = _loaded(bench, "dvt_empty", "SELECT 1 AS a WHERE false", column)
    assert bench.connector.fill(load, dataset) == 0
    assert target.as_text(load.stage) == []
    bench.connector.drop(load.stage)
    assert bench.connector.fill(load, Dataset(dataset.at, (), (column,), 0, 0)) == 0


def test_a_table_that_cannot_be_filled_does_not_exist(target: Any, bench: Bench) -> None:
    column = StageColumn("a", INTEGER)
    load, dataset = _loaded(bench, "dvt_broken", "SELECT i::INTEGER AS a FROM range(200000) r(i)", column)
    broken = f"{dataset.at.prefix}/broken.parquet"
    dataset.at.bucket.put_once(broken, b"PAR1" + b"no rows at all" * 9 + b"PAR1")
    damaged = replace(dataset, keys=(*dataset.keys, broken))
    with pytest.raises(DvtError):
        bench.connector.fill(load, damaged)
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)
    assert bench.connector.fill(load, dataset) == 200_000


def test_a_stage_table_is_new_or_an_error(target: Any, bench: Bench) -> None:
    load, dataset = _loaded(bench, "dvt_twice", "SELECT 1 AS a", StageColumn("a", INTEGER))
    bench.connector.fill(load, dataset)
    with pytest.raises(DvtError):
        bench.connector.fill(load, dataset)
    assert target.as_text(load.stage) == [("1",)]


def test_dropping_is_done_once_and_asked_any_number_of_times(target: Any, bench: Bench) -> None:
    load, dataset = _loaded(bench, "dvt_dropped", "SELECT 1 AS a", StageColumn("a", INTEGER))
    bench.connector.fill(load, dataset)
    bench.connector.drop(load.stage)
    bench.connector.drop(load.stage)
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)


def test_a_load_is_cancelled_and_leaves_nothing(target: Any, bench: Bench) -> None:
    columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
    load, dataset = _loaded(
        bench, "dvt_stopped", "SELECT i AS a, md5(i::VARCHAR) AS b FROM range(3000000) r(i)", *columns
    )
    filling = Aside(lambda: bench.connector.fill(load, dataset))
    if hasattr(target, "running"):
        assert soon(target.running)
    time.sleep(0.3)
    bench.connector.cancel()
    assert isinstance(filling.finish(), Cancelled)
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)


def test_a_load_whose_connection_is_cut_leaves_nothing(target: Any, server: Any, bench: Bench) -> None:
    columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
    load, dataset = _loaded(
        bench, "dvt_cut", "SELECT i AS a, md5(i::VARCHAR) AS b FROM range(3000000) r(i)", *columns
    )
    filling = Aside(lambda: bench.connector.fill(load, dataset))
    assert soon(server.running)
    time.sleep(0.3)
    server.cut()
    error = filling.finish()
    assert isinstance(error, DvtError)
    assert error.code == "DVT132", error
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)


def test_a_value_too_many_is_named_and_leaves_nothing(target: Any, bench: Bench) -> None:
    column = StageColumn("the total", HUGEINT)
    sql = """SELECT ('1' || repeat('0', i::INTEGER % 39)) AS "the total" FROM range(1000) r(i)"""
    load, dataset = _loaded(bench, "dvt_lost", sql, column)
    if load.columns[0].loses or "38" not in load.columns[0].native:
        pytest.skip("it holds every HUGEINT, or says that it does not")
    with pytest.raises(ValueLost, match="the total"):
        bench.connector.fill(load, dataset)
    with pytest.raises(TableNotFound):
        bench.describe(load.stage)
