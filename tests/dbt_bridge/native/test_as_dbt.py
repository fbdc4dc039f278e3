"""A plain dbt project prints, writes and builds the same under dvt as under dbt."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow

VOLATILE = {
    "generated_at",
    "invocation_id",
    "invocation_started_at",
    "created_at",
    "execution_time",
    "elapsed_time",
    "started_at",
    "completed_at",
    "thread_id",
    "user_id",
    "run_started_at",
    "invocation_command",
    "compute",
    "bucket",
    "keep_staging",
    "log_path",
    "project_dir",
    "profiles_dir",
    "root_path",
    "COMPUTE",
    "BUCKET",
    "KEEP_STAGING",
}


@pytest.fixture
def plain(tmp_path: Path) -> Project:
    outputs = {
        "dev": {"type": "duckdb", "path": "dev.duckdb", "schema": "main"},
        "prod": {"type": "snowflake", "account": "{{ env_var('DVT_TEST_NEVER_SET') }}"},
    }
    project = Project(tmp_path / "dbt", outputs, "dev")
    project.outputs = outputs
    project.write("profiles.yml", {"shop": {"target": "dev", "outputs": outputs}})
    flags = {"flags": {"send_anonymous_usage_stats": False}, "on-run-end": ["select 1"]}
    project.write("dbt_project.yml", {"name": "shop", "profile": "shop", **flags})
    project.write(
        "models/sources.yml", {"sources": [{"name": "s", "schema": "main", "tables": [{"name": "raw"}]}]}
    )
    project.write("seeds/raw.csv", "id,name\n1,a\n2,b\n2,c\n")
    project.model("first", "-- depends_on: {{ ref('raw') }}\nselect * from {{ source('s', 'raw') }}")
    project.model("second", "select * from {{ ref('first') }}", materialized="incremental", unique_key="name")
    project.model("broken", "select nope from {{ ref('first') }}")
    project.model("after", "select * from {{ ref('broken') }}")
    tests = [{"name": "first", "columns": [{"name": "id", "data_tests": ["unique", "not_null"]}]}]
    project.write("models/tests.yml", {"models": tests})
    snapshot = {"unique_key": "name", "strategy": "check", "check_cols": "all"}
    content = [{"name": "past", "relation": "ref('raw')", "config": snapshot}]
    project.write("snapshots/past.yml", {"snapshots": content})
    return project


def run(tool: list[str], root: Path, *args: str) -> tuple[int, str]:
    command = [*tool, *args, "--no-use-colors"]
    # dbt iterates over sets: the hash seed decides which of two ready nodes runs first.
    env = os.environ | {"PYTHONHASHSEED": "0"}
    process = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=env)
    text = re.sub(r"\d\d:\d\d:\d\d  ", "", process.stdout + process.stderr)
    return process.returncode, re.sub(r"\d+\.\d+ ?s(econds)?", "N s", text)


def artifact(root: Path, name: str) -> Any:
    text = (root / "target" / name).read_text().replace(str(root), "ROOT")
    return _stable(json.loads(text))


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stable(element) for key, element in value.items() if key not in VOLATILE}
    return [_stable(element) for element in value] if isinstance(value, list) else value


def by_id(results: dict[str, Any]) -> dict[str, Any]:
    return {result["unique_id"]: result for result in results["results"]}


def test_dvt_prints_writes_and_builds_what_dbt_does(plain: Project) -> None:
    ours = plain.root.parent / "dvt"
    shutil.copytree(plain.root, ours)
    dbt = [sys.executable, "-c", "from dbt.cli.main import cli; cli(prog_name='dbt')"]
    dvt = [sys.executable, "-m", "dvt.cli.main"]
    for args in (("build",), ("run", "--select", "second"), ("run", "--select", "nothing_at_all"), ("list",)):
        expected, actual = run(dbt, plain.root, *args), run(dvt, ours, *args)
        assert actual == expected
        if args[0] != "list":
            assert artifact(ours, "manifest.json") == artifact(plain.root, "manifest.json")
            theirs = artifact(plain.root, "run_results.json")
            assert by_id(artifact(ours, "run_results.json")) == by_id(theirs)
    tables = "select table_name, table_type from information_schema.tables order by 1"
    listings = [
        duckdb.connect(str(root / "dev.duckdb")).execute(tables).fetchall() for root in (plain.root, ours)
    ]
    assert listings[0] == listings[1] != []


def test_a_command_that_cannot_run_fails_as_under_dbt(plain: Project) -> None:
    dbt = [sys.executable, "-c", "from dbt.cli.main import cli; cli(prog_name='dvt')"]
    dvt = [sys.executable, "-m", "dvt.cli.main"]
    for args in (("run", "--no-such-flag"), ("nonsense",), ("run", "--target", "hose")):
        assert run(dvt, plain.root, *args) == run(dbt, plain.root, *args)


def test_a_plain_run_imports_nothing_that_plans_or_translates(plain: Project) -> None:
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules))\n"
    code += "sys.argv = ['dvt', 'run', '--select', 'first']\nfrom dvt.cli.main import main; main()"
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=plain.root, capture_output=True, text=True, check=False
    ).stdout
    modules = set(printed.splitlines()[-1].split())
    assert "dvt.dbt_bridge.session" in modules
    assert not modules & {"sqlglot", "dvt.core.plan", "dvt.federation", "dvt.drivers.duckdb.collations"}
