"""Runs that somebody ends who does not do them."""

from __future__ import annotations

import pytest

from dvt.config.lifecycle_file import load_lifecycle
from dvt.core.retention import CleanupType, RunStatus
from dvt.lifecycle import retire
from dvt.lifecycle.system import System
from dvt.lifecycle.work import Wishes

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("is_named", [True, False])
def test_a_run_of_another_process_is_stopped_after_its_batch(project, dvt, is_named):
    for number in range(retire._BATCH + 10):
        project.log(f"dbt.log.{number}", 8)
    assert "no run is under way" in dvt("stop")

    def stop(record):
        if record.results:
            printed = dvt("stop", *([record.id] if is_named else []))
            assert printed == f"run {record.id} of ana ends after its batch\n"
            assert dvt("stop", record.id) == printed

    with System(load_lifecycle(project.folder), by="ana") as system:
        record = system.run(system.plan(), CleanupType.MANUAL, Wishes(report=stop))
    assert record.status is RunStatus.STOPPED
    assert len(project.names()) == 10
    assert "DVT237" in dvt("stop", record.id, code=1)
    assert "DVT235" in dvt("stop", "20260301x7k2q9d0ab", code=1)
    told = dvt("audit", "--run", record.id)
    assert "note  " in told
    assert told.count("note  ") == 1  # though it was asked twice
    dvt("run", "--yes")
    assert project.names() == set()
