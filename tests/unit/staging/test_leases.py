"""A lease is in the bucket while its command lives, says what it covers, and notices when it is lost."""

from __future__ import annotations

import io
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from dvt.core.errors import BucketBusy, LeaseLost
from dvt.staging import leases as module
from dvt.staging.leases import Lease, leases
from dvt.testing.memory_bucket import InMemoryBucket
from tests.local_bucket import local_bucket

KEY = "_leases/run1/lease.json"


@pytest.fixture(params=["memory", "filesystem"])
def bucket(request, tmp_path):
    return InMemoryBucket() if request.param == "memory" else local_bucket(tmp_path / "staging")


class Clock:
    """Stands for the seconds that pass on this machine; time also passes for real."""

    def __init__(self) -> None:
        self.added = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.added


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "_passed", clock)
    return clock


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def keys(bucket):
    return [key for key, _ in bucket.list("")]


def content(bucket):
    with bucket.get(KEY) as data:
        return json.loads(data.read())


def test_a_lease_is_there_until_it_is_closed(bucket):
    with Lease(bucket, "run1"):
        assert keys(bucket) == [KEY]
        [held] = leases(bucket, datetime.now(UTC))
        assert (held.run, held.is_valid, held.uses) == ("run1", True, frozenset())
        assert (held.host, held.pid) == (content(bucket)["host"], content(bucket)["pid"])
    assert keys(bucket) == []


def test_a_lease_covers_its_run_and_what_it_uses(bucket):
    with Lease(bucket, "run1") as lease:
        lease.uses("run0/crm/abc")
        assert content(bucket)["uses"] == ["run0/crm/abc"]
        with Lease(bucket, "run2") as other:
            [held] = other.others()
            covered = {
                name: held.covers(name)
                for name in (
                    "run1",
                    "run1/crm/x",
                    "run0",
                    "run0/crm/abc",
                    "run0/crm/abcd",
                    "run0/crm",
                    "run2",
                )
            }
    assert covered == {
        "run1": True, "run1/crm/x": True, "run0": True, "run0/crm/abc": True,
        "run0/crm/abcd": False, "run0/crm": True, "run2": False,
    }  # fmt: skip


def test_what_is_released_is_not_covered_after_the_next_renewal(bucket):
    with Lease(bucket, "run1") as lease:
        lease.uses("run0/crm/abc")
        lease.releases("run0/crm/abc")
        lease.uses("run0/crm/d")
        assert content(bucket)["uses"] == ["run0/crm/d"]


def test_a_lease_is_renewed_by_itself(bucket):
    with Lease(bucket, "run1", renewal=0.01) as lease:
        [first] = bucket.objects(KEY.rpartition("/")[0])
        wait_for(lambda: next(iter(bucket.objects("_leases/run1"))).modified > first.modified)
        lease.check()


def test_the_time_is_the_stores_plus_what_has_passed_here(bucket, clock):
    with Lease(bucket, "run1") as lease:
        [stored] = bucket.objects("_leases/run1")
        assert stored.modified <= lease.now() < stored.modified + timedelta(seconds=50)
        clock.added = 100
        assert timedelta(seconds=100) <= lease.now() - stored.modified < timedelta(seconds=150)


def test_an_expired_lease_covers_nothing(bucket):
    with Lease(bucket, "run1", valid=5):
        now = next(iter(bucket.objects("_leases/run1"))).modified
        [held] = leases(bucket, now + timedelta(seconds=4))
        assert held.covers("run1")
        [held] = leases(bucket, now + timedelta(seconds=5))
        assert (held.is_valid, held.covers("run1")) == (False, False)


@pytest.mark.parametrize("text", [b"", b"{}", b'{"format": 2, "uses": [], "seconds": 1}', b"\xff"])
def test_a_lease_that_cannot_be_read_covers_everything_while_it_is_new(bucket, text):
    bucket.put("_leases/strange/lease.json", io.BytesIO(text))
    now = next(iter(bucket.objects("_leases"))).modified
    [held] = leases(bucket, now)
    assert (held.uses, held.covers("any/folder")) == (None, True)
    [held] = leases(bucket, now + timedelta(seconds=601))
    assert not held.covers("any/folder")


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_lease_that_somebody_took_is_lost(bucket, how):
    lease = Lease(bucket, "run1")
    if how == "removed":
        bucket.delete("_leases/run1")
    else:
        bucket.put(KEY, io.BytesIO(json.dumps({**content(bucket), "host": "other"}).encode()))
    with pytest.raises(LeaseLost, match=f"DVT170 .*run1.*somebody has removed|another process has {how}"):
        lease.uses("run0/crm/abc")
    with pytest.raises(LeaseLost):
        lease.check()
    lease.close()


def test_the_thread_that_renews_notices_that_the_lease_is_lost(bucket):
    lease = Lease(bucket, "run1", renewal=0.01)
    bucket.delete("_leases/run1")
    wait_for(lambda: lease._lost)
    with pytest.raises(LeaseLost, match="somebody has removed it"):
        lease.check()
    lease.close()


def test_a_machine_that_slept_has_lost_its_lease(clock):
    """`check` renews at once, and the store's times tell how long the lease was not renewed."""
    bucket = Aged()
    lease = Lease(bucket, "run1")
    lease.check()
    clock.added = 300
    lease.check()
    clock.added = bucket.later = 1000
    with pytest.raises(LeaseLost, match="not renewed for 600 s"):
        lease.check()
    lease.close()


class Aged(InMemoryBucket):
    """A store whose clock is set forward by `later` seconds, and that may be out of reach."""

    later = 0.0
    is_out = False

    def objects(self, prefix):
        for stored in super().objects(prefix):
            yield stored._replace(modified=stored.modified + timedelta(seconds=self.later))

    def put(self, key, data):
        if self.is_out:
            raise BucketBusy("lake", "memory", f"putting {key!r}", "503")
        super().put(key, data)


def test_a_store_that_is_out_of_reach_for_a_while_loses_no_lease(clock):
    bucket = Aged()
    with Lease(bucket, "run1") as lease:
        bucket.is_out, clock.added = True, 500
        with pytest.raises(BucketBusy):
            lease.check()
        bucket.is_out = False
        lease.check()


def test_a_store_that_is_out_of_reach_for_too_long_loses_the_lease(clock):
    bucket = Aged()
    with Lease(bucket, "run1") as lease:
        bucket.is_out, clock.added = True, 601
        with pytest.raises(LeaseLost, match="503"):
            lease.check()
        bucket.is_out = False
        with pytest.raises(LeaseLost):
            lease.check()
