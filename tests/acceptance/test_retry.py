"""`dvt retry` and the next `dvt run` take what a failed run has extracted, unless they are told not to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.acceptance.project import Project

pytestmark = pytest.mark.slow

FACTS = "SELECT id, version FROM {{ source('crm', 'facts') }}"
REUSED = "(reused from the run of "


class Shop:
    """A project with a model that fails, because of a hook, and one that depends on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sqlite = root / "crm.sqlite"
        with closing(sqlite3.connect(self.sqlite)) as sqlite, sqlite:
            sqlite.execute("CREATE TABLE facts (id INTEGER PRIMARY KEY, version INTEGER)")
            sqlite.executemany("INSERT INTO facts VALUES (?, 0)", ((number,) for number in range(100)))
        outputs = {
            "duck": {"type": "duckdb", "path": str(root / "warehouse.duckdb")},
            "crm": {"type": "sqlite", "path": str(self.sqlite)},
        }
        self.project = Project(root, outputs, default="duck")
        self.project.source("crm", "crm", ["facts"], schema="main")
        self.project.model("good", FACTS, materialized="table")
        self.fail(is_failing=True)

    def fail(self, *, is_failing: bool) -> None:
        """Let the model `bad` fail when its table has been built, or not."""
        hook: dict[str, Any] = {"post_hook": "SELECT * FROM missing"} if is_failing else {}
        self.project.model("bad", FACTS, materialized="table", **hook)

    def set_version(self, version: int) -> None:
        with closing(sqlite3.connect(self.sqlite)) as sqlite, sqlite:
            sqlite.execute("UPDATE facts SET version = ?", (version,))

    def versions(self, table: str) -> list[tuple[int]]:
        with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as warehouse:
            return warehouse.execute(f"SELECT DISTINCT version FROM {table}").fetchall()

    def staged(self) -> list[Path]:
        return [path for path in (self.root / ".dvt" / "staging").rglob("*") if path.is_file()]


def test_what_a_failed_run_has_extracted_is_taken_by_retry_and_by_the_next_run(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    assert shop.project.dvt("run").code == 1
    assert shop.staged()
    shop.set_version(1)
    retried = shop.project.dvt("retry")  # fails again
    assert retried.code == 1, retried.output
    assert REUSED in retried.output
    shop.fail(is_failing=False)
    result = shop.project.dvt("run").ok()
    assert result.output.count(REUSED) == 2, result.output
    assert shop.versions("good") == shop.versions("bad") == [(0,)]
    assert shop.staged() == []
    assert REUSED not in shop.project.dvt("run").ok().output
    assert shop.versions("good") == [(1,)]


@pytest.mark.parametrize("flag", ["--no-resume", "--full-refresh"])
def test_a_flag_extracts_everything_again(tmp_path: Path, flag: str) -> None:
    shop = Shop(tmp_path)
    assert shop.project.dvt("run").code == 1
    shop.set_version(1)
    shop.fail(is_failing=False)
    assert REUSED not in shop.project.dvt("run", flag).ok().output
    assert shop.versions("good") == shop.versions("bad") == [(1,)]
    assert shop.staged() == []


def test_rows_over_which_a_test_failed_are_read_anew(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.fail(is_failing=False)
    column = {"name": "version", "data_tests": [{"accepted_values": {"arguments": {"values": [1]}}}]}
    models = {"models": [{"name": "good", "columns": [column]}]}
    shop.project.file("models/good.yml", yaml.safe_dump(models))
    failed = shop.project.dvt("build")
    assert (failed.code, "Got 1 result" in failed.output) == (1, True), failed.output
    shop.set_version(1)
    assert REUSED not in shop.project.dvt("build").ok().output
    assert shop.versions("good") == [(1,)]
