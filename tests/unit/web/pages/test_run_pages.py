"""The pages of the run monitor: what they show, of whatever is in the files, and to whom."""

from __future__ import annotations

import os
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dvt.core.operation_record import Failure, NodeRecord, OperationRecord, Worker
from dvt.core.reports import Moved
from dvt.core.status import Status
from dvt.runs.operation_files import as_bytes, node_text
from dvt.web import operations
from dvt.web.pages import monitor

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)


def operation(folder: Path, name: str, **values) -> OperationRecord:
    """Write an operation file of dvt's."""
    extract = Moved(what="extract", connection="crm", rows=7, bytes=591, seconds=0.25)
    node = NodeRecord(
        unique_id="model.shop.joined",
        name="joined",
        resource_type="model",
        path="federated",
        place="engine",
        target="wh",
        dependencies=("source.shop.crm.people",),
        status="error",
        started=NOW - timedelta(seconds=5),
        ended=NOW,
        error=Failure(text="DVT108 joined: no <script>alert(1)</script>", code="DVT108"),
        moved=(extract,),
    )
    test = NodeRecord(
        unique_id="test.shop.not_null",
        name="not_null",
        resource_type="test",
        dependencies=("model.shop.joined",),
        status="pass",
        started=NOW,
        ended=NOW,
    )
    known = {
        "operation_id": name,
        "pipeline_name": "shop",
        "status": Status.FAILED,
        "start_time": NOW - timedelta(seconds=9),
        "end_time": NOW,
        "command": ("dvt", "build", "--select", "joined+"),
        "command_name": "build",
        "target": "wh",
        "worker": Worker(host="etl-1", pid=47),
        "heartbeat": NOW,
        "run": "20260301abcdefghij",
        "nodes": (node, test),
        "completed": True,
    }
    record = OperationRecord(**{**known, **values})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"operation_{name}.json").write_bytes(as_bytes(record, map(node_text, record.nodes)))
    return record


def test_runs_are_listed_the_newest_first(served, viewer):
    assert "Nothing has run yet." in viewer.get("/runs").text
    operation(served.files.operations, "a", command=("dvt", "seed"))
    operation(served.files.operations, "b")
    text = viewer.get("/runs").text
    assert text.index("dvt build --select joined+") < text.index("dvt seed")
    assert "1 failed" in text


def test_the_page_of_runs_goes_on_with_earlier_ones(served, viewer):
    names = [f"{number * 37 % 101:03}" for number in range(60)]
    for age, name in enumerate(names):
        operation(served.files.operations, name, command=("dvt", "run", "--select", f"m{age:02}"), nodes=())
        moment = time.time() - age * 60
        os.utime(served.files.operations / f"operation_{name}.json", (moment, moment))
    shown = re.findall(r"--select (m\d\d)", viewer.get("/runs").text)
    assert shown == [f"m{age:02}" for age in range(50)]
    (address,) = re.findall(r'rel="next" href="([^"]*)"', viewer.get("/runs").text)
    shown = re.findall(r"--select (m\d\d)", viewer.get(address.replace("&amp;", "&")).text)
    assert shown == [f"m{age:02}" for age in range(50, 60)]


def test_runs_can_be_searched_for(served, viewer):
    operation(served.files.operations, "a", command=("dvt", "seed"), nodes=())
    operation(served.files.operations, "b")
    assert "dvt seed" not in viewer.get("/runs", params={"text": "JOINED"}).text
    assert "dvt build" not in viewer.get("/runs", params={"text": "seed"}).text
    assert "No run is like that." in viewer.get("/runs", params={"status": "cancelled"}).text


def test_a_run_is_drawn(served, viewer):
    operation(served.files.operations, "b")
    text = viewer.get("/runs/b").text
    assert "dvt build --select joined+" in text
    assert 'data-node="model.shop.joined"' in text
    assert "crm.people" in text
    assert "not_null: pass" in text
    assert "data-live" not in text


def test_texts_of_files_are_no_markup(served, viewer):
    operation(served.files.operations, "b")
    for address in ("/runs", "/runs/b", "/runs/b/nodes/model.shop.joined"):
        assert "<script>alert" not in viewer.get(address).text


def test_a_run_under_way_is_asked_for_again_and_a_silent_one_is_told(served, viewer):
    operation(
        served.files.operations, "b", status=Status.RUNNING, end_time=None, completed=False, progress=50
    )
    assert 'data-live="' in viewer.get("/runs/b").text
    silent = NOW - timedelta(minutes=5)
    operation(served.files.operations, "c", status=Status.RUNNING, end_time=None, heartbeat=silent)
    assert "no sign of life" in viewer.get("/runs").text


def test_a_node_is_shown_with_what_it_moved(served, viewer):
    operation(served.files.operations, "b")
    text = viewer.get("/runs/b/nodes/model.shop.joined").text
    assert "591 B" in text
    assert "test.shop.not_null" in text
    assert "DVT108" in text


@pytest.mark.parametrize(
    "address", ["/runs/none", "/runs/..%2fb", "/runs/b/nodes/none", "/runs/b/nodes/none/plan"]
)
def test_what_is_not_there_is_told_on_a_page(served, operator, address):
    operation(served.files.operations, "b")
    answer = operator.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "there is no" in answer.text


def test_files_of_others_do_not_break_the_pages(served, viewer):
    served.files.operations.mkdir(exist_ok=True, parents=True)
    (served.files.operations / "operation_x.json").write_text('{"status": "success", "nodes": "?"}')
    (served.files.operations / "operation_y.json").write_text("no JSON")
    (served.files.operations / "operation_z z.json").write_text('{"status": "running"}')
    assert viewer.get("/runs").status_code == 200
    assert viewer.get("/runs/x").status_code == 200


def test_a_plan_is_asked_for_as_the_run_was(served, operator, monkeypatch):
    asked = []

    def answer(command, **options):
        asked.append((command[3:], options["cwd"]))
        return subprocess.CompletedProcess(command, 1, "", "DVT130 no <connection>")

    monkeypatch.setattr(monitor.subprocess, "run", answer)
    command = ("dvt", "build", "--select", "joined+", "--target", "wh", "--vars", "***")
    operation(served.files.operations, "b", command=command)
    text = operator.get("/runs/b/nodes/model.shop.joined/plan").text
    assert asked == [
        (["--no-use-colors", "explain", "--select=joined", "--target=wh"], served.files.folder.resolve())
    ]
    assert "The plan could not be made." in text
    assert "DVT130 no &lt;connection&gt;" in text
    assert "without the <code>--vars</code>" in text
    operation(served.files.operations, "c", command=("dvt", "build"))
    operator.get("/runs/c/nodes/model.shop.joined/plan")
    assert asked[1][0] == ["--no-use-colors", "explain", "--select=joined"]


def test_a_viewer_does_not_ask_databases(served, viewer):
    operation(served.files.operations, "b")
    assert viewer.get("/runs/b/nodes/model.shop.joined/plan").status_code == 403
    assert "Operators can open its plan" in viewer.get("/runs/b/nodes/model.shop.joined").text


def test_paths_that_are_none_of_the_projects_are_masked(served, viewer):
    operation(
        served.files.operations,
        "one",
        command=("dvt", "build", "--profiles-dir", "/home/ana/.dbt"),
        error=Failure(text=f"/home/ana/.dbt/profiles.yml and {served.files.folder}/models/a.sql"),
    )
    for address in ("/runs", "/runs/one", "/runs/one/nodes/model.shop.joined"):
        text = viewer.get(address).text
        assert "/home/ana" not in text, address
        assert "…/.dbt" in text, address
    assert f"{served.files.folder}/models/a.sql" in viewer.get("/runs/one").text


def test_files_that_have_not_changed_are_read_once_for_a_search(served, viewer, monkeypatch):
    read, count = operations.read_operation, []
    monkeypatch.setattr(operations, "read_operation", lambda file: (count.append(file), read(file))[1])
    for number in range(operations._KEPT + 20):
        operation(served.files.operations, f"m{number}", nodes=())
    for _ in range(2):
        assert "No run is like that." in viewer.get("/runs", params={"text": "nothing"}).text
        assert len(count) == operations._KEPT + 20
    operation(served.files.operations, "m7", nodes=(), command=("dvt", "nothing"))
    assert "dvt nothing" in viewer.get("/runs", params={"text": "nothing"}).text
