"""Spark keeps the promises of every engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dvt.core.errors import AnswerUntyped, SqlInvalid, StagingDamaged, ValueLost
from dvt.core.plan import Transform
from dvt.core.ports.engines import EngineContext
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, StageType
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.sql import encoded
from dvt.drivers.duckdb.staging import CONSUMER, scan, write
from dvt.engines.spark import SparkEngine, SparkSettings
from dvt.staging.local_copies import LocalCopies
from dvt.testing.memory_bucket import InMemoryBucket
from dvt.testing.suites import EngineSuite
from tests.databases.engines import NOW
from tests.local_bucket import local_bucket
from tests.unit.engines.spark import shared_engine

pytestmark = [
    pytest.mark.slow,
    # Py4J leaves the socket of a thread that has ended to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

HELD = {
    "BOOLEAN": ["true", "false"],
    "TINYINT": ["-128", "127"],
    "UTINYINT": ["255"],
    "USMALLINT": ["65535"],
    "UINTEGER": ["4294967295"],
    "UBIGINT": ["18446744073709551615", "0"],
    "BIGINT": ["-9223372036854775808"],
    "HUGEINT": [f"'{'9' * 38}'", f"'-{'9' * 38}'", "0"],
    "FLOAT": ["'nan'", "'-inf'", "'-0.0'", "1.1"],
    "DOUBLE": ["'nan'", "'inf'", "'-0.0'", "1e308", "4.9e-324", "0.1"],
    "DECIMAL(4,1)": ["-999.9", "0"],
    "DECIMAL(38,38)": [f"'0.{'0' * 37}1'"],
    "DECIMAL(38,0)": [f"'-{'9' * 38}'"],
    "VARCHAR": ["''", "'ünï 😀 '", "'a\\b'", "chr(0) || 'x'", "'it''s'"],
    "JSON": ["'{\"a\":  [1, null]}'"],
    "BLOB": ["'\\x00\\xFF'", "''"],
    "DATE": ["'0001-01-01'", "'1582-10-10'", "'0044-03-15 (BC)'", "'5881580-07-10'"],
    "TIMESTAMP": ["'0001-01-01'", "'1582-10-10 00:00:00.000001'", "'294247-01-10 04:00:54.775806'"],
    "TIMESTAMP_MS": ["'2024-01-01 00:00:01.123'"],
    "TIMESTAMP WITH TIME ZONE": ["'1582-10-10 00:00:00+00'", "'1800-01-01 00:00:00+00'"],
    "INTEGER[]": ["[1, NULL]", "[]"],
    "INTEGER[2]": ["[1, 2]"],
    'STRUCT(a INTEGER, "B c" VARCHAR)': ["{'a': 1, 'B c': ''}"],
    "MAP(VARCHAR, INTEGER)": ["MAP {'k': 1}", "MAP {}"],
    "DOUBLE[]": ["[0.5, 'nan'::DOUBLE]"],
}
"""Types that Spark holds → values that are hard to keep, in DuckDB's SQL."""
REFUSED = [
    *("TIME", "TIME WITH TIME ZONE", "TIME_NS", "TIMESTAMP_NS", "INTERVAL", "BIT", "UUID", "ENUM('b', 'a')"),
    *("HUGEINT[]", "TIMESTAMP[]", "STRUCT(a TIME)"),
]


class TestSparkEngine(EngineSuite):
    started_at = NOW

    @pytest.fixture
    def engine(self):
        return shared_engine()

    @pytest.fixture
    def bucket(self, tmp_path):
        return local_bucket(tmp_path / "bucket")

    def test_it_may_be_closed_twice(self, tmp_path):
        """The shared one stays: this engine was never asked anything."""
        context = EngineContext(
            run="other", scratch=tmp_path, duckdb=MemoryInstance(), started_at=NOW, default=False
        )
        engine = SparkEngine("other", SparkSettings(), context)
        engine.close()
        engine.close()
        assert list(tmp_path.iterdir()) == []

    def test_deleted_rows_are_not_read(self, bench):
        """Of files that DuckDB has written: Spark names several for a few rows."""
        cursor = bench.engine._context.duckdb.cursor()
        column, sink = StageColumn("n", BIGINT), bench.sink()
        for first in (0, 10):
            write(cursor, f"SELECT i AS n FROM range({first}, {first + 5}) r(i)", sink, [column])
        deletes = f"{sink.location.prefix}/deletes.parquet"
        positions = "SELECT * FROM (VALUES (0::BIGINT, 1::BIGINT), (1, 4)) v(dvt_file, dvt_row)"
        write(cursor, positions, sink, key=deletes)
        numbers = replace(sink.commit((column,), 10), rows=8, deletes=deletes)
        assert bench.value("SELECT SUM(n) AS v FROM t", BIGINT, t=numbers) == "55"
        with pytest.raises(StagingDamaged, match="should hold 9 rows but holds 8"):
            bench.value("SELECT SUM(n) AS v FROM t", BIGINT, t=replace(numbers, rows=9))

    @pytest.mark.parametrize("type_", HELD)
    def test_values_of_every_type_come_back_as_themselves_or_are_refused(self, bench, type_):
        """The file is DuckDB's, as an extraction's is; both answers are read by DuckDB."""
        stage, column = StageType.parse(type_), StageColumn("v", StageType.parse(type_))
        cursor = bench.engine._context.duckdb.cursor()
        values = ", ".join(f"(CAST({value} AS {type_}))" for value in (*HELD[type_], "NULL"))
        sink = bench.sink()
        rows = write(cursor, f"SELECT {encoded('v', stage)} AS v FROM (VALUES {values}) t(v)", sink, [column])
        staged = sink.commit((column,), rows)
        made = bench.run("SELECT v FROM t", *bench.bind("SELECT v FROM t", t=[column]), t=staged)
        read = "SELECT CAST(v AS VARCHAR) AS v FROM ({}) ORDER BY ALL"
        assert (
            cursor.execute(read.format(scan(made))).fetchall()
            == cursor.execute(read.format(scan(staged))).fetchall()
        )

    @pytest.mark.parametrize("type_", REFUSED)
    def test_a_type_that_spark_would_change_is_refused_where_it_is_read(self, bench, type_):
        columns = [StageColumn("v", StageType.parse(type_)), StageColumn("n", BIGINT)]
        assert bench.bind("SELECT n FROM t", t=columns) == (columns[1],)
        with pytest.raises(
            SqlInvalid, match=r"column t\.v has the type .*, which Spark cannot hold"
        ) as caught:
            bench.bind("SELECT * FROM t", t=columns)
        assert "cast the column where it comes from" in caught.value.hint
        with pytest.raises(AnswerUntyped, match="column v has the type"):
            bench.run("SELECT 1 AS v", columns[0])

    @pytest.mark.parametrize(
        ("type_", "value"),
        [
            ("DATE", "'infinity'"),
            ("DATE", "'-infinity'"),
            ("TIMESTAMP", "'infinity'"),
            ("TIMESTAMP", "'-infinity'"),
            ("TIMESTAMP WITH TIME ZONE", "'infinity'"),
            ("HUGEINT", "'170141183460469231731687303715884105727'"),
        ],
    )
    def test_a_value_that_spark_does_not_have_is_an_error(self, bench, type_, value):
        stage, column = StageType.parse(type_), StageColumn("v", StageType.parse(type_))
        sink = bench.sink()
        cursor = bench.engine._context.duckdb.cursor()
        write(
            cursor, f"SELECT {encoded('v', stage)} AS v FROM (SELECT {value}::{type_} AS v)", sink, [column]
        )
        staged = sink.commit((column,), 1)
        with pytest.raises(ValueLost, match=r"infinity|38 digits"):
            bench.run("SELECT v FROM t", *bench.bind("SELECT v FROM t", t=[column]), t=staged)

    def test_the_time_is_that_of_the_run_and_the_zone_the_transforms(self, bench):
        sql = (
            "SELECT CAST(now() AS STRING) AS a, current_timestamp = now() AS b, "
            "CAST(current_date AS STRING) AS c, CAST(localtimestamp() AS STRING) AS d, "
            "unix_timestamp() AS e, 'now()' AS f"
        )
        columns = bench.engine.bind(sql, ()).columns
        transform = Transform(dialect="spark", sql=sql, columns=columns, time_zone="Asia/Tokyo")
        answer = bench.engine.fetch(bench.engine.run(transform, {}, bench.sink()))
        assert [text for _, text in answer] == [
            "2026-03-01 21:30:15.25", "true", "2026-03-01", "2026-03-01 21:30:15.25", "1772368215", "now()",
        ]  # fmt: skip

    def test_constants_have_the_texts_of_duckdb(self, bench):
        texts = [
            "1.50",
            "true",
            "DATE'2024-01-01'",
            "TIMESTAMP_NTZ'2024-01-01 00:00:00'",
            "DATE'-0044-03-15'",
        ]
        values = bench.engine.evaluate(texts)
        assert [value and value[1] for value in values] == [
            "1.50", "true", "2024-01-01", "2024-01-01 00:00:00.000000", None,
        ]  # fmt: skip


class TestSparkEngineOnMemory(TestSparkEngine):
    @pytest.fixture
    def bucket(self, tmp_path):
        return LocalCopies(InMemoryBucket(), CONSUMER, tmp_path / "copies")
