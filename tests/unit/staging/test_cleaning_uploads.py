"""A clean removes what killed writers have left of objects, and nothing that may still be written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dvt.core.errors import BucketRefused
from dvt.staging.housekeeping.clean_report import CleanedBucket, as_lines, as_object
from dvt.staging.housekeeping.cleaning import clean
from tests.unit.staging.test_cleaning import DATASET, OLD, OTHERS, STATE, Faulty, Place, lease, no_runs, stage


def begin_putting(place, key, age):
    """Leave what a writer has left that was killed while it put an object."""
    folder, _, name = key.rpartition("/")
    place.put(f"{folder}/.{name}.0123abcd.new", age)


def unfinished(place):
    return sorted(f"shop/{upload.key}" for upload in place.own.uploads(""))


@pytest.fixture
def disk(tmp_path):
    return Place("filesystem", tmp_path / "bucket")


def test_unfinished_uploads_of_runs_that_are_over_go_however_young_they_are(disk):
    begin_putting(disk, f"shop/{DATASET[0]}", 1)
    begin_putting(disk, "shop/run2/_results/x-0/part-0-0.parquet", OLD)
    planned = clean(disk.own, no_runs, dry_run=True)
    assert [str(unit.folder.kind) for unit in planned.deleted] == ["unfinished upload"] * 2
    assert len(unfinished(disk)) == 2
    assert len(clean(disk.own, no_runs).deleted) == 2
    assert unfinished(disk) == []
    assert sorted(path.name for path in (disk.root / "shop").iterdir()) == ["_owner.json"]


def test_unfinished_uploads_of_what_a_lease_covers_stay(disk):
    begin_putting(disk, "shop/run1/crm/aa11/part-0-0.parquet", OLD)
    begin_putting(disk, "shop/run2/crm/bb22/part-0-0.parquet", OLD)
    begin_putting(disk, "shop/run3/crm/cc33/part-0-0.parquet", OLD)
    disk.put("shop/_leases/run1/lease.json", 1, lease("run1"))
    disk.put("shop/_leases/copy-1/lease.json", 1, lease("copy-1", "run2/crm/bb22"))
    plan = clean(disk.own, lambda: {"run3": True})
    kept = {unit.folder.path: unit.reason for unit in plan.kept if unit.folder.upload}
    assert kept == {
        "run1/crm/aa11/part-0-0.parquet": "run run1 is at work on an unknown machine, since ",
        "run2/crm/bb22/part-0-0.parquet": "run copy-1 reads it on an unknown machine",
        "run3/crm/cc33/part-0-0.parquet": "run run3 is at work on this machine",
    }
    assert len(unfinished(disk)) == 3


@pytest.mark.parametrize(
    "key", [STATE, "_leases/run9/lease.json", "_deleting/a1/dataset.json", "_owner.json"]
)
def test_unfinished_uploads_in_no_runs_folder_stay_until_their_writer_is_dead(disk, key):
    begin_putting(disk, f"shop/{key}", 500.0)
    (unit,) = clean(disk.own, no_runs).kept
    assert unit.reason == "it is 8 min old"
    begin_putting(disk, f"shop/{key}", 700.0)
    assert not clean(disk.own, no_runs).kept
    assert unfinished(disk) == []


def test_a_young_unfinished_upload_stays_where_only_what_is_old_is_cleaned(disk):
    begin_putting(disk, f"shop/{DATASET[0]}", 3600.0)
    (unit,) = clean(disk.own, no_runs, older_than=timedelta(hours=2)).kept
    assert unit.reason == "its newest object is 1 h old"
    assert clean(disk.own, no_runs, older_than=timedelta(minutes=30)).deleted
    assert unfinished(disk) == []


@pytest.mark.parametrize("key", ["notes.txt", "run1/crm/aa11/rows.csv", "run1/part-0-0.parquet", "_state/x"])
def test_unfinished_uploads_of_others_are_not_dvts(disk, key):
    begin_putting(disk, f"shop/{key}", OLD)
    begin_putting(disk, f"shop2/{DATASET[0]}", OLD)
    plan = clean(disk.own, no_runs)
    assert (plan.units, plan.foreign) == ((), ())
    assert {upload.key for upload in disk.whole.uploads("")} == {f"shop/{key}", f"shop2/{DATASET[0]}"}


def test_what_may_not_be_listed_is_told_and_the_rest_is_cleaned(disk):
    class Secretive(Faulty):
        def uploads(self, prefix):
            raise BucketRefused("lake", "s3://lake", "listing", "s3:ListBucketMultipartUploads")

        def abort(self, upload):
            raise AssertionError

    stage(disk)
    plan = clean(Secretive(disk.own, "none", None), no_runs)
    assert isinstance(plan.refusal, BucketRefused)
    assert plan.failure is None
    assert disk.all_keys() == {*OTHERS, "shop/_owner.json"}
    (told,) = [line for line in as_lines(cleaned(plan)) if "uploads" in line]
    assert "s3:ListBucketMultipartUploads" in told
    refusal = as_object([cleaned(plan)])["buckets"][0]["uploads_not_listed"]
    assert "s3:ListBucketMultipartUploads" in refusal["hint"]


def cleaned(plan):
    return CleanedBucket(profile="shop", bucket="lake", dry_run=False, plan=plan)
