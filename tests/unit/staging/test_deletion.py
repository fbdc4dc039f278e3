"""Nobody reads what is being deleted, in whatever order the steps of readers and deleters happen."""

from __future__ import annotations

import io
import itertools
import json
import random
import threading

import pytest

from dvt.core.errors import BucketBusy
from dvt.staging.deletion import Deletions, deletions, may_read
from dvt.staging.leases import Lease
from dvt.testing.memory_bucket import InMemoryBucket
from tests.local_bucket import local_bucket

FOLDER = "run0/crm/abc"
PARTS = (f"{FOLDER}/part-0.parquet", f"{FOLDER}/part-1.parquet")
DATASET = (*PARTS, f"{FOLDER}/_committed.json")


class Stepped:
    """A bucket in which each call of a side's thread waits for its turn; a delete has a step per object."""

    def __init__(self, bucket, remove):
        self._bucket, self._remove = bucket, remove
        self.address = bucket.address
        self.sides = {}

    def __getattr__(self, name):
        method = getattr(self._bucket, name)

        def call(*arguments):
            self._wait()
            result = method(*arguments)
            return list(result) if name in {"objects", "list"} else result

        return call

    def delete(self, prefix):
        for key, _ in reversed(list(self._bucket.list(prefix))):  # the marker last
            self._wait()
            self._remove(self._bucket, key)

    def _wait(self):
        side = self.sides.get(threading.current_thread())
        if side is not None:
            side.wait()


class Side:
    """A thread that does one step of its work after the other, each when it is told to."""

    def __init__(self, bucket, work):
        self._turn, self._arrived = threading.Semaphore(0), threading.Semaphore(0)
        self.is_done, self.error, self.result = False, None, None
        self._work = work
        self._thread = threading.Thread(target=self._run)
        bucket.sides[self._thread] = self
        self._thread.start()
        self._arrived.acquire()

    def _run(self):
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001 - `end` raises it
            self.error = error
        self.is_done = True
        self._arrived.release()

    def wait(self):
        self._arrived.release()
        self._turn.acquire()

    def step(self):
        if not self.is_done:
            self._turn.release()
            self._arrived.acquire()

    def end(self):
        while not self.is_done:
            self.step()
        self._thread.join()
        if self.error is not None:
            raise self.error
        return self.result


def remove_from_memory(bucket, key):
    bucket._objects.pop(key, None)


def remove_file(bucket, key):
    bucket._path(key).unlink(missing_ok=True)


@pytest.fixture(params=["memory", "filesystem"])
def make(request, tmp_path):
    """Return a function that makes a bucket with a dataset in it."""
    numbers = itertools.count()

    def made():
        if request.param == "memory":
            stepped = Stepped(InMemoryBucket(), remove_from_memory)
        else:
            stepped = Stepped(local_bucket(tmp_path / str(next(numbers))), remove_file)
        for key in DATASET:
            stepped.put(key, io.BytesIO(key.encode()))
        return stepped

    return made


def keys(bucket, prefix=""):
    return [key for key, _ in bucket._bucket.list(prefix)]


def reader(bucket, lease):
    """Read the dataset, if it may be read; a part that is missing is an error."""

    def work():
        if not may_read(bucket, lease, FOLDER):
            return False
        for key in PARTS:
            with bucket.get(key) as data:
                assert data.read() == key.encode()
        lease.releases(FOLDER)
        return True

    return work


def played(bucket, order, readers=1, deleters=1):
    """Let readers and deleters do their steps in this order, then the rest; return what each returned."""
    with (
        Lease(bucket, "reading0") as first,
        Lease(bucket, "reading1") as second,
        Lease(bucket, "deleting0") as third,
        Lease(bucket, "deleting1") as fourth,
    ):
        works = [reader(bucket, lease) for lease in (first, second)[:readers]]
        works += [lambda lease=lease: delete(bucket, lease) for lease in (third, fourth)[:deleters]]
        sides = [Side(bucket, work) for work in works]
        for number in order:
            sides[number].step()
        return [side.end() for side in sides]


def delete(bucket, lease):
    return Deletions(bucket, lease).delete(FOLDER)


def is_whole(bucket):
    """Check that the dataset is there as a whole or not at all, and that no deletion is left."""
    left = set(keys(bucket, FOLDER))
    assert left in (set(), set(DATASET))
    assert keys(bucket, "_deleting") == []
    return bool(left)


def check(make, order, readers=1, deleters=1):
    bucket = make()
    results = played(bucket, order, readers, deleters)
    there = is_whole(bucket)
    assert there is not any(results[readers:]), order
    return results


def orders(sides, steps, number):
    rng = random.Random(34)
    for _ in range(number):
        yield [rng.randrange(sides) for _ in range(steps)]


@pytest.mark.slow
def test_a_dataset_is_read_whole_or_not_at_all(make):
    """Either side may win, and does in some order."""
    results = {tuple(check(make, order)) for order in orders(2, 24, 80)}
    assert {(True, False), (False, True)} <= results


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("make", ["memory"], indirect=True)
def test_a_dataset_is_read_whole_or_not_at_all_in_any_order(make):
    steps, of_reader = 17, 8
    for places in itertools.combinations(range(steps), of_reader):
        check(make, [0 if step in places else 1 for step in range(steps)])


@pytest.mark.slow
def test_a_deleter_takes_back_no_other_deleters_deletion(make):
    for order in orders(3, 40, 40):
        check(make, order, deleters=2)
    for order in orders(4, 50, 40):
        check(make, order, readers=2, deleters=2)


@pytest.fixture
def bucket(make):
    return make()


def test_a_dataset_that_a_lease_covers_is_not_deleted(bucket):
    with Lease(bucket, "reading") as lease, Lease(bucket, "deleting") as own:
        assert may_read(bucket, lease, FOLDER)
        assert not Deletions(bucket, own).delete(FOLDER)
        assert not Deletions(bucket, own).delete("run0")
    with Lease(bucket, "deleting") as own:
        assert is_whole(bucket)
        assert Deletions(bucket, own).delete(FOLDER)
    assert keys(bucket) == []


def test_a_dataset_of_a_run_that_lives_is_not_deleted(bucket):
    with Lease(bucket, "run0"), Lease(bucket, "deleting") as own:
        assert not Deletions(bucket, own).delete(FOLDER)
    assert is_whole(bucket)


def test_an_expired_lease_does_not_keep_a_dataset(bucket):
    expired = {"format": 1, "run": "reading", "seconds": 0, "uses": [FOLDER]}
    bucket.put("_leases/reading/lease.json", io.BytesIO(json.dumps(expired).encode()))
    with Lease(bucket, "deleting") as own:
        assert Deletions(bucket, own).delete(FOLDER)


def test_what_is_not_committed_may_not_be_read(bucket):
    remove = {"memory:memory": remove_from_memory}.get(bucket.address, remove_file)
    remove(bucket._bucket, DATASET[-1])
    with Lease(bucket, "reading") as lease:
        assert not may_read(bucket, lease, FOLDER)
        with Lease(bucket, "deleting") as own:
            lease.uses("run0/crm/other")
            assert Deletions(bucket, own).delete(FOLDER)


class Failing(InMemoryBucket):
    """A bucket whose first delete of the dataset removes a part of it, and fails."""

    fails = True

    def delete(self, prefix):
        if prefix == FOLDER and self.fails:
            self.fails = False
            del self._objects[PARTS[0]]
            raise BucketBusy("lake", "memory", f"deleting {prefix!r}", "503")
        super().delete(prefix)


@pytest.fixture
def cut_off():
    """Return a bucket in which a deletion was cut off."""
    bucket = Failing()
    for key in DATASET:
        bucket.put(key, io.BytesIO(b""))
    with Lease(bucket, "deleting") as own, pytest.raises(BucketBusy):
        Deletions(bucket, own).delete(FOLDER)
    return bucket


def test_a_deletion_that_was_cut_off_is_as_good_as_done_for_readers(cut_off):
    [deletion] = deletions(cut_off)
    assert (deletion.folder, deletion.run) == (FOLDER, "deleting")
    with Lease(cut_off, "reading") as lease:
        assert not may_read(cut_off, lease, FOLDER)


def test_a_deletion_that_was_cut_off_is_finished_by_the_next_command(cut_off):
    with Lease(cut_off, "later") as own:
        assert Deletions(cut_off, own).finish() == [FOLDER]
        assert Deletions(cut_off, own).finish() == []
    assert list(cut_off.list("")) == []


def test_a_deletion_that_is_under_way_is_left_to_its_command(cut_off):
    with Lease(cut_off, "deleting"), Lease(cut_off, "later") as own:
        assert Deletions(cut_off, own).finish() == []
    assert len(list(deletions(cut_off))) == 1


def test_a_cut_off_deletion_of_what_is_being_read_is_left_for_later(cut_off):
    """Its reader came before it. It is not taken back, or who has begun it might yet delete."""
    with Lease(cut_off, "reading") as lease, Lease(cut_off, "later") as own:
        lease.uses(FOLDER)
        assert Deletions(cut_off, own).finish() == []
    assert len(list(deletions(cut_off))) == 1


@pytest.mark.parametrize("folder", ["_state", "_leases/run", "Notes", "run/../other", "/run", "run/", ""])
def test_what_no_run_has_staged_is_not_deleted_whatever_says_so(bucket, folder):
    content = json.dumps({"format": 1, "folder": folder, "run": "dead"}).encode()
    bucket.put("_deleting/1/dataset.json", io.BytesIO(content))
    with Lease(bucket, "later") as own:
        assert Deletions(bucket, own).finish() == []


def test_what_looks_otherwise_is_no_deletion(bucket):
    for number, text in enumerate((b"", b"[]", json.dumps({"format": 2, "folder": FOLDER}).encode())):
        bucket.put(f"_deleting/{number}/dataset.json", io.BytesIO(text))
    assert list(deletions(bucket)) == []
    with Lease(bucket, "reading") as lease:
        assert may_read(bucket, lease, FOLDER)
