"""`dvt lifecycle schedule` as a process: stopped, killed, started twice, on days on which clocks change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.schedule.health import health
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import Project

pytestmark = pytest.mark.slow

DVT = str(Path(sys.executable).parent / "dvt")
SECRET = "s3cret-of-the-hook"
PATIENCE = 120
FAKETIME = [str(file) for file in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "shop")
    project.settings("dbt_logs: {days: 7}")
    list(begin(project.folder, None, lambda: System(load_lifecycle(project.folder))))
    return project


@pytest.fixture
def start(project):
    started = []

    def start(lines=(), **environment):
        """Start a scheduler; wait until it has written these texts."""
        process = subprocess.Popen(
            [DVT, "lifecycle", "schedule"],
            cwd=project.folder,
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        process.seen = []
        for text in lines:
            wait_for(process, text)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(process, text):
    """Read what a scheduler writes until a text is in it."""
    for line in process.stderr:
        process.seen.append(line)
        if text in line:
            return
    raise AssertionError(f"{text!r} was not written: {''.join(process.seen)}")


def ended(process, number=signal.SIGTERM):
    process.send_signal(number)
    _, rest = process.communicate(timeout=PATIENCE)
    process.seen.append(rest)
    return process.returncode


def missed_runs(opened):
    """Have runs be due since yesterday, so that one is made at once."""
    yesterday = time.time_ns() - 86_400 * 10**9
    opened.store.schedules.begin("0 2 * * *", "UTC", yesterday)
    opened.store.schedules.set(claimed=yesterday, finished=yesterday, alive=False)


def system(project):
    return System(load_lifecycle(project.folder))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(project, start, number):
    process = start(lines=["at work for"])
    assert ended(process, number) == 0
    assert "ending" in "".join(process.seen)
    with system(project) as opened:
        row = opened.store.schedules.read()
        assert not row.alive
        assert row.next_run == health(opened).next_run
        assert health(opened).problems == []


def test_another_one_is_refused(start):
    start(lines=["at work for"])
    other = start()
    _, printed = other.communicate(timeout=PATIENCE)
    assert other.returncode == 1
    assert "DVT240 a scheduler of this project is at work already: " in printed
    assert "Traceback" not in printed


def test_after_a_kill_the_next_one_sees_what_was_missed(project, start):
    process = start(lines=["at work for"])
    process.kill()
    process.wait()
    with system(project) as opened:
        now = opened.store.schedules.read().heartbeat
        assert opened.store.schedules.read().alive
        opened.store.schedules.set(claimed=now - 3 * 86_400 * 10**9, finished=now - 3 * 86_400 * 10**9)
        assert health(opened, now + 300 * 10**9).has_died
    file = project.log("dbt.log.1", 8)
    project.log("dbt.log", 0)
    process = start(lines=["runs were missed; a run is made now", "completed"])
    assert ended(process) == 0
    assert not file.exists()
    with system(project) as opened:
        assert len(list(opened.store.automatic_runs())) == 1
        (note,) = opened.store.records.events(EventFilter(key="runs_missed"))
        assert note.details["count"] in (2, 3)
        assert note.asking.source == "scheduler"
        assert opened.store.verify_chain().is_whole


def test_a_run_that_is_stopped_ends_after_a_batch_and_is_on_record(project, start):
    for number in range(4000):
        project.log(f"dbt.log.{number}", 8 + number)
    project.settings("dbt_logs: {days: 7, max_delete: 1}")
    with system(project) as opened:
        opened.apply_policies("test")
        missed_runs(opened)
    process = start()
    deadline = time.monotonic() + PATIENCE
    while len(list(project.logs.iterdir())) > 3900:
        assert time.monotonic() < deadline
        assert process.poll() is None
    assert ended(process) == 0
    left = len([name for name in project.names() if name.startswith("dbt.log")])
    assert 0 < left < 3900
    with system(project) as opened:
        (run,) = opened.store.automatic_runs()
        assert run.status == "stopped"
        deleted = sum(tally.items for of in run.results.values() for tally in of.values())
        assert deleted == 4000 - left
        assert deleted % 256 == 0
        row = opened.store.schedules.read()
        assert row.claimed == row.finished


def test_a_run_that_is_killed_is_seen_and_made_again(project, start):
    for number in range(800):
        project.log(f"dbt.log.{number}", 8 + number)
    project.settings("dbt_logs: {days: 7, max_delete: 1}")
    with system(project) as opened:
        opened.apply_policies("test")
        missed_runs(opened)
    process = start()
    deadline = time.monotonic() + PATIENCE
    while len(project.names()) > 700:
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.kill()
    process.wait()
    process = start(lines=["did not end; it is made again", "completed"])
    assert ended(process) == 0
    assert project.names() == set()
    with system(project) as opened:
        assert [run.status for run in opened.store.automatic_runs()] == ["completed", "failed"]
        assert opened.store.verify_chain().is_whole
        assert len({entry.item.key for entry in opened.backups()}) == 800


def test_no_secret_is_in_the_log_or_the_list_of_processes(project, start):
    hook = "{webhook: {url: 'http://127.0.0.1:9/${HOOK}', allow_http: true, headers: {A: '${HOOK}'}}}"
    project.settings("dbt_logs: {days: 7}", schedule=f"{{alarms: {hook}}}")
    with system_with(project, HOOK=SECRET) as opened:
        missed_runs(opened)
    process = start(HOOK=SECRET, lines=["could not be delivered by webhook", "completed"])
    assert not any(SECRET in part for part in psutil.Process(process.pid).cmdline())
    assert ended(process) == 0
    assert SECRET not in "".join(process.seen)
    with system_with(project, HOOK=SECRET) as opened:
        told = [repr(event) for event in opened.store.records.events()]
        assert not any(SECRET in text for text in told)
        assert any("could not be delivered" in text for text in told)


def system_with(project, **environment):
    return System(load_lifecycle(project.folder, environment={**os.environ, **environment}))


@pytest.mark.skipif(not hasattr(psutil.Process, "ionice"), reason="this system has no priorities of disks")
def test_it_leaves_processor_and_disks_to_others(project, start):
    with system(project) as opened:
        missed_runs(opened)
    process = start(lines=["completed"])
    tasks = [psutil.Process(int(task.name)) for task in Path(f"/proc/{process.pid}/task").iterdir()]
    idle = [task for task in tasks if task.ionice().ioclass == psutil.IOPRIO_CLASS_IDLE]
    assert process.pid in {task.pid for task in idle}
    assert len(idle) > 2  # the main thread, the scheduler's, and those that clean
    assert all(task.nice() >= 10 for task in idle)


@pytest.mark.skipif(not FAKETIME, reason="needs the package faketime")
@pytest.mark.parametrize(
    ("first", "second", "is_next"),
    [
        # 02:30 does not exist on this day: it is an hour later, by this clock.
        ("2026-03-29 01:29:57", "2026-03-29 02:29:57", "2026-03-29 03:30"),
        # 02:30 exists twice: in summer time, and then in winter time.
        ("2026-10-25 00:29:57", "2026-10-25 01:29:57", "2026-10-25 02:30"),
    ],
)
def test_by_the_clocks_of_a_zone_there_is_one_run_a_day(project, start, first, second, is_next):
    project.settings("dbt_logs: {days: 7}", zone="Europe/Berlin", schedule="{cron: 30 2 * * *}")
    process = start(**faked(first), lines=[f"next run at {is_next}", "completed"])
    assert ended(process) == 0
    process = start(**faked(second), lines=[f"next run at {following(is_next)} 02:30"])
    assert ended(process) == 0
    with system(project) as opened:
        assert len(list(opened.store.automatic_runs())) == 1


def following(text):
    return (datetime.fromisoformat(text) + timedelta(days=1)).date().isoformat()


def faked(moment):
    """Return the environment of a process that begins at a moment."""
    # The program of the package would stand between a signal and the process. Times to wait are real ones.
    return {"TZ": "UTC", "LD_PRELOAD": FAKETIME[0], "FAKETIME": f"@{moment}", "DONT_FAKE_MONOTONIC": "1"}
