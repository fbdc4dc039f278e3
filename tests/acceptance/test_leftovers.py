"""What a dead run leaves is swept by the next run; what a living run uses is not touched."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dvt.buckets.filesystem import FilesystemBucket
from dvt.core.errors import QueryFailed, StagingUnusable
from dvt.core.names import TableRef
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Workspace

pytestmark = pytest.mark.slow

BUILD_SCRIPT = """
import sys
from pathlib import Path
from tests.acceptance.federating import Workspace
workspace = Workspace(Path(sys.argv[1]))
for name in ("crm", "wh"):
    path = str(workspace.root / f"{name}.duckdb")
    workspace.outputs[name] = {"type": "duckdb", "path": path, "schema": "main"}
with workspace.run() as run:
    print("ready", flush=True)
    for number in range(1000):
        sql = f"SELECT g, {number} AS version, count(*) AS n FROM {{crm.facts}} WHERE v > {number} GROUP BY 1"
        run.model("m", sql, "wh")
        print(number, flush=True)
"""
FACTS_SQL = "CREATE TABLE facts AS SELECT i AS v, i % 20000 AS g FROM range(200000) t(i)"


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.duckdb("crm", FACTS_SQL)
    workspace.duckdb("wh", "CREATE TABLE m AS SELECT range AS g, -1 AS version FROM range(20000)")
    FILES.close()
    yield workspace
    FILES.close()


def start(workspace, code=BUILD_SCRIPT):
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(workspace.root)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()


def test_a_killed_run_leaves_old_or_new_and_the_next_run_sweeps(workspace):
    rng = random.Random(11)
    versions: list[int] = []
    leftovers: list[int] = []
    for kill_number in range(12):
        process = start(workspace)
        if kill_number % 3 == 0:
            assert "1\n" in process.stdout, "no second build was published"
        time.sleep(rng.uniform(0.0, 0.6))
        kill(process)
        leftovers.append(len(workspace.staged()))
        [(rows, groups, version)] = workspace.query(
            "wh", "SELECT count(*), count(DISTINCT g), min(version) FROM m"
        )
        assert rows == groups
        assert rows >= 19000
        versions.append(version)
        with workspace.run() as run:
            run.model("after", "SELECT count(*) AS n FROM {crm.facts}", "wh")
            assert run.rows("wh", "after") == [(200000,)]
        assert [table for table in workspace.tables("wh") if table.startswith("dvt_")] == []
        assert (workspace.staged(), workspace.records()) == ([], [])
        FILES.close()
    assert max(versions) > 0
    assert max(leftovers) > 0


DIE_AFTER_FILL_SCRIPT = BUILD_SCRIPT.replace(
    'print("ready", flush=True)',
    """
    import os, signal
    class DyingPublisher:
        def publish(self, load):
            print("ready", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    run.model("m", "SELECT g FROM {crm.facts}", "wh", DyingPublisher())
""",
)


def test_a_dead_runs_stage_table_is_dropped_when_its_output_is_next_used(workspace):
    kill(start(workspace, DIE_AFTER_FILL_SCRIPT))
    [stage] = [table for table in workspace.tables("wh") if table.startswith("dvt_")]
    workspace.duckdb("other")
    with workspace.run() as run:
        assert workspace.staged() == []  # a dead run's files are swept at once
        run.model("elsewhere", "SELECT count(*) AS n FROM {crm.facts}", "other")
    assert stage in workspace.tables("wh")
    assert len(workspace.records()) == 2
    with workspace.run() as run:
        run.model("after", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert workspace.tables("wh") == ["after", "m"]
    assert workspace.records() == []


def test_an_undroppable_stage_table_is_a_notice_and_stays_on_record(workspace, monkeypatch):
    kill(start(workspace, DIE_AFTER_FILL_SCRIPT))
    from dvt.connectors.duckdb import DuckDBConnector

    def fail_to_drop(self, stage):
        raise QueryFailed("wh", "dropping", "on purpose")

    with workspace.run() as run, monkeypatch.context() as patched:
        patched.setattr(DuckDBConnector, "drop", fail_to_drop)
        with pytest.raises(QueryFailed):
            run.federator._resources.connections["wh"].connector.drop(None)
        run.model("after", "SELECT count(*) AS n FROM {crm.facts}", "wh")
        run.model("another", "SELECT count(*) AS n FROM {crm.facts}", "wh")
        assert [notice.code for _, notice in run.reporter.notices] == ["DVT023"]
    record = json.loads(next(workspace.root.glob(".dvt/operations/*.json")).read_text())
    assert len(record["stage_tables"]) == 1
    with workspace.run() as run:
        run.model("after", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert workspace.tables("wh") == ["after", "another", "m"]
    assert workspace.records() == []


def edit_record(workspace, **changes):
    record = next(workspace.root.glob(".dvt/operations/*.json"))
    content = json.loads(record.read_text()) | changes
    record.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def test_data_in_an_unknown_bucket_is_a_notice_and_stays_on_record(workspace):
    kill(start(workspace, DIE_AFTER_FILL_SCRIPT))
    edit_record(workspace, buckets=["s3://elsewhere/staging", "file:.dvt/staging"])
    with workspace.run() as run:
        assert workspace.staged() == []
        assert [(notice.code, "s3://elsewhere" in notice.message) for _, notice in run.reporter.notices] == [
            ("DVT023", True)
        ]
        run.model("after", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert workspace.tables("wh") == ["after", "m"]
    record = json.loads(next(workspace.root.glob(".dvt/operations/*.json")).read_text())
    assert (record["buckets"], record["stage_tables"]) == (["s3://elsewhere/staging"], [])


def test_a_run_begins_although_the_bucket_of_leftovers_is_down(workspace, monkeypatch):
    from dvt.buckets.filesystem import FilesystemBucket
    from dvt.core.errors import StagingUnusable

    def fail_to_delete(self, prefix):
        raise StagingUnusable(self.address, "it does not answer")

    kill(start(workspace, DIE_AFTER_FILL_SCRIPT))
    with monkeypatch.context() as patched:
        patched.setattr(FilesystemBucket, "delete", fail_to_delete)
        run = workspace.run()
    with run:
        assert [notice.code for _, notice in run.reporter.notices] == ["DVT023"]
        run.model("after", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert workspace.staged()
    with workspace.run():
        assert workspace.staged() == []
    assert (workspace.staged(), workspace.records()) == ([], [])


def test_staged_data_that_cannot_be_removed_waits_for_the_next_run(workspace, monkeypatch):
    def refuse(bucket, prefix):
        raise StagingUnusable(prefix, "Permission denied")

    with monkeypatch.context() as patch, workspace.run() as run:
        patch.setattr(FilesystemBucket, "delete", refuse)
        run.model("m", "SELECT g FROM {crm.facts}", "wh")
        run.federator.close()
    ((_, notice),) = run.reporter.notices
    assert notice.code == "DVT023"
    assert notice.message.startswith("staged data of this run stays in file:.dvt/staging: cannot write in ")
    assert workspace.staged() != []
    assert len(workspace.records()) == 2
    with workspace.run() as run:
        assert run.reporter.notices == []
    assert (workspace.staged(), workspace.records()) == ([], [])


def test_an_earlier_versions_record_without_a_bucket_is_swept(workspace):
    kill(start(workspace, DIE_AFTER_FILL_SCRIPT))
    edit_record(workspace, buckets=None)
    with workspace.run() as run:
        assert workspace.staged() == []
        run.model("after", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert (workspace.tables("wh"), workspace.records()) == (["after", "m"], [])


def test_a_stage_table_is_on_record_before_its_load_begins(workspace, monkeypatch):
    from dvt.connectors.duckdb import DuckDBConnector

    original_fill = DuckDBConnector.fill
    recorded = []

    def fill(self, load, dataset):
        record = json.loads(next(workspace.root.glob(".dvt/operations/*.json")).read_text())
        recorded.extend(TableRef(**table) == load.stage for table in record["stage_tables"])
        return original_fill(self, load, dataset)

    with workspace.run() as run, monkeypatch.context() as patched:
        patched.setattr(DuckDBConnector, "fill", fill)
        run.model("after", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert recorded == [True]


def test_only_tables_named_as_stage_tables_are_ever_swept(workspace):
    kill(start(workspace, DIE_AFTER_FILL_SCRIPT))
    record = next(workspace.root.glob(".dvt/operations/*.json"))
    content = json.loads(record.read_text())
    content["stage_tables"].append(dict(content["stage_tables"][0], identifier="m"))
    record.write_text(json.dumps(content))
    with workspace.run() as run:
        run.model("after", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert workspace.tables("wh") == ["after", "m"]


def test_two_runs_at_once_do_not_sweep_each_other(workspace):
    with workspace.run() as first:
        stage = TableRef(
            connection="wh", database="wh", schema="main", identifier=f"dvt_{first.federator.run}_1"
        )
        first.model("first", "SELECT count(*) AS n FROM {crm.facts}", "wh")
        first.federator._resources.operation.will_make(stage)
        workspace.query("wh", f'CREATE TABLE "{stage.identifier}" (a INTEGER)')
        staged = workspace.staged()
        assert staged
        with workspace.run() as second:
            second.model("second", "SELECT count(*) AS n FROM {crm.facts}", "wh")
            assert set(staged) < set(workspace.staged())
        assert workspace.staged() == staged
        assert stage.identifier in workspace.tables("wh")
    assert workspace.tables("wh") == ["first", "m", "second"]  # the first run's end drops its stage table
    assert (workspace.staged(), workspace.records()) == ([], [])


FILL_DISK_SCRIPT = """
import resource, sys
from pathlib import Path
from dvt.core.errors import DiskFull
from tests.acceptance.federating import Workspace
workspace = Workspace(Path(sys.argv[1]))
for name in ("crm", "wh"):
    path = str(workspace.root / f"{name}.duckdb")
    workspace.outputs[name] = {"type": "duckdb", "path": path, "schema": "main"}
print("ready", flush=True)
with workspace.run() as run:
    run.model("small", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        run.model("m", "SELECT v, g, hash(v) AS h FROM {crm.facts}", "wh")
    except DiskFull as error:
        print(error, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
"""


def test_a_disk_that_is_full_while_staging_is_one_clear_error(workspace):
    process = start(workspace, FILL_DISK_SCRIPT)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    assert output.startswith("DVT135 m (models/m.sql): no space left in ")
    assert workspace.query("wh", "SELECT DISTINCT version FROM m") == [(-1,)]
    assert [table for table in workspace.tables("wh") if table.startswith("dvt_")] == []
    assert (workspace.staged(), workspace.records()) == ([], [])


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of a megabyte."""
    folder = tmp_path / "small_disk"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mount.returncode:
        pytest.skip("only root can mount a tiny file system")
    yield folder
    FILES.close()
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a tiny file system")
def test_a_full_file_system_is_named_in_the_error_and_emptied(small_disk, tmp_path):
    from dvt.core.errors import DiskFull

    workspace = Workspace(tmp_path)
    workspace.duckdb("crm", FACTS_SQL)
    workspace.duckdb("wh", "CREATE TABLE m AS SELECT 'old' AS name")
    with workspace.run(project_dir=small_disk) as run:
        with pytest.raises(DiskFull, match="no space left in"):
            run.model("m", "SELECT v, g, hash(v) AS h FROM {crm.facts}", "wh")
        assert not list(small_disk.rglob("_results/*/*"))
        run.model("small", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert workspace.query("wh", "FROM m") == [("old",)]
    assert list((small_disk / ".dvt" / "staging").iterdir()) == []
