"""What `dvt debug` says of a bucket: each thing that a run does there is done, and nothing of it stays."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from dvt.core.errors import BucketFailed, BucketLibraryMissing, BucketRefused, BucketUnreachable
from dvt.staging.housekeeping.diagnosis import Diagnosis, OutputDiagnosis, as_lines, as_object
from dvt.staging.housekeeping.health import Status, examine, failed_check
from dvt.testing.memory_bucket import InMemoryBucket
from tests.local_bucket import local_bucket

ALL = ["list", "put", "get", "conditional put", "delete", "clock"]


@pytest.fixture(params=["memory", "filesystem"])
def bucket(request, tmp_path):
    return InMemoryBucket() if request.param == "memory" else local_bucket(tmp_path / "staging")


class Failing:
    """A bucket of which one operation fails, as often as it is called."""

    def __init__(self, bucket, operation, error):
        self._bucket, self._operation, self._error = bucket, operation, error

    def __getattr__(self, name):
        if name != self._operation:
            return getattr(self._bucket, name)

        def fail(*_):
            raise self._error

        return fail


def here():
    return datetime.now(UTC)


def statuses(health):
    return {check.what: str(check.status) for check in health.checks}


def test_a_good_bucket_is_ok_and_holds_what_it_held(bucket):
    bucket.put("r1/crm/aa11/part-0-0.parquet", io.BytesIO(b"12345"))
    health = examine(bucket, here)
    assert statuses(health) == dict.fromkeys(ALL, "OK")
    assert [key for key, _ in bucket.list("")] == ["r1/crm/aa11/part-0-0.parquet"]


def test_what_is_staged_is_counted(bucket):
    lease = json.dumps({"format": 1, "run": "r1", "seconds": 600.0, "uses": []}).encode()
    dead = json.dumps({"format": 1, "run": "r2", "seconds": 0.0, "uses": []}).encode()
    contents = {
        "_owner.json": b"{}",
        "r1/crm/aa11/part-0-0.parquet": b"12345",
        "r1/crm/aa11/_committed.json": b"1",
        "r1/crm/bb22/part-0-0.parquet": b"12",
        "r1/_results/x-0/_committed.json": b"1",
        "_state/crm/t/x/state.json": b"{}",
        "_leases/r1/lease.json": lease,
        "_leases/r2/lease.json": dead,
        "notes.txt": b"theirs",
    }
    for key, content in contents.items():
        bucket.put(key, io.BytesIO(content))
    health = examine(bucket, here)
    metrics = health.metrics
    counts = (metrics.datasets, metrics.results, metrics.states, metrics.leases, metrics.dead_leases)
    assert (*counts, metrics.foreign, metrics.objects) == (2, 1, 1, 1, 1, 1, 7)
    assert metrics.bytes == 11 + len(lease) + len(dead)
    times = [entry.modified for entry in bucket.objects("") if entry.key not in ("_owner.json", "notes.txt")]
    assert (metrics.oldest, metrics.newest) == (min(times), max(times))
    warned = [check.what for check in health.checks if check.status is Status.WARN]
    assert warned == ["leases", "names"]


@pytest.mark.parametrize(
    ("operation", "failed", "skipped"),
    [
        ("objects", ["list"], ["get", "delete"]),
        ("put", ["put"], ["get"]),
        ("get", ["get"], []),
        ("put_once", ["conditional put"], []),
        ("delete", ["delete"], []),
    ],
)
def test_a_missing_permission_is_named_and_the_others_are_tested(bucket, operation, failed, skipped):
    error = BucketRefused("lake", "s3://lake", "doing", f"s3:{operation}")
    health = examine(Failing(bucket, operation, error), here)
    found = statuses(health)
    assert [what for what, status in found.items() if status == "FAIL"] == failed
    assert [what for what, status in found.items() if status == "SKIP"] == skipped
    (check,) = [check for check in health.checks if check.status is Status.FAIL]
    assert check.detail.startswith("DVT163 ")
    assert f"give these credentials s3:{operation} there" in check.fix
    if operation not in ("delete", "objects"):
        assert not list(bucket.list(""))


def test_a_bucket_out_of_reach_is_asked_once(bucket):
    health = examine(
        Failing(bucket, "objects", BucketUnreachable("lake", "s3://lake", "listing", "no")), here
    )
    assert set(statuses(health).values()) == {"FAIL", "SKIP"}
    assert [check.what for check in health.checks if check.status is Status.FAIL] == ["list"]
    assert health.metrics is None


def test_a_missing_package_is_told_apart(bucket):
    health = examine(Failing(bucket, "objects", BucketLibraryMissing("S3", "lake", "boto3", "s3")), here)
    assert statuses(health)["list"] == "MISS"


def test_a_store_that_ignores_conditions_fails(bucket):
    class Careless(Failing):
        def put_once(self, key, data):
            self._bucket.put(key, io.BytesIO(data))

    found = statuses(examine(Careless(bucket, "", None), here))
    assert found == {**dict.fromkeys(ALL, "OK"), "conditional put": "FAIL"}
    error = BucketFailed("lake", "s3://lake", "creating", "this store ignores If-None-Match")
    assert statuses(examine(Failing(bucket, "put_once", error), here))["delete"] == "OK"
    assert not list(bucket.list(""))


def test_other_bytes_than_were_put_fail(bucket):
    class Wrong(Failing):
        def get(self, key):
            return io.BytesIO(b"else")

    assert statuses(examine(Wrong(bucket, "", None), here))["get"] == "FAIL"


@pytest.mark.parametrize(("minutes", "words"), [(10, "10 min behind"), (-10, "10 min ahead of"), (3, "")])
def test_clocks_that_differ_are_a_warning(bucket, minutes, words):
    health = examine(bucket, lambda: datetime.now(UTC) + timedelta(minutes=minutes))
    (clock,) = [check for check in health.checks if check.what == "clock"]
    assert clock.status is (Status.WARN if words else Status.OK)
    assert words in clock.detail


def test_the_hint_of_an_error_is_what_mends_it():
    error = BucketRefused("lake", "s3://lake", "doing", "s3:PutObject")
    checks = (failed_check("connect", error),)
    output = OutputDiagnosis(name="house", kind="postgres", is_target=True, checks=checks)
    diagnosis = Diagnosis(profile="shop", buckets_file=None, files=(), outputs=(output,))
    told = as_object(diagnosis)
    assert error.hint
    assert told["fixes"] == [error.hint]
    assert [check["fix"] for check in told["outputs"][0]["checks"]] == [error.hint]
    assert f"    to mend it: {error.hint}" in list(as_lines(diagnosis))
    other = OutputDiagnosis(name="erp", kind="jdbc", is_target=False, checks=checks)
    told = as_object(Diagnosis(profile="shop", buckets_file=None, files=(), outputs=(other,)))
    assert (told["federation"]["ready"], told["fixes"]) == (True, [error.hint])
