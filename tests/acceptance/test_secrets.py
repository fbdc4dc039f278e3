"""No password appears in stdout, logs, artifacts, staging, state, process lists or error texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.project import Project

pytestmark = pytest.mark.slow

WRONG_PASSWORD = "wr0ng-but-secret"


@pytest.fixture
def shop(databases: Callable[[str], Any], tmp_path: Path) -> Iterator[Project]:
    """Return a project: orders on PostgreSQL, people on MariaDB, the mart in another schema of PostgreSQL."""
    postgres, mariadb = databases("postgres"), databases("mariadb")
    postgres.execute("DROP TABLE IF EXISTS secret_orders", "CREATE TABLE secret_orders AS SELECT 1 AS id")
    mariadb.execute("DROP TABLE IF EXISTS secret_people", "CREATE TABLE secret_people AS SELECT 1 AS id")
    outputs = {
        "orders": postgres.settings(),
        "people": mariadb.settings(),
        "mart": postgres.settings(schema="secret_mart"),
    }
    outputs["people"]["password"] = "{{ env_var('PEOPLE_PASSWORD') }}"
    project = Project(tmp_path, outputs, default="mart")
    project.source("orders", "orders", ["secret_orders"], schema="shop")
    project.source("people", "people", ["secret_people"], schema="shop")
    project.model(
        "joined",
        "SELECT o.id FROM {{ source('orders', 'secret_orders') }} o "
        "JOIN {{ source('people', 'secret_people') }} p ON p.id = o.id",
        materialized="table",
    )
    yield project
    postgres.execute("DROP TABLE secret_orders CASCADE", "DROP SCHEMA IF EXISTS secret_mart CASCADE")
    mariadb.execute("DROP TABLE secret_people")


def command_lines() -> str:
    """Return every process's command line, as `ps` shows them."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(lines)


def everything_shown(project: Project, *arguments: str, env: dict[str, str]) -> tuple[int, str]:
    """Run a command; return its exit code and its output, process lists and files as one text."""
    process = project.start(*arguments, env=env)
    process_lists = []
    deadline = time.monotonic() + 250
    while process.poll() is None:
        assert time.monotonic() < deadline
        process_lists.append(command_lines())
        time.sleep(0.05)
    output, _ = process.communicate()
    assert any("dvt.cli.main" in lines for lines in process_lists), "no process list shows the command"
    files = [file for file in project.root.rglob("*") if file.is_file() and file.name != "profiles.yml"]
    contents = [file.read_bytes().decode("latin-1") for file in files]
    return process.returncode, "\n".join([output, *process_lists, *contents])


def secrets(databases: Callable[[str], Any]) -> list[str]:
    return [*databases("postgres").secrets, *databases("mariadb").secrets, WRONG_PASSWORD]


def test_a_successful_run_shows_no_password(shop: Project, databases: Callable[[str], Any]) -> None:
    password = str(databases("mariadb").settings()["password"])
    arguments = ("--debug", "run", "--keep-staging")
    code, shown = everything_shown(shop, *arguments, env={"PEOPLE_PASSWORD": password})
    assert code == 0, shown[:5000]
    assert "joined: load" in shown
    assert not [secret for secret in secrets(databases) if secret in shown]


@pytest.mark.parametrize("arguments", [("--debug", "run"), ("--log-format", "json", "run"), ("explain",)])
def test_a_refused_login_shows_no_password(
    arguments: tuple[str, ...], shop: Project, databases: Callable[[str], Any]
) -> None:
    code, shown = everything_shown(shop, *arguments, env={"PEOPLE_PASSWORD": WRONG_PASSWORD})
    assert "DVT131" in shown, shown[:5000]
    assert "people" in shown
    assert code != 0 or arguments == ("explain",)
    assert not [secret for secret in secrets(databases) if secret in shown]


def test_a_server_that_is_down_shows_no_password(shop: Project, databases: Callable[[str], Any]) -> None:
    text = (shop.root / "profiles.yml").read_text()
    port = str(databases("mariadb").settings()["port"])
    shop.file("profiles.yml", text.replace(f"port: {port}", "port: 1"))
    started = time.monotonic()
    code, shown = everything_shown(shop, "run", env={"PEOPLE_PASSWORD": WRONG_PASSWORD})
    assert code == 1
    assert "DVT130" in shown
    assert time.monotonic() - started < 120
    assert not [secret for secret in secrets(databases) if secret in shown]
