"""`dvt clean` as a command, on what runs have staged in real stores and on disk."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from dvt.app.buckets import open_bucket
from dvt.config.buckets import BUCKETS, load_buckets
from dvt.drivers.duckdb import FILES
from dvt.staging.in_folder import InFolder
from dvt.staging.leases import Lease
from dvt.staging.ownership import claim
from tests.acceptance.elsewhere import command as command_elsewhere
from tests.acceptance.federating import Workspace
from tests.acceptance.project import DVT
from tests.acceptance.test_stores import COUNT, SERVERS, settings_of

pytestmark = pytest.mark.slow

HOSTILE = (
    "sho/abc/crm/aa11/_committed.json",
    "shop2/abc/crm/aa11/_committed.json",
    "shop-old/_owner.json",
    "shop/notes.txt",
    "shop/a\nb/crm/aa11/_committed.json",
    "shop/abc/crm/aa11/extra.csv",
    "shop/ünï cødé/100%/+=.parquet",
    "_owner.json",
)
"""Keys of others in the store, some of them in the project's folder."""


def _kinds() -> list[Any]:
    """Return the types of buckets; those of which only the long run has all are marked."""
    others = sorted((SERVERS.keys() & BUCKETS) - {"s3"})
    return ["filesystem", "s3", *(pytest.param(kind, marks=pytest.mark.long) for kind in others)]


@pytest.fixture(params=_kinds())
def workspace(request: pytest.FixtureRequest, tmp_path: Any, stores: Callable[[str], Any]) -> Any:
    workspace = Workspace(tmp_path / "project")
    workspace.root.mkdir()
    entry: dict[str, Any] = {"type": request.param, "prefix": "of dvt"}
    if request.param == "filesystem":
        entry["path"] = str(tmp_path / "lake")
    else:
        entry |= settings_of(request.param, stores(SERVERS[request.param]))
    workspace.duckdb("crm", "CREATE TABLE facts AS SELECT i AS v, i % 10 AS g FROM range(1000) t(i)")
    workspace.duckdb("wh")
    files = {
        "buckets.yml": {"shop": {"target": "lake", "buckets": {"lake": entry}}},
        "profiles.yml": {"shop": {"target": "wh", "outputs": dict(workspace.outputs)}},
        "dbt_project.yml": {"name": "shop", "version": "1.0", "profile": "shop"},
    }
    for name, content in files.items():
        (workspace.root / name).write_text(yaml.safe_dump(content))
    yield workspace
    FILES.close()


def store(workspace: Workspace) -> Any:
    entry = load_buckets("shop", workspace.root, home=workspace.root).get("lake")
    return open_bucket(entry, workspace.root)


def clean(workspace: Workspace, *args: str, ahead: float = 0.0) -> Any:
    """Clean on a machine whose clock is so many seconds ahead; return what is said of the bucket."""
    dvt = command_elsewhere(ahead=ahead) if ahead else DVT
    command = [*dvt, "clean", "--json", "--profiles-dir", str(workspace.root), *args]
    ended = subprocess.run(command, cwd=workspace.root, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (lake,) = [bucket for bucket in json.loads(ended.stdout)["buckets"] if bucket["bucket"] == "lake"]
    return lake


def test_a_store_with_things_of_others_loses_what_the_dry_run_said(workspace: Workspace):
    with workspace.run(project="shop", keep_staging=True) as run:
        run.model("m", COUNT, "wh")
    bucket = store(workspace)
    for key in HOSTILE:
        bucket.put(key, io.BytesIO(b"theirs"))
    staged = {key for key, _ in bucket.list("")} - {*HOSTILE}
    planned = clean(workspace, "--dry-run")
    assert {key for key, _ in bucket.list("")} == staged | {*HOSTILE}
    assert {**clean(workspace), "dry_run": True} == planned
    assert {key for key, _ in bucket.list("")} == {*HOSTILE, "shop/_owner.json"}
    assert planned["deleted"]["objects"] == len(staged) - 1
    assert planned["deleted"]["datasets"] >= 1
    assert {f"shop/{key}" for key in planned["not_dvts"]} == {
        key for key in HOSTILE if key.startswith("shop/")
    }


def test_a_run_that_is_at_work_elsewhere_keeps_what_it_stages_and_reads(workspace: Workspace):
    for model in ("m", "n"):
        with workspace.run(project="shop", keep_staging=True) as run:
            run.model(model, COUNT, "wh")
    bucket = InFolder(store(workspace), "shop")
    datasets = {key.rsplit("/", 1)[0] for key, _ in bucket.list("") if key.endswith("/_committed.json")}
    read = min(folder for folder in datasets if "/_results/" not in folder)
    with Lease(bucket, "elsewhere1") as lease:
        lease.uses(read)
        bucket.put("elsewhere1/crm/bb22/part-0-0.parquet", io.BytesIO(b"x"))
        kept = [unit for unit in clean(workspace)["units"] if unit["kept"]]
        assert {folder for unit in kept for folder in unit["folders"]} == {
            read, "elsewhere1/crm/bb22", "_leases/elsewhere1",
        }  # fmt: skip
        assert f"{read}/_committed.json" in dict(bucket.list(""))
    assert not [unit for unit in clean(workspace)["units"] if unit["kept"]]
    assert [key for key, _ in bucket.list("")] == ["_owner.json"]


def test_leases_and_ages_go_by_the_stores_clock(workspace: Workspace):
    """By that of the machine which cleans, each lease has expired, or none has and nothing is old."""
    bucket = claim(store(workspace), "shop", "shop")
    at_work, dead, ended = (f"{run}/crm/aa11" for run in ("atwork1", "dead2", "ended3"))
    with Lease(bucket, "atwork1"):
        for ahead, older_than in ((600.0, ()), (-600.0, ("--older-than", "0h"))):
            Lease(bucket, "dead2").close(leaves=True)
            for folder in (at_work, dead, ended):
                bucket.put(f"{folder}/part-0-0.parquet", io.BytesIO(b"x"))
            units = clean(workspace, *older_than, ahead=ahead)["units"]
            kept = {folder for unit in units if unit["kept"] for folder in unit["folders"]}
            assert kept == {at_work, "_leases/atwork1"}, units
            left = {key.rpartition("/")[0] for key, _ in bucket.list("")}
            assert left == {"", at_work, "_leases/atwork1"}


def test_datasets_are_copied_to_another_bucket_and_compared_the_second_time(workspace: Workspace):
    with workspace.run(project="shop", keep_staging=True) as run:
        run.model("m", COUNT, "wh")
    lake = InFolder(store(workspace), "shop")
    local = workspace.root / ".dvt" / "staging"
    for was_there in (False, True):
        command = [*DVT, "bucket", "copy", "lake", "local", "--json", "--profiles-dir", str(workspace.root)]
        ended = subprocess.run(command, cwd=workspace.root, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        copied = json.loads(ended.stdout)["datasets"]
        assert [dataset["was_there"] for dataset in copied] == [was_there]
    for key, size in lake.list(copied[0]["folder"]):
        with lake.get(key) as data:
            assert (local / key).read_bytes() == data.read()
        assert (local / key).stat().st_size == size
    assert (local / copied[0]["folder"] / "_committed.json").exists()
    assert not list(local.rglob("_results"))
