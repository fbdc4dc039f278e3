"""Spark on a standalone cluster: a master and two workers, which this file's tests share."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from dvt.core.errors import BucketUnseen, ClusterLost, ClusterUnreachable
from dvt.core.types import BIGINT
from dvt.testing.background import BackgroundCall, wait_until
from tests.acceptance.project import DVT
from tests.acceptance.spark_bench import SMALL, make_bench
from tests.acceptance.spark_shop import CUSTOMERS, MODELS, java_processes, make_shop, query, spark_model
from tests.stores.spark import WORKERS, spark_cluster

pytestmark = [
    pytest.mark.slow,
    # Py4J leaves the socket of a thread that has ended to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

SLEEP = "length(coalesce(java_method('java.lang.Thread', 'sleep', CAST(1500 AS BIGINT)), 'null'))"
SLOW = f"SELECT sum(n) AS v FROM (SELECT n + {SLEEP} AS n FROM t) AS slow"
"""SQL of a task for each file of t, of which each takes seconds."""
SLOW_ANSWER = str(36 + 8 * 4)
"""Its answer for the numbers 1 to 8."""


@pytest.fixture(scope="module")
def cluster():
    with spark_cluster() as cluster:
        yield cluster


@pytest.fixture
def bench(cluster, tmp_path):
    with make_bench(tmp_path, cluster.url, wait_for_workers=60) as bench:
        yield bench


def computes(master: str) -> str:
    entry = {"type": "spark", "master": master, "config": SMALL}
    return json.dumps({"shop": {"target": "duckdb", "computes": {"spark_local": entry}}})


def applications(cluster, within: str) -> list[dict]:
    return [app for app in cluster.state()[within] if app["name"].startswith("dvt-")]


def command_lines() -> str:
    lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return "\n".join(" ".join(line) for line in lines)


def test_models_of_a_project_are_computed_on_the_cluster(cluster, tmp_path: Path):
    """The run's application is the master's, and gone with the run."""
    shop = make_shop(tmp_path / "shop", computes(cluster.url))
    for name, sql in MODELS.items():
        spark_model(shop, f"{name}_spark", sql)
        shop.model(f"{name}_duckdb", sql, materialized="table", compute="duckdb", dialect="duckdb")
    before = len(applications(cluster, "completedapps"))
    result = shop.dvt("run").ok()
    for name in MODELS:
        expected = query(shop, f"SELECT * FROM {name}_duckdb ORDER BY ALL")
        assert expected
        assert repr(query(shop, f"SELECT * FROM {name}_spark ORDER BY ALL")) == repr(expected)
    assert "WARN" not in result.output.replace("WARN=0", "")
    assert wait_until(lambda: applications(cluster, "activeapps") == [])
    (application,) = applications(cluster, "completedapps")[before:]
    assert application["state"] == "FINISHED"
    assert re.fullmatch("dvt-[0-9a-z]{12,}", application["name"])
    assert java_processes(shop.root) == []
    assert [path.name for path in (shop.root / ".dvt" / "staging").rglob("*")] == []


@pytest.mark.long
def test_a_worker_killed_in_the_middle_of_a_stage_costs_no_rows(cluster, bench):
    """Tasks that it has done are lost, too, and done again by a worker that is new."""
    numbers = bench.numbers(8)
    call = BackgroundCall(lambda: bench.value(SLOW, BIGINT, t=numbers))
    context = bench.engine._application.context
    assert wait_until(lambda: _tasks(context).done >= WORKERS and _tasks(context).active)
    cluster.kill_worker()
    assert len(cluster.workers) == WORKERS - 1
    cluster.add_worker()
    assert call.finish(120) is None
    assert call.answer == SLOW_ANSWER


def test_a_folder_that_workers_do_not_see_is_an_error(cluster, tmp_path, monkeypatch):
    """Each process sees another folder at this path."""
    monkeypatch.chdir(tmp_path)
    with make_bench(tmp_path, cluster.url, Path("/proc/self/cwd/bucket")) as bench:
        with pytest.raises(BucketUnseen, match="does not find a file in it") as caught:
            bench.numbers(1)
        assert "mount the folder" in caught.value.hint
        bench.engine._reach._seen.add(bench.bucket.address)  # as if the worker had come later
        with pytest.raises(BucketUnseen, match="does not find a file in it"):
            bench.numbers(3)
    left = [path for path in (tmp_path / "bucket").rglob("*") if path.is_file()]
    assert left == []


@pytest.mark.long
def test_without_workers_the_query_fails_in_time(tmp_path):
    """So it does when the master is gone, too, and when it was never there."""
    with spark_cluster(workers=1) as cluster:
        with make_bench(tmp_path, cluster.url, wait_for_workers=4) as bench:
            numbers = bench.numbers(8)
            call = BackgroundCall(lambda: bench.value(SLOW, BIGINT, t=numbers))
            context = bench.engine._application.context
            assert wait_until(lambda: _tasks(context).active)
            cluster.stop()
            error = call.finish()
            assert isinstance(error, ClusterLost)
            assert "has given no worker for 4 s" in error.message
            assert "wait_for_workers" in error.hint
        (tmp_path / "second").mkdir()
        with make_bench(tmp_path / "second", cluster.url) as bench:
            with pytest.raises(ClusterUnreachable, match="refused") as caught:
                bench.numbers(1)
            assert "--compute duckdb" in caught.value.hint


@pytest.mark.long
def test_an_application_that_the_cluster_ends_is_an_error(cluster, bench):
    numbers = bench.numbers(8)
    call = BackgroundCall(lambda: bench.value(SLOW, BIGINT, t=numbers))
    context = bench.engine._application.context
    assert wait_until(lambda: _tasks(context).active)
    cluster.kill_application(context.applicationId)
    error = call.finish()
    assert isinstance(error, ClusterLost)
    assert "has ended the application" in error.message
    with pytest.raises(ClusterLost, match="has ended the application"):
        bench.numbers(1)


@pytest.mark.long
def test_ctrl_c_ends_the_jobs_and_the_target_stays_as_it_was(cluster, tmp_path: Path):
    """Until then the run tells how far it is."""
    shop = make_shop(tmp_path / "shop", computes(cluster.url))
    spark_model(shop, "slow", f"SELECT id FROM {CUSTOMERS}")
    shop.dvt("run").ok()
    spark_model(shop, "slow", f"SELECT {SLEEP} AS id FROM {CUSTOMERS}, range(0, 100, 1, 8)")
    environment = {**os.environ, "DBT_PROFILES_DIR": str(shop.root)}
    command = [*DVT, "run", "--project-dir", str(shop.root)]
    said = (tmp_path / "output").open("w+")
    with said, subprocess.Popen(command, env=environment, cwd=shop.root, stdout=said, stderr=said) as process:
        try:
            assert wait_until(lambda: _tasks_told(tmp_path / "output") >= 8, 200)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) != 0
        finally:
            process.kill()
    assert wait_until(lambda: applications(cluster, "activeapps") == [])
    assert wait_until(lambda: java_processes(shop.root) == [])
    assert query(shop, "SELECT id FROM slow ORDER BY id") == [(0,), (1,), (2,), (3,)]


@pytest.mark.long
def test_after_kill_9_the_cluster_has_nothing_of_the_run(cluster, tmp_path: Path):
    """Nor can others read a password on a command line while it runs."""
    shop = make_shop(tmp_path / "shop", computes(cluster.url))
    spark_model(shop, "slow", f"SELECT {SLEEP} AS n FROM {CUSTOMERS}, range(0, 100, 1, 8)")
    environment = {**os.environ, "DBT_PROFILES_DIR": str(shop.root)}
    command = [*DVT, "run", "--project-dir", str(shop.root)]
    with subprocess.Popen(command, env=environment, cwd=shop.root, stdout=subprocess.DEVNULL) as process:
        assert wait_until(lambda: len(cluster.executors()) >= WORKERS, 120)
        assert "hush-hush" not in command_lines()
        (application,) = applications(cluster, "activeapps")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert wait_until(lambda: applications(cluster, "activeapps") == [])
    assert application["id"] in [app["id"] for app in applications(cluster, "completedapps")]
    assert wait_until(lambda: cluster.executors() == [])
    assert wait_until(lambda: java_processes(shop.root) == [])


def _tasks_told(output: Path) -> int:
    """Return how many tasks of the slow query the run has last told of."""
    told = re.findall(r"slow: compute spark: \d+ of (\d+) tasks done so far", output.read_text())
    return int(told[-1]) if told else 0


@dataclass(frozen=True)
class Tasks:
    done: int
    active: int


def _tasks(context) -> Tasks:
    tracker = context.statusTracker()
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    known = [stage for stage in stages if stage]
    return Tasks(sum(s.numCompletedTasks for s in known), sum(s.numActiveTasks for s in known))
