"""A run that is killed before any one of its statements leaves the old table or the new one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

KILLED = """
import os, sys
from dvt.drivers.mysql import session
run, left = session.Session.run, int(sys.argv.pop(1))
def counted(self, sql, values=()):
    global left
    if '"node_id": "' not in sql:
        return run(self, sql, values)
    answers = []
    for statement in filter(session.statement_kind, sql.split(";")):
        left -= 1
        if left == 0:
            os._exit(9)
        answers += run(self, statement, values)
    return answers
session.Session.run = counted
from dvt.cli.main import main
sys.exit(main())
"""
KINDS = {
    "table": "{{ config(materialized='table', indexes=[{'columns': ['n']}]) }} select {{ var('n') }} as n",
    "view_to_table": "{{ config(materialized=var('kind')) }} select {{ var('n') }} as n",
    "table_to_view": "{{ config(materialized=var('kind')) }} select {{ var('n') }} as n",
    "incremental": (
        "{{ config(materialized='incremental', unique_key='k') }} select 1 as k, {{ var('n') }} as n"
    ),
    "merge": (
        "{{ config(materialized='incremental', unique_key='k', incremental_strategy='merge') }} "
        "select 1 as k, {{ var('n') }} as n"
    ),
}
"""Name → a model whose only row has n = 1, then n = 2."""
OLD_KIND, NEW_KIND = (  # materializations of the first and the second run, where they differ from table
    {"view_to_table": "view", "table_to_view": "table"},
    {"view_to_table": "table", "table_to_view": "view"},
)
MAX_STATEMENTS = 30
"""Statements of one run, at most: the test fails if a run sends more."""


@pytest.fixture
def shop(server: Any, tmp_path: Path, output: dict[str, Any]) -> Any:
    schema = f"test_kills_{os.getpid()}"
    server.execute(f"drop schema if exists {schema}", f"create schema {schema}")
    profile = {"shop": {"target": "dev", "outputs": {"dev": output | {"schema": schema, "threads": 1}}}}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profile))
    (tmp_path / "dbt_project.yml").write_text(
        "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n"
    )
    (tmp_path / "models").mkdir()
    yield Shop(server, tmp_path, schema)
    server.execute(f"drop schema {schema}")


class Shop:
    def __init__(self, server: Any, folder: Path, schema: str) -> None:
        self.server, self.folder, self.schema = server, folder, schema

    def run(self, kill_before: int, **variables: Any) -> int:
        command = [sys.executable, "-c", KILLED, str(kill_before), "run", "--vars", yaml.safe_dump(variables)]
        process = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=250, check=False
        )
        assert process.returncode in {0, 9}, process.stdout
        return process.returncode

    def rows(self) -> list[tuple[Any, ...]]:
        return self.server.execute(f"select n from {self.schema}.model")

    def relations(self) -> list[str]:
        names = self.server.execute(
            f"select table_name from information_schema.tables where table_schema = '{self.schema}'"
        )
        return [name for (name,) in names]


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_leaves_old_or_new_and_the_next_one_clears_up(shop: Shop, kind: str):
    (shop.folder / "models" / "model.sql").write_text(KINDS[kind])
    values = set()
    for point in range(1, MAX_STATEMENTS):
        shop.server.execute(
            f"drop table if exists {shop.schema}.model", f"drop view if exists {shop.schema}.model"
        )
        assert shop.run(0, n=1, kind=OLD_KIND.get(kind, "table")) == 0
        exit_code = shop.run(point, n=2, kind=NEW_KIND.get(kind, "table"))
        assert shop.rows() in ([(1,)], [(2,)])
        values.add(shop.rows()[0][0])
        if exit_code == 0:
            break
        assert shop.run(0, n=2, kind=NEW_KIND.get(kind, "table")) == 0
        assert shop.rows() == [(2,)]
        assert shop.relations() == ["model"]
    else:
        pytest.fail(f"more than {MAX_STATEMENTS} statements")
    assert values == {1, 2}
