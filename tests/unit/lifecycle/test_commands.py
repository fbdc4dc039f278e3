"""`dvt lifecycle` on the command line: what it prints, what it asks, and its exit codes."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests.databases.ports import free_port

pytestmark = pytest.mark.slow


def test_before_init_nothing_is_due_and_it_is_said_how_to_begin(project, dvt):
    project.log("dbt.log.1", 800)
    printed = dvt("plan", code=1)
    assert "logs has no marker" in printed
    assert "mark it: dvt lifecycle init" in printed
    assert "There are no policies, so nothing is ever due" in printed
    assert project.names() == {"dbt.log.1"}


def test_init_writes_the_usual_policies_where_there_are_none(project, dvt):
    (project.folder / "lifecycle.yml").unlink()
    assert "wrote lifecycle.yml" in dvt("init")
    listed = dvt("policies", "list")
    for name, days in {
        "pipeline_operations": "30 days",
        "dbt_logs": "7 days",
        "failed_operations": "14 days",
        "completed_operations": "90 days",
        "system_logs": "30 days",
        "temp_files": "1 day",
    }.items():
        (line,) = [line for line in listed.splitlines() if line.startswith(name)]
        assert days in line
    text = (project.folder / "lifecycle.yml").read_text()
    assert "is there already" in dvt("init")
    assert (project.folder / "lifecycle.yml").read_text() == text


@pytest.mark.usefixtures("begun")
def test_plan_run_and_restore(project, dvt):
    project.log("dbt.log.1", 8)
    project.log("dbt.log.2", 1)
    printed = dvt("plan")
    assert "dbt.log.1  70 B  8 days old, older than 7 days" in printed
    plan = printed.rsplit(maxsplit=1)[-1]
    printed = dvt("run", plan, "--yes")
    assert "dbt_logs: 1 item (70 B) deleted" in printed
    assert project.names() == {"dbt.log.2"}
    assert "Nothing is due." in dvt("run", "--yes")
    assert "1 backups are right, 0 are not" in dvt("verify-backups")
    assert "restored" in dvt("restore", "logs/dbt.log.1")
    assert project.names() == {"dbt.log.1", "dbt.log.2"}


@pytest.mark.usefixtures("begun")
def test_a_dry_run_deletes_nothing(project, dvt):
    project.log("dbt.log.1", 8)
    assert dvt("run", "--dry-run").splitlines()[:-1] == dvt("plan").splitlines()[:-1]
    assert (
        json.loads(dvt("run", "--dry-run", "--json"))["items"] == json.loads(dvt("plan", "--json"))["items"]
    )
    assert project.names() == {"dbt.log.1"}


@pytest.mark.usefixtures("begun")
def test_without_a_terminal_a_manual_run_needs_yes(project, dvt):
    project.log("dbt.log.1", 8)
    assert "no --yes" in dvt("run", code=3)
    assert project.names() == {"dbt.log.1"}
    dvt("run", "--type", "emergency")
    assert project.names() == set()


@pytest.mark.usefixtures("begun")
def test_an_automatic_run_that_is_too_much_is_refused(project, dvt):
    project.log("dbt.log.1", 8)
    printed = dvt("run", "--type", "automatic", code=3)
    assert "1 of 1 items of dbt_logs would go, which is more than 50%" in printed
    for number in range(2, 5):
        project.log(f"dbt.log.{number}", 1)
    dvt("run", "--type", "automatic")


@pytest.mark.usefixtures("begun")
def test_what_stays_though_it_was_due_is_exit_code_2(project, dvt):
    file = project.log("dbt.log.1", 8)
    plan = json.loads(dvt("plan", "--json"))["plan"]
    file.write_text("new")
    assert "left, since they are not due any more" in dvt("run", plan, "--yes", code=2)


@pytest.mark.usefixtures("begun")
def test_json_has_what_programs_need(project, dvt):
    project.log("dbt.log.1", 8)
    project.operation("1", 3, "failed")
    plan = json.loads(dvt("plan", "--json"))
    (item,) = plan["items"]
    assert item["file_path"] == str(project.logs / "dbt.log.1")
    assert (item["decision"], item["reason"], item["file_size"]) == ("delete", "old", 70)
    types = {of["data_type"]: of for of in plan["data_types"]}
    assert types["dbt_logs"]["due"] == {"items": 1, "files": 1, "bytes": 70}
    assert types["failed_operations"]["kept"] == {
        "young": {"items": 1, "files": 1, "bytes": types["failed_operations"]["found"]["bytes"]}
    }
    record = json.loads(dvt("run", plan["plan"], "--yes", "--json"))
    assert (record["status"], record["exit_code"], record["space_freed"]) == ("completed", 0, 70)
    (run,) = json.loads(dvt("audit", "--json"))
    assert run["run"] == record["run"]
    (backup,) = json.loads(dvt("restore", "--list", "--json"))
    assert backup["file_path"] == item["file_path"]
    assert json.loads(dvt("restore", "dbt.log.1", "--json"))[0]["result"] == "restored"
    (explained,) = json.loads(dvt("explain", "logs/dbt.log.1", "--json"))
    assert explained["reason"] == "old"
    assert json.loads(dvt("verify-backups", "--json")) == {"right": 1, "wrong": []}
    assert json.loads(dvt("audit", "--verify", "--json"))["whole"]
    assert all(check["ok"] for check in json.loads(dvt("doctor", "--json")))


@pytest.mark.usefixtures("begun")
def test_an_empty_plan_is_json_too(dvt):
    assert json.loads(dvt("plan", "--json"))["items"] == []
    assert json.loads(dvt("run", "--json", "--yes"))["items"] == []


@pytest.mark.usefixtures("begun")
def test_the_record_is_exported_for_spreadsheets(project, dvt):
    project.log("dbt.log.1", 8)
    dvt("run", "--yes")
    rows = list(csv.DictReader(io.StringIO(dvt("audit", "--csv"))))
    assert [row["result"] for row in rows if row["kind"] == "outcome"] == ["deleted"]


@pytest.mark.usefixtures("begun")
def test_pins_are_added_listed_and_removed(project, dvt):
    project.log("dbt.log.1", 8)
    pin = dvt("pin", "add", "dbt.log.1", "--reason", "audit", "--until", "2199-01-01").split()[1].rstrip(":")
    assert "until 2199-01-02T00:00:00Z, by" in dvt("pin", "list")
    assert "1 pinned" in dvt("plan")
    assert "kept: pinned by" in dvt("explain", "logs/dbt.log.1")
    dvt("pin", "remove", pin, "--reason", "done")
    assert "there is no pin" in dvt("pin", "remove", pin, "--reason", "again", code=1)
    assert "1 item, 70 B due" in dvt("plan")
    for day in ("soon", "2999-01-01", "0001-01-01"):
        assert "this is no day" in dvt("pin", "add", "x", "--reason", "y", "--until", day, code=2)


@pytest.mark.usefixtures("begun")
def test_policies_follow_the_file_when_they_are_applied(project, dvt):
    project.log("dbt.log.1", 5)
    assert "are the same" in dvt("policies", "diff")
    project.settings("dbt_logs: {days: 2}")
    printed = dvt("policies", "diff", code=2)
    assert "dbt_logs: days is 7, and 2 in lifecycle.yml" in printed
    assert "dbt_logs: 1 item, 70 B more would be due" in printed
    assert "no --yes" in dvt("policies", "apply", "--reason", "less room", code=3)
    dvt("policies", "apply", "--reason", "less room", "--yes")
    assert "version 2: 7 days -> 2 days" in dvt("policies", "history", "dbt_logs")
    dvt("policies", "revert", "dbt_logs", "1", "--reason", "too short")
    assert "7 days" in dvt("policies", "list")


@pytest.mark.usefixtures("begun")
def test_everything_stops_and_goes_on(project, dvt):
    project.log("dbt.log.1", 8)
    assert "disabled: " in dvt("policies", "disable", "--all", "--reason", "incident")
    assert "Nothing is due." in dvt("run", "--yes")
    assert "whose policy is disabled" in dvt("plan")
    assert "none is valid and enabled" in dvt("doctor", code=1)
    assert "dbt_logs" in dvt("policies", "enable", "--all", "--reason", "over")
    assert "All tests passed" in dvt("doctor")


@pytest.mark.usefixtures("begun")
def test_what_sql_has_stopped_goes_on_when_that_is_asked_for(project, dvt):
    with closing(sqlite3.connect(project.folder / ".dvt/lifecycle/lifecycle.db")) as database, database:
        database.execute("UPDATE cleanup_policies SET enabled = false")
    assert "none is valid and enabled" in dvt("doctor", code=1)
    assert "enabled: none" in dvt("policies", "enable", "--all", "--reason", "over")
    assert "dbt_logs" in dvt("policies", "enable", "--all", "--by-sql", "--reason", "over")
    assert "All tests passed" in dvt("doctor")


@pytest.mark.usefixtures("begun")
def test_what_is_no_item_is_told(project, dvt):
    printed = dvt("explain", "lifecycle.yml", code=1)
    assert "lifecycle.yml is no item of any data type" in printed


@pytest.mark.usefixtures("begun")
def test_what_is_named_and_not_there_is_an_error(dvt):
    for words in (("plan",), ("run", "--type", "automatic"), ("run", "--dry-run")):
        printed = dvt(*words, "-t", "dbt_log", code=1)
        assert "DVT235 there is no data type dbt_log" in printed
        assert "dbt_logs" in printed.partition("hint: known:")[2]
    assert "there is no run 20260301x7k2q9d0ab on record" in dvt(
        "audit", "--run", "20260301x7k2q9d0ab", code=1
    )
    dvt("audit", "--limit", "0", code=2)
    dvt("run", "--runtime", "-3", code=2)


@pytest.mark.usefixtures("begun")
def test_of_data_types_that_were_not_looked_at_nothing_is_said(project, dvt):
    project.log("dbt.log.1", 8)
    project.operation("1", 30)
    printed = dvt("plan", "-t", "dbt_logs")
    assert "dbt_logs" in printed
    assert "operations" not in printed
    told = json.loads(dvt("plan", "-t", "dbt_logs", "-t", "temp_files", "--json"))
    assert [of["data_type"] for of in told["data_types"]] == ["dbt_logs", "temp_files"]


@pytest.mark.usefixtures("begun")
def test_restoring_needs_to_know_what(dvt):
    assert "say what to restore" in dvt("restore", code=2)
    assert "there is no such backup" in dvt("restore", "nothing", code=1)
    assert "this is no day and no time" in dvt("restore", "--since", "soon", code=2)


@pytest.fixture
def down(project):
    """Have lifecycle.yml name a store that does not answer; called, take that back."""
    file = project.folder / "lifecycle.yml"
    before = file.read_text()

    def again():
        file.write_text(before)

    def stop():
        file.write_text(f"store: postgresql://ana:Secret99@127.0.0.1:{free_port()}/none\n{before}")
        return again

    return stop


@pytest.mark.usefixtures("begun")
def test_a_plan_is_run_and_taken_back_while_the_store_does_not_answer(project, dvt, down):
    file = project.log("dbt.log.1", 8)
    plan = json.loads(dvt("plan", "--json"))["plan"]
    again = down()
    printed = dvt("run", plan, "--yes")
    assert "what is done is recorded here, and put on record there later" in printed
    assert "1 item (70 B) deleted" in printed
    assert "Secret99" not in printed
    assert not file.exists()
    assert "restored" in dvt("restore", "dbt.log.1")
    assert file.exists()
    again()
    (run,) = json.loads(dvt("audit", "--json"))
    assert (run["plan"], run["status"], run["space_freed"]) == (plan, "completed", 70)
    assert json.loads(dvt("audit", "--verify", "--json"))["whole"]


@pytest.mark.usefixtures("begun")
def test_without_its_store_nothing_is_planned_and_no_automatic_run_begins(project, dvt, down):
    for number, age in enumerate((8, 1, 1, 1)):
        project.log(f"dbt.log.{number}", age)
    plan = json.loads(dvt("plan", "--json"))["plan"]
    down()
    assert "does not answer" in dvt("plan", code=1)
    assert "does not answer" in dvt("run", "--yes", code=1)
    assert "DVT209" in dvt("run", plan, "--type", "automatic", code=3)
    assert len(project.names()) == 4


@pytest.mark.parametrize("name", ["run", "plan", "explain", "restore", "pin add"])
def test_examples_are_lines_of_their_own(dvt, name):
    lines = dvt(*name.split(), "--help").splitlines()
    examples = lines[lines.index("  Examples:") + 1 :]
    assert examples
    assert all(line.startswith(f"    dvt lifecycle {name}") for line in examples)


@pytest.mark.parametrize("args", [("plan",), ("run", "--yes"), ("audit",), ("restore", "x")])
def test_a_folder_without_a_project_is_left_as_it_is(dvt, tmp_path, monkeypatch, args):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    printed = dvt(*args, code=1)
    assert "DVT224" in printed
    assert "--project-dir" in printed
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert "does not exist" in dvt(*args, "--project-dir", "/nowhere/at/all", code=2)


def test_what_is_wrong_with_the_file_is_one_error(project, dvt):
    (project.folder / "lifecycle.yml").write_text("policies: {dbt_logs: {dais: 3}}")
    printed = dvt("plan", code=1)
    assert "did you mean 'days'?" in printed
    assert "Traceback" not in printed
    assert "FAIL" in dvt("doctor", code=1)


def test_it_runs_without_dbt(project):
    code = (
        "import sys; sys.argv = ['dvt', 'lifecycle', 'plan']\n"
        "from dvt.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=project.folder
    ).stdout
    modules = {name.split(".")[0] for name in printed.splitlines()[-1].split()}
    assert "sqlalchemy" in modules
    assert modules.isdisjoint({"dbt", "duckdb", "sqlglot", "fastapi"})


def test_paths_are_those_of_the_folder_that_is_asked_from(project, dvt, monkeypatch):
    dvt("init")
    project.log("dbt.log.1", 8)
    monkeypatch.chdir(project.logs)
    assert "older than 7 days" in dvt("explain", "--project-dir", "..", "dbt.log.1")


def test_what_is_not_installed_is_told_with_the_line_that_installs_it(project):
    code = (
        "import sys; sys.modules['sqlalchemy'] = None; sys.argv = ['dvt', 'lifecycle', 'plan']\n"
        "from dvt.cli.main import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=project.folder
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("DVT221 `dvt lifecycle` requires sqlalchemy")
    assert "pip install 'dvt-engine[lifecycle]'" in ended.stderr


@pytest.mark.slow
def test_a_run_of_dbt_does_not_import_it(project):
    (project.folder / "dbt_project.yml").write_text("{name: shop, profile: shop}")
    (project.folder / "profiles.yml").write_text(
        "shop: {target: a, outputs: {a: {type: duckdb, path: a.duckdb}}}"
    )
    (project.folder / "models").mkdir()
    (project.folder / "models/one.sql").write_text("select 1 as id")
    code = (
        "import sys; sys.argv = ['dvt', 'run']\n"
        "from dvt.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(*sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=project.folder
    ).stdout
    modules = set(printed.splitlines()[-1].split())
    assert "dbt.cli.main" in modules
    assert not [
        name for name in modules if name.startswith("dvt.lifecycle") or name.split(".")[0] == "alembic"
    ]
