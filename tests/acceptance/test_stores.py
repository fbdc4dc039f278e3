"""A run that stages in a real store: the answer, what is there meanwhile, and that nothing stays."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from dvt.app.buckets import open_bucket
from dvt.config.buckets import load_buckets
from dvt.core.errors import FolderTaken
from dvt.core.extraction import Extraction, Method
from dvt.drivers.duckdb import FILES
from tests.acceptance.federating import RenamingPublisher, Workspace
from tests.acceptance.test_leftovers import DIE_AFTER_FILL_SCRIPT, kill, start

pytestmark = pytest.mark.slow

COUNT = "SELECT g, count(*) AS n FROM {crm.facts} WHERE v >= 0 GROUP BY 1"
SERVERS = {"s3": "minio", "gcs": "fake_gcs", "azure": "azurite", "hdfs": "hdfs"}


def settings_of(kind: str, server: Any) -> dict[str, Any]:
    return dict(server.settings(server.new_bucket()))


@pytest.fixture(params=sorted(SERVERS))
def workspace(request: pytest.FixtureRequest, tmp_path: Any, stores: Callable[[str], Any]) -> Any:
    settings = settings_of(request.param, stores(SERVERS[request.param]))
    entry = {"type": request.param, "prefix": "of dvt/{profile}", **settings}
    workspace = Workspace(tmp_path)
    workspace.duckdb("crm", "CREATE TABLE facts AS SELECT i AS v, i % 10 AS g FROM range(100000) t(i)")
    workspace.duckdb("wh")
    (workspace.root / "buckets.yml").write_text(yaml.safe_dump({"shop": {"buckets": {"lake": entry}}}))
    yield workspace
    FILES.close()


def keys(workspace: Workspace) -> list[str]:
    entry = load_buckets("shop", workspace.root, home=workspace.root).get()
    return [key for key, _ in open_bucket(entry, workspace.root).list("")]


def test_a_run_stages_in_the_store_and_leaves_the_marker_alone(workspace: Workspace):
    with workspace.run(project="shop", keep_staging=True) as run:
        run.model("m", COUNT, "wh")
        assert run.rows("wh", "m") == [(group, 10000) for group in range(10)]
        name = run.federator.run
    assert {key.rsplit("/", 2)[0] for key in keys(workspace)} >= {f"shop/{name}/crm", f"shop/{name}/_results"}
    with workspace.run(project="shop") as run:
        run.model("m", COUNT, "wh")
        run.model("n", COUNT, "wh")
        assert run.reporter.extracted(reused=True) == ["crm"]
        assert run.rows("wh", "n") == [(group, 10000) for group in range(10)]
        mine = f"shop/{run.federator.run}/"
        assert [key for key in keys(workspace) if key.startswith(mine)]
    left = [key for key in keys(workspace) if not key.startswith(f"shop/{name}/")]
    assert left == ["shop/_owner.json"]
    assert not list((workspace.root / ".dvt" / "operations").iterdir())


def test_the_next_run_removes_what_a_dead_one_left_in_the_store(workspace: Workspace):
    FILES.close()
    kill(start(workspace, DIE_AFTER_FILL_SCRIPT.replace("workspace.run()", "workspace.run(project='shop')")))
    assert len(keys(workspace)) > 1
    with workspace.run(project="shop") as run:
        assert run.reporter.notices == []
        assert keys(workspace) == ["shop/_owner.json"]


def test_another_projects_folder_in_the_store_is_refused(workspace: Workspace):
    with workspace.run(project="shop") as run:
        run.model("m", COUNT, "wh")
    content = yaml.safe_load((workspace.root / "buckets.yml").read_text())
    content["shop"]["project_id"] = "shop"
    (workspace.root / "buckets.yml").write_text(yaml.safe_dump(content))
    with (
        workspace.run(project="bakery") as run,
        pytest.raises(FolderTaken, match="belongs to project 'shop'"),
    ):
        run.model("m", COUNT, "wh")


def test_rows_that_are_kept_in_a_store_are_taken_by_the_next_run(workspace):
    time.sleep(0.15)  # a file that was written just now has no token
    notes = []
    for _ in range(3):
        FILES.close()
        with workspace.run(project="shop") as run:
            request = run.request("m", COUNT, "wh")
            keep = Extraction(method=Method.AUTO)
            inputs = {key: replace(read, extraction=keep) for key, read in request.inputs.items()}
            run.federator.federate(replace(request, inputs=inputs), RenamingPublisher(run, "m"))
            assert len(run.rows("wh", "m")) == 10
            notes += [moved.note for _, moved in run.reporter.movements if moved.what == "extract"]
    assert notes == ["", "unchanged: reused", "unchanged: reused"]
    workspace.duckdb("crm", "DELETE FROM facts WHERE g = 1")
    time.sleep(0.15)
    with workspace.run(project="shop") as run:
        request = run.request("m", COUNT, "wh")
        inputs = {key: replace(read, extraction=keep) for key, read in request.inputs.items()}
        run.federator.federate(replace(request, inputs=inputs), RenamingPublisher(run, "m"))
        assert len(run.rows("wh", "m")) == 9
