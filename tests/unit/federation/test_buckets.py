"""The buckets of a run are opened when they are first needed, each once."""

from __future__ import annotations

import pytest

from dvt.core.errors import Cancelled, StagingUnusable
from dvt.federation.buckets import RunBuckets
from dvt.staging.shared import Staging
from dvt.testing.memory_bucket import InMemoryBucket


@pytest.fixture
def opened():
    return []


@pytest.fixture
def buckets(opened):
    def open_staging(name):
        opened.append(name)
        return Staging(InMemoryBucket("same" if name.startswith("same") else name), "run")

    return RunBuckets(lambda name: name or "main", open_staging)


def test_nothing_is_opened_before_it_is_needed(buckets, opened):
    assert (buckets.close(), opened) == ([], [])


def test_a_bucket_is_opened_once_whatever_names_it(buckets, opened):
    assert buckets.staging("") is buckets.staging("main") is buckets.staging("")
    assert buckets.staging("eu") is not buckets.staging("")
    assert opened == ["main", "eu"]
    assert buckets.close() == [buckets._opened["main"], buckets._opened["eu"]]


def test_two_names_of_one_place_are_one_bucket(buckets):
    """Otherwise each would write what the other has written."""
    assert buckets.staging("same1") is buckets.staging("same2")
    assert len(buckets.close()) == 1


def test_a_bucket_that_could_not_be_opened_is_tried_again(opened):
    def open_staging(name):
        opened.append(name)
        if len(opened) == 1:
            raise StagingUnusable(name, "it does not answer")
        return Staging(InMemoryBucket(name), "run")

    buckets = RunBuckets(lambda name: name, open_staging)
    with pytest.raises(StagingUnusable):
        buckets.staging("a")
    assert buckets.staging("a").bucket.address == "memory:a"


def test_none_is_opened_after_the_end(buckets):
    opened = buckets.staging("")
    buckets.close()
    assert buckets.staging("") is opened
    with pytest.raises(Cancelled):
        buckets.staging("eu")
