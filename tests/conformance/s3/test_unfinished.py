"""Uploads in parts that nobody has ended, as MinIO and Amazon's protocol list them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.stub import Stubber

from dvt.buckets.s3 import S3Bucket
from dvt.core.errors import BucketRefused
from dvt.core.ports.staging import BucketContext, UnfinishedUpload
from dvt.staging.housekeeping.health import Status, examine

pytestmark = pytest.mark.slow

MB = 2**20
WHEN = datetime(2026, 3, 1, tzinfo=UTC)


def begin(minio, bucket, key):
    """Begin an upload, of which one part arrives."""
    at = {"Bucket": bucket, "Key": key}
    upload = minio.client().create_multipart_upload(**at)["UploadId"]
    minio.client().upload_part(**at, UploadId=upload, PartNumber=1, Body=bytes(5 * MB))


def test_those_of_a_folder_are_listed_and_aborted_alone(minio, make, unfinished):
    bucket = make(prefix="a")
    for key in ("a/run/x", "a/run/x", "a/run2/x", "a2/run/x", "a", "run/x"):
        begin(minio, make.name, key)
    uploads = list(bucket.uploads("run"))
    assert [(upload.key, upload.bytes) for upload in uploads] == [("run/x", 5 * MB)] * 2
    assert sorted(upload.key for upload in bucket.uploads("")) == ["run/x", "run/x", "run2/x"]
    for upload in (*uploads, *uploads):
        bucket.abort(upload)
    assert list(bucket.uploads("run")) == []
    assert sorted(upload["Key"] for upload in unfinished()) == ["a", "a/run2/x", "a2/run/x", "run/x"]


def test_a_missing_permission_is_named(minio, make):
    actions = ("s3:ListBucket", "s3:PutObject", "s3:GetObject", "s3:DeleteObject")
    begin(minio, make.name, "run1/crm/aa11/part-0-0.parquet")
    bucket = make(**minio.keys_for(*actions))
    with pytest.raises(BucketRefused, match="s3:ListBucketMultipartUploads"):
        bucket.uploads("")
    health = examine(bucket, lambda: datetime.now(UTC))
    (warning,) = [check for check in health.checks if check.status is not Status.OK]
    assert (warning.what, warning.status) == ("unfinished uploads", Status.WARN)
    assert "s3:ListBucketMultipartUploads" in warning.fix
    assert (health.metrics.uploads, health.metrics.orphans, health.metrics.orphan_bytes) == (None,) * 3

    bucket = make(**minio.keys_for(*actions, "s3:ListBucketMultipartUploads"))
    (upload,) = bucket.uploads("")
    assert upload.bytes is None
    metrics = examine(bucket, lambda: datetime.now(UTC)).metrics
    assert (metrics.uploads, metrics.orphans, metrics.orphan_bytes) == (1, 1, None)
    with pytest.raises(BucketRefused, match="s3:AbortMultipartUpload"):
        bucket.abort(upload)


def test_amazons_store_is_asked_for_the_folder_page_by_page(tmp_path):
    """MinIO cannot show that: it lists no uploads by folder, and all on one page."""
    settings = {"bucket": "b", "prefix": "dvt", "access_key_id": "x", "secret_access_key": "y"}
    bucket = S3Bucket("lake", settings | {"region": "eu-west-1"}, BucketContext(project_dir=tmp_path))
    page = {"Bucket": "b", "Prefix": "dvt/shop/", "IsTruncated": False}
    first = {"Key": "dvt/shop/r/c/q/p", "UploadId": "1", "Initiated": WHEN}
    second = {"Key": "dvt/shop/r/c/q/p2", "UploadId": "2", "Initiated": WHEN}
    more = {"IsTruncated": True, "NextKeyMarker": first["Key"], "NextUploadIdMarker": "1"}
    parts = {"IsTruncated": False, "Parts": [{"PartNumber": 1, "Size": 7}, {"PartNumber": 2, "Size": 8}]}
    with Stubber(bucket._client) as amazon:
        asked = {"Bucket": "b", "Prefix": "dvt/shop/"}
        amazon.add_response("list_multipart_uploads", page | more | {"Uploads": [first]}, asked)
        rest = asked | {"KeyMarker": first["Key"], "UploadIdMarker": "1"}
        amazon.add_response("list_multipart_uploads", page | {"Uploads": [second]}, rest)
        amazon.add_response("list_parts", parts, {"Bucket": "b", "Key": first["Key"], "UploadId": "1"})
        amazon.add_client_error("list_parts", "NoSuchUpload")
        assert list(bucket.uploads("shop")) == [
            UnfinishedUpload("shop/r/c/q/p", WHEN, 15, "1"),
            UnfinishedUpload("shop/r/c/q/p2", WHEN, 0, "2"),
        ]
        amazon.add_client_error("abort_multipart_upload", "NoSuchUpload")
        bucket.abort(UnfinishedUpload("shop/r/c/q/p2", WHEN, 0, "2"))
        amazon.assert_no_pending_responses()
