"""A master that is started again while Spark computes costs no rows: the query goes on, or fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvt.core.errors import ClusterLost
from dvt.core.types import BIGINT
from dvt.testing.background import BackgroundCall, wait_until
from tests.acceptance.spark_bench import make_bench
from tests.acceptance.test_spark_cluster import SLOW, _tasks, applications
from tests.stores.spark import spark_cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    # Py4J leaves the socket of a thread that has ended to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("remembers", [True, False])
def test_a_master_started_again_keeps_the_query_or_ends_it_with_an_error(
    remembers: bool, tmp_path: Path
) -> None:
    """One that remembers its applications keeps the run's; another one ends its workers' processes."""
    with spark_cluster(workers=1, remembers=remembers) as cluster:
        with make_bench(tmp_path, cluster.url, wait_for_workers=20) as bench:
            numbers = bench.numbers(16)
            call = BackgroundCall(lambda: bench.value(SLOW, BIGINT, t=numbers))
            context = bench.engine._application.context
            assert wait_until(lambda: _tasks(context).done and _tasks(context).active)
            cluster.kill_master()
            cluster.start_master()
            error = call.finish(120)
            if remembers:
                assert error is None
                assert call.answer == str(sum(range(17)) + 16 * 4)
                assert bench.value("SELECT count(*) AS v FROM t", BIGINT, t=numbers) == "16"
            else:
                assert isinstance(error, ClusterLost)
                assert "has given no worker for 20 s" in error.message
        (tmp_path / "next").mkdir()
        with make_bench(tmp_path / "next", cluster.url) as bench:
            assert bench.value(SLOW, BIGINT, t=bench.numbers(4)) == str(1 + 2 + 3 + 4 + 4 * 4)
        assert wait_until(lambda: applications(cluster, "activeapps") == [])
