"""A project that `dvt web` serves, and what tests of its pages do again and again."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dvt.core.operation_record import Failure, NodeRecord, OperationRecord, Worker
from dvt.core.reports import Moved
from dvt.core.status import Status
from dvt.runs.operation_files import as_bytes, node_text
from tests.unit.lifecycle.projects import Project

WAIT = 60_000
"""Milliseconds that anything may take on a busy machine."""
CLEANUP = "/pipeline-management"
_LINK = re.compile(r"http://\S+/login\?link=\S+")


class Site:
    """A project that `dvt web` serves."""

    def __init__(self, folder: Path) -> None:
        self.files = Project(folder)
        self.dvt("lifecycle", "init")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dvt.cli.main", "web", "--port", "0", "--no-open"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if found := _LINK.search(line):
                self.link = found[0]
                break
        else:
            pytest.fail(said)
        self.address = self.link.partition("/login")[0]

    def dvt(self, *arguments: str) -> str:
        """Run a command in the project; return what it says."""
        command = [sys.executable, "-m", "dvt.cli.main", *arguments]
        done = subprocess.run(command, cwd=self.files.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def token(self, name: str, role: str) -> str:
        """Make a token."""
        return self.dvt("lifecycle", "tokens", "add", name, "--role", role).split()[-1]

    def close(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.communicate(timeout=120)


class Faults(list[str]):
    """What the browser complained of: errors of the script, and what the page's rules forbade."""


def open_page(browser: Browser, session: Any, **options: Any) -> tuple[Page, Faults]:
    context = browser.new_context(storage_state=session, **options)
    context.set_default_timeout(WAIT)
    page, faults = context.new_page(), Faults()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    return page, faults


def operation(site: Site, name: str, status: Status = Status.FAILED, **values: Any) -> OperationRecord:
    """Write the file of a run with three models and a test."""
    now = datetime.now(UTC)
    moved = (
        Moved(what="extract", connection="crm", rows=120_000, bytes=4_500_000, seconds=1.5),
        Moved(what="compute", connection="duckdb", rows=5_000, bytes=90_000, seconds=0.5),
        Moved(what="load", connection="wh", rows=5_000, bytes=90_000, seconds=0.25),
    )
    shared = {"resource_type": "model", "target": "wh", "started": now - timedelta(seconds=4), "ended": now}
    nodes = (
        NodeRecord(unique_id="model.shop.people", name="people", status="success", **shared),
        NodeRecord(
            unique_id="model.shop.joined",
            name="joined",
            path="federated",
            place="engine",
            status="success",
            dependencies=("model.shop.people", "source.shop.crm.people"),
            moved=moved,
            **shared,
        ),
        NodeRecord(
            unique_id="model.shop.report",
            name="report",
            status="error",
            dependencies=("model.shop.joined",),
            error=Failure(text="DVT108 report: no such column", code="DVT108"),
            **shared,
        ),
        NodeRecord(
            unique_id="test.shop.unique",
            name="unique_joined_id",
            resource_type="test",
            status="pass",
            dependencies=("model.shop.joined",),
            started=now,
            ended=now,
        ),
    )
    known = {
        "operation_id": name,
        "pipeline_name": "shop",
        "start_time": now - timedelta(seconds=9),
        "end_time": None if status is Status.RUNNING else now,
        "command": ("dvt", "build"),
        "command_name": "build",
        "target": "wh",
        "worker": Worker(host="etl-1", pid=47),
        "heartbeat": now,
        "run": "20260301abcdefghij",
        "nodes": nodes,
        "progress": 75,
    }
    record = OperationRecord(status=status, **{**known, **values})
    file = site.files.operations / f"operation_{name}.json"
    new = file.with_suffix(".new")
    new.write_bytes(as_bytes(record, map(node_text, record.nodes)))
    new.replace(file)
    return record


def messy(site: Site, count: int) -> None:
    """Write so many files of all ages."""
    chance = random.Random(count)
    for number in range(count):
        age = chance.uniform(0.1, 200)
        if number % 3:
            status = chance.choice(["completed", "completed", "failed"])
            site.files.operation(f"old{number}", age, status, chance.choice(["daily", "hourly"]))
        else:
            site.files.log(f"run_{number}.log", age)


def dry_run(page: Page) -> None:
    page.get_by_role("button", name="Dry run").click()
    expect(page.locator("#cards")).to_contain_text("as of")
