"""DuckDB files as sources and targets: one handle with dbt, loads that are whole or undone, cancelling."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dvt.core.errors import (
    BadOutput,
    Cancelled,
    ConnectFailed,
    DvtError,
    FileUnreadable,
    QueryFailed,
    TableNotFound,
    ValueLost,
)
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.core.ports.connectors import CanLoad, Job
from dvt.core.ports.staging import Dataset
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, INTEGER, VARCHAR, StageType
from dvt.drivers.duckdb import FILES
from dvt.testing.background import BackgroundCall
from dvt.testing.connectors import Bench
from tests.databases.embedded import DuckDB
from tests.unit.connectors.waiting import under_way
from tests.unit.drivers.duckdb.test_files import ENDLESS, held_elsewhere

pytestmark = pytest.mark.slow

Make = Callable[..., Bench]


def load(bench: Bench, name: str, *columns: str) -> Load:
    staged = [StageColumn(f"c{place}", StageType.parse(type_)) for place, type_ in enumerate(columns)]
    return Load(stage=bench.database.table(name), columns=bench.connector.columns(staged))


def test_the_connector_can_load_stage_tables(duck: DuckDB, bench_of: Make) -> None:
    assert isinstance(bench_of(duck).connector, CanLoad)


def test_a_table_is_described_with_its_rows_and_a_view_as_what_it_is(duck: DuckDB, bench_of: Make) -> None:
    duck.execute(
        'CREATE TABLE shop."Big T" (id INTEGER NOT NULL, "Na me" VARCHAR)',
        "INSERT INTO shop.\"Big T\" SELECT i, 'x' FROM range(7) t(i)",
        'CREATE VIEW shop.v AS SELECT * FROM shop."Big T"',
    )
    bench = bench_of(duck)
    table = bench.describe(duck.table("big t"))
    assert [(column.name, column.exact) for column in table.columns] == [
        ("id", True),
        ("Na me", False),
    ]
    assert (table.rows, table.scannable) == (7, True)
    assert not bench.describe(duck.table("v")).scannable
    with pytest.raises(TableNotFound, match="did you mean 'Big T'"):
        bench.describe(duck.table("BigT"))
    with pytest.raises(TableNotFound, match=r"did you mean 'shop\.Big T'"):
        bench.describe(replace(duck.table("Big T"), schema="shpo"))


def test_tables_of_attached_databases_are_read(duck: DuckDB, bench_of: Make, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE t (a INTEGER)")
        other.execute("INSERT INTO t VALUES (7)")
        other.commit()
    attach = [{"path": str(tmp_path / "other.db"), "type": "sqlite", "alias": "other"}]
    bench = bench_of(duck, attach=attach)
    ref = TableRef(connection="duckdb", database="other", schema="main", identifier="t")
    assert [column.stage for column in bench.describe(ref).columns] == [BIGINT]
    assert not bench.describe(ref).scannable


def test_a_snapshot_does_not_show_later_writes(duck: DuckDB, bench_of: Make) -> None:
    duck.execute("CREATE TABLE shop.a AS SELECT 1 AS i", "CREATE TABLE shop.b AS SELECT 1 AS i")
    bench = bench_of(duck)
    queries = [bench.extraction(bench.describe(duck.table(name))) for name in "ab"]
    rows: list[int] = []
    with bench.connector.snapshot() as snapshot:
        for query in queries:
            snapshot.extract([Job(query, bench.sink())], lambda _, dataset: rows.append(dataset.rows))
            duck.execute("INSERT INTO shop.a VALUES (2)", "INSERT INTO shop.b VALUES (2)")
    assert rows == [1, 1]
    assert [dataset.rows for dataset in bench.read(*queries)] == [3, 3]


def test_settings_of_a_reader_do_not_leak_to_dbt(duck: DuckDB, bench_of: Make) -> None:
    query = "SELECT name, value FROM duckdb_settings() WHERE name <> 'custom_user_agent'"
    with closing(FILES.connect(str(duck.path))) as dbts:
        dbts.execute("SET SESSION TimeZone = 'Asia/Tokyo'")
        before = dbts.execute(query).fetchall()
        duck.fill(duck.table("t"), 10)
        bench_of(duck).read_table(duck.table("t"))
        assert dbts.execute(query).fetchall() == before


def test_views_are_read_in_utc_unless_the_output_says_otherwise(duck: DuckDB, bench_of: Make) -> None:
    duck.execute("CREATE VIEW shop.v AS SELECT CAST(TIMESTAMPTZ '2024-01-01 23:00:00+00' AS DATE) AS d")
    with closing(FILES.connect(str(duck.path))) as cursor:
        cursor.execute("SET GLOBAL TimeZone = 'Asia/Tokyo'")  # the default of a machine in Tokyo
    utc, tokyo = bench_of(duck), bench_of(duck, settings={"TimeZone": "Asia/Tokyo"})
    assert utc.rows(utc.read_table(duck.table("v"))) == [("2024-01-01",)]
    assert tokyo.rows(tokyo.read_table(duck.table("v"))) == [("2024-01-02",)]


def test_a_failure_discards_what_is_not_committed_and_others_go_on(duck: DuckDB, bench_of: Make) -> None:
    duck.execute(
        "CREATE TABLE shop.good AS SELECT 1 AS i",
        "CREATE VIEW shop.bad AS SELECT CAST(word AS INTEGER) AS i FROM (VALUES ('x')) t(word)",
    )
    bench = bench_of(duck)
    good, bad = (bench.extraction(bench.describe(duck.table(name))) for name in ("good", "bad"))
    finished: list[Dataset] = []
    with bench.connector.snapshot() as snapshot:
        with pytest.raises(ValueLost):
            snapshot.extract(
                [Job(query, bench.sink()) for query in (bad, good)],
                lambda _, dataset: finished.append(dataset),
            )
        assert not finished
        assert not list((bench.folder / "staging").glob("dataset-*"))
        for _ in range(2):
            snapshot.extract([Job(good, bench.sink())], lambda _, dataset: finished.append(dataset))
            duck.execute("INSERT INTO shop.good VALUES (2)")
    assert [dataset.rows for dataset in finished] == [1, 1]


def test_it_is_cancelled_before_the_first_row(duck: DuckDB, bench_of: Make) -> None:
    duck.execute(f"CREATE VIEW shop.slow AS {ENDLESS.replace('count(*)', 'count(*) AS n')}")
    bench = bench_of(duck)
    reading = BackgroundCall(lambda: bench.read_table(duck.table("slow")))
    under_way(bench)
    bench.connector.cancel()
    assert isinstance(reading.finish(), Cancelled)
    assert not bench.staged()


def test_a_fill_that_fails_leaves_no_table(duck: DuckDB, bench_of: Make) -> None:
    bench = bench_of(duck)
    dataset = bench.stage("SELECT 'x' AS c0", [StageColumn("c0", VARCHAR)])
    with pytest.raises(ValueLost):
        bench.connector.fill(load(bench, "dvt_1", "INTEGER"), dataset)
    with pytest.raises(TableNotFound):
        bench.describe(duck.table("dvt_1"))


def test_a_fill_that_the_file_refuses_says_why(duck: DuckDB, bench_of: Make) -> None:
    bench = bench_of(duck)
    ask = load(bench, "unheld", "VARIANT")
    with pytest.raises(QueryFailed, match="storage version"):
        bench.connector.fill(
            ask, bench.stage("SELECT 1::VARIANT AS c0", [StageColumn("c0", StageType.parse("VARIANT"))])
        )


def test_a_fill_that_lacks_rows_leaves_no_table(duck: DuckDB, bench_of: Make) -> None:
    bench = bench_of(duck)
    dataset = bench.stage("SELECT 1 AS c0", [StageColumn("c0", INTEGER)])
    with pytest.raises(QueryFailed, match="1 of 2 staged rows"):
        bench.connector.fill(load(bench, "dvt_1", "INTEGER"), replace(dataset, rows=2))
    with pytest.raises(TableNotFound):
        bench.describe(duck.table("dvt_1"))


def test_an_empty_dataset_makes_an_empty_table(duck: DuckDB, bench_of: Make) -> None:
    bench = bench_of(duck)
    request = load(bench, "dvt_1", "INTEGER", "VARCHAR")
    dataset = bench.sink().commit([StageColumn("c0", INTEGER), StageColumn("c1", VARCHAR)], 0)
    assert bench.connector.fill(request, dataset) == 0
    assert [column.native for column in bench.describe(duck.table("dvt_1")).columns] == ["INTEGER", "VARCHAR"]
    bench.connector.drop(duck.table("dvt_1"))
    bench.connector.drop(duck.table("dvt_1"))


def test_several_fill_at_once(duck: DuckDB, bench_of: Make) -> None:
    bench = bench_of(duck)
    dataset = bench.stage("SELECT i AS c0 FROM range(100000) t(i)", [StageColumn("c0", BIGINT)])
    fills = [
        BackgroundCall(lambda name=f"dvt_{n}": bench.connector.fill(load(bench, name, "BIGINT"), dataset))
        for n in range(6)
    ]
    assert [fill.finish() for fill in fills] == [None] * 6
    assert [fill.answer for fill in fills] == [100_000] * 6


def test_a_fill_is_cancelled(duck: DuckDB, bench_of: Make) -> None:
    bench = bench_of(duck)
    columns = [StageColumn("c0", BIGINT)]
    dataset = bench.stage("SELECT i AS c0 FROM range(30000000) t(i)", columns)
    filling = BackgroundCall(lambda: bench.connector.fill(load(bench, "dvt_1", "BIGINT"), dataset))
    deadline = time.monotonic() + 60
    while not bench.connector._running._queries and time.monotonic() < deadline:
        time.sleep(0.01)
    bench.connector.cancel()
    error = filling.finish()
    assert isinstance(error, Cancelled), error
    with pytest.raises(TableNotFound):
        bench.describe(duck.table("dvt_1"))


def test_reading_does_not_create_a_missing_file(duck: DuckDB, bench_of: Make, tmp_path: Path) -> None:
    bench = bench_of(duck, path="absent.duckdb")
    for act in (lambda: bench.describe(duck.table("t")), lambda: bench.connector.snapshot().__enter__()):
        with pytest.raises(FileUnreadable, match=r"absent\.duckdb is not there"):
            act()
    bench.connector.drop(duck.table("dvt_1"))
    assert not list(tmp_path.rglob("absent.duckdb"))


def test_a_locked_file_is_an_error_that_names_the_process(duck: DuckDB, bench_of: Make) -> None:
    path = str(duck.path.with_name("locked.duckdb"))
    with held_elsewhere(path) as pid, pytest.raises(DvtError, match=f"DVT136.*PID {pid}"):
        bench_of(duck, path=path).describe(duck.table("t"))


def test_a_read_only_file_is_not_written(duck: DuckDB, bench_of: Make) -> None:
    path = str(duck.path.with_name("own.duckdb"))
    FILES.connect(path).close()
    FILES.close(path)
    bench = bench_of(duck, path=path, config_options={"access_mode": "read_only"})
    columns = bench.connector.columns([StageColumn("a", INTEGER)])
    request = Load(stage=TableRef(connection="duckdb", schema="main", identifier="dvt_1"), columns=columns)
    with pytest.raises(QueryFailed, match="read-only"):
        bench.connector.fill(request, bench.sink().commit([], 0))
    FILES.close(path)


def test_other_options_for_an_open_file_are_refused(duck: DuckDB, bench_of: Make) -> None:
    with pytest.raises(BadOutput, match="config_options"):
        bench_of(duck, config_options={"threads": 1}).describe(duck.table("t"))


@pytest.mark.parametrize("key", ["remote", "motherduck_token"])
def test_keys_that_the_connector_cannot_honour_are_refused(duck: DuckDB, bench_of: Make, key: str) -> None:
    with pytest.raises(BadOutput, match=key):
        bench_of(duck, **{key: "x"})


@pytest.mark.parametrize(
    "settings",
    [
        {"secrets": [{"type": "nosuch", "password": "hunter2"}]},
        {"secrets": [{"type": "postgres", "password": "hunter2", "nosuch": "hunter2"}]},
        {"attach": [{"path": "postgres://me:hunter2@127.0.0.1:1/x", "type": "postgres", "alias": "pg"}]},
        {"attach": [{"path": "dbname=x password=hunter2 host=127.0.0.1 port=1", "type": "postgres"}]},
        {"settings": {"nosuch_setting": "hunter2"}},
    ],
)
def test_what_duckdb_refuses_is_reported_without_secrets(
    duck: DuckDB, bench_of: Make, settings: dict
) -> None:
    bench = bench_of(duck, **settings)
    with pytest.raises(ConnectFailed) as caught:
        bench.describe(duck.table("t"))
    texts = (
        str(caught.value) + repr(caught.value) + repr(caught.value.__cause__) + repr(bench.connector.__dict__)
    )
    assert "hunter2" not in texts


def test_databases_in_memory_are_those_of_their_outputs(duck: DuckDB, bench_of: Make) -> None:
    bench = bench_of(duck, path=":memory:")
    with closing(FILES.connect(":memory:", name="duckdb")) as cursor:
        cursor.execute("CREATE TABLE t AS SELECT 5 AS i")
    ref = TableRef(connection="duckdb", schema="main", identifier="t")
    assert bench.rows(read(bench, ref)) == [("5",)]
    FILES.close(":memory:", name="duckdb")


def read(bench: Bench, ref: TableRef) -> Dataset:
    extraction = bench.extraction(bench.describe(ref))
    return bench.read(extraction)[0]


def test_a_table_of_five_hundred_columns_arrives_whole_and_in_order(duck: DuckDB, bench_of: Make) -> None:
    values = ", ".join(f'{place} AS "column {place}"' for place in range(500))
    duck.execute(f"CREATE TABLE shop.wide AS SELECT {values}")
    bench = bench_of(duck)
    (row,) = bench.rows(read(bench, duck.table("wide")))
    assert row == tuple(str(place) for place in range(500))


def test_a_type_that_cannot_be_written_down_arrives_as_text_and_says_so(duck: DuckDB, bench_of: Make) -> None:
    duck.execute("CREATE VIEW shop.rows AS SELECT row(1, 'x') AS v")
    bench = bench_of(duck)
    ref = duck.table("rows")
    (column,) = bench.describe(ref).columns
    assert (column.stage, bool(column.loses)) == (VARCHAR, True)
    assert bench.rows(bench.read_table(ref)) == [("(1, x)",)]
