"""The promises of every engine, and Spark's own, on a cluster and on a server of Spark Connect."""

from __future__ import annotations

import pytest

from tests.acceptance.spark_bench import SMALL, make_bench
from tests.stores.spark import TOKEN, spark_cluster, spark_connect
from tests.unit.engines import test_spark_suite as local

pytestmark = [*local.pytestmark, pytest.mark.long]


@pytest.fixture(scope="module")
def on_a_cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    with spark_cluster() as cluster, make_bench(folder, cluster.url, config=SMALL) as bench:
        yield bench.engine


@pytest.fixture(scope="module")
def on_a_server(tmp_path_factory):
    folder, config = tmp_path_factory.mktemp("server"), {"spark.sql.shuffle.partitions": 4}
    with (
        spark_connect() as server,
        make_bench(folder, None, config=config, remote=server.url, token=TOKEN) as bench,
    ):
        yield bench.engine


class TestClusters(local.TestSparkEngine):
    @pytest.fixture
    def engine(self, on_a_cluster):
        return on_a_cluster


class TestSparkConnect(local.TestSparkEngine):
    @pytest.fixture
    def engine(self, on_a_server):
        pytest.importorskip("grpc", reason="Spark Connect needs dvt-engine[spark-connect]")
        return on_a_server
