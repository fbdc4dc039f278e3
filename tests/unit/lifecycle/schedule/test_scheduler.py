"""The scheduler by a clock of its own: one run a day, missed ones on record, somebody told of failures."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.errors import SchedulerAtWork, StoreUnreachable
from dvt.core.retention import Source
from dvt.core.schedule import AlarmKind
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.schedule import cleaning
from dvt.lifecycle.schedule import scheduler as scheduler_of_dvt
from dvt.lifecycle.schedule.cleaning import clean_once
from dvt.lifecycle.schedule.scheduler import Scheduler
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import Project

pytestmark = pytest.mark.slow

BERLIN = ZoneInfo("Europe/Berlin")


def at(text, zone=UTC):
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 10**9


class Stage:
    """A project, a clock, and the scheduler of both."""

    def __init__(self, folder):
        self.project = Project(folder)
        self.now = at("2026-03-26T12:00")
        self.told: list[tuple[AlarmKind, str]] = []
        self.tried_later = 0
        self.failure: Exception | None = None
        self.configure()
        list(begin(folder, None, self.opened))

    def configure(self, schedule="{}", zone="Europe/Berlin"):
        self.project.settings("dbt_logs: {days: 7}", zone=zone, schedule=schedule)

    def opened(self):
        if self.failure is not None:
            raise self.failure
        return System(load_lifecycle(self.project.folder), source=Source.SCHEDULER)

    def scheduler(self, **keywords):
        def later(_function, _seconds):
            self.tried_later += 1

        schedule = load_lifecycle(self.project.folder).schedule
        keywords = {"opened": self.opened, "clock": lambda: self.now, "later": later, **keywords}
        return Scheduler(schedule=schedule, project=str(self.project.folder), **keywords)

    def start(self):
        scheduler = self.scheduler()
        with self.opened() as system:
            scheduler.begin(system)
        return scheduler

    def notes(self):
        with self.opened() as system:
            return [
                (event.key, dict(event.details))
                for event in system.store.records.events(EventFilter(kind="note"))
                if event.key.startswith("run")
            ]

    def runs(self):
        with self.opened() as system:
            return list(system.store.automatic_runs())

    def row(self):
        with self.opened() as system:
            return system.store.schedules.read()

    def kinds(self):
        return [kind for kind, _ in self.told]


@pytest.fixture
def stage(tmp_path, monkeypatch):
    stage = Stage(tmp_path / "shop")

    def tell(alarm, _alarms, **_keywords):
        stage.told.append((alarm.kind, alarm.text))
        return []

    monkeypatch.setattr(cleaning, "tell", tell)
    return stage


@pytest.mark.parametrize("start", ["2026-03-28T12:00", "2026-10-24T12:00"])
def test_on_the_days_on_which_clocks_change_there_is_one_run_a_day(stage, start):
    stage.configure("{cron: 30 2 * * *}")
    stage.now = at(start, BERLIN)
    scheduler = stage.start()
    first = datetime.fromisoformat(start).replace(tzinfo=BERLIN).astimezone(UTC)
    claimed = []
    for half_hour in range(2 * 72):
        stage.now = int((first + timedelta(minutes=30 * half_hour)).timestamp()) * 10**9
        scheduler.turn()
        claimed.append(stage.row().claimed)
    days = [
        datetime.fromtimestamp(moment / 10**9, BERLIN).date() for moment in dict.fromkeys(claimed) if moment
    ]
    assert len(days) == len(set(days)) == 3
    assert len(stage.runs()) == 3
    assert stage.told == []


def test_a_run_is_made_in_the_name_of_the_scheduler(stage):
    file = stage.project.log("dbt.log.1", 8)
    stage.project.log("dbt.log", 0)
    scheduler = stage.start()
    stage.now = at("2026-03-27T02:00:01", BERLIN)
    scheduler.turn()
    (run,) = stage.runs()
    assert (run.asking.source, run.asking.cleanup_type) == ("scheduler", "automatic")
    assert not file.exists()
    scheduler.turn()
    assert len(stage.runs()) == 1


def test_missed_runs_are_on_record_and_one_is_made(stage):
    stage.start()
    stage.now = at("2026-03-29T15:00", BERLIN)
    stage.start().turn()
    ((key, details),) = stage.notes()
    assert (key, details["count"], details["made_up"]) == ("runs_missed", 3, True)
    assert details["due"][0] == "2026-03-27T01:00:00Z"
    assert stage.told == [(AlarmKind.MISSED, "3 runs were missed; a run is made now")]
    assert len(stage.runs()) == 1
    stage.start().turn()
    assert len(stage.runs()) == 1


def test_missed_runs_may_be_left_out(stage):
    stage.configure("{missed: skip}")
    stage.start()
    stage.now = at("2026-03-27T15:00", BERLIN)
    stage.start().turn()
    ((_, details),) = stage.notes()
    assert details["made_up"] is False
    assert stage.told == [
        (AlarmKind.MISSED, "the run due at 2026-03-27T01:00:00Z was missed; none is made for that")
    ]
    assert stage.runs() == []


def test_a_machine_that_slept_has_missed_runs_too(stage):
    scheduler = stage.start()
    stage.now = at("2026-03-28T15:00", BERLIN)
    scheduler.turn()
    assert stage.kinds() == [AlarmKind.MISSED]
    assert len(stage.runs()) == 1


@pytest.mark.parametrize(("missed", "number"), [("run_once", 1), ("skip", 0)])
def test_a_run_whose_process_was_killed_is_seen(stage, missed, number):
    stage.configure(f"{{missed: {missed}}}")
    scheduler = stage.start()
    stage.now = at("2026-03-27T02:00", BERLIN)
    with stage.opened() as system:
        scheduler._take(system, system.store.schedules.read())  # and no further
    stage.now += 60 * 10**9
    stage.start().turn()
    assert stage.notes()[0][0] == "run_interrupted"
    assert stage.kinds() == [AlarmKind.MISSED]
    assert len(stage.runs()) == number
    stage.start().turn()
    assert len(stage.notes()) == 1


def test_another_schedule_has_missed_nothing_before_it_was_there(stage):
    stage.start()
    stage.now = at("2026-03-26T15:30", BERLIN)
    stage.configure("{cron: 0 * * * *}")
    scheduler = stage.start()
    scheduler.turn()
    assert (stage.notes(), stage.runs()) == ([], [])
    stage.now = at("2026-03-26T16:00", BERLIN)
    scheduler.turn()
    assert len(stage.runs()) == 1


def test_what_may_pass_is_tried_again_and_somebody_is_told_after_half_an_hour(stage):
    scheduler = stage.start()
    stage.now = at("2026-03-27T02:00", BERLIN)
    stage.failure = StoreUnreachable("there", "it is down")
    scheduler.turn()
    assert (stage.tried_later, stage.told) == (1, [])
    stage.now += 1800 * 10**9
    scheduler.turn()
    scheduler.turn()
    assert stage.kinds() == [AlarmKind.FAILED]
    stage.failure = None
    scheduler.turn()
    assert len(stage.runs()) == 1
    assert stage.tried_later == 3


def test_a_file_that_has_become_wrong_is_told_at_once(stage):
    scheduler = stage.start()
    text = (stage.project.folder / "lifecycle.yml").read_text()
    (stage.project.folder / "lifecycle.yml").write_text(text + "oops: 1\n")
    stage.now = at("2026-03-27T02:00", BERLIN)
    scheduler.turn()
    scheduler.turn()
    ((kind, told),) = stage.told
    assert kind is AlarmKind.FAILED
    assert "oops: no such key here" in told
    (stage.project.folder / "lifecycle.yml").write_text(text)
    scheduler.turn()
    assert len(stage.runs()) == 1


def test_what_nobody_foresaw_is_told_without_its_text(stage):
    scheduler = stage.start()
    stage.failure = RuntimeError("password")
    scheduler.turn()
    assert stage.told == [(AlarmKind.FAILED, "no run could be made: an unexpected RuntimeError, see the log")]


def test_plans_of_old_runs_go_and_those_of_late_stay(stage):
    with stage.opened() as system:
        old, late = system.plan(), system.plan()
        killed = old.file.with_name(".0123.new")
        killed.write_text("half")
        for file, days in ((old.file, 31), (killed, 31), (late.file, 29)):
            os.utime(file, (time.time() - days * 86_400,) * 2)
        clean_once(system)
        assert old.head.id not in system.plans.ids()
        assert late.head.id in system.plans.ids()
        assert not killed.exists()
        assert len(system.plans.ids()) == 2


def test_a_refused_run_is_on_record_and_told(stage):
    for number in range(4):
        stage.project.log(f"dbt.log.{number}", 8)
    scheduler = stage.start()
    stage.now = at("2026-03-27T02:00", BERLIN)
    scheduler.turn()
    ((key, details),) = stage.notes()
    assert key == "run_refused"
    assert "more than 50% (max_delete)" in details["reasons"][0]
    assert stage.kinds() == [AlarmKind.REFUSED]
    assert len(stage.project.names()) == 4
    scheduler.turn()
    assert len(stage.notes()) == 1  # until the next day


def test_a_run_that_left_something_is_told(stage, monkeypatch):
    file = stage.project.log("dbt.log.1", 8)
    stage.project.log("dbt.log", 0)
    stage.configure("{}")
    scheduler = stage.start()
    plan = System.plan

    def plan_and_change(system, *args):
        made = plan(system, *args)
        file.write_text("grown")
        return made

    monkeypatch.setattr(System, "plan", plan_and_change)
    stage.now = at("2026-03-27T02:00", BERLIN)
    scheduler.turn()
    assert stage.kinds() == [AlarmKind.PARTIAL]
    assert file.exists()


def test_what_cannot_be_looked_at_is_told(stage):
    (stage.project.logs / ".dvt_lifecycle").unlink(missing_ok=True)
    for marker in stage.project.logs.glob(".*"):
        marker.unlink()
    scheduler = stage.start()
    stage.now = at("2026-03-27T02:00", BERLIN)
    scheduler.turn()
    assert stage.kinds() == [AlarmKind.PARTIAL]
    assert "has no marker" in stage.told[0][1]


def test_a_budget_ends_a_run(stage):
    stage.configure("{budget: 0.000001}")
    stage.project.log("dbt.log.1", 8)
    stage.project.log("dbt.log", 0)
    scheduler = stage.start()
    stage.now = at("2026-03-27T02:00", BERLIN)
    scheduler.turn()
    assert stage.kinds() == [AlarmKind.STOPPED]
    assert stage.runs()[0].status == "stopped"


def test_who_is_stopped_while_waiting_begins_nothing(stage):
    stage.configure("{jitter: 3600}")
    stop = Event()
    stop.set()
    stage.start()
    stage.now = at("2026-03-27T02:00", BERLIN)
    stage.scheduler(stop=stop).turn()
    assert stage.runs() == []
    row = stage.row()
    assert row.claimed == stage.now
    assert row.finished is None  # so that the next scheduler makes it


def test_room_is_made_while_a_run_waits_for_its_time(stage, monkeypatch):
    monkeypatch.setattr(scheduler_of_dvt.random, "uniform", lambda _least, most: most)
    stage.configure("{jitter: 3600}")
    stop, looked, waiting = Event(), Event(), Event()
    stage.start()
    stage.now = at("2026-03-27T02:00", BERLIN)
    scheduler = stage.scheduler(stop=stop)
    monkeypatch.setattr(stop, "wait", lambda seconds: waiting.set() or Event.wait(stop, seconds))
    relief = SimpleNamespace(look=lambda *_: looked.set())
    turn, relieving = Thread(target=scheduler.turn), Thread(target=scheduler.relieve, args=[relief])
    turn.start()
    assert waiting.wait(30)
    relieving.start()
    has_looked = looked.wait(10)
    stop.set()
    turn.join()
    relieving.join()
    assert has_looked


def test_an_overdue_run_is_told_once_a_day(stage):
    scheduler = stage.start()
    with stage.opened() as system:
        scheduler.beat(system)
        assert stage.told == []
        for hours in (28, 29, 40, 53):
            stage.now = at("2026-03-26T12:00") + hours * 3600 * 10**9
            scheduler.beat(system)
    assert stage.kinds() == [AlarmKind.OVERDUE, AlarmKind.OVERDUE]
    assert stage.told[0][1] == "a run is overdue since 2026-03-27T14:00:00Z"


def test_once_makes_a_run_and_leaves_the_scheduler_alone(stage):
    stage.project.log("dbt.log.1", 8)
    stage.project.log("dbt.log", 0)
    with stage.opened() as system:
        record = clean_once(system)
    assert record.status == "completed"
    assert stage.project.names() == {"dbt.log"}
    row = stage.row()
    assert row.claimed == row.finished is not None
    assert not row.alive


def test_there_is_one_scheduler_of_a_project(stage):
    from dvt.lifecycle.schedule.scheduler import _only_one

    with stage.opened() as system, _only_one(system):
        with pytest.raises(SchedulerAtWork) as error:
            stage.scheduler().run()
        assert system.actor in error.value.who
