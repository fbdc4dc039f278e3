"""The scripts of the original cleanup system, at its own paths, in a /tmp of their own, on PostgreSQL."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.conformance.lifecycle.own_tmp import ROOT, bash, make_original_tables
from tests.conformance.lifecycle.store.conftest import Place, place  # noqa: F401
from tests.databases.postgres import PASSWORD, USER

pytestmark = pytest.mark.slow

RECENT = "2026-01-01T00:00:00+00:00"


def operation(name: str, status: str) -> str:
    content = {"operation_id": name, "pipeline_name": "daily", "status": status, "end_time": RECENT}
    return f"echo {json.dumps(json.dumps(content))} > /tmp/operation_{name}.json"


@pytest.fixture
def shell(place: Place) -> Callable[..., tuple[int, str]]:  # noqa: F811
    """Runs lines of a shell in one mount namespace, where /tmp is empty at first."""
    make_original_tables(place)
    database = ["--db-host", "127.0.0.1", "--db-port", str(place.server.port), "--db-name", place.name]
    options = shlex.join([*database, "--db-user", USER])
    python = f"{sys.executable} {ROOT}/scripts"
    functions = f"""
        cleanup() {{ {python}/cleanup_operations.py {options} "$@"; }}
        check() {{ {python}/test_cleanup_system.py {options}; }}
    """

    def run(*lines: str) -> tuple[int, str]:
        return bash("\n".join([functions, *lines]), {"PGPASSWORD": PASSWORD})

    return run


def test_a_dry_run_is_what_the_run_does_and_cp_brings_files_back(shell, place) -> None:  # noqa: F811
    place.sql("UPDATE cleanup_policies SET retention_days = 0 RETURNING 1")
    code, printed = shell(
        operation("2", "completed"),
        "sleep 0.1",
        operation("1", "completed"),
        operation("3", "running"),
        "touch /tmp/thesis.txt; cat /tmp/operation_2.json > /tmp/expected",
        "cleanup --dry-run --type emergency",
        "echo after dry run: $(ls /tmp)",
        "cleanup --run --type emergency",
        "echo after run: $(ls /tmp)",
        "cleanup --stats",
        "stat -c %a /tmp/cleanup_backups",
        "cp /tmp/cleanup_backups/*.backup /tmp/",
        "cmp /tmp/operation_2.json.backup /tmp/expected",
        "echo restored: $?",
        "cat /tmp/cleanup_backups/cleanup_*.log | grep -c operation_2.json",
    )
    assert code == 0, printed
    assert "completed_operations: 1 item" in printed
    lines = printed.splitlines()
    (dry,) = [line for line in lines if line.startswith("after dry run")]
    (done,) = [line for line in lines if line.startswith("after run")]
    names = {"operation_1.json", "operation_2.json", "operation_3.json", "thesis.txt"}
    assert names <= set(dry.split())
    assert names - set(done.split()) == {"operation_2.json"}  # the newest success of a pipeline stays
    assert "restored: 0" in lines
    (stats,) = [line for line in lines if line.startswith("completed_operations ")][-1:]
    assert "  1  " in stats
    assert "700" in lines


def test_logs_beside_the_backups_are_cleaned_too(shell, place) -> None:  # noqa: F811
    place.sql("UPDATE cleanup_policies SET retention_days = 0 RETURNING 1")
    code, printed = shell(
        operation("2", "completed"),
        operation("1", "completed"),
        "cleanup --run --type emergency > /tmp/first",
        "cp /tmp/cleanup_backups/cleanup_*.log /tmp/expected",
        "cleanup --run --type emergency",
        "echo code: $?",
        "cat /tmp/cleanup_backups/cleanup_*.log.backup | cmp - /tmp/expected",
        "echo as it was: $?",
        f"{sys.executable} -c 'import sys; print(len(sys.argv) - 1)' /tmp/cleanup_backups/cleanup_*.log",
    )
    assert code == 0
    assert "system_logs: 1 item" in printed
    lines = printed.splitlines()
    assert "code: 0" in lines
    assert "as it was: 0" in lines
    assert lines[-1] == "1"  # the second run's own


def test_policies_that_sql_has_disabled_stop_everything(shell, place) -> None:  # noqa: F811
    place.sql("UPDATE cleanup_policies SET retention_days = 0, enabled = false RETURNING 1")
    code, printed = shell(
        operation("1", "failed"), operation("2", "failed"), "cleanup --run --type emergency", "ls /tmp"
    )
    assert code == 0
    assert "Nothing is due." in printed
    assert "operation_1.json" in printed


def test_all_components_are_tested(shell, place) -> None:  # noqa: F811
    code, printed = shell("check")
    assert (code, printed.splitlines()[-1]) == (0, "All tests passed")
    assert PASSWORD not in printed
    place.sql("TRUNCATE cleanup_policies")
    code, printed = shell("check")
    assert code == 1
    assert "FAIL  policies" in printed


def test_a_database_that_is_down_is_one_error(shell) -> None:
    code, printed = shell("cleanup --dry-run --db-port 1")
    assert code == 1
    assert "does not answer" in printed
    assert "Traceback" not in printed


def test_options_are_those_of_the_original() -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "scripts/cleanup_operations.py", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for option in (
        "dry-run",
        "run",
        "type",
        "stats",
        "config",
        "db-host",
        "db-port",
        "db-name",
        "db-user",
        "db-password",
    ):
        assert f"--{option}" in printed
    assert "5433" in printed
