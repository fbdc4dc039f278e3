"""The embedded engine keeps types exact, respects its memory limit, and can be cancelled."""

from __future__ import annotations

import re
import threading
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from dvt.core.errors import (
    Cancelled,
    DiskFull,
    OutOfMemory,
    QueryFailed,
    SqlInvalid,
    StagingDamaged,
    ValueLost,
)
from dvt.core.plan import Transform
from dvt.core.ports.staging import Dataset
from dvt.core.queries import Sql, TablePlace, joined
from dvt.core.tables import StageColumn
from dvt.core.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    HUGEINT,
    INTEGER,
    TIMESTAMP,
    UBIGINT,
    VARCHAR,
    StageType,
    decimal,
)
from dvt.drivers.duckdb import MemoryInstance
from dvt.federation.compute import compute
from dvt.staging.shared import Staging
from dvt.testing.engines import transform_table
from tests.databases.engines import default_engine
from tests.local_bucket import files, local_bucket

pytestmark = pytest.mark.slow

EVERY_TYPE = {
    "BOOLEAN": "true",
    "TINYINT": "-128",
    "UBIGINT": "18446744073709551615",
    "BIGINT": "-9223372036854775808",
    "FLOAT": "'nan'",
    "DOUBLE": "'-inf'",
    "DECIMAL(4,1)": "-999.9",
    "DECIMAL(18,3)": "123456789012345.678",
    "DECIMAL(38,0)": "99999999999999999999999999999999999999",
    "DECIMAL(38,38)": "0.00000000000000000000000000000000000001",
    "VARCHAR": "'ünï 😀 '",
    "BLOB": "'\\x00\\xFF'",
    "DATE": "'0001-01-01'",
    "TIME": "'23:59:59.999999'",
    "TIMESTAMP": "'9999-12-31 23:59:59.999999'",
    "TIMESTAMP_NS": "'2024-01-01 00:00:00.123456789'",
    "TIMESTAMP_S": "'2024-01-01 00:00:01'",
    "TIMESTAMP WITH TIME ZONE": "'2024-01-01 00:00:00.000001+00'",
    "UUID": "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
    "JSON": "'{\"a\": [1, null]}'",
    "BIT": "'0101'",
    "ENUM('a', 'b')": "'b'",
    "INTEGER[]": "[1, NULL]",
    "INTEGER[2]": "[1, 2]",
    "STRUCT(a INTEGER, b VARCHAR)": "{'a': 1, 'b': ''}",
    "MAP(VARCHAR, INTEGER)": "MAP {'k': 1}",
}


@pytest.fixture
def instance(tmp_path):
    instance = MemoryInstance(threads=2, spill=tmp_path / "spill")
    yield instance
    instance.close()


@pytest.fixture
def engine(instance):
    return default_engine(instance)


@pytest.fixture
def staging(tmp_path):
    return Staging(local_bucket(tmp_path / "staging"), "run")


def rows(dataset: Dataset) -> list[tuple]:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM read_parquet({files(dataset)})").fetchall()


def placed(sql: str) -> Sql:
    """The SQL with a place for each of x0 to x9."""
    pieces = re.split(r"\bx(\d)\b", sql)
    return joined(*(TablePlace(int(piece)) if at % 2 else piece for at, piece in enumerate(pieces)))


def bind(engine, sql, tables=None, functions=()):
    described = [transform_table(name, columns) for name, columns in (tables or {}).items()]
    return engine.bind(placed(sql), described, functions).columns


def stage(engine, staging, sql, *columns, inputs=None, key="x"):
    datasets = inputs or {}
    tables = tuple(transform_table(name, dataset.columns) for name, dataset in datasets.items())
    transform = Transform(dialect="duckdb", sql=placed(sql), tables=tables, columns=columns)
    return engine.run(transform, datasets, staging.result(key))


def test_binding_finds_names_and_types_on_empty_tables(engine):
    inputs = {"x0": [StageColumn("a", INTEGER), StageColumn("b", decimal(10, 2))]}
    columns = bind(engine, 'SELECT sum(a) AS "Total", max(b) + 1 AS m FROM x0 -- a comment', inputs)
    assert columns == (StageColumn("Total", HUGEINT), StageColumn("m", decimal(13, 2)))


def test_a_transform_brings_the_functions_that_it_calls(engine, staging):
    sql = "SELECT dvt_utf8mb4_general_ci('Ärger ') AS v"
    column, functions = StageColumn("v", VARCHAR), ("dvt_utf8mb4_general_ci",)
    transform = Transform(dialect="duckdb", sql=sql, columns=(column,), functions=functions)
    assert bind(engine, sql, None, functions) == (column,)
    assert rows(compute(transform, {}, engine, staging.result("v"), lambda _: None)) == [("ARGER",)]
    with pytest.raises(SqlInvalid, match="dvt_utf8mb4_general_ci"):
        bind(engine, sql)


@pytest.mark.parametrize(
    "sql", ["SELECT nope FROM x0", "SELECT 1 +", "SELECT * FROM elsewhere", "SELECT nosuch(a) FROM x0"]
)
def test_sql_that_does_not_bind_is_invalid(engine, sql):
    with pytest.raises(SqlInvalid, match=r"not valid duckdb|does not know a name"):
        bind(engine, sql, {"x0": [StageColumn("a", INTEGER)]})


@pytest.mark.parametrize("value", ["row(1, 'x')", "[row(1)]", "get_type(1)"])
def test_an_output_of_a_type_that_cannot_be_written_down_is_refused(engine, value):
    with pytest.raises(SqlInvalid, match=r"column v has the type .*: cast it to another"):
        bind(engine, f"SELECT {value} AS v")


@pytest.mark.parametrize("sql", ['SELECT 1 AS "Foo", 2 AS foo', "SELECT 1 AS a, 2 AS a"])
def test_outputs_may_share_a_name_until_the_planner_names_them(engine, sql):
    assert len(bind(engine, sql)) == 2


def test_two_nodes_may_use_one_name_for_different_tables(engine):
    assert bind(engine, "FROM x0", {"x0": [StageColumn("a", INTEGER)]})[0].type == INTEGER
    assert bind(engine, "FROM x0", {"x0": [StageColumn("a", VARCHAR)]})[0].type == VARCHAR


def test_every_type_survives_staging_and_comes_back_as_itself(engine, staging):
    columns = [StageColumn(f"c{index}", StageType.parse(kind)) for index, kind in enumerate(EVERY_TYPE)]
    values = ", ".join(
        f"CAST({value} AS {kind}) AS c{index}" for index, (kind, value) in enumerate(EVERY_TYPE.items())
    )
    first = stage(engine, staging, f"SELECT {values}", *columns)
    checks = ", ".join(
        f"c{index} IS NOT DISTINCT FROM CAST({value} AS {kind})"
        f" AND typeof(c{index}) = typeof(CAST({value} AS {kind})) AS ok{index}"
        for index, (kind, value) in enumerate(EVERY_TYPE.items())
    )
    answers = [StageColumn(f"ok{index}", BOOLEAN) for index in range(len(EVERY_TYPE))]
    again = stage(engine, staging, f"SELECT {checks} FROM x0", *answers, inputs={"x0": first}, key="y")
    assert dict(zip(EVERY_TYPE, rows(again)[0], strict=True)) == dict.fromkeys(EVERY_TYPE, True)


def test_the_answer_has_the_types_that_were_asked_for(engine, staging):
    dataset = stage(
        engine, staging, "SELECT sum(i) FROM range(10) t(i)", StageColumn("Total", decimal(38, 0))
    )
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE FROM read_parquet({files(dataset)})").fetchall()
    assert [row[:2] for row in described] == [("Total", "DECIMAL(38,0)")]
    assert dataset.rows == 1


def test_a_sum_that_does_not_fit_is_an_error_not_a_double(engine, staging):
    big = "SELECT 170141183460469231731687303715884105727::HUGEINT"
    with pytest.raises(ValueLost):
        stage(engine, staging, big, StageColumn("a", decimal(38, 0)))


def test_an_error_that_a_model_raises_is_shown_in_full(engine, staging):
    with pytest.raises(QueryFailed, match="failed while computing: no rate for EUR"):
        stage(engine, staging, "SELECT error('no rate for ' || 'EUR') AS a", StageColumn("a", VARCHAR))


def test_an_empty_answer_is_a_table_with_columns(engine, staging):
    empty = stage(engine, staging, "SELECT 1 AS a WHERE false", StageColumn("a", INTEGER))
    count = StageColumn("n", BIGINT)
    again = stage(engine, staging, "SELECT count(a) FROM x0", count, inputs={"x0": empty}, key="y")
    assert (empty.rows, rows(again)) == (0, [(0,)])


def test_a_dataset_without_files_is_an_empty_table(engine, staging):
    location = staging.result("none").location
    empty = Dataset(location, (), (StageColumn("a", decimal(5, 2)),), 0, 0)
    dataset = stage(
        engine, staging, "SELECT count(a) FROM x0", StageColumn("n", BIGINT), inputs={"x0": empty}
    )
    assert rows(dataset) == [(0,)]


def test_files_that_lost_rows_are_noticed(engine, staging):
    dataset = stage(engine, staging, "SELECT 1 AS a", StageColumn("a", INTEGER))
    short = replace(dataset, rows=2)
    with pytest.raises(StagingDamaged, match="should hold 2 rows but holds 1"):
        stage(engine, staging, "FROM x0", StageColumn("a", INTEGER), inputs={"x0": short}, key="y")


@pytest.mark.parametrize(
    ("sql", "kind", "expected"),
    [
        ("SELECT 1.50::DECIMAL(9,2)", "DECIMAL(9,2)", "1.50"),
        ("SELECT 'it''s'", "VARCHAR", "it's"),
        ("SELECT 0.1::DOUBLE + 0.2::DOUBLE", "DOUBLE", "0.30000000000000004"),
        ("SELECT TIMESTAMPTZ '2024-01-01 12:00:00+02'", "TIMESTAMP WITH TIME ZONE", "2024-01-01 10:00:00+00"),
        ("SELECT NULL", "INTEGER", None),
        ("SELECT 1 WHERE false", "INTEGER", None),
    ],
)
def test_a_first_row_is_fetched_as_types_and_texts(engine, staging, sql, kind, expected):
    dataset = stage(engine, staging, sql, StageColumn("v", StageType.parse(kind)))
    assert engine.fetch(dataset) == ((StageType.parse(kind), expected),)


def test_constants_are_evaluated_and_failures_are_none(engine):
    answers = engine.evaluate(["DATE '2024-01-31' + INTERVAL 1 MONTH", "1 / 0", "'x'::INT", "1.0 / 3 -- c"])
    assert answers == (
        (TIMESTAMP, "2024-02-29 00:00:00"),
        (DOUBLE, "inf"),
        None,
        (DOUBLE, "0.3333333333333333"),
    )


def test_cancel_stops_every_cursor(engine, staging):
    endless = "SELECT count(*) FROM range(10000000) a(i), range(10000000) b(j) WHERE i + j < 0"
    cancelled: list[Cancelled] = []

    def compute(key):
        try:
            stage(engine, staging, endless, StageColumn("n", BIGINT), key=key)
        except Cancelled as error:
            cancelled.append(error)

    threads = [threading.Thread(target=compute, args=(key,), daemon=True) for key in "ab"]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline:
        time.sleep(0.3)
        engine.cancel()  # repeatedly, as a run does: DuckDB forgets a cancel that comes before its query
    assert [type(error) for error in cancelled] == [Cancelled, Cancelled]


@pytest.mark.parametrize(("threads", "waits"), [(1, True), (3, True), (4, False)])
def test_a_transform_waits_where_it_would_have_less_than_two_threads(threads, waits, staging):
    instance = MemoryInstance(threads=threads)
    engine = default_engine(instance)
    endless = "SELECT count(*) FROM range(10000000) a(i), range(10000000) b(j) WHERE i + j < 0"
    column = StageColumn("n", BIGINT)

    def compute(sql, key):
        with suppress(Cancelled):
            stage(engine, staging, sql, column, key=key)

    first = threading.Thread(target=compute, args=(endless, "a"), daemon=True)
    second = threading.Thread(target=compute, args=("SELECT 1::BIGINT AS n", "b"), daemon=True)
    first.start()
    time.sleep(0.3)
    second.start()
    second.join(2 if waits else 30)
    assert second.is_alive() is waits
    while first.is_alive() or second.is_alive():
        engine.cancel()
        first.join(0.1)
    instance.close()


def test_too_little_memory_without_room_to_spill_is_an_error(staging):
    tight = MemoryInstance(memory_limit="20MiB", threads=1)
    with pytest.raises(OutOfMemory):
        stage(
            default_engine(tight),
            staging,
            "SELECT string_agg(i::VARCHAR || repeat('x', 100), ',') FROM range(2000000) t(i)",
            StageColumn("n", VARCHAR),
        )
    tight.close()


def test_a_sort_that_does_not_fit_spills_and_leaves_nothing(tmp_path, staging):
    spill = tmp_path / "spill"
    tight = MemoryInstance(memory_limit="60MiB", threads=1, spill=spill)
    sightings: list[bool] = []
    sorted_ = threading.Event()

    def watch():
        while not sorted_.wait(0.02):
            sightings.append(any(spill.glob("*")) if spill.exists() else False)

    watcher = threading.Thread(target=watch)
    watcher.start()
    sql = "SELECT hash(i) AS h, repeat('y', 50) AS t FROM range(1500000) r(i) ORDER BY h LIMIT 1000000"
    dataset = stage(default_engine(tight), staging, sql, StageColumn("h", UBIGINT), StageColumn("t", VARCHAR))
    sorted_.set()
    watcher.join()
    tight.close()
    assert dataset.rows == 1000000
    assert any(sightings)
    assert not list(spill.glob("*"))


def test_a_full_disk_is_named(tmp_path, staging, monkeypatch):
    sink = staging.result("full")
    monkeypatch.setattr(type(staging.bucket), "writing", lambda *_: nullcontext("/dev/full"))
    tight = default_engine(MemoryInstance(threads=1))
    sql, column = "SELECT hash(i) AS a FROM range(1000000) t(i)", StageColumn("a", UBIGINT)
    transform = Transform(dialect="duckdb", sql=sql, columns=(column,))
    with pytest.raises(DiskFull):
        tight.run(transform, {}, sink)
    assert not Path("/dev/full").is_file()
