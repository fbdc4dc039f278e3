"""A clock that is wrong: automatic runs are refused, with nothing touched, and people are told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.retention import CleanupType
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import Project

FAKETIME = [str(file) for file in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FAKETIME, reason="needs the package faketime: sh tools/cleaners.sh installs it"),
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project that was cleaned a moment ago, and has five old logs and five young ones."""
    project = Project(tmp_path)
    project.settings("dbt_logs: {days: 7}")
    list(begin(project.folder, None, lambda: System(load_lifecycle(project.folder))))
    with System(load_lifecycle(project.folder)) as system:
        system.run(system.plan(), CleanupType.AUTOMATIC)
    for number in range(5):
        project.log(f"old.log.{number}", 9)
        project.log(f"young.log.{number}", 5)
    return project


def run(project: Project, moment: float, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `dvt lifecycle run` with a clock that shows another moment; how long the machine is on is true."""
    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))
    faked = {"TZ": "UTC", "LD_PRELOAD": FAKETIME[0], "FAKETIME": f"@{shown}"}
    command = [str(Path(sys.executable).with_name("dvt")), "lifecycle", "run", *options]
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=project.folder,
        env={**os.environ, **faked, "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"},
    )


@pytest.mark.parametrize(
    ("days", "told"), [(2, "the clock was set forward by"), (-1, "before the beginning of the last run")]
)
def test_an_automatic_run_is_refused_after_the_clock_has_jumped(project, days, told):
    before = project.names()
    done = run(project, time.time() + days * 86_400, "--type", "automatic")
    assert done.returncode == 3
    assert told in done.stdout + done.stderr
    assert project.names() == before


def test_an_automatic_run_is_made_if_the_clock_is_right(project):
    done = run(project, time.time() + 600, "--type", "automatic")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name for name in project.names() if "log" in name} == {f"young.log.{n}" for n in range(5)}


def test_a_person_is_told_of_the_clock_and_may_go_on(project):
    done = run(project, time.time() + 1.5 * 86_400, "--yes")
    assert "the clock was set forward by" in done.stdout + done.stderr
    assert done.returncode == 0
    assert {name for name in project.names() if "log" in name} == {f"young.log.{n}" for n in range(5)}


def test_with_a_clock_that_has_gone_back_files_are_of_the_future_and_stay(project):
    before = project.names()
    done = run(project, time.time() - 20 * 86_400, "--yes")
    assert done.returncode == 0
    assert "in_the_future" in done.stdout or "future" in done.stdout
    assert project.names() == before
