"""Which bucket data pass through between a warehouse and staging."""

from __future__ import annotations

import pytest

from dvt.app.transfers import RunTransfers
from dvt.config.bucket_types import BucketEntry, Buckets
from dvt.core.errors import TransferBucketWrong, UnknownBucket

OWN_STORE = {"endpoint": "https://minio.example:9000"}
ENTRIES = {
    "local": BucketEntry("local"),
    "disk": BucketEntry("disk", "filesystem", {"path": "/fast"}),
    "google": BucketEntry("google", "gcs"),
    "mine": BucketEntry("mine", "s3", OWN_STORE),
    "first": BucketEntry("first", "s3"),
    "second": BucketEntry("second", "s3", {"endpoint": "https://x.vpce-1.s3.eu-west-1.vpce.amazonaws.com"}),
}


def chosen(kinds, default="local", written=tuple(ENTRIES)[1:], **asked):
    transfers = RunTransfers(Buckets(ENTRIES, default, written=written), default, project_dir=None)
    bucket = transfers.choose(kinds, consumer="redshift", **asked)
    return bucket and (bucket.name, bucket.why)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"asked": "second", "own": "first", "default": "first"}, "second"),
        ({"asked": "disk", "own": "second", "default": "first"}, "second"),
        ({"default": "second"}, "second"),
        ({"default": "disk"}, "first"),
        ({"default": "mine"}, "first"),
        ({"own": "mine"}, "mine"),
        ({"asked": "mine"}, "mine"),
        ({"written": ("disk", "mine", "google")}, None),
        ({"written": ()}, None),
    ],
    ids=str,
)
def test_a_config_comes_before_the_output_then_the_bucket_in_use(arguments, expected):
    found = chosen(["s3"], **arguments)
    assert (found and found[0]) == expected


def test_of_several_types_the_preferred_one_is_taken():
    assert chosen(["s3", "gcs"]) == ("first", "the first one of type s3")
    assert chosen(["gcs", "s3"]) == ("google", "the first one of type gcs")


def test_an_outputs_bucket_of_another_type_is_an_error():
    with pytest.raises(TransferBucketWrong, match="'disk' is of type filesystem"):
        chosen(["s3"], own="disk")
    with pytest.raises(UnknownBucket):
        chosen(["s3"], own="dsk")
