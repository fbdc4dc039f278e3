"""Finders see every file once, follow no link, and say of each what keeps it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dvt.core.file_names import as_text
from dvt.core.retention import HoldCode, Status
from dvt.lifecycle.find.files import FileFinder
from dvt.lifecycle.find.places import MARKER, Contents, Place, mark
from dvt.runs.operations import Process

OPERATIONS = Contents(
    data_types=("pipeline_operations", "completed_operations", "failed_operations"),
    operations=True,
    files=("operation_*.json",),
)
NOW = 0


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "ops"
    folder.mkdir()
    mark(Place(path=folder))
    return folder


EXPORTS = Contents(data_types=("exports",), recursive=True)


def finder(root, contents=EXPORTS, **place):
    return FileFinder([Place(path=root, contents=[contents], **place)])


def found(root, *arguments, **keywords):
    return {os.path.relpath(item.key, root): item for item in finder(root, *arguments, **keywords).find(NOW)}


def holds(item):
    return {hold.code for hold in item.holds}


def operation(root, name, **keys):
    content = {"operation_id": name, "pipeline_name": "daily", **keys}
    (root / f"operation_{name}.json").write_text(json.dumps(content))


def test_each_file_is_found_once_with_its_times(root):
    (root / "a.csv").write_bytes(b"12345")
    (root / "deep/er").mkdir(parents=True)
    (root / "deep/er/b.csv").touch()
    os.utime(root / "a.csv", ns=(7, 5_000))
    items = list(finder(root).find(NOW))
    assert sorted(item.key for item in items) == [str(root / "a.csv"), str(root / "deep/er/b.csv")]
    (item,) = (item for item in items if item.key.endswith("a.csv"))
    status = (root / "a.csv").stat()
    assert (item.bytes, item.modified, item.changed, item.recorded) == (5, 5_000, status.st_ctime_ns, None)
    assert (item.root, item.data_type, item.status, item.holds) == (str(root), "exports", None, ())


def test_only_names_that_fit_are_items(root):
    for name in ("a.csv", "b.CSV", "c.csv.gz"):
        (root / name).touch()
    (root / "deep").mkdir()
    (root / "deep/d.csv").touch()
    assert set(found(root, Contents(data_types=("x",), files=("*.csv",)))) == {"a.csv"}


def test_hostile_names_are_read_back(root):
    names = [b"new\nline", b"-rf", b"\xff\xfe", b"x" * 255, "\u202egnp.exe".encode(), b"back\\slash", b" "]
    for name in names:
        (root / os.fsdecode(name)).touch()
    keys = {item.key for item in finder(root).find(NOW)}
    assert keys == {as_text(os.fsencode(root) + b"/" + name) for name in names}
    looked = finder(root).look(list(finder(root).find(NOW)), NOW)
    assert {item and item.key for item in looked} == keys


def test_links_are_items_that_stay_and_lead_nowhere(root, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").touch()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "dangling").symlink_to("nowhere")
    items = found(root)
    assert set(items) == {"link", "dangling"}
    assert all(holds(item) == {HoldCode.SPECIAL} for item in items.values())


def test_what_is_no_file_stays(root, monkeypatch):
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(root)
        listener.bind("socket")
    items = found(root)
    assert {name: item.holds[0].detail for name, item in items.items()} == {
        "pipe": "it is no file but a pipe",
        "socket": "it is no file but a socket",
    }


def test_a_file_with_several_names_stays(root, tmp_path):
    (root / "a").touch()
    os.link(root / "a", tmp_path / "elsewhere")
    assert holds(found(root)["a"]) == {HoldCode.HARD_LINKED}


def test_a_file_that_is_open_or_locked_stays(root):
    for name in ("open", "locked", "free"):
        (root / name).touch()
    with (root / "open").open(), (root / "locked").open("w") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        items = found(root)
    assert holds(items["open"]) == {HoldCode.OPEN}
    assert holds(items["locked"]) == {HoldCode.OPEN, HoldCode.LOCKED}
    assert holds(items["free"]) == set()
    assert f"process {os.getpid()} has it open" in {hold.detail for hold in items["open"].holds}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_of_somebody_else_stays_unless_it_may_go(root):
    (root / "a").touch()
    os.chown(root / "a", 12345, -1)
    assert holds(found(root)["a"]) == {HoldCode.FOREIGN}
    assert holds(found(root, foreign=True)["a"]) == set()


def test_a_folder_without_a_marker_is_not_looked_into(tmp_path):
    (tmp_path / "a").touch()
    unmarked = finder(tmp_path)
    assert list(unmarked.find(NOW)) == []
    assert "has no marker .dvt-lifecycle.json" in str(unmarked.problems[0])
    mark(Place(path=tmp_path))
    assert [item.key for item in unmarked.find(NOW)] == [str(tmp_path / "a")]
    assert unmarked.problems == ()
    assert not mark(Place(path=tmp_path))


def test_a_marker_that_is_a_link_is_none(root, tmp_path):
    (root / "a").touch()
    (root / os.fsdecode(MARKER)).rename(tmp_path / "marker")
    (root / os.fsdecode(MARKER)).symlink_to(tmp_path / "marker")
    assert found(root) == {}


def test_dvts_own_folders_need_no_marker(tmp_path):
    folder = tmp_path / ".dvt/operations"
    folder.mkdir(parents=True)
    operation(folder, "1", status="completed")
    assert set(found(folder, OPERATIONS)) == {"operation_1.json"}


def test_without_a_marker_only_what_is_surely_an_operation_is_found(tmp_path):
    operation(tmp_path, "1", status="completed")
    (tmp_path / "operation_2.json").write_text('{"mine": true}')
    (tmp_path / "operation_3.json").write_text("{")
    (tmp_path / "thesis.txt").touch()
    assert set(found(tmp_path, OPERATIONS, unmarked=True)) == {"operation_1.json"}
    assert set(found(tmp_path, unmarked=True)) == set()


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    missing = finder(tmp_path / "none")
    assert list(missing.find(NOW)) == []
    assert missing.problems == ()


def test_the_quarantine_is_not_looked_into(root):
    (root / ".dvt-quarantine/run").mkdir(parents=True)
    (root / ".dvt-quarantine/run/a").touch()
    assert found(root) == {}


def test_a_folder_that_cannot_be_seen_is_told():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        mark(Place(path=root))
        (root / "secret").mkdir(mode=0)
        with somebody():
            seen = found(root, foreign=True)
        assert holds(seen["secret"]) == {HoldCode.UNREADABLE}


@contextmanager
def somebody():
    """Be a user who may not look everywhere, as root may."""
    own = os.geteuid()
    os.seteuid(own or 12345)
    try:
        yield
    finally:
        os.seteuid(own)


def test_a_tree_that_is_too_deep_is_told(root):
    folder = root
    for _ in range(230):
        folder /= "d"
        folder.mkdir()
    (item,) = finder(root).find(NOW)
    assert item.holds[0].detail == "it is below 200 folders"


def test_groups_are_folders_or_names(root):
    (root / "sub").mkdir()
    for name in ("dbt.log", "dbt.log.1", "sales_2026-01.csv", "sub/sales_2026-02.csv"):
        (root / name).touch()
    by_name = found(root, Contents(data_types=("x",), recursive=True, group_by="name"))
    assert {name: item.group for name, item in by_name.items()} == {
        "dbt.log": "dbt",
        "dbt.log.1": "dbt",
        "sales_2026-01.csv": "sales",
        "sub/sales_2026-02.csv": "sales",
    }
    by_folder = found(root, Contents(data_types=("x",), recursive=True, group_by="folder"))
    assert {item.group for item in by_folder.values()} == {".", "sub"}


@pytest.mark.parametrize(
    ("status", "expected", "data_type"),
    [
        ("completed", Status.COMPLETED, "completed_operations"),
        ("failed", Status.FAILED, "failed_operations"),
        ("error", Status.FAILED, "failed_operations"),
        ("cancelled", Status.CANCELLED, "pipeline_operations"),
        ("paused", Status.UNKNOWN, "pipeline_operations"),
        (None, Status.UNKNOWN, "pipeline_operations"),
        (["completed"], Status.UNKNOWN, "pipeline_operations"),
        ("running", Status.RUNNING, "pipeline_operations"),
    ],
)
def test_an_operation_is_of_the_data_type_of_its_status(root, status, expected, data_type):
    operation(root, "1", status=status)
    item = found(root, OPERATIONS)["operation_1.json"]
    assert (item.status, item.data_type, item.group) == (expected, data_type, "daily")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", '{"status": "completed"}', "[" * 100_000, '{"operation_id": 3}']
)
def test_what_is_no_operation_is_held(root, content):
    (root / "operation_1.json").write_text(content)
    item = found(root, OPERATIONS)["operation_1.json"]
    assert (item.status, holds(item)) == (Status.UNKNOWN, {HoldCode.UNREADABLE})


def test_the_younger_of_recorded_times_counts(root):
    operation(
        root, "1", status="completed", start_time="2026-01-01T00:00:00Z", end_time="2026-01-02T01:00:00+01:00"
    )
    expected = datetime(2026, 1, 2, tzinfo=UTC).timestamp() * 10**9
    assert found(root, OPERATIONS)["operation_1.json"].recorded == expected


def test_a_time_without_a_zone_is_taken_for_the_latest_that_it_can_mean(root):
    operation(root, "1", status="completed", end_time="2026-01-02T00:00:00")
    expected = datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp() * 10**9
    assert found(root, OPERATIONS)["operation_1.json"].recorded == expected


@pytest.mark.parametrize("time", ["yesterday", 3, None, "9999-99-99", ""])
def test_a_time_that_is_none_is_not_recorded(root, time):
    operation(root, "1", status="completed", start_time=time)
    assert found(root, OPERATIONS)["operation_1.json"].recorded is None


def process(**other):
    this = Process.this()
    started = datetime.fromtimestamp(this.started, UTC).isoformat()
    keys = {"pid": this.pid, "process_start_time": started, "host": this.host, "boot_id": this.boot}
    return {**keys, **other}


def test_a_running_operation_is_held_while_its_process_may_live(root):
    operation(root, "alive", status="running", **process())
    operation(root, "dead", status="running", **process(process_start_time="2026-01-01T00:00:00Z"))
    operation(root, "elsewhere", status="running", **process(host="other", boot_id="other"))
    items = found(root, OPERATIONS)
    assert items["operation_alive.json"].holds[0].detail == f"process {os.getpid()} is running it"
    assert items["operation_elsewhere.json"].holds[0].detail == "it says that it is running on other"
    assert (items["operation_dead.json"].status, items["operation_dead.json"].holds) == (Status.FAILED, ())


def test_a_lock_says_that_an_operation_runs_whatever_its_process_is_called(root):
    operation(root, "1", status="running", **process(process_start_time="2026-01-01T00:00:00Z"))
    (root / "running").mkdir()
    with (root / "running/operation_1.lock").open("w") as lock:
        assert found(root, OPERATIONS)["operation_1.json"].status is Status.FAILED
        fcntl.flock(lock, fcntl.LOCK_EX)
        item = found(root, OPERATIONS)["operation_1.json"]
    assert (item.status, holds(item)) == (Status.RUNNING, {HoldCode.RUNNING})


def test_look_sees_what_is_there_now(root):
    for name in ("same", "grown", "replaced", "gone", "folder", "linked"):
        (root / name).touch()
    before = {item.key.rpartition("/")[2]: item for item in finder(root).find(NOW)}
    (root / "grown").write_text("more")
    (root / "new").touch()
    (root / "new").replace(root / "replaced")
    (root / "gone").unlink()
    (root / "folder").unlink()
    (root / "folder").mkdir()
    (root / "linked").unlink()
    (root / "linked").symlink_to("same")
    names = list(before)
    after = dict(zip(names, finder(root).look([before[name] for name in names], NOW), strict=True))
    assert after["same"] == before["same"]
    assert after["gone"] is None
    for name in ("grown", "replaced"):
        assert after[name].identity != before[name].identity
    assert all(after[name].holds for name in ("folder", "linked"))


def test_look_enters_no_folder_that_has_become_a_link(root, tmp_path):
    (root / "sub").mkdir()
    (root / "sub/a").touch()
    items = list(finder(root).find(NOW))
    (root / "sub").rename(tmp_path / "moved")
    (root / "sub").symlink_to(tmp_path / "moved")
    assert finder(root).look(items, NOW) == [None]


def test_items_of_places_that_are_not_known_are_gone(root, tmp_path):
    (root / "a").touch()
    (item,) = finder(root).find(NOW)
    assert finder(tmp_path / "other").look([item], NOW) == [None]


def test_folders_to_avoid_and_other_places_are_not_entered(root):
    for name in ("a", "vault/b", "own/c", "own/deep/d"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    mark(Place(path=root / "own"))
    inner = Contents(data_types=("inner",), recursive=True)
    places = [Place(path=root, contents=[EXPORTS]), Place(path=root / "own", contents=[inner])]
    items = list(FileFinder(places, avoid=[root / "vault"]).find(NOW))
    assert {item.key.removeprefix(f"{root}/"): item.data_type for item in items} == {
        "a": "exports",
        "own/c": "inner",
        "own/deep/d": "inner",
    }
    assert len(items) == 3


def test_operations_of_other_data_types_are_none(root):
    operation(root, "1", status="completed")
    operation(root, "2", status="failed")
    failed = Contents(data_types=("failed_operations",), operations=True)
    assert set(found(root, failed)) == {"operation_2.json"}


def test_a_sparse_file_has_the_bytes_that_its_deletion_frees(root):
    with (root / "sparse").open("wb") as file:
        file.truncate(10**9)
    assert found(root)["sparse"].bytes < 10**6


def test_the_times_of_now_do_not_matter(root):
    (root / "a").touch()
    os.utime(root / "a", (0, datetime.now(UTC).timestamp() + timedelta(days=900).total_seconds()))
    assert found(root)["a"].modified > 0


def test_a_folder_that_comes_between_two_halves_moves_no_other_one(root):
    for name in "abcd":
        (root / name).mkdir()
        (root / name / "1.csv").touch()
    first, second = finder(root).halves()
    keys = [item.key for item in first.find(NOW)]
    (root / "a0").mkdir()
    keys += [item.key for item in second.find(NOW)]
    assert sorted(keys) == [f"{root}/{name}/1.csv" for name in "abcd"]


def test_a_folder_that_is_too_deep_to_be_one_item_is_told(root):
    (root / "/".join("d" * 105)).mkdir(parents=True)
    (item,) = finder(root, Contents(data_types=("exports",), folders="any")).find(NOW)
    assert item.holds[0].detail == "the folder: there are more than 100 folders within each other"
