"""A scheduler whose store is on PostgreSQL: the server dies and returns, and it is ended meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.retention import Source
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.schedule.health import health
from dvt.lifecycle.schedule.scheduler import Scheduler
from dvt.lifecycle.system import System
from tests.conformance.lifecycle.store.conftest import Place
from tests.databases.postgres import postgres
from tests.unit.lifecycle.projects import Project

pytestmark = pytest.mark.slow

DAY = 86_400 * 10**9


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of this test's own, which may be killed."""
    with postgres() as running:
        yield running


def test_a_scheduler_outlives_its_database(server: Any, tmp_path: Path) -> None:
    project = Project(tmp_path / "shop")
    project.settings("dbt_logs: {days: 7}", store=Place(server, "shop").url())
    for name, age in (("dbt.log", 0), ("dbt.log.1", 9)):
        project.log(name, age)

    def opened() -> System:
        return System(load_lifecycle(project.folder), source=Source.SCHEDULER)

    list(begin(project.folder, None, opened))
    with opened() as system:
        system.store.schedules.begin("0 2 * * *", "UTC", time.time_ns() - DAY)
    later: list[float] = []
    schedule = load_lifecycle(project.folder).schedule
    scheduler = Scheduler(
        opened=opened,
        schedule=schedule,
        project=str(project.folder),
        later=lambda _function, seconds: later.append(seconds),
    )
    server.kill()
    scheduler.turn()
    assert later == [60]
    assert project.names() == {"dbt.log", "dbt.log.1"}
    server.start_again()
    scheduler.turn()
    assert project.names() == {"dbt.log"}
    with opened() as system:
        assert health(system).last_success is not None

    command = [Path(sys.executable).parent / "dvt", "lifecycle", "schedule"]
    process = subprocess.Popen(command, cwd=project.folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "at work for" in process.stderr.readline()
    server.kill()
    process.send_signal(signal.SIGTERM)
    _, printed = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    assert "Traceback" not in printed
