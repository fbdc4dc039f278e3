"""A dataset is copied whole, checked, and with its marker last; a copy that was cut off is taken up again."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from dvt.core.errors import BucketBusy, DatasetClash, DatasetUnknown, ObjectDamaged
from dvt.staging.housekeeping.bucket_copy import DatasetCopier, OpenFolder
from dvt.staging.housekeeping.cleaning import clean
from dvt.staging.leases import Lease
from dvt.testing.memory_bucket import InMemoryBucket
from tests.local_bucket import local_bucket

ONE, TWO, OTHER = "run1/crm/aa11", "run1/crm/bb22", "run2/erp/cc33"
PARTS = ("part-0-0.parquet", "part-0-1.parquet")


class Watched:
    """A bucket that notes what is put, and has something happen before an object is put."""

    def __init__(self, bucket):
        self._bucket = bucket
        self.put_keys = []
        self.before_put = lambda _: None

    def __getattr__(self, name):
        return getattr(self._bucket, name)

    def put(self, key, data):
        self.before_put(key)
        self._bucket.put(key, data)
        self.put_keys.append(key)

    def put_once(self, key, data):
        self._bucket.put_once(key, data)
        self.put_keys.append(key)


@pytest.fixture
def source(tmp_path):
    bucket = local_bucket(tmp_path / "source")
    for folder in (ONE, TWO, OTHER):
        stage(bucket, folder)
    bucket.put("run2/erp/dd44/part-0-0.parquet", io.BytesIO(b"not committed"))
    bucket.put("run2/_results/x-0/_committed.json", io.BytesIO(b"{}"))
    bucket.put("notes.txt", io.BytesIO(b"theirs"))
    return bucket


@pytest.fixture
def target():
    return Watched(InMemoryBucket())


def stage(bucket, folder, content=b"rows"):
    for part in PARTS:
        bucket.put(f"{folder}/{part}", io.BytesIO(content + part.encode()))
    marker = {"rows": 1, "files": list(PARTS)}
    bucket.put(f"{folder}/_committed.json", io.BytesIO(json.dumps(marker).encode()))


def copy(source, target, *wanted):
    with ExitStack() as stack:
        leases = [
            stack.enter_context(Lease(bucket, f"copy-{n}")) for n, bucket in enumerate((source, target))
        ]
        copier = DatasetCopier(OpenFolder("a", source, leases[0]), OpenFolder("b", target, leases[1]))
        return list(copier.copy(wanted))


def contents(bucket, folder=""):
    read = {}
    for key, _ in bucket.list(folder):
        with bucket.get(key) as stream:
            read[key] = stream.read()
    return read


def data(bucket):
    """Return what is in a bucket, and is no lease."""
    return {key: content for key, content in contents(bucket).items() if not key.startswith("_")}


def of_datasets(source, *folders):
    return {key: content for folder in folders for key, content in contents(source, folder).items()}


def test_files_of_later_versions_are_copied_too(source, target):
    """A state names them, and no marker."""
    added = f"{ONE}/part-run9-0-0.parquet"
    source.put(added, io.BytesIO(b"changed rows"))
    copy(source, target, ONE)
    assert data(target) == of_datasets(source, ONE)
    assert data(target)[added] == b"changed rows"


def test_all_committed_datasets_are_copied_and_nothing_else(source, target):
    copied = copy(source, target)
    assert [dataset.folder for dataset in copied] == [ONE, TWO, OTHER]
    assert data(target) == of_datasets(source, ONE, TWO, OTHER)
    assert [(dataset.objects, dataset.was_there) for dataset in copied] == [(3, False)] * 3
    assert copied[0].bytes == sum(map(len, of_datasets(source, ONE).values()))


@pytest.mark.parametrize(
    ("wanted", "folders"),
    [
        ((ONE,), (ONE,)),
        (("run1/crm/",), (ONE, TWO)),
        (("run2", TWO), (TWO, OTHER)),
        (("run1", ONE), (ONE, TWO)),
    ],
)
def test_what_is_named_is_copied(source, target, wanted, folders):
    copy(source, target, *wanted)
    assert data(target) == of_datasets(source, *folders)


@pytest.mark.parametrize(
    "wanted", ["run1/crm/aa1", "run", "run2/erp/dd44", "run2/_results", "notes.txt", "/"]
)
def test_a_name_without_a_committed_dataset_is_an_error(source, target, wanted):
    with pytest.raises(DatasetUnknown):
        copy(source, target, wanted)
    assert not data(target)


def test_the_marker_is_put_last(source, target):
    copy(source, target, ONE)
    keys = [key for key in target.put_keys if not key.startswith("_")]
    assert keys[-1] == f"{ONE}/_committed.json"
    assert len(keys) == 3


def test_a_copy_that_was_cut_off_is_no_dataset_and_is_taken_up_again(source, target):
    def fail(key):
        if key.endswith(PARTS[1]):
            raise BucketBusy("b", "there", "putting", "SlowDown")

    target.before_put = fail
    with pytest.raises(BucketBusy):
        copy(source, target, ONE)
    assert f"{ONE}/_committed.json" not in data(target)
    target.before_put = lambda _: None
    target.put_keys.clear()
    (copied,) = copy(source, target, ONE)
    assert not copied.was_there
    assert data(target) == of_datasets(source, ONE)
    keys = [key for key in target.put_keys if not key.startswith("_")]
    assert keys == [f"{ONE}/{PARTS[1]}", f"{ONE}/_committed.json"]


def test_what_is_there_is_compared_and_put_again_where_it_differs(source, target):
    copy(source, target, ONE)
    wrong = b"rowz" + PARTS[0].encode()
    target.put(f"{ONE}/{PARTS[0]}", io.BytesIO(wrong))
    (copied,) = copy(source, target, ONE)
    assert copied.was_there
    assert data(target) == of_datasets(source, ONE)


def test_another_dataset_of_the_name_is_not_overwritten(source, target):
    target.put(f"{ONE}/_committed.json", io.BytesIO(b'{"rows": 2, "files": []}'))
    with pytest.raises(DatasetClash, match=ONE):
        copy(source, target, ONE)
    assert data(target) == {f"{ONE}/_committed.json": b'{"rows": 2, "files": []}'}


def test_bytes_that_change_on_the_way_are_an_error_and_no_dataset(source, target):
    class Flipping(Watched):
        def put(self, key, data):
            content = data.read()
            super().put(key, io.BytesIO(content[:-1] + b"!" if ".parquet" in key else content))

    target = Flipping(InMemoryBucket())
    with pytest.raises(ObjectDamaged, match="reading back"):
        copy(source, target, ONE)
    assert f"{ONE}/_committed.json" not in data(target)


def test_a_file_that_is_missing_in_the_source_is_an_error(source, target):
    Path(source.uri_for("duckdb", f"{ONE}/{PARTS[0]}")).unlink()
    with pytest.raises(ObjectDamaged, match="part-0-0"):
        copy(source, target, ONE)
    assert f"{ONE}/_committed.json" not in data(target)


def test_a_clean_beside_it_leaves_what_is_copied_on_both_sides(source, target):
    plans = []

    def clean_both(key):
        if key.endswith(PARTS[1]):
            plans.extend(clean(bucket, dict) for bucket in (source, target._bucket))

    target.before_put = clean_both
    copy(source, target, ONE)
    assert data(target) == of_datasets(source, ONE)
    assert len(plans) == 2


def test_a_bucket_copied_to_itself_stays_as_it_is(source):
    before = data(source)
    assert all(dataset.was_there for dataset in copy(source, source))
    assert data(source) == before
