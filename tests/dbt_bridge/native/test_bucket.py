"""`dvt bucket copy` as a command: what it says, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dvt import dvtRunner
from dvt.core.errors import DatasetUnknown, FolderNotOwned, UnknownBucket
from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow

DATASET = "r1/crm/aa11"


@pytest.fixture
def staged(shop: Project) -> Project:
    entries = {
        name: {"type": "filesystem", "path": str(shop.root / "buckets" / name)} for name in ("lake", "disk")
    }
    shop.write("buckets.yml", {"shop": {"target": "lake", "buckets": entries}})
    shop.write("buckets/lake/shop/_owner.json", json.dumps({"project": "shop"}))
    shop.write(f"buckets/lake/shop/{DATASET}/part-0-0.parquet", "rows")
    marker = {"rows": 1, "files": ["part-0-0.parquet"]}
    shop.write(f"buckets/lake/shop/{DATASET}/_committed.json", json.dumps(marker))
    return shop


def copy(shop: Project, *args: str) -> Any:
    events: list[Any] = []
    folders = ["--project-dir", str(shop.root), "--profiles-dir", str(shop.root)]
    result = dvtRunner(callbacks=[events.append]).invoke(["bucket", "copy", *args, *folders])
    shop.events = [event.info.msg for event in events if event.info.level in ("info", "warn", "error")]
    return result


def error_of(result: Any) -> Any:
    return getattr(result.exception, "error", result.exception)


def test_it_says_what_was_copied(staged: Project) -> None:
    assert copy(staged, "lake", "disk").success
    assert staged.events[-2:] == [
        f"Copied: {DATASET} (2 objects, 46 B)",
        "Copied from lake to disk: 1 dataset, 46 B",
    ]
    assert copy(staged, "lake", "disk", "--dataset", "r1").success
    assert staged.events[-2:] == [
        f"Already there: {DATASET} (2 objects, 46 B)",
        "Copied from lake to disk: 0 datasets, 0 B",
    ]
    disk = staged.root / "buckets" / "disk" / "shop"
    assert json.loads((disk / "_owner.json").read_text())["project"] == "shop"
    assert (disk / DATASET / "part-0-0.parquet").read_text() == "rows"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("lake", "nowhere"), UnknownBucket),
        (("nowhere", "lake"), UnknownBucket),
        (("disk", "lake"), DatasetUnknown),
        (("lake", "disk", "--dataset", "r2"), DatasetUnknown),
    ],
)
def test_wrong_names_are_errors(staged: Project, args: tuple[str, ...], error: type[Exception]) -> None:
    assert isinstance(error_of(copy(staged, *args)), error)


def test_another_projects_folder_is_not_written_to(staged: Project) -> None:
    staged.write("buckets/disk/shop/_owner.json", json.dumps({"project": "other"}))
    assert isinstance(error_of(copy(staged, "lake", "disk")), FolderNotOwned)
    files = [path.name for path in (staged.root / "buckets" / "disk").rglob("*") if path.is_file()]
    assert files == ["_owner.json"]
