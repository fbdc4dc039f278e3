"""Stage tables that dead runs have left go, by name and record; nothing else of a target does."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dvt.app.lifecycle import surroundings
from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.names import TableRef
from dvt.core.retention import CleanupType, Reason, Result, RunStatus
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.system import System
from dvt.runs import operations
from dvt.testing.databases import TargetDatabase
from tests.conformance.conftest import database, target  # noqa: F401  fixtures
from tests.unit.lifecycle.projects import DAY, Project

pytestmark = pytest.mark.slow

MANUAL, AUTOMATIC = CleanupType.MANUAL, CleanupType.AUTOMATIC


@pytest.fixture
def project(tmp_path: Path, target: TargetDatabase, monkeypatch: pytest.MonkeyPatch) -> Project:  # noqa: F811
    project = Project(tmp_path / "shop")
    project.settings("stage_tables: {days: 1}")
    (project.folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    profile = {"shop": {"target": target.name, "outputs": {target.name: target.settings()}}}
    (project.folder / "profiles.yml").write_text(json.dumps(profile))
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    return project


@pytest.fixture
def system(project: Project) -> Iterator[System]:
    with opened(project) as system:
        system.apply_policies("test")
        yield system


def opened(project: Project) -> System:
    return System(load_lifecycle(project.folder), surroundings=surroundings(project.folder))


@pytest.fixture
def made(target: TargetDatabase) -> Iterator[Callable[[str], TableRef]]:  # noqa: F811
    """Makes tables, and drops those that are still there."""
    refs = []

    def make(identifier: str) -> TableRef:
        ref = target.table(identifier)
        refs.append(ref)
        target.execute(f"CREATE TABLE {target.quoted(ref)} (a integer)")
        return ref

    yield make
    for ref in refs:
        with suppress(Exception):
            target.execute(f"DROP TABLE {target.quoted(ref)}")


def exists(target: TargetDatabase, ref: TableRef) -> bool:  # noqa: F811
    try:
        target.execute(f"SELECT * FROM {target.quoted(ref)}")
    except Exception:  # noqa: BLE001  each driver has errors of its own
        return False
    return True


def recorded(project: Project, *tables: TableRef, age: float = 5) -> str:
    """Put stage tables on the record of a run that dies."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        operation = operations.begin(project.folder / ".dvt/operations")
        for table in tables:
            operation.will_make(table)
        os.write(writing, operation.run.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        run = file.read()
    os.waitpid(child, 0)
    moment = time.time() - age * DAY
    os.utime(project.folder / f".dvt/operations/{run}.json", (moment, moment))
    return run


def test_the_stage_tables_of_dead_runs_go_and_nothing_else_does(
    project: Project,
    system: System,
    target: TargetDatabase,  # noqa: F811
    made: Callable[[str], TableRef],
) -> None:
    left, unrecorded = made("dvt_run1_aa"), made("dvt_run1_bb")
    foreign, young = made("customers"), made("dvt_run3_cc")
    run = recorded(project, left, foreign)
    recorded(project, young, age=0.1)
    alive = operations.begin(project.folder / ".dvt/operations")
    current = made("dvt_run4_dd")
    alive.will_make(current)
    os.utime(project.folder / f".dvt/operations/{alive.run}.json", (0, 0))
    explained = {of.item.key: of.decision.reason for of in system.explain(lambda _item: True)}
    assert explained == {
        str(left): Reason.OLD,
        str(foreign): Reason.HELD,
        str(young): Reason.YOUNG,
        str(current): Reason.HELD,
    }
    plan = system.plan()
    assert [of.item.key for of in plan.items()] == [str(left)]
    assert exists(target, left)
    record = system.run(plan, MANUAL)
    assert record.status is RunStatus.COMPLETED
    assert {
        table.identifier: exists(target, table) for table in (left, unrecorded, foreign, young, current)
    } == {
        "dvt_run1_aa": False,
        "dvt_run1_bb": True,
        "customers": True,
        "dvt_run3_cc": True,
        "dvt_run4_dd": True,
    }
    content = json.loads((project.folder / f".dvt/operations/{run}.json").read_text())
    assert [table["identifier"] for table in content["stage_tables"]] == ["customers"]
    (outcome,) = (
        event for event in system.store.records.events(EventFilter(run=record.id)) if event.kind == "outcome"
    )
    assert outcome.details["detail"] == "without a backup, since it can be made again"
    assert list(system.plan().items()) == []
    alive.is_gone(current)
    alive.close()


def test_a_run_of_a_schedule_drops_them_only_if_lifecycle_yml_says_so(
    project: Project,
    system: System,
    target: TargetDatabase,  # noqa: F811
    made: Callable[[str], TableRef],
) -> None:
    tables = [made("dvt_run1_aa"), made("dvt_run2_bb"), made("dvt_run3_cc")]
    recorded(project, tables[0])
    for table in tables[1:]:
        recorded(project, table, age=0.1)
    assert list(system.plan(AUTOMATIC).items()) == []
    assert len(list(system.plan(MANUAL).items())) == 1
    system.run(system.plan(MANUAL), AUTOMATIC)
    assert exists(target, tables[0])
    project.settings("stage_tables: {days: 1}", data="{stage_tables: {automatic: true}}")
    with opened(project) as again:
        assert again.run(again.plan(AUTOMATIC), AUTOMATIC).status is RunStatus.COMPLETED
    assert [exists(target, table) for table in tables] == [False, True, True]


@pytest.mark.never("bigquery", reason="requests to an address where nothing is are repeated for a minute")
def test_what_the_database_does_not_let_go_stays_on_record(
    project: Project,
    system: System,
    target: TargetDatabase,  # noqa: F811
    made: Callable[[str], TableRef],
) -> None:
    run = recorded(project, made("dvt_run1_aa"))
    (project.folder / "no.duckdb").write_text("this is no database " * 1000)
    broken = target.settings(host="127.0.0.1", port=1, path=str(project.folder / "no.duckdb"))
    profile = {"shop": {"target": target.name, "outputs": {target.name: broken}}}
    (project.folder / "profiles.yml").write_text(json.dumps(profile))
    plan = system.plan()
    record = system.run(plan, MANUAL)
    assert record.results["stage_tables"].keys() == {Result.FAILED}
    assert json.loads((project.folder / f".dvt/operations/{run}.json").read_text())["stage_tables"]
