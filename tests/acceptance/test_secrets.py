"""No password in any output: stdout, logs, artifacts, staging, state, process list, or an error's text."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.project import Project

pytestmark = pytest.mark.slow

WRONG = "wr0ng-but-secret"


@pytest.fixture
def shop(databases: Callable[[str], Any], tmp_path: Path) -> Iterator[Project]:
    """Orders on PostgreSQL, customers on MariaDB, the mart on PostgreSQL as another user would see it."""
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


def processes() -> str:
    """Every process's command line, as `ps` shows them."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(lines)


def shown(project: Project, *args: str, env: dict[str, str]) -> tuple[int, str]:
    """All that a command shows or leaves: its output, process lists while it ran, the project's files."""
    process = project.start(*args, env=env)
    seen = []
    deadline = time.monotonic() + 250
    while process.poll() is None:
        assert time.monotonic() < deadline
        seen.append(processes())
        time.sleep(0.05)
    out, _ = process.communicate()
    files = [one for one in project.root.rglob("*") if one.is_file() and one.name != "profiles.yml"]
    left = [file.read_bytes().decode("latin-1") for file in files]
    return process.returncode, "\n".join([out, *seen, *left])


def secrets(databases: Callable[[str], Any]) -> list[str]:
    return [*databases("postgres").secrets, *databases("mariadb").secrets, WRONG]


def test_a_run_that_succeeds(shop: Project, databases: Callable[[str], Any]) -> None:
    password = str(databases("mariadb").settings()["password"])
    args = ("--debug", "run", "--keep-staging")
    code, texts = shown(shop, *args, env={"PEOPLE_PASSWORD": password})
    assert code == 0, texts[:5000]
    assert "joined: load" in texts
    assert not [secret for secret in secrets(databases) if secret in texts]


@pytest.mark.parametrize("args", [("--debug", "run"), ("--log-format", "json", "run"), ("explain",)])
def test_a_login_that_is_refused(
    args: tuple[str, ...], shop: Project, databases: Callable[[str], Any]
) -> None:
    code, texts = shown(shop, *args, env={"PEOPLE_PASSWORD": WRONG})
    assert "DVT131" in texts, texts[:5000]
    assert "people" in texts
    assert code != 0 or args == ("explain",)
    assert not [secret for secret in secrets(databases) if secret in texts]


def test_a_server_that_is_down(shop: Project, databases: Callable[[str], Any]) -> None:
    text = (shop.root / "profiles.yml").read_text()
    port = str(databases("mariadb").settings()["port"])
    shop.file("profiles.yml", text.replace(f"port: {port}", "port: 1"))
    started = time.monotonic()
    code, texts = shown(shop, "run", env={"PEOPLE_PASSWORD": WRONG})
    assert code == 1
    assert "DVT130" in texts
    assert time.monotonic() - started < 120
    assert not [secret for secret in secrets(databases) if secret in texts]
