"""A writer that is killed in the middle of a large object: what it has left is told, and cleaned."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from dvt.app.buckets import open_bucket
from dvt.app.clean import clean_buckets
from dvt.app.debug import diagnose
from dvt.config.buckets import load_buckets
from dvt.core.housekeeping import CleanRequest, ProjectPlace, WantedOutputs
from dvt.core.ports.staging import HasUploads
from dvt.staging.housekeeping.clean_report import as_lines, as_object
from dvt.staging.in_folder import InFolder
from tests.acceptance.test_stores import SERVERS, settings_of

pytestmark = pytest.mark.slow

KEY = "run7/crm/aa11/part-0-0.parquet"
BYTES = 40 * 2**20
WHOLE = (0, BYTES)
"""What is told of an upload whose parts are all there: HDFS knows no length of an open file."""
NEIGHBOUR = "shop2"
"""Another project's folder, whose name begins as this one's."""
TELLING = ["filesystem", *sorted(SERVERS.keys() - {"gcs"})]
"""Types of buckets that tell of unfinished uploads."""
WRITER = f"""
import sys, time
from pathlib import Path
from dvt.app.buckets import open_bucket
from dvt.config.buckets import load_buckets
from dvt.staging.in_folder import InFolder
from dvt.staging.leases import Lease

root, folder = Path(sys.argv[1]), sys.argv[2]
bucket = InFolder(open_bucket(load_buckets("shop", root, home=root).get("lake"), root), folder)
lease = Lease(bucket, "run7")

class Stream:
    left = {BYTES}

    def read(self, size):
        if not self.left:
            print("begun", flush=True)
            time.sleep(600)
        piece = min(size, self.left)
        self.left -= piece
        return bytes(piece)

bucket.put("run7/crm/aa11/part-0-0.parquet", Stream())
"""


@pytest.fixture(params=["filesystem", *sorted(SERVERS)])
def root(request: pytest.FixtureRequest, tmp_path: Path, stores: Callable[[str], Any]) -> Path:
    entry: dict[str, Any] = {"type": request.param, "prefix": "of dvt"}
    if request.param == "filesystem":
        entry["path"] = str(tmp_path / "lake")
    else:
        entry |= settings_of(request.param, stores(SERVERS[request.param]))
    content = {"shop": {"target": "lake", "buckets": {"lake": entry}}}
    (tmp_path / "buckets.yml").write_text(yaml.safe_dump(content))
    for name in ("shop", NEIGHBOUR):
        folder(tmp_path, name).put_once("_owner.json", json.dumps({"project": name}).encode())
    return tmp_path


def place(root: Path) -> ProjectPlace:
    return ProjectPlace(project_dir=root, project="shop", profiles_dir=root, profile="shop")


def folder(root: Path, name: str = "shop") -> InFolder:
    return InFolder(open_bucket(load_buckets("shop", root, home=root).get("lake"), root), name)


def uploads(root: Path, name: str = "shop") -> list[Any] | None:
    begun = folder(root, name).uploads("")
    return None if begun is None else list(begun)


@contextmanager
def writer(root: Path, name: str = "shop") -> Iterator[None]:
    """Have a process put an object; it is killed when the `with` ends.

    The store has all parts by then: what comes after an abort would be a new upload.
    """
    command = [sys.executable, "-c", WRITER, str(root), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            deadline = time.monotonic() + 60
            while not all(upload.bytes in WHOLE for upload in uploads(root, name) or ()):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield
        finally:
            process.kill()


def staged(root: Path) -> Any:
    (bucket,) = [
        bucket for bucket in diagnose(place(root), WantedOutputs(target="")).buckets if bucket.name == "lake"
    ]
    return bucket.health.metrics


def clean(root: Path, *, dry_run: bool = False) -> tuple[Any, str]:
    (report,) = clean_buckets(CleanRequest(place=place(root), bucket="lake", dry_run=dry_run))
    return as_object([report])["buckets"][0], "\n".join(as_lines(report))


def end_lease(root: Path) -> None:
    """Have the writer's lease expired, as it is ten minutes after its death."""
    lease = {"format": 1, "run": "run7", "seconds": 0, "uses": []}
    folder(root).put("_leases/run7/lease.json", io.BytesIO(json.dumps(lease).encode()))


def test_what_a_killed_writer_has_left_is_told_and_cleaned(root: Path):
    with writer(root), writer(root, NEIGHBOUR):
        pass
    told = uploads(root)
    if told is None:
        assert staged(root).uploads is None
        assert not isinstance(folder(root)._bucket, HasUploads)
        return
    (upload,) = told
    assert KEY.startswith(upload.key)
    assert upload.key in (KEY, "run7/crm/aa11/")
    metrics = staged(root)
    assert (metrics.uploads, metrics.orphans, metrics.oldest_orphan) == (1, 0, None)
    (unit,) = [unit for unit in clean(root)[0]["units"] if unit["kind"] == "unfinished upload"]
    assert unit["kept"].startswith("run run7 is at work on ")
    assert uploads(root) == told

    end_lease(root)
    metrics = staged(root)
    assert (metrics.uploads, metrics.orphans) == (1, 1)
    assert (metrics.orphan_bytes, metrics.oldest_orphan) == (upload.bytes, upload.modified)
    planned, text = clean(root, dry_run=True)
    assert planned["deleted"]["unfinished_uploads"] == 1
    assert f"would delete unfinished upload {upload.key} (" in text
    assert uploads(root) == told
    assert {**clean(root)[0], "dry_run": True} == planned
    assert uploads(root) == []
    assert [key for key, _ in folder(root).list("")] == ["_owner.json"]
    assert staged(root).uploads == 0
    assert len(uploads(root, NEIGHBOUR) or ()) == 1


@pytest.mark.parametrize("root", TELLING, indirect=True)
def test_an_upload_is_cleaned_where_nothing_else_is_left(root: Path):
    with writer(root):
        pass
    folder(root).delete("_leases/run7")
    assert clean(root)[0]["deleted"]["unfinished_uploads"] == 1
    assert uploads(root) == []


@pytest.mark.parametrize("root", TELLING, indirect=True)
def test_what_is_put_meanwhile_is_not_disturbed(root: Path):
    """An upload that was aborted is over: a second abort, and one of what is whole by now, do nothing."""
    bucket = folder(root)
    with writer(root):
        (upload,) = uploads(root) or ()
    bucket.abort(upload)
    bucket.put(KEY, io.BytesIO(b"whole"))
    bucket.abort(upload)
    with bucket.get(KEY) as data:
        assert data.read() == b"whole"
    assert uploads(root) == []
