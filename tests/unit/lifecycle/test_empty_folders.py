"""Folders that a deletion has left empty."""

from __future__ import annotations

import os
import time

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.retention import CleanupType, Result, RunStatus
from dvt.lifecycle.beginning import begin
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import Project

pytestmark = pytest.mark.slow


def test_they_go_where_that_is_asked_for_and_come_back(tmp_path):
    project = Project(tmp_path / "shop")
    (project.folder / "lifecycle.yml").write_text(
        "data:\n"
        "  airflow: { in: airflow, files: ['*.log'], recursive: true, remove_empty_folders: true }\n"
        "  others: { in: others, files: ['*.log'], recursive: true }\n"
        "policies:\n"
        "  airflow: { days: 7, age_by: [mtime] }\n"
        "  others: { days: 7, age_by: [mtime] }\n"
    )
    files = [
        project.folder / name / "dag_id=a" / run / "attempt=1.log"
        for name in ("airflow", "others")
        for run in ("run_id=old", "run_id=new")
    ]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("x")
        if "old" in str(file):
            os.utime(file, (time.time() - 8 * 86_400,) * 2)
    with System(load_lifecycle(project.folder)) as system:
        list(begin(project.folder, None, lambda: system))
    with System(load_lifecycle(project.folder)) as system:
        record = system.run(system.plan(), CleanupType.MANUAL)
        assert record.status is RunStatus.COMPLETED
        assert [file.parent.is_dir() for file in files] == [False, True, True, True]
        assert [file.exists() for file in files] == [False, True, False, True]
        outcomes = list(system.restore(Wanted(run=record.id)))
        assert [of.result for of in outcomes] == [Result.RESTORED] * 2
    assert all(file.exists() for file in files)
