"""A folder of a bucket keeps every bucket's promises, and leaves the rest of that bucket alone."""

from __future__ import annotations

import io
import json
import threading

import pytest

from dvt.core.errors import FolderTaken
from dvt.staging.in_folder import InFolder
from dvt.staging.ownership import MARKER, claim
from dvt.testing.memory_bucket import InMemoryBucket
from dvt.testing.suites import BucketSuite, LocalConsumerSuite
from tests.local_bucket import local_bucket


@pytest.fixture
def whole(tmp_path):
    return local_bucket(tmp_path / "bucket")


@pytest.fixture
def bucket(whole):
    return InFolder(whole, "shop")


@pytest.mark.slow
class TestInFolder(BucketSuite, LocalConsumerSuite):
    """The promises of every bucket."""


def test_other_folders_are_neither_seen_nor_touched(whole, bucket):
    for key in ("shop2/x", "other/x", "x"):
        whole.put(key, io.BytesIO(b"theirs"))
    bucket.put("run/x", io.BytesIO(b"ours"))
    assert [key for key, _ in bucket.list("")] == ["run/x"]
    bucket.delete("run")
    assert [key for key, _ in whole.list("")] == ["other/x", "shop2/x", "x"]


@pytest.mark.parametrize("key", ["../other/x", "run/../../other", "/x", "", "run//x", "./run"])
def test_no_key_leads_out(whole, bucket, key):
    whole.put("other/x", io.BytesIO(b"theirs"))
    with pytest.raises(ValueError, match="is not inside this bucket"):
        bucket.delete(key)
    with pytest.raises(ValueError, match="is not inside this bucket"):
        bucket.get(key)
    assert [key for key, _ in whole.list("")] == ["other/x"]


@pytest.mark.parametrize("address", ["s3://b/dvt/", "s3://b/dvt"])
def test_the_address_has_the_folder(whole, address):
    whole.address = address
    assert InFolder(whole, "shop").address == "s3://b/dvt/shop"


def marker_of(bucket):
    with bucket.get(MARKER) as data:
        return json.loads(data.read())


def test_the_first_run_marks_the_folder_as_the_projects():
    bucket = InMemoryBucket()
    own = claim(bucket, "shop", "shop")
    marker = marker_of(own)
    assert (marker["project"], marker["folder"]) == ("shop", "shop")
    assert claim(bucket, "shop", "shop").address == own.address
    assert marker_of(own) == marker


def test_a_folder_of_another_project_is_refused_and_both_are_named():
    bucket = InMemoryBucket()
    claim(bucket, "shared", "shop")
    with pytest.raises(FolderTaken, match="belongs to project 'shop', so project 'bakery' cannot") as caught:
        claim(bucket, "shared", "bakery")
    assert "project_id" in caught.value.hint
    assert [key for key, _ in bucket.list("")] == [f"shared/{MARKER}"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}"])
def test_a_marker_that_cannot_be_read_is_anothers(content):
    bucket = InMemoryBucket()
    bucket.put_once(f"shop/{MARKER}", content)
    with pytest.raises(FolderTaken, match="is no marker of dvt's"):
        claim(bucket, "shop", "shop")


def test_a_project_that_comes_a_moment_too_late_is_refused():
    class Late(InMemoryBucket):
        """Another project puts its marker there between our look and our own."""

        def put_once(self, key, data):
            super().put_once(key, b'{"project": "quick"}')
            super().put_once(key, data)

    with pytest.raises(FolderTaken, match="belongs to project 'quick'"):
        claim(Late(), "shop", "shop")


def test_of_two_projects_that_claim_a_folder_at_once_one_has_it():
    for _ in range(20):
        bucket, barrier, have = InMemoryBucket(), threading.Barrier(4), []

        def try_it(project, bucket=bucket, barrier=barrier, have=have):
            barrier.wait()
            try:
                claim(bucket, "shop", project)
            except FolderTaken:
                return
            have.append(project)

        threads = [threading.Thread(target=try_it, args=(f"p{number % 2}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert have == [marker_of(InFolder(bucket, "shop"))["project"]] * 2
