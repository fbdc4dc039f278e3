"""What commands leave in `.dvt/operations`, run as a user runs them."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dvt import dvtRunner
from dvt.core.operation_record import NodeRecord, OperationRecord
from dvt.core.reports import size
from dvt.core.status import Status
from dvt.runs.operation_files import read_operation
from dvt.runs.running_operations import DIED
from tests.acceptance.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ENDLESS = (
    "with recursive n as (select 1 as i union all select i + 1 from n where i < 1000000000)"
    " select max(i) as m from n"
)
MOVED = re.compile(
    r"   (?P<node>\w+): (?P<stage>\w+) (?P<connection>\w+)(?:: (?:(?P<rows>[\d,]+) rows)?,? ?"
    r"(?P<size>[\d.]+ \w+)?)? in (?P<seconds>[\d.]+)s"
)
"""Matches a line of the log about a stage of a node."""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Return a project: people in a SQLite file, models and a seed in a DuckDB file."""
    with closing(sqlite3.connect(tmp_path / "crm.sqlite")) as crm, crm:
        crm.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
        crm.executemany("INSERT INTO people VALUES (?, ?)", ((n, f"name {n}") for n in range(5000)))
    outputs = {
        "wh": {"type": "duckdb", "path": str(tmp_path / "wh.duckdb"), "threads": 2},
        "crm": {"type": "sqlite", "path": str(tmp_path / "crm.sqlite")},
    }
    project = Project(tmp_path, outputs, default="wh")
    project.source("crm", "crm", ["people"], schema="main")
    project.file("seeds/tiers.csv", "id,tier\n1,gold\n2,silver\n")
    project.model("native", "select * from {{ ref('tiers') }}", materialized="table")
    project.model(
        "joined",
        "select t.tier, p.name from {{ source('crm', 'people') }} p"
        " join {{ ref('native') }} t on t.id = p.id",
        materialized="table",
    )
    project.file(
        "models/tests.yml",
        "models: [{name: joined, columns: [{name: name, data_tests: [not_null]}]}]",
    )
    return project


def files(root: Path) -> list[Path]:
    return sorted(
        (root / ".dvt" / "operations").glob("operation_*.json"), key=lambda path: path.stat().st_mtime
    )


def last(shop: Project) -> OperationRecord:
    record = read_operation(files(shop.root)[-1])
    assert record is not None
    return record


def node(record: OperationRecord, name: str) -> NodeRecord:
    return next(node for node in record.nodes if node.name == name)


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return answer


def is_running(shop: Project, name: str) -> bool:
    return bool(files(shop.root)) and any(
        node.name == name and node.status == "running" for node in last(shop).nodes
    )


def test_a_build_is_on_record_as_the_log_tells_it(shop: Project) -> None:
    output = shop.dvt("build").ok().output
    record = last(shop)
    assert (record.status, record.progress, record.exit_code, record.error) == (
        Status.COMPLETED,
        100,
        0,
        None,
    )
    assert (record.pipeline_name, record.profile, record.target) == ("shop", "shop", "wh")
    assert (record.command, record.command_name) == (("dvt", "build"), "build")
    assert record.statuses() == {"success": 3, "pass": 1}
    logged = [match.groupdict() for match in MOVED.finditer(output)]
    assert len(logged) == 5
    assert sorted(logged, key=str) == sorted(
        (
            {
                "node": node.name,
                "stage": moved.what,
                "connection": moved.connection,
                "rows": f"{moved.rows:,}" if moved.rows >= 0 else None,
                "size": size(moved.bytes) if moved.bytes > 0 else None,
                "seconds": f"{moved.seconds:.2f}",
            }
            for node in record.nodes
            for moved in node.moved
        ),
        key=str,
    )
    totals = record.totals()
    assert f"{totals.extracted_rows:,} rows ({size(totals.extracted_bytes)}) extracted" in output
    assert f"{totals.loaded_rows:,} rows ({size(totals.loaded_bytes)}) loaded" in output
    joined = node(record, "joined")
    assert (joined.path, joined.place, joined.target, joined.rows) == ("federated", "engine", "wh", 2)
    assert joined.dependencies == ("source.shop.crm.people", "model.shop.native")
    assert (node(record, "tiers").path, node(record, "tiers").rows) == ("native", 2)
    assert re.fullmatch(r"\d{8}[a-z0-9]{10}", record.run)
    results = json.loads((shop.root / "target" / "run_results.json").read_text())["results"]
    assert {result["unique_id"] for result in results} == {node.unique_id for node in record.nodes}


def test_a_node_that_fails_is_told_as_in_the_log(shop: Project) -> None:
    shop.model("broken", "select nowhere from {{ ref('native') }}")
    shop.model("after", "select * from {{ ref('broken') }}")
    shop.model("lost", "select p.nowhere from {{ source('crm', 'people') }} p")
    result = shop.dvt("build")
    assert result.code == 1
    record = last(shop)
    assert (record.status, record.exit_code, record.error) == (Status.FAILED, 1, None)
    assert record.message == "2 of 7 nodes have failed"
    assert node(record, "after").status == "skipped"
    broken, lost = node(record, "broken").error, node(record, "lost").error
    assert broken is not None
    assert "nowhere" in broken.text
    assert lost is not None
    assert re.fullmatch(r"DVT\d{3}", lost.code)
    for error in (broken, lost):
        assert not [line for line in error.text.splitlines() if line.strip() not in result.output]


def test_an_error_of_the_whole_command_is_its_error(shop: Project) -> None:
    shop.model("m", "select {{ nonsense( }}")
    result = shop.dvt("run")
    assert result.code == 2
    record = last(shop)
    assert (record.status, record.exit_code, record.nodes) == (Status.FAILED, 2, ())
    assert record.error is not None
    assert record.error.text.splitlines()[0] in result.output
    assert record.message == record.error.text.splitlines()[0]
    shop.file("dbt_project.yml", "name: [")
    assert shop.dvt("parse").code == 2
    assert (last(shop).status, last(shop).command_name) == (Status.FAILED, "parse")


def test_a_killed_command_is_recognised_by_the_next_one(shop: Project) -> None:
    shop.model("endless", ENDLESS, materialized="table")
    process = shop.start("run")
    wait_for(lambda: is_running(shop, "endless"))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    [file] = files(shop.root)
    before = read_operation(file)
    assert before is not None
    assert before.status is Status.RUNNING
    shop.dvt("list").ok()
    record = read_operation(file)
    assert record is not None
    assert (record.status, record.message, record.end_time) == (Status.FAILED, DIED, before.heartbeat)
    assert (node(record, "endless").status, record.exit_code) == ("error", None)
    assert len(files(shop.root)) == 2
    assert last(shop).status is Status.COMPLETED


def test_ctrl_c_cancels(shop: Project) -> None:
    shop.model("endless", ENDLESS, materialized="table")
    process = shop.start("run", "--select", "endless")
    wait_for(lambda: is_running(shop, "endless"))
    os.killpg(process.pid, signal.SIGINT)
    code = shop.finish(process, 60).code
    record = last(shop)
    assert code == 2
    assert (record.status, record.exit_code) == (Status.CANCELLED, code)
    assert record.message == "cancelled by Ctrl-C"
    assert node(record, "endless").status in {"cancelled", "error"}
    assert not list((shop.root / ".dvt" / "operations" / "running").iterdir())


def test_the_file_is_whole_whenever_it_is_read(shop: Project) -> None:
    for number in range(30):
        shop.model(f"m{number}", "select max(i) as m from range(3000000) t(i)", materialized="table")
    process = shop.start("build")
    [file] = wait_for(lambda: files(shop.root))
    seen = []
    while process.poll() is None:
        seen.append(json.loads(file.read_bytes()))
        time.sleep(0.001)
    shop.finish(process, 60).ok()
    assert {content["status"] for content in seen} >= {"running"}
    assert [content["progress"] for content in seen] == sorted(content["progress"] for content in seen)
    assert last(shop).status is Status.COMPLETED


def test_no_secret_is_in_the_file(shop: Project) -> None:
    shop.model("m", "select '{{ var(\"api_token\") }}' as t, '{{ env_var(\"CRM_PASSWORD\") }}' as p, nowhere")
    variables = "{api_token: tok-en-1234, plain: seen-in-vars}"
    env = {"CRM_PASSWORD": "hunter2-and-more", "DBT_ENV_SECRET_X": "else"}
    result = shop.dvt("run", "--select", "m", "--vars", variables, env=env)
    assert result.code == 1
    content = files(shop.root)[-1].read_text()
    assert not [word for word in ("tok-en-1234", "hunter2", "seen-in-vars") if word in content]
    assert last(shop).command == ("dvt", "run", "--select", "m", "--vars", "***")
    assert "nowhere" in content
    shop.dvt("show", "--inline", "select 'password-in-sql' as x", "--limit", "3", env=env)
    assert last(shop).command == ("dvt", "show", "--inline", "***", "--limit", "3")
    shop.file("macros/it.sql", "{% macro it(key) %}{{ exceptions.raise_compiler_error(key) }}{% endmacro %}")
    assert shop.dvt("run-operation", "it", "--args", "{key: {secret: in-args-1}}", env=env).code
    assert last(shop).command == ("dvt", "run-operation", "--args", "***", "it")
    assert "in-args-1" not in files(shop.root)[-1].read_text()


@pytest.mark.parametrize(
    "command",
    ["run", "test", "seed", "compile", "parse", "list", "docs generate", "clean", "debug", "explain", "deps"],
)
def test_every_command_is_on_record(shop: Project, command: str) -> None:
    code = shop.dvt(*command.split()).code
    [file] = files(shop.root)
    record = read_operation(file)
    assert record is not None
    assert record.command_name == command
    assert (record.status is Status.COMPLETED, record.exit_code) == (code == 0, code)
    assert record.pipeline_name == "shop"
    assert record.completed


def test_what_is_no_command_of_a_project_leaves_nothing(shop: Project, tmp_path: Path) -> None:
    for args in (["--version"], ["--help"], ["run", "--help"], ["run", "--no-such-option"]):
        shop.dvt(*args)
    assert not (shop.root / ".dvt").exists()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shop.dvt("debug", "--project-dir", str(elsewhere))
    assert not (elsewhere / ".dvt").exists()
    assert not (shop.root / ".dvt").exists()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_commands_of_the_runner_are_on_record_too(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.root)
    monkeypatch.setenv("CRM_PASSWORD", "x")
    heard: list[Any] = []
    runner = dvtRunner(callbacks=[heard.append])
    arguments = {"select": ["native"], "vars": {"my_token": "abcdefgh"}, "project_dir": str(shop.root)}
    assert runner.invoke(["build", "--profiles-dir", str(shop.root)], **arguments).success is False
    assert runner.invoke(["seed", "--profiles-dir", str(shop.root)], project_dir=str(shop.root)).success
    first, second = (read_operation(file) for file in files(shop.root))
    assert first is not None
    assert second is not None
    assert (first.status, second.status) == (Status.FAILED, Status.COMPLETED)
    assert [node.name for node in first.nodes] == ["native"]
    assert first.command[:2] == ("dvt", "build")
    assert first.command[-6:] == (
        "--select", "native", "--vars", "***", "--project-dir", str(shop.root),
    )  # fmt: skip
    assert len(runner.callbacks) == 1
    assert heard


def test_a_project_that_cannot_be_written_works_as_before(shop: Project) -> None:
    shop.file(".dvt", "no folder")
    result = shop.dvt("list", "--quiet")
    assert result.code == 0
    assert sorted(result.output.split()) == [
        "shop.joined", "shop.native", "shop.not_null_joined_name", "shop.tiers", "source:shop.crm.people",
    ]  # fmt: skip


def test_a_clean_of_the_folder_itself_succeeds_and_leaves_it_away(shop: Project) -> None:
    shop.dvt("parse").ok()
    config = (shop.root / "dbt_project.yml").read_text()
    shop.file("dbt_project.yml", config + "clean-targets: [.dvt, target]\n")
    shop.dvt("clean").ok()
    assert not (shop.root / ".dvt").exists()
