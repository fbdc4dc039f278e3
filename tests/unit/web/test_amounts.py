"""What the API counts: the file of a plan, how full disks are, and what data types take."""

from __future__ import annotations

import csv
import io
import shutil

import pytest

from dvt.core.access import Role

pytestmark = pytest.mark.slow


def test_a_plan_is_had_as_a_file_with_every_item_and_its_reason(served):
    due = {str(served.files.log(f"dbt.log.{number}", 8)) for number in range(3)}
    served.files.log("dbt.log", 1)
    client = served.client(Role.OPERATOR)
    plan = client.post("/api/cleanup/plans", json={}).json()["plan"]
    answer = client.get(f"/api/cleanup/plans/{plan}/report")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["file_path"] for row in rows} == due
    assert {(row["text"], row["decision"]) for row in rows} == {("8 days old, older than 7 days", "delete")}
    assert f'filename="plan_{plan}.csv"' in answer.headers["Content-Disposition"]


def test_disks_are_as_full_as_the_system_says(served):
    (disk,) = served.client(Role.VIEWER).get("/api/cleanup/disk").json()["file_systems"]
    usage = shutil.disk_usage(served.files.folder)
    assert disk["total"] == usage.total
    assert disk["free"] == pytest.approx(usage.free, rel=0.05)
    assert disk["used"] == pytest.approx(usage.used, rel=0.05)
    assert disk["has_backups"]
    assert str(served.files.logs) in disk["places"]


def test_what_data_types_take_is_told_now_and_as_runs_have_found_it(served):
    for number in range(3):
        served.files.log(f"dbt.log.{number}", 8)
    served.files.log("dbt.log", 1)
    client = served.client(Role.OPERATOR)
    (now,) = (
        of for of in client.get("/api/cleanup/disk").json()["data_types"] if of["data_type"] == "dbt_logs"
    )
    assert (now["found"], now["due"]) == (
        {"items": 4, "files": 4, "bytes": 280},
        {"items": 3, "files": 3, "bytes": 210},
    )
    client.post("/api/cleanup/run", json={"dry_run": False})
    served.project.runs.close()
    (past,) = client.get("/api/cleanup/disk").json()["history"]
    assert (past["total"], past["data_types"]) == (280, {"dbt_logs": 280})
