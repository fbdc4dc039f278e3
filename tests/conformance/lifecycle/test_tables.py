"""Old rows of Airflow, Dagster and others go with all that refers to them, and come back."""

from __future__ import annotations

import json

import pyrage
import pytest
from pyrage import x25519

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.errors import LifecycleInvalid
from dvt.core.retention import CleanupType, Reason, Result, RunStatus
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.system import System
from dvt.lifecycle.tables import kind as kind_of_rows
from tests.conformance.lifecycle.foreign_tables import (
    AIRFLOW,
    AIRFLOW_TABLES,
    DAGSTER,
    ago,
    due,
    opened,
    told,
)

pytestmark = pytest.mark.slow

MANUAL = CleanupType.MANUAL


def test_a_dag_run_goes_and_comes_back_with_all_that_refers_to_it(tables, airflow):
    for number, age in ((1, 90), (2, 60), (3, 50), (4, 1)):
        tables.dag_run(number, age)
    tables.insert("backfill_dag_run", 1, 1, 1)
    before = tables.all(*AIRFLOW_TABLES)
    plan = airflow.plan()
    assert due(plan) == ["1", "2", "3"]
    assert tables.all(*AIRFLOW_TABLES) == before
    record = airflow.run(plan, MANUAL)
    assert record.status is RunStatus.COMPLETED, told(airflow, record)
    assert tables.ids("dag_run") == [4]
    assert len(tables.all("xcom")["xcom"]) == 2
    assert tables.all("backfill_dag_run")["backfill_dag_run"] == []
    assert len(list(airflow.verify_backups())) == 3
    (one,) = airflow.restore(Wanted(patterns=("*/dag_run/2",)))
    assert (one.result, one.detail) == (Result.RESTORED, "")
    assert tables.ids("dag_run") == [2, 4]
    assert {of.result for of in airflow.restore(Wanted(run=record.id))} == {Result.RESTORED}
    assert tables.all(*AIRFLOW_TABLES) == before
    (again,) = airflow.restore(Wanted(patterns=("*/dag_run/2",)))
    assert again.detail == "it is there already"


def test_what_has_another_row_in_its_place_is_not_restored(tables, airflow):
    tables.dag_run(1, 90)
    tables.dag_run(2, 1)
    airflow.run(airflow.plan(), MANUAL)
    tables.dag_run(1, 0)
    before = tables.all(*AIRFLOW_TABLES)
    (outcome,) = airflow.restore(Wanted(patterns=("*/dag_run/1",)), force=True)
    assert (outcome.result, outcome.detail) == (Result.FAILED, "another row of dag_run has its key")
    assert tables.all(*AIRFLOW_TABLES) == before


def test_the_newest_run_of_each_dag_and_kind_and_the_newest_success_stay(tables, airflow):
    tables.dag_run(1, 90)
    tables.dag_run(2, 80, state="failed")
    tables.dag_run(3, 70, kind="manual")
    tables.dag_run(4, 60, dag="stock")
    tables.dag_run(5, 100)
    # Of `sales` the scheduler takes up its schedule from 2, though a person has started 3 later.
    assert due(airflow.plan()) == ["5"]
    reasons = {
        of.item.key[-1]: of.decision.reason for of in airflow.explain(lambda of: "/dag_run/" in of.key)
    }
    assert reasons == {
        "1": Reason.LAST_SUCCESS,
        "2": Reason.MIN_KEEP,
        "3": Reason.MIN_KEEP,
        "4": Reason.MIN_KEEP,
        "5": Reason.OLD,
    }


def test_what_is_running_has_no_time_or_is_of_unknown_state_stays(tables, airflow):
    for number, state in ((1, "running"), (2, "queued"), (3, None)):
        tables.dag_run(number, 90, state=state)
    tables.dag_run(4, 90)
    tables.execute("UPDATE dag_run SET start_date = NULL, end_date = NULL, queued_at = NULL WHERE id = 4")
    tables.dag_run(5, 1)
    reasons = {
        of.item.key[-1]: of.decision.reason for of in airflow.explain(lambda of: "/dag_run/" in of.key)
    }
    assert due(airflow.plan()) == []
    assert reasons == {
        "1": Reason.HELD,
        "2": Reason.HELD,
        "3": Reason.STATUS_UNKNOWN,
        "4": Reason.AGE_UNKNOWN,
        "5": Reason.YOUNG,
    }


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE dag_run SET state = 'failed' WHERE id = 1",
        "UPDATE dag_run SET log_template_id = NULL WHERE id = 1",
        "DELETE FROM dag_run WHERE id = 1",
        "UPDATE dag_run SET state = 'running' WHERE id = 1",
    ],
)
def test_a_row_that_has_changed_since_the_plan_stays(tables, airflow, change):
    tables.dag_run(1, 90)
    tables.dag_run(2, 1)
    plan = airflow.plan()
    tables.execute(change)
    before = tables.all(*AIRFLOW_TABLES)
    record = airflow.run(plan, MANUAL)
    assert record.status is RunStatus.PARTIAL
    assert tables.all(*AIRFLOW_TABLES) == before


def test_a_row_that_has_changed_since_its_backup_stays_with_all_others(tables, airflow, monkeypatch):
    for number in (1, 2, 3):
        tables.dag_run(number, 90)
    tables.dag_run(4, 1)
    plan = airflow.plan()
    delete = kind_of_rows.TableRows.delete

    def change_before(self, planned, hashes):
        tables.execute("UPDATE xcom SET value = NULL WHERE dag_run_id = 2 AND task_id = 't1'")
        return delete(self, planned, hashes)

    monkeypatch.setattr(kind_of_rows.TableRows, "delete", change_before)
    record = airflow.run(plan, MANUAL)
    assert told(airflow, record)["2"] == "it has changed since it was backed up"
    assert tables.ids("dag_run") == [2, 4]
    assert len(tables.execute("SELECT * FROM xcom WHERE dag_run_id = 2")) == 2


def test_rows_that_would_lose_a_reference_keep_what_they_refer_to(tables, tmp_path):
    tables.make(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, at TIMESTAMP, parent INTEGER, "
        "FOREIGN KEY (parent) REFERENCES a (id))"
    )
    tables.make(
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER, "
        "FOREIGN KEY (a) REFERENCES a (id) ON DELETE SET NULL)"
    )
    for number, parent in ((1, None), (2, 1), (3, None), (4, None)):
        tables.insert("a", number, ago(90), parent)
    tables.insert("b", 1, 3)
    keys = {"table": "a", "time": "at"}
    with opened(tmp_path / "shop", tables, {"mine": keys}, mine={"days": 30}) as system:
        record = system.run(system.plan(), MANUAL)
        assert told(system, record)["3"].startswith("rows of b refer to it")
        assert told(system, record)["1"].startswith("rows of a refer to it")
        assert tables.ids("a") == [1, 3]
        assert tables.all("b")["b"] == [(1, 3)]
    with_b = {**keys, "with": [{"table": "b", "by": {"a": "id"}}]}
    with opened(tmp_path / "shop", tables, {"mine": with_b}, mine={"days": 30}) as system:
        assert system.run(system.plan(), MANUAL).status is RunStatus.COMPLETED
        assert tables.ids("a") == []
        assert {of.result for of in system.restore(Wanted(patterns=("*",)))} == {Result.RESTORED}
        assert tables.ids("a") == [1, 2, 3, 4]


def test_rows_refer_to_others_by_equal_values_of_other_types(tables, tmp_path):
    tables.make("CREATE TABLE a (id NUMERIC(6, 2) PRIMARY KEY, at TIMESTAMP, of VARCHAR(5) UNIQUE)")
    # MySQL lets numbers of one type refer to each other alone, but `V1` to `v1`.
    number_type, v = ("NUMERIC(6, 2)", "V") if tables.is_mysql else ("INTEGER", "v")
    tables.make(
        f"CREATE TABLE b (id INTEGER PRIMARY KEY, a {number_type}, "
        "FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE)"
    )
    tables.make(
        "CREATE TABLE c (id INTEGER PRIMARY KEY, a CHAR(5), "
        "FOREIGN KEY (a) REFERENCES a (of) ON DELETE CASCADE)"
    )
    for number in (1, 2):
        tables.insert("a", number, ago(90), f"v{number}")
        tables.insert("b", number, number)
        tables.insert("c", number, f"{v}{number}")
    before = tables.all("a", "b", "c")
    with opened(
        tmp_path / "shop", tables, {"mine": {"table": "a", "time": "at"}}, mine={"days": 9}
    ) as system:
        record = system.run(system.plan(), MANUAL)
        assert record.status is RunStatus.COMPLETED, told(system, record)
        assert tables.all("a", "b", "c") == {"a": [], "b": [], "c": []}
        assert {of.result for of in system.restore(Wanted(patterns=("*",)))} == {Result.RESTORED}
    assert tables.all("a", "b", "c") == before


def test_only_what_a_plan_is_limited_to_goes(tables, tmp_path):
    """Airflow's own cleanup did not limit itself to the DAGs that it was given."""
    tables.make(AIRFLOW)
    for number, dag in ((1, "sales"), (2, "sales"), (3, "stock"), (4, "stock")):
        tables.dag_run(number, 90 - number, dag=dag)
        tables.insert("log", number, ago(90), dag, "t", "run", "me", "")
    sql = {
        "runs": {"preset": "airflow.dag_run", "where": "dag_id = 'sales' AND run_id <> 'a:b'"},
        "log": {"preset": "airflow.log"},
    }
    with opened(tmp_path / "shop", tables, sql, runs={"days": 30}, log={"days": 30}) as system:
        before = tables.all(*AIRFLOW_TABLES)
        plan = system.plan(data_types=["runs"])
        assert due(plan) == ["1"]
        assert any("where dag_id = 'sales'" in root for root in plan.head.roots)
        system.run(plan, MANUAL)
        assert tables.ids("dag_run") == [2, 3, 4]
        assert tables.all("log")["log"] == before["log"]
        assert due(system.plan(data_types=["log"])) == ["1", "3"]


def test_there_is_one_backup_of_each_row_that_is_gone_and_none_without(tables, airflow):
    """Airflow's `--skip-archive` archived nevertheless: here nothing goes without a backup, or twice."""
    for number in (1, 2, 3):
        tables.dag_run(number, 90)
    airflow.run(airflow.plan(), MANUAL)
    gone = {1, 2, 3} - set(tables.ids("dag_run"))
    assert sorted(int(entry.item.key.rpartition("/")[2]) for entry in airflow.backups()) == sorted(gone)
    keys = {"preset": "airflow.dag_run", "backup": "none"}
    with pytest.raises(LifecycleInvalid):
        opened(airflow.settings.folder, tables, {"runs": keys})


def test_task_instances_and_xcoms_can_go_alone(tables, tmp_path):
    tables.make(AIRFLOW)
    for number, age in ((1, 90), (2, 80), (3, 1)):
        tables.dag_run(number, age)
    sql = {  # what refers to others first: a task takes its xcoms with it
        "xcom": {"preset": "airflow.xcom", "where": "task_id = 't0'"},
        "tasks": {"preset": "airflow.task_instance"},
    }
    with opened(tmp_path / "shop", tables, sql, tasks={"days": 85}, xcom={"days": 30}) as system:
        plan = system.plan()
        assert due(plan) == [
            "1,t0,-1,return_value",
            "2,t0,-1,return_value",
            "sales,t0,scheduled__1,-1",
            "sales,t1,scheduled__1,-1",
        ]
        before = tables.all(*AIRFLOW_TABLES)
        record = system.run(plan, MANUAL)
        assert record.status is RunStatus.COMPLETED, told(system, record)
        assert tables.ids("dag_run") == [1, 2, 3]
        # The tasks went with the rest of their xcoms; what went before comes back beside them.
        assert {of.result for of in system.restore(Wanted(patterns=("*/task_instance/*",)))} == {
            Result.RESTORED
        }
        assert {of.result for of in system.restore(Wanted(patterns=("*/xcom/*",)))} == {Result.RESTORED}
        assert tables.all(*AIRFLOW_TABLES) == before


def test_the_events_of_a_run_of_dagster_are_one_item_and_those_of_assets_stay(tables, tmp_path):
    tables.make(DAGSTER)
    for number, (run, status) in enumerate({"a": "SUCCESS", "b": "STARTED", "c": "FAILURE"}.items()):
        tables.insert("runs", number, run, "daily", status, "{}", 1.5, None)
    for number, (run, age) in enumerate((("a", 90), ("a", 89), ("b", 90), ("c", 90), ("gone", 90), ("d", 1))):
        tables.event(number, run, age)
    tables.event(10, "a", 89, asset='["orders"]')
    tables.insert("asset_event_tags", 1, 10, '["orders"]', "k", "v", None)
    tables.insert("asset_event_tags", 2, 0, '["orders"]', "k", "v", None)
    for number, (status, age) in enumerate((("SUCCESS", 9), ("SKIPPED", 8), ("FAILURE", 7), ("STARTED", 9))):
        naive = ago(age).split("+")[0]
        tables.insert("job_ticks", number, "origin", status, "SCHEDULE", naive, "{}", naive, naive)
    names = ("runs", "event_logs", "asset_event_tags", "job_ticks")
    before = tables.all(*names)
    sql = {
        "events": {"preset": "dagster.event_logs"},
        "ticks": {"preset": "dagster.job_ticks"},
    }
    with opened(tmp_path / "shop", tables, sql, events={"days": 30}, ticks={"days": 7.5}) as system:
        plan = system.plan()
        assert due(plan) == ["0", "a", "c", "gone"]
        record = system.run(plan, MANUAL)
        assert record.status is RunStatus.COMPLETED, told(system, record)
        assert tables.ids("event_logs") == [2, 5, 10]
        assert tables.ids("asset_event_tags") == [1]
        assert tables.all("runs")["runs"] == before["runs"]
        assert {of.result for of in system.restore(Wanted(patterns=("*",)))} == {Result.RESTORED}
        assert tables.all(*names) == before


def test_rows_are_encrypted_in_the_place_of_backups(tables, airflow, tmp_path):
    key = x25519.Identity.generate()
    tables.dag_run(1, 90)
    tables.dag_run(2, 1)
    before = tables.all(*AIRFLOW_TABLES)
    file = tmp_path / "shop/lifecycle.yml"
    content = json.loads(file.read_text()) | {"backups": {"encrypt_to": str(key.to_public())}}
    file.write_text(json.dumps(content))
    with System(load_lifecycle(file.parent)) as system:
        assert system.run(system.plan(), MANUAL).status is RunStatus.COMPLETED
        assert tables.ids("dag_run") == [2]
        (refused,) = system.restore(Wanted(patterns=("*/dag_run/1",)))
        assert refused.result is Result.FAILED
        (backup,) = system.settings.backups.glob("*/0/*.jsonl.age.backup")
        assert b"sales" not in backup.read_bytes()
        assert b"sales" in pyrage.decrypt(backup.read_bytes(), [key])
    content["backups"]["identity"] = str(key)
    file.write_text(json.dumps(content))
    with System(load_lifecycle(file.parent)) as system:
        (restored,) = system.restore(Wanted(patterns=("*/dag_run/1",)))
        assert (restored.result, restored.detail) == (Result.RESTORED, "")
    assert tables.all(*AIRFLOW_TABLES) == before
