"""What a run that died leaves: found by the next one, and nothing of a living run is touched."""

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
from dvt.core.plan import Load, LoadColumn
from dvt.core.types import INTEGER
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import Place

BUILDS = """
import sys
from pathlib import Path
from tests.acceptance.federating import Place
place = Place(Path(sys.argv[1]))
for name in ("crm", "wh"):
    place.outputs[name] = {"type": "duckdb", "path": str(place.root / f"{name}.duckdb"), "schema": "main"}
with place.run() as run:
    print("ready", flush=True)
    for number in range(1000):
        sql = f"SELECT g, {number} AS version, count(*) AS n FROM {{crm.facts}} WHERE v > {number} GROUP BY 1"
        run.model("m", sql, "wh")
"""
FACTS = "CREATE TABLE facts AS SELECT i AS v, i % 20000 AS g FROM range(200000) t(i)"


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    place.duckdb("crm", FACTS)
    place.duckdb("wh", "CREATE TABLE m AS SELECT range AS g, -1 AS version FROM range(20000)")
    FILES.close()
    yield place
    FILES.close()


def start(place, code=BUILDS):
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(place.root)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()


@pytest.mark.slow
def test_a_run_killed_anywhere_leaves_old_or_new_and_the_next_tidies_up(place):
    chance = random.Random(11)
    versions: list[int] = []
    left: list[int] = []
    for _ in range(12):
        process = start(place)
        time.sleep(chance.uniform(0.0, 0.6))
        kill(process)
        left.append(len(place.staged()))
        [(rows, groups, version)] = place.query(
            "wh", "SELECT count(*), count(DISTINCT g), min(version) FROM m"
        )
        assert rows == groups
        assert rows >= 19000
        versions.append(version)
        with place.run() as run:
            run.model("after", "SELECT count(*) AS n FROM {crm.facts}", "wh")
            assert run.rows("wh", "after") == [(200000,)]
        assert [table for table in place.tables("wh") if table.startswith("dvt_")] == []
        assert (place.staged(), place.records()) == ([], [])
        FILES.close()
    assert max(versions) > 0
    assert max(left) > 0


DIES_AFTER_FILLING = BUILDS.replace(
    'print("ready", flush=True)',
    """
    import os, signal
    class Dying:
        def publish(self, load):
            print("ready", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    run.model("m", "SELECT g FROM {crm.facts}", "wh", Dying())
""",
)


def test_a_dead_run_s_stage_table_goes_when_its_output_is_next_used(place):
    kill(start(place, DIES_AFTER_FILLING))
    [stage] = [table for table in place.tables("wh") if table.startswith("dvt_")]
    place.duckdb("other")
    with place.run() as run:
        assert place.staged() == []  # files at once
        run.model("elsewhere", "SELECT count(*) AS n FROM {crm.facts}", "other")
    assert stage in place.tables("wh")
    assert len(place.records()) == 2
    with place.run() as run:
        run.model("here", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert place.tables("wh") == ["here", "m"]
    assert place.records() == []


def test_a_stage_table_that_cannot_be_dropped_is_a_notice_and_stays_on_record(place, monkeypatch):
    kill(start(place, DIES_AFTER_FILLING))
    from dvt.connectors.duckdb import DuckDBConnector

    dropping = DuckDBConnector.drop

    def refused(self, stage):
        raise QueryFailed("wh", "dropping", "on purpose")

    with place.run() as run, monkeypatch.context() as patched:
        patched.setattr(DuckDBConnector, "drop", refused)
        with pytest.raises(QueryFailed):
            run.federator._resources.connections["wh"].connector.drop(None)
        run.model("here", "SELECT count(*) AS n FROM {crm.facts}", "wh")
        run.model("there", "SELECT count(*) AS n FROM {crm.facts}", "wh")
        assert [notice.code for _, notice in run.seen.notices] == ["DVT023"]
        assert dropping is not DuckDBConnector.drop
    left = json.loads(next(place.root.glob(".dvt/operations/*.json")).read_text())
    assert len(left["stage_tables"]) == 1
    with place.run() as run:
        run.model("here", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert place.tables("wh") == ["here", "m", "there"]
    assert place.records() == []


def edit_record(place, **changes):
    record = next(place.root.glob(".dvt/operations/*.json"))
    content = json.loads(record.read_text()) | changes
    record.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def test_data_staged_in_a_bucket_that_is_not_known_is_a_notice_and_stays_on_record(place):
    kill(start(place, DIES_AFTER_FILLING))
    edit_record(place, buckets=["s3://elsewhere/staging", "file:.dvt/staging"])
    with place.run() as run:
        assert place.staged() == []
        assert [(notice.code, "s3://elsewhere" in notice.message) for _, notice in run.seen.notices] == [
            ("DVT023", True)
        ]
        run.model("here", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert place.tables("wh") == ["here", "m"]
    left = json.loads(next(place.root.glob(".dvt/operations/*.json")).read_text())
    assert (left["buckets"], left["stage_tables"]) == (["s3://elsewhere/staging"], [])


def test_a_bucket_that_is_down_keeps_no_run_from_beginning(place, monkeypatch):
    from dvt.buckets.filesystem import FilesystemBucket
    from dvt.core.errors import StagingUnusable

    def down(self, prefix):
        raise StagingUnusable(self.address, "it does not answer")

    kill(start(place, DIES_AFTER_FILLING))
    with monkeypatch.context() as patched:
        patched.setattr(FilesystemBucket, "delete", down)
        run = place.run()
    with run:
        assert [notice.code for _, notice in run.seen.notices] == ["DVT023"]
        run.model("here", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert place.staged()
    with place.run():
        assert place.staged() == []
    assert (place.staged(), place.records()) == ([], [])


def test_staged_data_that_cannot_be_removed_is_a_notice_and_the_next_run_removes_it(place, monkeypatch):
    def refuse(bucket, prefix):
        raise StagingUnusable(prefix, "Permission denied")

    with monkeypatch.context() as patch, place.run() as run:
        patch.setattr(FilesystemBucket, "delete", refuse)
        run.model("m", "SELECT g FROM {crm.facts}", "wh")
        run.federator.close()
    ((_, notice),) = run.seen.notices
    assert notice.code == "DVT023"
    assert notice.message.startswith("staged data of this run stays in file:.dvt/staging: cannot write in ")
    assert place.staged() != []
    assert len(place.records()) == 2
    with place.run() as run:
        assert run.seen.notices == []
    assert (place.staged(), place.records()) == ([], [])


def test_the_record_of_an_earlier_version_names_no_bucket_and_is_swept(place):
    kill(start(place, DIES_AFTER_FILLING))
    edit_record(place, buckets=None)
    with place.run() as run:
        assert place.staged() == []
        run.model("here", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert (place.tables("wh"), place.records()) == (["here", "m"], [])


def test_a_stage_table_is_on_record_before_its_target_hears_of_it(place, monkeypatch):
    from dvt.connectors.duckdb import DuckDBConnector

    filling = DuckDBConnector.fill
    recorded = []

    def fill(self, load, dataset):
        record = json.loads(next(place.root.glob(".dvt/operations/*.json")).read_text())
        recorded.extend(TableRef(**one) == load.stage for one in record["stage_tables"])
        return filling(self, load, dataset)

    with place.run() as run, monkeypatch.context() as patched:
        patched.setattr(DuckDBConnector, "fill", fill)
        run.model("here", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert recorded == [True]


def test_only_tables_named_as_stage_tables_are_ever_swept(place):
    kill(start(place, DIES_AFTER_FILLING))
    record = next(place.root.glob(".dvt/operations/*.json"))
    content = json.loads(record.read_text())
    content["stage_tables"].append(dict(content["stage_tables"][0], identifier="m"))
    record.write_text(json.dumps(content))
    with place.run() as run:
        run.model("here", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert place.tables("wh") == ["here", "m"]


def test_two_runs_at_once_leave_each_other_alone(place):
    with place.run() as first:
        stage = TableRef(
            connection="wh", database="wh", schema="main", identifier=f"dvt_{first.federator.run}_1"
        )
        columns = (LoadColumn(name="a", stage=INTEGER, native="INTEGER"),)
        shop = first.federator._resources
        first.model("one", "SELECT count(*) AS n FROM {crm.facts}", "wh")
        shop.operation.will_make(stage)
        place.query("wh", f'CREATE TABLE "{stage.identifier}" (a INTEGER)')
        staged = place.staged()
        assert staged
        with place.run() as second:
            second.model("two", "SELECT count(*) AS n FROM {crm.facts}", "wh")
            assert set(staged) < set(place.staged())
        assert place.staged() == staged
        assert stage.identifier in place.tables("wh")
        assert Load(stage=stage, columns=columns)
    assert place.tables("wh") == ["m", "one", "two"]  # what stayed is tried again at the end
    assert (place.staged(), place.records()) == ([], [])


FILLS_A_DISK = """
import resource, sys
from pathlib import Path
from dvt.core.errors import DiskFull
from tests.acceptance.federating import Place
place = Place(Path(sys.argv[1]))
for name in ("crm", "wh"):
    place.outputs[name] = {"type": "duckdb", "path": str(place.root / f"{name}.duckdb"), "schema": "main"}
print("ready", flush=True)
with place.run() as run:
    run.model("small", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        run.model("m", "SELECT v, g, hash(v) AS h FROM {crm.facts}", "wh")
    except DiskFull as error:
        print(error, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
"""


def test_a_disk_that_is_full_while_staging_is_one_clear_error(place):
    process = start(place, FILLS_A_DISK)
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    assert out.startswith("DVT135 m (models/m.sql): no space left in ")
    assert place.query("wh", "SELECT DISTINCT version FROM m") == [(-1,)]
    assert [table for table in place.tables("wh") if table.startswith("dvt_")] == []
    assert (place.staged(), place.records()) == ([], [])


@pytest.fixture
def tiny(tmp_path):
    """A file system of two megabytes."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("only root can mount a tiny file system")
    yield folder
    FILES.close()
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a tiny file system")
def test_a_real_full_disk_is_named_and_free_again(tiny, tmp_path):
    from dvt.core.errors import DiskFull

    place = Place(tmp_path)
    place.duckdb("crm", FACTS)
    place.duckdb("wh", "CREATE TABLE m AS SELECT 'old' AS name")
    with place.run(project_dir=tiny) as run:
        with pytest.raises(DiskFull, match="no space left in"):
            run.model("m", "SELECT v, g, hash(v) AS h FROM {crm.facts}", "wh")
        assert not list(tiny.rglob("_results/*/*"))
        run.model("small", "SELECT count(*) AS n FROM {crm.facts}", "wh")
    assert place.query("wh", "FROM m") == [("old",)]
    assert list((tiny / ".dvt" / "staging").iterdir()) == []
