"""dvtRunner and the flags of the command line."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dvt import dvtRunner
from dvt.config.profiles import default_profiles_dir
from dvt.dbt_bridge import session
from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow


def folders(shop: Project) -> list[str]:
    return ["--project-dir", str(shop.root), "--profiles-dir", str(shop.root), "--quiet"]


def test_runner_gives_what_dbts_gives(shop: Project) -> None:
    shop.model("a", "select 1 as one")
    events: list[Any] = []
    result = dvtRunner(callbacks=[events.append]).invoke(["run", *folders(shop)])
    assert result.success
    assert result.exception is None
    assert [node_result.node.name for node_result in result.result] == ["a"]
    assert any(event.info.name == "LogModelResult" for event in events)


def test_arguments_may_be_given_by_name(shop: Project) -> None:
    shop.model("a", "select 1 as one")
    shop.model("b", "select 1 as one")
    result = dvtRunner().invoke(["run", *folders(shop)], select=["b"])
    assert [node_result.node.name for node_result in result.result] == ["b"]


def test_a_manifest_parsed_before_is_taken_with_the_targets_of_now(shop: Project) -> None:
    shop.model("a", "select '{{ target.name }}' as t", materialized="table")
    shop.model("b", "select * from {{ ref('a') }}", target="barn", materialized="table")
    runner = dvtRunner()
    manifest = runner.invoke(["parse", *folders(shop)]).result
    runner = dvtRunner(manifest=manifest)
    assert runner.invoke(["run", "--target", "loft", *folders(shop)]).success
    assert shop.rows("barn", "select t from loft.b") == [("loft",)]
    shop.model("a", "select 'no longer read' as t")
    assert runner.invoke(["run", "--select", "a", *folders(shop)]).success
    assert shop.rows("house", "select t from a") == [("house",)]


def test_an_adapters_flags_are_its_own_and_do_not_add_up(shop: Project) -> None:
    from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS

    server = {"type": "postgres", "host": "127.0.0.1", "port": 1, "user": "u", "password": "p", "dbname": "d"}
    shop.write("profiles.yml", {"shop": {"target": "far", "outputs": {"far": {**server, "schema": "s"}}}})
    flag = "{{ adapter.behavior.postgres_skip_autocommit_transaction_statements.no_warn }}"
    shop.model("a", f"select '{flag}' as flag")
    before = list(DEFAULT_BASE_BEHAVIOR_FLAGS)
    for _ in range(2):
        assert shop.dvt("compile", "--no-introspect", "--no-populate-cache"), shop.messages()
        assert (shop.root / "target/compiled/shop/models/a.sql").read_text().strip() in {
            "select 'True' as flag",
            "select 'False' as flag",
        }
    assert before == DEFAULT_BASE_BEHAVIOR_FLAGS


def test_one_process_may_run_many_projects(shop: Project, tmp_path: Path) -> None:
    others = []
    for name in ("x", "y"):
        outputs = {"house": {"type": "duckdb", "path": "house.duckdb", "schema": "main"}}
        other = Project(tmp_path / name, outputs, "house")
        other.write("models/sources.yml", {"version": 2})
        other.model("a", f"select '{name}' as name")
        others.append(other)
    shop.model("a", "select 'shop' as name", target="barn")
    for project in (shop, *others, shop):
        assert project.dvt("run"), project.messages()
    assert [other.rows("house", "select name from a") for other in others] == [[("x",)], [("y",)]]
    assert session.current_session() is None


def test_databases_in_memory_outlive_the_invocation_as_under_dbt(shop: Project) -> None:
    memory = {"type": "duckdb", "path": ":memory:", "schema": "main"}
    shop.write("profiles.yml", {"shop": {"target": "memory", "outputs": {"memory": memory}}})
    shop.write("seeds/s.csv", "id\n1\n")
    shop.model("a", "select * from {{ ref('s') }}")
    assert shop.dvt("seed")
    assert shop.dvt("run"), shop.messages()


ENDLESS = "select count(*) as n from range(10000000) a, range(10000000) b"


@pytest.mark.parametrize(("late", "twice"), [(0.0, False), (1.5, False), (0.0, True)])
def test_ctrl_c_stops_every_target_and_reaches_the_caller(shop: Project, late: float, twice: bool) -> None:
    """A statement is stopped too that reaches its database only `late` seconds after its event."""
    running = threading.Semaphore(0)
    press = partial(os.kill, os.getpid(), signal.SIGINT)
    threading.Thread(
        target=lambda: [running.acquire(), running.acquire(), time.sleep(0.5), press()], daemon=True
    ).start()

    def interrupt(event: Any) -> None:
        if event.info.name == "SQLQuery" and "range(10000000)" in event.info.msg:
            running.release()
            time.sleep(late)
        if (
            twice
            and event.info.name == "ArtifactWritten"
            and event.data.artifact_type == "RunExecutionResult"
        ):
            press()  # dbt has not stopped anything yet

    shop.model("a", ENDLESS, materialized="table")
    shop.model("b", ENDLESS, target="barn", materialized="table")
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        dvtRunner(callbacks=[interrupt]).invoke(["run", "--threads", "2", *folders(shop)])
    assert time.monotonic() - started < 150
    assert session.current_session() is None
    for output in ("house", "barn"):
        assert shop.rows(output, "select table_name from duckdb_tables()") == []


def test_fail_fast_stops_what_runs_on_another_target(shop: Project) -> None:
    shop.model("slow", ENDLESS, target="barn", materialized="table")
    shop.model("wrong", "select error('stop') as e from range(100000000)", materialized="table")
    started = time.monotonic()
    assert not shop.dvt("run", "--fail-fast", "--threads", "2")
    assert time.monotonic() - started < 150
    assert shop.rows("barn", "select table_name from duckdb_tables()") == []


def test_profiles_are_looked_for_in_the_project_then_at_home(tmp_path: Path, monkeypatch: Any) -> None:
    project, home, elsewhere = (tmp_path / name for name in ("project", "home", "elsewhere"))
    for folder in (project, home / ".dvt", home / ".dbt", elsewhere):
        folder.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    assert default_profiles_dir(project, home) == home / ".dbt"
    (home / ".dvt/profiles.yml").touch()
    assert default_profiles_dir(project, home) == home / ".dvt"
    (project / "profiles.yml").touch()
    assert default_profiles_dir(project, home) == project


@pytest.mark.parametrize("variable", ["DVT_PROFILES_DIR", "DBT_PROFILES_DIR"])
def test_profiles_dir_may_come_from_the_environment(shop: Project, variable: str, monkeypatch: Any) -> None:
    shop.model("a", "select 1 as one")
    profiles = shop.root / "elsewhere"
    profiles.mkdir()
    (shop.root / "profiles.yml").rename(profiles / "profiles.yml")
    assert not dvtRunner().invoke(["parse", "-q", "--project-dir", str(shop.root)]).success
    monkeypatch.setenv(variable, str(profiles))
    assert dvtRunner().invoke(["parse", "-q", "--project-dir", str(shop.root)]).success


def test_project_dir_says_where_profiles_are(shop: Project) -> None:
    shop.model("a", "select 1 as one")
    assert dvtRunner().invoke(["parse", "-q", "--project-dir", str(shop.root)]).success


def test_dvts_flags_are_kept_for_retry(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.model("a", "select error('not yet') as e", materialized="table")
    assert not shop.dvt("run", "--compute", "duckdb", "--bucket", "local", "--keep-staging")
    shop.model("a", "select 1 as one", materialized="table")
    sessions: list[session.Session] = []

    def begin(started: session.Session) -> None:
        sessions.append(started)
        session.begin_session(started)

    monkeypatch.setattr("dvt.dbt_bridge.entry.adapters.begin_session", begin)
    assert shop.dvt("retry"), shop.messages()
    assert [started.options for started in sessions] == [
        session.RunOptions(compute="duckdb", bucket="local", keep_staging=True)
    ]


def test_an_unknown_compute_on_the_command_line_is_one_error(shop: Project) -> None:
    shop.model("a", "select 1 as one")
    assert not shop.dvt("run", "--compute", "big")
    assert "DVT101" in shop.messages()
