"""Runs by the API: what is planned is shown, run in a thread, told while it runs, and stopped."""

from __future__ import annotations

import json

import pytest

from dvt.core.access import Role
from dvt.core.errors import DvtError
from dvt.lifecycle.system import System

pytestmark = pytest.mark.slow


def events(answer):
    name, found = "", []
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            found.append((name, json.loads(line.removeprefix("data: "))))
    return found


def followed(client, run):
    with client.stream("GET", f"/api/cleanup/runs/{run}/events") as answer:
        return events(answer)


def test_a_plan_is_shown_and_run_but_for_what_is_excluded(served):
    kept, gone = served.files.log("dbt.log.1", 8), served.files.log("dbt.log.2", 8)
    client = served.client(Role.OPERATOR)
    plan = client.post("/api/cleanup/plans", json={}).json()["plan"]
    first = client.get(f"/api/cleanup/plans/{plan}/items", params={"limit": 1}).json()
    second = client.get(f"/api/cleanup/plans/{plan}/items", params={"after": first["next"]}).json()
    items = [*first["items"], *second["items"]]
    assert {item["file_path"] for item in items} == {str(kept), str(gone)}
    assert {item["text"] for item in items} == {"8 days old, older than 7 days"}
    assert second["next"] is None
    excluded = [{"data_type": "dbt_logs", "file_path": str(kept)}]
    answer = client.post(f"/api/cleanup/plans/{plan}/run", json={"excluded": excluded})
    assert answer.status_code == 202
    told = followed(client, answer.json()["run"])
    assert {name for name, _ in told} == {"progress", "end"}
    assert told[-1][1]["status"] == "completed"
    assert (kept.exists(), gone.exists()) == (True, False)
    (item,) = client.get(f"/api/cleanup/runs/{answer.json()['run']}/items").json()["items"]
    assert (item["file_path"], item["result"]) == (str(gone), "deleted")


def test_how_a_run_fails_is_told_without_paths_of_the_machine(served, monkeypatch):
    served.files.log("dbt.log.1", 8)
    run = System.run

    def failing(self, *args):
        run(self, *args)
        message = "/mnt/elsewhere/b is full"
        raise DvtError(message)

    monkeypatch.setattr(System, "run", failing)
    client = served.client(Role.OPERATOR)
    started = client.post("/api/cleanup/run", json={"dry_run": False}).json()["process_id"]
    served.project.runs.get(started).thread.join()
    told = followed(client, started)
    assert ("progress", "…/b is full") in {(name, record["detail"]) for name, record in told}
    assert "/mnt/elsewhere" not in str(told)
