"""A run that is killed at any of its steps: nothing is lost, and the next run completes it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.retention import CleanupType, Result, RunRecord, RunStatus
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.store.events import EventKind
from dvt.lifecycle.system import System
from tests.unit.lifecycle.killing import killed_at, steps
from tests.unit.lifecycle.projects import Project

pytestmark = pytest.mark.slow

NAMES = [f"dbt.log.{number}" for number in range(4)]


def prepared(folder: Path) -> Project:
    project = Project(folder)
    list(begin(project.folder, None, lambda: opened(project)))
    for name in NAMES:
        project.file(project.logs / name, 8, f"content of {name}")
    project.operation("1", 100)
    project.operation("2", 95)
    return project


def opened(project: Project) -> System:
    return System(load_lifecycle(project.folder))


def cleaned(project: Project) -> None:
    with opened(project) as system:
        system.run(system.plan(), CleanupType.MANUAL)


def contents(project: Project) -> dict[str, str]:
    """Return what is there, and what can be restored."""
    with opened(project) as system:
        list(system.restore(Wanted(patterns=("*",))))
    return {name: (project.logs / name).read_text() for name in NAMES if (project.logs / name).exists()}


def test_nothing_is_lost_and_the_next_run_completes(tmp_path: Path) -> None:
    expected = {name: f"content of {name}" for name in NAMES}
    taken = steps(lambda: cleaned(prepared(tmp_path / "counted")))
    assert len(taken) > 200
    begun = random.randrange(29)
    for number in range(begun, len(taken), 29):
        project = prepared(tmp_path / str(number))
        killed_at(number, lambda project=project: cleaned(project))
        killed_at(random.randrange(len(taken)), lambda project=project: cleaned(project))
        with opened(project) as system:
            system.run(system.plan(), CleanupType.MANUAL)
            assert project.names() == {"operation_2.json"}, number
            assert system.store.verify_chain().is_whole
            statuses = [record.status for record in system.store.records.runs()]
            assert RunStatus.RUNNING not in statuses, number
        assert contents(project) == expected, number


def test_what_a_killed_run_has_deleted_is_on_its_record(tmp_path: Path) -> None:
    taken = steps(lambda: cleaned(prepared(tmp_path / "counted")))
    moves = [number for number, name in enumerate(taken) if name.startswith("rename_exclusively")]
    kills = 0
    for number in (*range(moves[0], moves[-1], 9), *range(moves[-1], len(taken), 4)):
        project = prepared(tmp_path / str(number))
        killed_at(number, lambda project=project: cleaned(project))
        with opened(project) as system:
            system.run(system.plan(), CleanupType.MANUAL)
            killed = system.store.records.runs()[-1]
            if killed.status is RunStatus.FAILED:
                assert killed.detail == "its process ended without a word"
                kills += 1
            results = [result for record in system.store.records.runs() for result in deleted(record)]
            assert sum(results) == len(NAMES) + 1
            events = list(system.store.records.events())
            planned = {(event.run, event.key) for event in events if event.kind is EventKind.PLANNED}
            ended = [(event.run, event.key) for event in events if event.kind is EventKind.OUTCOME]
            assert planned == set(ended)
            assert len(ended) == len(planned)  # of each item it is said once what became of it
            assert sum(row["records_deleted"] for row in system.store.records.history()) == len(NAMES) + 1
    assert kills > 3


def deleted(record: RunRecord) -> list[int]:
    return [of[Result.DELETED].items for of in record.results.values() if Result.DELETED in of]
