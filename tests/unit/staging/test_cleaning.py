"""A clean deletes what its plan says, whole, and touches nothing else."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from dvt.core.errors import BucketBusy
from dvt.staging.housekeeping.cleaning import clean
from dvt.staging.in_folder import InFolder
from dvt.testing.memory_bucket import InMemoryBucket
from tests.local_bucket import local_bucket
from tests.unit.staging.hostile import Maker

OTHERS = (
    "sho/x/crm/aa11/_committed.json",
    "shop2/x/crm/aa11/_committed.json",
    "shop-x/_owner.json",
    "x/_committed.json",
)
"""Objects of others, some in folders whose names begin as the project's does."""
OLD = 100 * 3600.0
DATASET = (
    "run1/crm/aa11/part-0-0.parquet",
    "run1/crm/aa11/part-0-1.parquet",
    "run1/crm/aa11/_committed.json",
)
STATE = "_state/crm/t/x/state.json"


class Place:
    """A bucket whose objects have the ages that a test gives them."""

    def __init__(self, kind, root):
        self.root = root if kind == "filesystem" else None
        self.whole = local_bucket(root) if self.root else InMemoryBucket()
        self.own = InFolder(self.whole, "shop")
        for key in OTHERS:
            self.put(key, OLD, b"theirs")
        self.put("shop/_owner.json", OLD, b'{"project": "shop"}')

    def put(self, key, age, content=b"x"):
        """Put an object, as of some seconds ago."""
        when = datetime.now(UTC) - timedelta(seconds=age)
        if self.root is None:
            self.whole._objects[key] = (content, when)
            return
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (when.timestamp(), when.timestamp()))

    def remove(self, key):
        """Remove an object, as the beginning of a folder's deletion does."""
        if self.root is None:
            del self.whole._objects[key]
        else:
            (self.root / key).unlink()

    def all_keys(self):
        return {key for key, _ in self.whole.list("")}


@pytest.fixture(params=["memory", "filesystem"])
def place(request, tmp_path):
    return Place(request.param, tmp_path / "bucket")


def no_runs():
    return {}


def deleted(plan):
    return {f"shop/{stored.key}" for unit in plan.deleted for part in unit.parts for stored in part.objects}


def lease(run, *uses, seconds=600.0):
    return json.dumps({"format": 1, "run": run, "seconds": seconds, "uses": list(uses)}).encode()


def check(case, place):
    """Clean a case, first by a dry run."""
    for key, content in case.content.items():
        place.put(f"shop/{key}", case.ages[key], content)
    before = place.all_keys()
    runs = lambda: case.runs  # noqa: E731
    planned = clean(place.own, runs, older_than=case.older_than, dry_run=True)
    assert place.all_keys() == before
    done = clean(place.own, runs, older_than=case.older_than)
    gone = before - place.all_keys()
    assert place.all_keys() <= before
    assert done.failure is None
    assert gone == deleted(planned) == deleted(done) == {f"shop/{key}" for key in case.goes}
    assert [(unit.folder.path, bool(unit.reason)) for unit in done.units] == [
        (unit.folder.path, bool(unit.reason)) for unit in planned.units
    ]
    named = {f"shop/{stored.key}" for stored in done.foreign}
    kept = {f"shop/{stored.key}" for unit in done.kept for part in unit.parts for stored in part.objects}
    assert named | kept | {*OTHERS, "shop/_owner.json"} == place.all_keys()
    assert not clean(place.own, runs, older_than=case.older_than, dry_run=True).deleted


@pytest.mark.parametrize("seed", range(60))
def test_made_up_folders_lose_what_the_plan_says(seed, tmp_path):
    check(Maker(seed).make(), Place("memory", tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["memory", "filesystem"])
def test_a_thousand_made_up_folders_lose_what_the_plan_says(kind, tmp_path):
    for seed in range(1000, 1000 + (800 if kind == "memory" else 200)):
        try:
            check(Maker(seed).make(), Place(kind, tmp_path / str(seed)))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error


def stage(place, *, state=True, age=OLD):
    for key in DATASET:
        place.put(f"shop/{key}", age)
    if state:
        place.put(f"shop/{STATE}", age, json.dumps({"dataset": "run1/crm/aa11"}).encode())


class Faulty:
    """A bucket that does something before it deletes below a prefix."""

    def __init__(self, bucket, prefix, act):
        self._bucket, self._prefix, self._act = bucket, prefix, act

    def __getattr__(self, name):
        return getattr(self._bucket, name)

    def delete(self, prefix):
        if prefix.startswith(self._prefix):
            self._act()
        self._bucket.delete(prefix)


class Killed(BaseException):
    """The process is killed."""


def test_a_dataset_and_its_state_have_the_age_of_the_newest_member(place):
    stage(place)
    place.put(f"shop/{STATE}", 3600.0, json.dumps({"dataset": "run1/crm/aa11"}).encode())
    plan = clean(place.own, no_runs, older_than=timedelta(hours=24))
    assert [unit.reason for unit in plan.units] == ["its newest object is 1 h old"]
    plan = clean(place.own, no_runs, older_than=timedelta(hours=1))
    assert [len(unit.parts) for unit in plan.deleted] == [2]
    assert place.all_keys() == {*OTHERS, "shop/_owner.json"}


def test_a_run_that_begins_to_read_meanwhile_keeps_its_dataset(place):
    stage(place)
    read = lease("run2", "run1/crm/aa11")
    bucket = Racing(place.own, lambda: place.put("shop/_leases/run2/lease.json", 0, read))
    plan = clean(bucket, no_runs)
    assert [unit.reason for unit in plan.units] == ["a run began to read it meanwhile"]
    assert {f"shop/{key}" for key in (*DATASET, STATE)} <= place.all_keys()
    assert not [key for key in place.all_keys() if "_deleting" in key]


class Racing:
    """A bucket in which a run begins as soon as somebody says that a dataset is being deleted."""

    def __init__(self, bucket, act):
        self._bucket, self._act = bucket, act

    def __getattr__(self, name):
        return getattr(self._bucket, name)

    def put_once(self, key, data):
        self._bucket.put_once(key, data)
        if key.startswith("_deleting/"):
            self._act()


def test_what_a_run_begins_to_stage_during_a_clean_stays(place):
    stage(place, state=False)
    began = []

    def begin():
        place.put("shop/_leases/run2/lease.json", 0, lease("run2"))
        place.put("shop/run2/crm/bb22/part-0-0.parquet", 0)
        began.append(True)
        return {}

    clean(place.own, begin)
    assert began
    assert "shop/run2/crm/bb22/part-0-0.parquet" in place.all_keys()


def test_a_run_that_begins_while_the_objects_are_listed_keeps_what_it_stages(place):
    stage(place, state=False)
    result = "shop/run2/_results/x-0/part-0-0.parquet"

    class Listed(Faulty):
        lists = 0

        def objects(self, prefix):
            self.lists += not prefix
            if self.lists == 2 and not prefix:  # the first one is only whether there is anything
                place.put("shop/_leases/run2/lease.json", 0, lease("run2"))
                place.put(result, 0)
            return self._bucket.objects(prefix)

    clean(Listed(place.own, "none", None), no_runs)
    assert result in place.all_keys()
    assert not [key for key in place.all_keys() if key.startswith("shop/run1")]


def test_a_lease_that_cannot_be_read_keeps_everything_while_it_is_young(place):
    stage(place)
    place.put("shop/_leases/run2/lease.json", 60.0, b"{of a later version}")
    plan = clean(place.own, no_runs)
    assert not plan.deleted
    place.put("shop/_leases/run2/lease.json", 700.0, b"{of a later version}")
    clean(place.own, no_runs)
    assert place.all_keys() == {*OTHERS, "shop/_owner.json"}


@pytest.mark.parametrize("at", ["_deleting/", "run1/"])
def test_a_clean_that_is_killed_leaves_no_half_dataset_and_the_next_finishes(place, at):
    stage(place)

    def die():
        if at == "run1/":
            place.remove(f"shop/{DATASET[0]}")
        raise Killed

    with pytest.raises(Killed):
        clean(Faulty(place.own, at, die), no_runs)
    (record,) = [key for key in place.all_keys() if key.startswith("shop/_deleting/")]
    with place.whole.get(record) as data:  # for every reader, the dataset does not exist
        assert json.loads(data.read())["folder"] == "run1/crm/aa11"
    clean(place.own, no_runs, older_than=timedelta(days=9))
    left = place.all_keys() - {*OTHERS, "shop/_owner.json"}
    assert not {key for key in left if key.startswith(("shop/run1", "shop/_deleting"))}


def test_a_state_that_has_got_another_dataset_meanwhile_stays(place):
    stage(place, state=False)
    place.put(f"shop/{STATE}", OLD, json.dumps({"dataset": "gone/crm/aa11"}).encode())

    def replace():
        place.put(f"shop/{STATE}", 0, json.dumps({"dataset": "run2/crm/bb22"}).encode())
        place.put("shop/run2/crm/bb22/_committed.json", 0)

    plan = clean(Faulty(place.own, "run1/", replace), no_runs)
    assert [unit.reason for unit in plan.kept] == ["it was replaced meanwhile, and names run2/crm/bb22"]
    assert f"shop/{STATE}" in place.all_keys()


def test_a_bucket_that_fails_is_told_with_what_was_done_before(place):
    stage(place)
    place.put("shop/run2/_results/x-0/_committed.json", OLD)

    def fail():
        raise BucketBusy("lake", "there", "deleting", "SlowDown")

    plan = clean(Faulty(place.own, "run2/", fail), no_runs)
    assert isinstance(plan.failure, BucketBusy)
    assert deleted(plan) == {f"shop/{key}" for key in (*DATASET, STATE)}
    assert "shop/run2/_results/x-0/_committed.json" in place.all_keys()
    assert [unit.reason for unit in plan.kept] == ["the bucket failed"]


def test_an_empty_folder_is_not_written_to(place):
    before = place.all_keys()
    assert clean(place.own, no_runs).units == ()
    assert place.all_keys() == before
    if place.root:
        assert sorted(path.name for path in (place.root / "shop").iterdir()) == ["_owner.json"]


def test_links_are_not_followed_and_other_names_of_a_file_stay(tmp_path):
    place = Place("filesystem", tmp_path / "bucket")
    stage(place)
    precious = tmp_path / "precious"
    (precious / "crm" / "aa11").mkdir(parents=True)
    kept = [precious / "crm" / "aa11" / "_committed.json", precious / "rows.csv"]
    for file in kept:
        file.write_bytes(b"dear")
    own = tmp_path / "bucket" / "shop"
    (own / "run7").symlink_to(precious)
    (own / "run1" / "link").symlink_to(precious)
    (own / "run1" / "crm" / "aa11" / "rows").symlink_to(precious / "rows.csv")
    (own / "_state" / "out").symlink_to(precious)
    os.link(own / DATASET[0], tmp_path / "other name")
    clean(place.own, no_runs)
    assert [file.read_bytes() for file in kept] == [b"dear"] * 2
    assert (tmp_path / "other name").read_bytes() == b"x"
    assert (own / "run7").is_symlink()
    assert not (own / DATASET[0]).exists()


def test_what_a_killed_writer_left_goes_with_its_run(tmp_path):
    place = Place("filesystem", tmp_path / "bucket")
    stage(place)
    begun = tmp_path / "bucket" / "shop" / "run1" / "crm" / "bb22" / ".part-0-0.parquet.1234.new"
    begun.parent.mkdir()
    begun.write_bytes(b"half")
    clean(place.own, no_runs)
    assert not (tmp_path / "bucket" / "shop" / "run1").exists()
