"""Spark Connect: a server that this file's tests share, and another one that dies."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from dvt.core.errors import (
    BucketUnseen,
    Cancelled,
    ClusterLost,
    ClusterUnreachable,
    SparkNotStarted,
    SparkServerUnfit,
    SqlInvalid,
)
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, INTEGER, VARCHAR
from dvt.testing.background import BackgroundCall, wait_until
from tests.acceptance.spark_bench import make_bench
from tests.acceptance.spark_shop import MODELS, make_shop, query, spark_model
from tests.stores.spark import TOKEN, spark_connect

pytest.importorskip("grpc", reason="Spark Connect needs dvt-engine[spark-connect]")
pytestmark = [
    pytest.mark.slow,
    # The gRPC of PySpark leaves threads and sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark", "ignore::FutureWarning:pyspark"),
]
CONFIG = {"spark.sql.shuffle.partitions": 4}
SLOW = (
    "SELECT sum(n) AS v FROM (SELECT n + length(coalesce(java_method('java.lang.Thread', 'sleep',"
    " CAST(2000 AS BIGINT)), 'null')) AS n FROM t) AS slow"
)


@pytest.fixture(scope="module")
def server():
    with spark_connect() as server:
        yield server


@pytest.fixture
def bench(server, tmp_path):
    with make_bench(tmp_path, None, config=CONFIG, remote=server.url, token=TOKEN) as bench:
        yield bench


def schemas(bench) -> list[str]:
    with bench.engine._started("looking").session("test", "looking") as session:
        return [row[0] for row in session.sql("SHOW DATABASES").collect()]


def test_models_of_a_project_are_computed_by_the_server(server, tmp_path: Path):
    """Two entries of one run may be servers: none of them is a process of dvt's."""
    entry = {
        "type": "spark",
        "remote": server.url,
        "token": "{{ env_var('DVT_TEST_TOKEN') }}",
        "config": CONFIG,
    }
    computes = {"shop": {"target": "duckdb", "computes": {"spark_local": entry, "other": entry}}}
    shop = make_shop(tmp_path / "shop", json.dumps(computes))
    for name, sql in MODELS.items():
        spark_model(shop, f"{name}_spark", sql, compute="other" if name == "kept" else "spark_local")
        shop.model(f"{name}_duckdb", sql, materialized="table", compute="duckdb", dialect="duckdb")
    result = shop.dvt("run", env={"DVT_TEST_TOKEN": TOKEN}).ok()
    for name in MODELS:
        expected = query(shop, f"SELECT * FROM {name}_duckdb ORDER BY ALL")
        assert expected
        assert repr(query(shop, f"SELECT * FROM {name}_spark ORDER BY ALL")) == repr(expected)
    assert TOKEN not in result.output


def test_the_plan_tells_which_columns_are_read(bench):
    columns = [StageColumn("a", INTEGER), StageColumn("b", VARCHAR), StageColumn("c", BIGINT)]
    binding = bench.binding("SELECT t.a, (SELECT max(u.c) FROM u) AS m FROM t", t=columns, u=columns)
    assert binding.reads == (frozenset({"a"}), frozenset({"c"}))
    assert bench.binding("SELECT 1 AS one FROM t WHERE 1 = 0", t=columns).reads == (None,)
    with pytest.raises(SqlInvalid, match="nope"):
        bench.bind("SELECT nope FROM t", t=columns)
    assert schemas(bench) == ["default"]


def test_a_query_can_be_cancelled(bench):
    numbers = bench.numbers(8)
    call = BackgroundCall(lambda: bench.value(SLOW, BIGINT, t=numbers))
    assert isinstance(call.stop_by(bench.engine.cancel), Cancelled)
    assert schemas(bench) == ["default"]


@pytest.mark.long
def test_a_folder_that_the_server_does_not_see_is_an_error(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bucket = Path("/proc/self/cwd/bucket")
    with (
        make_bench(tmp_path, None, bucket, config=CONFIG, remote=server.url, token=TOKEN) as bench,
        pytest.raises(BucketUnseen, match="does not find a file in it"),
    ):
        bench.numbers(1)


@pytest.mark.long
def test_what_a_killed_run_has_left_is_removed_after_a_day(server, bench, tmp_path):
    old, new = (f"dvt_{begin}{'0' * 24}_0" for begin in ("00000001", "ffffffff"))
    with bench.engine._started("making").session("test", "making") as session:
        for schema in (old, new):
            session.sql(f"CREATE DATABASE {schema}")
    (tmp_path / "later").mkdir()
    with make_bench(tmp_path / "later", None, config=CONFIG, remote=server.url, token=TOKEN) as later:
        assert later.value("SELECT SUM(n) AS v FROM t", BIGINT, t=later.numbers(3)) == "6"
        assert schemas(later) == ["default", new]
        with later.engine._started("removing").session("test", "removing") as session:
            session.sql(f"DROP DATABASE {new}")


@pytest.mark.parametrize("token", [None, "another"])
def test_a_wrong_token_is_an_error_without_it(server, tmp_path, token):
    with make_bench(tmp_path, None, config=CONFIG, remote=server.url, token=token) as bench:
        with pytest.raises(SparkServerUnfit, match="token") as caught:
            bench.numbers(1)
        assert "another" not in str(caught.value)


@pytest.mark.long
def test_a_server_serves_beside_one_application_and_a_second_application_is_refused(bench, tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with make_bench(tmp_path / "one", "local[2]", config=CONFIG) as local:
        for each in (bench, local, bench):
            assert each.value("SELECT sum(n) AS v FROM t", BIGINT, t=each.numbers(6)) == "21"
        with make_bench(tmp_path / "other", "local[2]", config=CONFIG) as other:
            with pytest.raises(SparkNotStarted, match="another compute of this run") as caught:
                other.numbers(1)
            assert "`remote`" in caught.value.hint
        assert local.value("SELECT sum(n) AS v FROM t", BIGINT, t=local.numbers(3)) == "6"


@pytest.mark.long
def test_a_server_with_settings_on_which_answers_depend_is_refused(tmp_path):
    """And one that is not there."""
    with (
        spark_connect({"spark.sql.legacy.sizeOfNull": "true"}) as server,
        make_bench(tmp_path, None, config=CONFIG, remote=server.url, token=TOKEN) as bench,
        pytest.raises(SparkServerUnfit, match=r"sets spark\.sql\.legacy\.sizeOfNull"),
    ):
        bench.numbers(1)
    with (
        pytest.raises(ClusterUnreachable, match="refused"),
        make_bench(tmp_path, None, config=CONFIG, remote=server.url, token=TOKEN) as bench,
    ):
        bench.numbers(1)


@pytest.mark.long
def test_a_server_that_ends_in_the_middle_of_a_query_is_an_error_in_time(tmp_path):
    with (
        spark_connect() as server,
        make_bench(tmp_path, None, config=CONFIG, remote=server.url, token=TOKEN) as bench,
    ):
        numbers = bench.numbers(8)
        call = BackgroundCall(lambda: bench.value(SLOW, BIGINT, t=numbers))
        assert wait_until(lambda: bench.engine._groups)
        time.sleep(2)  # it computes by then
        server.stop()
        error = call.finish(120)
        assert isinstance(error, ClusterLost)
        assert "answers no more" in error.message
