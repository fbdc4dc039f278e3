"""The DuckDB engine and the toy of dvt.testing keep the promises of every engine."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dvt.core.errors import SqlInvalid, ValueLost
from dvt.core.ports.engines import EngineContext, EngineSettings
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, DOUBLE, StageType
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.staging import CONSUMER
from dvt.staging.local_copies import LocalCopies
from dvt.testing.memory_bucket import InMemoryBucket
from dvt.testing.suites import EngineSuite
from dvt.testing.toy_engine import ToyEngine
from tests.databases.engines import NOW, default_engine
from tests.local_bucket import local_bucket

pytestmark = pytest.mark.slow


@pytest.fixture
def instance(tmp_path):
    instance = MemoryInstance(threads=2, spill=tmp_path / "spill")
    yield instance
    instance.close()


class TestDuckDBEngine(EngineSuite):
    started_at = NOW

    @pytest.fixture
    def engine(self, instance):
        return default_engine(instance)

    @pytest.fixture
    def bucket(self, tmp_path):
        return local_bucket(tmp_path / "bucket")


class TestDuckDBEngineOnMemory(TestDuckDBEngine):
    @pytest.fixture
    def bucket(self, tmp_path):
        return LocalCopies(InMemoryBucket(), CONSUMER, tmp_path / "copies")


class TestToyEngine(EngineSuite):
    @pytest.fixture
    def engine(self, instance):
        context = EngineContext(
            run="run",
            scratch=Path("unused"),
            duckdb=instance,
            started_at=self.started_at,
            default=True,
        )
        return ToyEngine("toy", EngineSettings(), context)

    @pytest.fixture
    def bucket(self):
        return InMemoryBucket()

    @pytest.mark.parametrize("type_", ["DECIMAL(10,2)", "HUGEINT", "TIMESTAMP", "BLOB", "INTEGER[]"])
    def test_types_that_the_toy_does_not_hold_are_refused(self, bench, type_):
        with pytest.raises(SqlInvalid, match="does not hold"):
            bench.bind("SELECT c FROM t", t=[StageColumn("c", StageType.parse(type_))])
        with pytest.raises(SqlInvalid, match="does not hold"):
            bench.run("SELECT 1 AS c", StageColumn("c", StageType.parse(type_)))

    def test_an_output_whose_type_nobody_knows_is_refused(self, bench):
        with pytest.raises(SqlInvalid, match="CAST it"):
            bench.engine.bind("SELECT json_extract('[1]', '$[0]') AS v", ())

    @pytest.mark.parametrize(("sql", "type_"), [("SELECT 'x' AS v", BIGINT), ("SELECT 'x' AS v", DOUBLE)])
    def test_a_value_that_is_not_of_its_columns_type_is_refused(self, bench, sql, type_):
        with pytest.raises(ValueLost, match="column v"):
            bench.run(sql, StageColumn("v", type_))

    def test_nan_is_refused(self, bench):
        file = io.BytesIO()
        pq.write_table(pa.table({"v": [math.nan]}), file)
        sink = bench.sink()
        bench.bucket.put(sink.part(), io.BytesIO(file.getvalue()))
        nan = sink.commit((StageColumn("v", DOUBLE),), 1)
        with pytest.raises(ValueLost, match="NaN"):
            bench.run("SELECT v FROM t", StageColumn("v", DOUBLE), t=nan)
