"""Whether a project is cleaned as its schedule says is known, and comes from what is on record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.retention import CleanupType
from dvt.lifecycle.schedule.health import HEARTBEAT, as_lines, as_object, health
from dvt.lifecycle.store.present import now
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import Project

SECOND = 10**9
HOUR = 3600 * SECOND


def test_where_nothing_was_ever_scheduled_nothing_is_overdue(system):
    of = health(system)
    assert of.problems == []
    assert as_object(of)["scheduler"] == "none"
    assert of.last_run is None


def test_the_next_run_has_its_zone(project):
    project.settings("dbt_logs: {days: 7}", zone="Europe/Berlin")
    with System(load_lifecycle(project.folder)) as system:
        at = int(datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp()) * SECOND
        of = as_object(health(system, at))
    assert of["next_run"] == "2026-03-29T01:00:00Z"
    assert of["next_run_local"] == "2026-03-29 03:00 Europe/Berlin"


def test_a_success_is_proven_by_the_run_on_record(system):
    record = system.run(system.plan(CleanupType.AUTOMATIC), CleanupType.AUTOMATIC)
    of = health(system)
    assert of.last_success.id == record.id
    assert system.store.records.run(record.id) == of.last_success
    assert json.loads(json.dumps(as_object(of)))["last_success"]["run"] == record.id


def test_runs_of_other_projects_of_the_store_do_not_hide_it(tmp_path, system, project):
    system.run(system.plan(CleanupType.AUTOMATIC), CleanupType.AUTOMATIC)
    other = Project(tmp_path / "other")
    other.settings("dbt_logs: {days: 7}", store=f"sqlite:///{project.folder}/.dvt/lifecycle/lifecycle.db")
    with System(load_lifecycle(other.folder)) as neighbour:
        made = neighbour.plan(CleanupType.AUTOMATIC)
        for number in range(55):
            neighbour.store.audit.begin(made.head, f"run{number}", made.head.asking, now())
        assert len(list(neighbour.store.automatic_runs())) == 55
    assert health(system).last_success is not None
    assert len(list(system.store.automatic_runs())) == 1


def test_a_run_of_a_person_proves_nothing(system):
    system.run(system.plan(), CleanupType.MANUAL)
    assert health(system).last_success is None


def test_a_run_is_overdue_two_hours_after_the_next_should_have_been(system):
    system.run(system.plan(CleanupType.AUTOMATIC), CleanupType.AUTOMATIC)
    assert health(system, now() + 25 * HOUR).problems == []
    (problem,) = health(system, now() + 27 * HOUR).problems
    assert problem.startswith("a run is overdue since ")


def test_a_scheduler_that_never_made_a_run_is_overdue(system):
    system.store.schedules.begin("0 2 * * *", "UTC", now())
    system.store.schedules.set(alive=False)
    assert health(system).problems == []
    assert health(system, now() + 27 * HOUR).overdue_since is not None


def test_a_scheduler_that_is_silent_has_died(system):
    system.store.schedules.begin("0 2 * * *", "UTC", now())
    system.store.schedules.set(heartbeat=now())
    assert health(system).is_alive
    later = health(system, now() + 5 * HEARTBEAT * SECOND)
    assert later.has_died
    assert any("has been silent since" in line for line in as_lines(later))


def test_a_scheduler_that_said_that_it_ends_has_not_died(system):
    system.store.schedules.begin("0 2 * * *", "UTC", now())
    system.store.schedules.set(heartbeat=now(), alive=False)
    of = health(system, now() + HOUR)
    assert not of.is_alive
    assert of.problems == []


def test_another_machine_of_the_same_folder_sees_the_scheduler(system, project):
    system.store.schedules.begin("0 2 * * *", "UTC", now())
    system.store.schedules.set(heartbeat=now())
    with System(load_lifecycle(project.folder)) as other:
        other.store.schedules._id = "of another machine"
        assert health(other).is_alive


def test_a_run_is_claimed_once(system):
    system.store.schedules.begin("0 2 * * *", "UTC", now())
    assert system.store.schedules.claim(1000)
    assert not system.store.schedules.claim(1000)
    assert not system.store.schedules.claim(999)
    assert system.store.schedules.claim(1001)
    assert replace(system.store.schedules.read(), host="").claimed == 1001
