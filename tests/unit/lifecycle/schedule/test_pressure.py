"""A disk that is too full is cleaned at once: in the declared order, until there is room."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.errors import NothingFreed
from dvt.core.retention import Source
from dvt.core.schedule import AlarmKind
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.doctor import examine
from dvt.lifecycle.schedule import cleaning
from dvt.lifecycle.schedule.cleaning import Teller
from dvt.lifecycle.schedule.pressure import Relief, in_vain
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import Project

pytestmark = pytest.mark.slow

MB = 1_000_000


@contextmanager
def mounted(where, size):
    where.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", where], check=False).returncode:
        pytest.skip("this user may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", where], check=True)


class Stage:
    """A project whose scratch files and exports are on a small disk, and its backups on another one."""

    def __init__(self, folder, disk):
        self.project, self.disk = Project(folder), disk
        self.now = 0
        self.told = []
        for name in ("scratch", "exports"):
            (disk / name).mkdir()
        self.configure()
        list(begin(folder, None, self.opened))

    def configure(self, backups="backups", share=1, free_below="8MB"):
        places = ", ".join(
            f"{name}: {{in: [{self.disk}/{name}], mount_point: true}}" for name in ("scratch", "exports")
        )
        self.project.settings(
            f"scratch: {{days: 1, max_delete: {share}}}",
            f"exports: {{days: 30, max_delete: {share}}}",
            data=f"{{{places}}}",
            backups=f"{{path: {backups}}}",
            schedule=f"{{pressure: {{free_below: {free_below}, order: [scratch, exports]}}}}",
        )

    def opened(self):
        return System(load_lifecycle(self.project.folder), source=Source.SCHEDULER)

    def fill(self, name, number, age, size=MB // 100):
        for index in range(number):
            self.project.file(self.disk / name / f"{age}_{index}.dat", age, "x" * size)

    def left(self, name):
        return len(list((self.disk / name).glob("[!.]*")))

    def relief(self):
        schedule = load_lifecycle(self.project.folder).schedule
        return Relief(schedule.pressure, clock=lambda: self.now)

    def look(self, relief=None):
        with self.opened() as system:
            teller = Teller(system.settings.schedule, str(self.project.folder))
            (relief or self.relief()).look(system, teller)

    def runs(self):
        with self.opened() as system:
            return [
                (run.asking.cleanup_type, run.asking.source, run.status, set(run.results))
                for run in system.store.records.runs()
            ]


@pytest.fixture
def stage(tmp_path, monkeypatch):
    with mounted(tmp_path / "disk", "20m"):
        stage = Stage(tmp_path / "shop", tmp_path / "disk")
        monkeypatch.setattr(
            cleaning, "tell", lambda alarm, *_a, **_k: stage.told.append((alarm.kind, alarm.text)) or []
        )
        yield stage


def test_with_room_nothing_happens(stage):
    stage.fill("scratch", 100, 5)
    stage.look()
    assert (stage.left("scratch"), stage.runs(), stage.told) == (100, [], [])


def test_the_least_valuable_goes_first_and_only_as_much_as_is_needed(stage):
    # 5.4 MB are free, and 8.4 MB after a batch, give or take what the kernel has not counted yet.
    stage.configure(free_below="7MB")
    stage.fill("scratch", 1200, 5)
    stage.fill("exports", 100, 40)
    stage.look()
    assert stage.left("exports") == 100
    assert stage.left("scratch") == 1200 - 256  # a batch was enough
    assert stage.runs() == [("emergency", "scheduler", "stopped", {"scratch"})]
    assert stage.told == []


def test_if_that_is_not_enough_the_next_one_follows_and_then_somebody_is_told_once(stage):
    stage.fill("scratch", 100, 5)
    stage.fill("exports", 100, 40)
    stage.fill("exports", 1200, 3)
    relief = stage.relief()
    stage.look(relief)
    assert (stage.left("scratch"), stage.left("exports")) == (0, 1200)  # what is young by its policy stays
    assert [names for _, _, _, names in stage.runs()] == [{"exports"}, {"scratch"}]
    ((kind, text),) = stage.told
    assert kind is AlarmKind.PRESSURE
    assert "left, although all was deleted that may be" in text
    stage.look(relief)
    assert len(stage.told) == 1
    stage.now += 3601 * 10**9
    stage.look(relief)
    assert len(stage.told) == 2


def test_backups_on_the_same_disk_would_free_nothing_so_nothing_is_deleted(stage):
    stage.configure(backups=f"{stage.disk}/backups")
    stage.fill("scratch", 1300, 5)
    stage.look()
    assert stage.left("scratch") == 1300
    assert "are on the same disk as" in stage.told[0][1]
    with stage.opened() as system:
        assert isinstance(in_vain(system, "scratch"), NothingFreed)
    (check,) = [check for check in examine(stage.opened) if check.name == "room under pressure"]
    assert not check.is_right


def test_more_than_a_run_may_delete_by_itself_is_not_deleted(stage):
    stage.configure(share=0.5)
    with stage.opened() as system:
        system.apply_policies("test")
    stage.fill("scratch", 1300, 5)
    stage.look()
    assert stage.left("scratch") == 1300
    assert "more than 50% (max_delete)" in stage.told[0][1]
    with stage.opened() as system:
        assert [event.key for event in system.store.records.events(EventFilter(key="run_refused"))] == [
            "run_refused"
        ]


def test_room_may_be_a_share_of_the_disk(stage):
    stage.configure(free_below="40%")
    stage.fill("scratch", 1300, 5)
    stage.look()
    assert stage.left("scratch") < 1300
    assert stage.told == []
