"""The whole flow on a project: what is planned is what is done, with a backup of each item, on record."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.errors import CleanerAtWork, PlanUnusable, RunRefused, VaultRefused
from dvt.core.retention import CleanupType, Reason, Result, RunStatus
from dvt.lifecycle import retire
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.delete.files import FileRemover
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.system import System
from dvt.lifecycle.work import Wishes

pytestmark = pytest.mark.slow

MANUAL, AUTOMATIC, EMERGENCY = CleanupType.MANUAL, CleanupType.AUTOMATIC, CleanupType.EMERGENCY


def due(plan):
    return {of.item.key.rpartition("/")[2] for of in plan.items()}


def results(record):
    return {
        (name, result): tally.items for name, of in record.results.items() for result, tally in of.items()
    }


def events(system, run):
    return [
        (event.kind, event.key and event.key.rpartition("/")[2], event.result)
        for event in system.store.records.events(EventFilter(run=run))
    ]


def test_what_is_planned_is_done_and_nothing_else(project, system):
    for name, age in (("1", 100), ("2", 95), ("3", 89), ("4", 1)):
        project.operation(name, age)
    project.operation("5", 20, "failed")
    project.operation("6", 15, "failed")
    project.operation("7", 400, "running")
    project.log("dbt.log.1", 8)
    before = project.names()
    plan = system.plan()
    assert due(plan) == {"operation_1.json", "operation_2.json", "operation_5.json", "dbt.log.1"}
    assert project.names() == before
    record = system.run(plan, MANUAL)
    assert record.status is RunStatus.COMPLETED
    assert results(record) == {
        ("completed_operations", Result.DELETED): 2,
        ("failed_operations", Result.DELETED): 1,
        ("dbt_logs", Result.DELETED): 1,
    }
    assert project.names() == before - due(plan)
    assert due(system.plan()) == set()


def test_everything_comes_back(project, system):
    file = project.log("dbt.log.1", 8)
    file.chmod(0o640)
    before = (file.read_bytes(), file.stat().st_mode, file.stat().st_mtime_ns)
    system.run(system.plan(), MANUAL)
    assert not file.exists()
    (outcome,) = system.restore(Wanted(patterns=("dbt.log.1",)))
    assert outcome.result is Result.RESTORED
    assert (file.read_bytes(), file.stat().st_mode, file.stat().st_mtime_ns) == before


def test_intent_is_on_record_before_the_deed(project, system):
    project.log("dbt.log.1", 8)
    record = system.run(system.plan(), MANUAL)
    kinds = [kind for kind, _, _ in events(system, record.id)]
    assert kinds == ["run_began", "planned", "outcome", "run_ended"]
    assert events(system, record.id)[2] == ("outcome", "dbt.log.1", "deleted")
    assert system.store.verify_chain().is_whole
    assert system.store.records.run(record.id).status is RunStatus.COMPLETED


def test_the_original_table_has_a_row_for_each_data_type(project, system):
    project.log("dbt.log.1", 8)
    project.operation("1", 100)
    project.operation("2", 95)
    system.run(system.plan(), MANUAL)
    rows = system.store.records.history()
    deleted = {row["data_type"]: row["records_deleted"] for row in rows if row["records_deleted"]}
    assert deleted == {"completed_operations": 1, "dbt_logs": 1}


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda file: file.write_text("other"), "it has changed since the plan was made"),
        (lambda file: file.unlink(), "it is gone"),
        (os.utime, "it has changed since the plan was made"),
        (lambda file: os.link(file, file.parent / ".other"), "it has 2 names, so its bytes would stay"),
    ],
)
def test_what_has_changed_since_the_plan_stays(project, system, change, detail):
    file = project.log("dbt.log.1", 8)
    project.log("dbt.log.2", 8)
    plan = system.plan()
    change(file)
    record = system.run(plan, MANUAL)
    assert record.status is RunStatus.PARTIAL
    assert results(record) == {("dbt_logs", Result.CHANGED): 1, ("dbt_logs", Result.DELETED): 1}
    (told,) = [
        event.details["detail"]
        for event in system.store.records.events(EventFilter(run=record.id))
        if event.result == "changed"
    ]
    assert detail in told


def test_what_is_pinned_since_the_plan_stays(project, system):
    file = project.log("dbt.log.1", 8)
    plan = system.plan()
    system.store.pin_table.add("dbt.log.1", system.asking(), "a court has asked for it")
    record = system.run(plan, MANUAL)
    assert file.exists()
    assert results(record) == {("dbt_logs", Result.CHANGED): 1}


def test_the_newest_of_a_group_stays_even_if_it_became_so_after_the_plan(project, system):
    older, newest = project.operation("1", 100), project.operation("2", 1)
    plan = system.plan()
    assert due(plan) == {"operation_1.json"}
    newest.unlink()
    system.run(plan, MANUAL)
    assert older.exists()


def test_a_plan_under_other_policies_is_not_run(project, system):
    file = project.log("dbt.log.1", 8)
    plan = system.plan()
    policy = system.store.policies()["dbt_logs"]
    changed = replace(policy, rule=replace(policy.rule, days=9))
    system.store.policy_table.save(changed, system.asking(), "longer")
    with pytest.raises(PlanUnusable, match="policies have changed since"):
        system.run(plan, MANUAL)
    assert file.exists()


def test_a_plan_can_be_run_again(project, system):
    project.log("dbt.log.1", 8)
    plan = system.plan()
    assert system.run(plan, MANUAL).status is RunStatus.COMPLETED
    assert results(system.run(plan, MANUAL)) == {("dbt_logs", Result.CHANGED): 1}


def test_an_automatic_run_that_would_delete_too_much_is_refused(project, system):
    for number in range(3):
        project.log(f"dbt.log.{number}", 8)
    project.log("dbt.log.4", 1)
    plan = system.plan(AUTOMATIC)
    with pytest.raises(RunRefused, match="3 of 4 items of dbt_logs would go"):
        system.run(plan, AUTOMATIC)
    assert len(project.names()) == 4
    assert system.run(plan, MANUAL).status is RunStatus.COMPLETED


def test_without_policies_nothing_is_due(project, tmp_path):
    project.log("dbt.log.1", 800)
    with System(load_lifecycle(project.folder)) as system:
        plan = system.plan()
        assert due(plan) == set()
        assert plan.head.policies == {}


def test_an_emergency_skips_the_grace_period(project, system):
    project.settings("dbt_logs: {days: 0}")
    with System(load_lifecycle(project.folder)) as again:
        again.apply_policies("the disk is full")
        file = project.log("dbt.log.1", 0.01)
        assert due(again.plan(MANUAL)) == set()
        again.run(again.plan(EMERGENCY), EMERGENCY)
        assert not file.exists()
        (outcome,) = again.restore(Wanted(patterns=("dbt.log.1",)))
        assert outcome.result is Result.RESTORED


def test_a_second_cleaner_is_told_who_is_at_work(project, system):
    project.log("dbt.log.1", 8)
    plan = system.plan()
    with system.store.one_cleaner(), System(load_lifecycle(project.folder)) as other:  # noqa: SIM117
        with pytest.raises(CleanerAtWork):
            other.run(plan, MANUAL)
    assert project.names() == {"dbt.log.1"}


def test_a_run_stops_when_it_is_asked_to(project, system):
    for number in range(retire._BATCH + 10):
        project.log(f"dbt.log.{number}", 8)
    answers = iter([False, True])
    record = system.run(system.plan(), MANUAL, Wishes(stops=lambda: next(answers)))
    assert (record.status, record.detail) == (RunStatus.STOPPED, "somebody has stopped it")
    assert len(project.names()) == 10


def test_a_run_begins_nothing_after_its_time(project, system):
    project.log("dbt.log.1", 8)
    record = system.run(system.plan(), MANUAL, Wishes(budget=0))
    assert record.status is RunStatus.STOPPED
    assert project.names() == {"dbt.log.1"}


def test_a_run_tells_how_far_it_is(project, system):
    for number in range(retire._BATCH + 10):
        project.log(f"dbt.log.{number}", 8)
    told = []
    system.run(
        system.plan(), MANUAL, Wishes(report=lambda record: told.append(sum(results(record).values())))
    )
    assert told == [0, retire._BATCH, retire._BATCH + 10]


def test_what_is_left_out_of_a_run_stays_and_is_on_record(project, system):
    kept, gone = project.log("dbt.log.1", 8), project.log("dbt.log.2", 8)
    plan = system.plan()
    record = system.run(plan, MANUAL, Wishes(leave_out=frozenset({("dbt_logs", str(kept))})))
    assert record.status is RunStatus.COMPLETED
    assert (kept.exists(), gone.exists()) == (True, False)
    (note,) = [event for event in system.store.records.events() if event.key == "left_out"]
    assert note.details == {
        "run": record.id,
        "plan": plan.head.id,
        "items": [{"data_type": "dbt_logs", "key": str(kept)}],
    }


def test_nothing_is_done_if_what_is_to_be_left_out_is_not_in_the_plan(project, system):
    file = project.log("dbt.log.1", 8)
    plan = system.plan()
    with pytest.raises(PlanUnusable, match="misspelt of dbt_logs, which is to be left out, is not in it"):
        system.run(plan, MANUAL, Wishes(leave_out=frozenset({("dbt_logs", "misspelt")})))
    assert file.exists()
    assert not system.store.records.runs()


def test_a_backup_that_cannot_be_made_keeps_the_file(project, system):
    file = project.log("dbt.log.1", 8)
    plan = system.plan()
    shutil.rmtree(system.settings.backups, ignore_errors=True)
    system.settings.backups.symlink_to(project.folder)
    with pytest.raises(Exception, match="link"):
        system.run(plan, MANUAL)
    assert file.exists()


def test_backups_are_not_found_as_items(project, system):
    project.settings(
        "temp_files: {days: 0}", data="{temp_files: {in: [.dvt], recursive: true, unmarked: false}}"
    )
    project.log("dbt.log.1", 8)
    system.run(system.plan(), MANUAL)
    (project.folder / ".dvt-lifecycle.json").write_text("{}")
    (project.folder / ".dvt/.dvt-lifecycle.json").write_text("{}")
    with System(load_lifecycle(project.folder)) as again:
        keys = {item.key for finder in again.finders() for item in finder.find(time.time_ns())}
    assert not [key for key in keys if "/lifecycle/" in key]


def test_backups_go_when_their_time_is_over(project, system):
    project.settings("dbt_logs: {days: 7}", backups="{keep: 0h}")
    with System(load_lifecycle(project.folder)) as again:
        project.log("dbt.log.1", 8)
        again.run(again.plan(), MANUAL)
        project.log("dbt.log.2", 8)
        again.run(again.plan(), MANUAL)
        assert [entry.item.key for entry in again.backups()] == [str(project.logs / "dbt.log.2")]
        assert {file.name for file in again.settings.backups.rglob("*.backup")} == {"dbt.log.2.backup"}


def test_some_data_types_are_planned_alone(project, system):
    project.log("dbt.log.1", 8)
    project.operation("1", 100)
    project.operation("2", 95)
    plan = system.plan(data_types=["dbt_logs"])
    assert due(plan) == {"dbt.log.1"}
    assert set(plan.head.found) == {"dbt_logs"}


def test_explained_is_what_is_planned(project, system):
    for name, age in (("1", 100), ("2", 95), ("3", 89)):
        project.operation(name, age)
    explained = {of.item.key: of.decision for of in system.explain(lambda item: True)}
    planned = {of.item.key: of.decision for of in system.plan().items()}
    assert {key: decision for key, decision in explained.items() if decision.is_due} == planned
    assert Reason.YOUNG in {decision.reason for decision in explained.values()}


def test_effects_are_told_before_a_change(project, system):
    for number in range(5):
        project.log(f"dbt.log.{number}", 5)
    project.settings("dbt_logs: {days: 2}")
    with System(load_lifecycle(project.folder)) as again:
        assert again.drift() == ["dbt_logs: days is 7, and 2 in lifecycle.yml"]
        assert again.effects() == ["dbt_logs: 5 items, 350 B more would be due"]
        assert again.needs_confirmation()
        assert again.apply_policies("less room") == ["dbt_logs"]
        assert again.drift() == []


def test_databases_of_tables_are_closed_at_the_end(project, tmp_path):
    tables = tmp_path / "other.db"
    with closing(sqlite3.connect(tables)) as connection:
        connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, at TEXT)")
    project.settings(
        "old_log: {days: 7}", sql=f"{{old_log: {{url: 'sqlite:///{tables}', table: log, time: at}}}}"
    )
    with System(load_lifecycle(project.folder)) as system:
        system.plan()
        assert str(tables) in opened_files()
    assert str(tables) not in opened_files()


def opened_files():
    return {str(descriptor.resolve()) for descriptor in Path("/proc/self/fd").iterdir()}


def test_who_makes_a_plan_removes_those_that_are_too_old(system):
    old, late = system.plan(), system.plan()
    for plan, days in ((old, 31), (late, 29)):
        os.utime(plan.file, (time.time() - days * 86_400,) * 2)
    assert set(system.plans.ids()) == {old.head.id, late.head.id}
    made = system.plan()
    assert set(system.plans.ids()) == {late.head.id, made.head.id}


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_a_run_has_deleted_when_it_was_interrupted_is_on_record(project, system, monkeypatch, error):
    for number in range(6):
        project.log(f"dbt.log.{number}", 8)
    delete = FileRemover.delete

    def interrupted(self, backups):
        delete(self, backups[:4])
        raise error

    plan = system.plan(MANUAL)
    with monkeypatch.context() as patch:
        patch.setattr(FileRemover, "delete", interrupted)
        with pytest.raises(error):
            system.run(plan, MANUAL, Wishes(run="first"))
    assert len(project.names()) == 2
    assert system.run(system.plan(MANUAL), MANUAL, Wishes(run="second")).status is RunStatus.COMPLETED
    deleted = {run: [of for of in events(system, run) if of[2] == "deleted"] for run in ("first", "second")}
    assert {run: len(of) for run, of in deleted.items()} == {"first": 4, "second": 2}
    assert system.store.records.run("first").status is RunStatus.FAILED
    assert [of["total_cleaned"] for of in system.store.records.stats() if of["data_type"] == "dbt_logs"] == [
        6
    ]


def test_backups_that_must_be_on_another_device_are(project):
    old = project.log("dbt.log.1", 8)
    project.settings("dbt_logs: {days: 7}", backups="{other_device: true}")
    list(begin(project.folder, None, lambda: System(load_lifecycle(project.folder))))
    with System(load_lifecycle(project.folder)) as system:
        plan = system.plan(MANUAL)
        with pytest.raises(VaultRefused, match=f"is on the same device as {project.logs}"):
            system.run(plan, MANUAL)
        assert old.exists()
        assert not system.store.records.runs()
    if Path("/dev/shm").stat().st_dev == project.folder.stat().st_dev:
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as backups:
        project.settings("dbt_logs: {days: 7}", backups=f"{{other_device: true, path: {backups}}}")
        with System(load_lifecycle(project.folder)) as system:
            assert system.run(system.plan(MANUAL), MANUAL).status is RunStatus.COMPLETED
        assert not old.exists()
