"""Simulations of a project: of its files, and of its record, on the command line."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from dvt.cli.lifecycle import command
from dvt.core.retention import Action, CleanupType
from dvt.lifecycle import retire
from dvt.lifecycle.plan.plan_file import Plans
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.simulate import Amount

pytestmark = pytest.mark.slow


@pytest.fixture
def dvt(project, monkeypatch):
    monkeypatch.chdir(project.folder)

    def dvt(*args, code=0):
        result = CliRunner().invoke(command(), ["policies", "simulate", *args], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.output

    return dvt


def operations(project):
    for number in range(40):
        status = "failed" if number % 4 == 0 else "completed"
        project.operation(f"o{number}", number * 1.7, status, pipeline=f"p{number % 3}")


def policy(system, name, **rule):
    valid = system.store.policies()[name]
    return replace(valid, rule=replace(valid.rule, **rule))


@pytest.mark.parametrize(
    "rule",
    [
        {"days": 20},
        {"days": 3, "keep_last": 4},
        {"days": 90, "max_total_bytes": 1000},
        {"days": 5, "keep_weekly": 3},
    ],
)
def test_at_the_end_there_is_what_a_plan_leaves(project, system, tmp_path, rule):
    operations(project)
    wanted = policy(system, "completed_operations", **rule)
    simulated, _ = system.simulate("completed_operations", wanted, 90)
    terms = replace(system.terms(), policies={"completed_operations": wanted})
    head = retire.plan(system.finders(["completed_operations"]), terms, Plans(tmp_path / "plans")).head
    found, due = head.found["completed_operations"], head.due["completed_operations"]
    assert due.items
    assert simulated.end.simulated == Amount(found.items - due.items, found.bytes - due.bytes)
    assert simulated.end.known == Amount(found.items, found.bytes)


@pytest.mark.parametrize("action", [Action.DELETE, Action.ARCHIVE, Action.QUARANTINE])
def test_what_a_run_has_deleted_is_known_from_its_record(project, system, action):
    operations(project)
    days = {"days": 30, "keep_last": 2, "action": action}
    before, _ = system.simulate("completed_operations", policy(system, "completed_operations", **days), 90)
    system.store.policy_table.save(
        policy(system, "completed_operations", days=1, action=action), system.asking(), "a test"
    )
    record = system.run(system.plan(), CleanupType.MANUAL)
    assert record.results["completed_operations"]
    after, valid = system.simulate("completed_operations", policy(system, "completed_operations", **days), 90)
    assert [step.simulated for step in after.steps] == [step.simulated for step in before.steps]
    assert [step.known for step in after.steps[:-1]] == [step.known for step in before.steps[:-1]]
    assert after.end.known == valid.end.simulated
    assert after.end.found == before.end.known


def test_what_was_restored_is_one_item(project, system):
    operations(project)
    wanted = policy(system, "completed_operations", days=40)
    before, _ = system.simulate("completed_operations", wanted, 90)
    system.store.policy_table.save(policy(system, "completed_operations", days=1), system.asking(), "a test")
    record = system.run(system.plan(), CleanupType.MANUAL)
    assert list(system.restore(Wanted(run=record.id)))
    after, _ = system.simulate("completed_operations", wanted, 90)
    assert [step.simulated for step in after.steps] == [step.simulated for step in before.steps]
    assert after.end.known == before.end.known


def test_compressed_files_are_one_item_each(project, system):
    for number in range(5):
        project.file(project.logs / f"run_{number}.log", 5 + number, "line\n" * 1000)
    system.store.policy_table.save(
        policy(system, "dbt_logs", days=3, action=Action.COMPRESS), system.asking(), "a test"
    )
    record = system.run(system.plan(), CleanupType.MANUAL)
    assert record.results["dbt_logs"]
    simulated, _ = system.simulate("dbt_logs", policy(system, "dbt_logs"), 30)
    assert [step.known.items for step in simulated.steps[-4:]] == [5, 5, 5, 5]
    packed = sum(file.stat().st_size for file in project.logs.glob("*.gz"))
    assert simulated.end.known.bytes == simulated.end.simulated.bytes == packed


def test_nothing_is_changed(project, system):
    operations(project)
    before = {file: file.stat().st_ctime_ns for file in project.operations.iterdir()}
    events = len(list(system.store.records.events()))
    system.simulate("completed_operations", policy(system, "completed_operations", days=0), 90)
    assert {file: file.stat().st_ctime_ns for file in project.operations.iterdir()} == before
    assert len(list(system.store.records.events())) == events


def test_a_changed_policy_is_shown_beside_the_valid_one_and_what_was(project, system, dvt):
    for number in range(20):
        project.log(f"run_{number}.log", number + 0.5)
    printed = dvt("dbt_logs", "--days", "12", "--over", "30d")
    assert "dbt_logs, the last 30 days, with a cleanup every day" in printed
    assert "with this policy: stays for 12 days; min_keep 1" in printed
    assert "the valid policy: stays for 7 days; min_keep 1" in printed
    assert "Now there would be 840 B, 560 B less than there is, and 350 B more than with the valid" in printed
    assert "It would have deleted 8 items, 560 B, in these 30 days." in printed
    assert "note: no cleanup is on record" in printed
    assert "… 12 of 31 (--all shows each)" in printed
    assert "--all shows each" not in dvt("dbt_logs", "--all")


def test_the_policy_of_lifecycle_yml_can_be_tried_out(project, system, dvt):
    project.settings("failed_operations: {days: 3, keep_last: 2}")
    written = dvt("failed_operations", "--written")
    assert "with this policy: stays for 3 days; min_keep 1, keep_last 2" in written
    assert "with this policy: stays for 14 days; min_keep 1\n" in dvt("failed_operations")


def test_numbers_that_keep_nothing_are_told(project, system, dvt):
    project.log("run_1.log", 4.5)
    project.operation("1", 4.5)
    said = "keep_last keeps nothing, since no item of dbt_logs has a group"
    assert said in dvt("dbt_logs", "--days", "2", "--keep-last", "3")
    assert "keeps nothing" not in dvt("dbt_logs", "--days", "2")
    assert "keeps nothing" not in dvt("completed_operations", "--days", "2", "--keep-last", "3")


def test_programs_get_all_steps(project, system, dvt):
    project.log("run_1.log", 4.5)
    said = json.loads(dvt("dbt_logs", "--days", "2", "--over", "150d", "--json"))
    assert (said["over_days"], said["step_days"], len(said["steps"])) == (150, 2, 76)
    assert (said["policy"]["retention_days"], said["valid_policy"]["retention_days"]) == (2, 7)
    assert said["steps"][-1]["simulated"] == {"items": 0, "bytes": 0}
    assert said["steps"][-1]["valid"] == said["steps"][-1]["known"] == {"items": 1, "bytes": 70}
    assert said["difference"] == -70
    assert [of["data_type"] for of in json.loads(dvt("--json"))] == [
        "completed_operations",
        "dbt_logs",
        "failed_operations",
    ]


def test_without_a_data_type_all_policies_are_simulated(project, system, dvt):
    project.log("run_1.log", 30)
    project.operation("1", 1)
    printed = dvt()
    assert "with the policies" in printed
    rows = {line.split()[0]: line for line in printed.splitlines() if line}
    assert "0 B" in rows["dbt_logs"]
    assert "-70 B" in rows["dbt_logs"]
    assert rows["all"].rstrip().endswith("-70 B")


@pytest.mark.parametrize(
    ("args", "said", "code"),
    [
        (["nonsense"], "DVT235 there is no data type nonsense", 1),
        (["--days", "3"], "needs DATA_TYPE", 2),
        (["dbt_logs", "--over", "0d"], "0d is not from 1d to 3660d", 2),
        (["dbt_logs", "--over", "9999999d"], "is not from 1d to 3660d", 2),
        (["dbt_logs", "--over", "soon"], "soon", 2),
        (["dbt_logs", "--days", "-1"], "--days", 2),
        (["dbt_logs", "--days", "nan"], "--days", 2),
        (["dbt_logs", "--max-total-size", "3QB"], "should be a size such as", 2),
        (["temp_files", "--keep-last", "3"], "has no policy that could be changed: give --days", 2),
    ],
)
def test_wrong_options_are_told(system, dvt, args, said, code):
    assert said in dvt(*args, code=code)


def test_a_data_type_without_a_policy_can_be_tried_out(project, system, dvt):
    assert "there is no policy for temp_files" in dvt("temp_files")
    assert "with this policy: stays for 3 days" in dvt("temp_files", "--days", "3")
    assert "it would have deleted nothing" in dvt("dbt_logs", "--disabled")
