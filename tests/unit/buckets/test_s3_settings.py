"""Keys of S3 buckets, and a bucket whose library is not installed."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from pydantic import ValidationError

from dvt.buckets.s3 import S3Bucket, S3Settings
from dvt.core.errors import BucketLibraryMissing
from dvt.core.ports.staging import BucketContext

USES = (
    lambda bucket: bucket.put_once("run/x", b"x"),
    lambda bucket: bucket.put("run/x", io.BytesIO(b"x")),
    lambda bucket: bucket.get("run/x"),
    lambda bucket: list(bucket.list("")),
    lambda bucket: bucket.delete("run"),
)


def test_both_spellings_of_a_key_are_one():
    long = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_session_token": "c"}
    short = {"access_key_id": "a", "secret_access_key": "b", "session_token": "c"}
    settings = S3Settings(bucket="x", **long)
    assert settings == S3Settings(bucket="x", **short)
    assert S3Settings.model_validate(settings.model_dump()) == settings
    assert S3Settings(bucket="x", aws_profile="p") == S3Settings(bucket="x", profile="p")


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({}, "bucket"),
        ({"bucket": "x", "access_key_id": "a"}, "belong together"),
        ({"bucket": "x", "secret_access_key": "a"}, "belong together"),
        ({"bucket": "x", "session_token": "a"}, "belongs to"),
        ({"bucket": "x", "access_key_id": "a", "secret_access_key": "b", "profile": "p"}, "one of them"),
        ({"bucket": "x", "endpoint": "store:9000"}, "should be a URL"),
        ({"bucket": "x", "endpoint": "https://user:secret@store"}, "without credentials"),
        ({"bucket": "x", "url_style": "both"}, "url_style"),
        ({"bucket": "x", "timeout": 0}, "timeout"),
        ({"bucket": "x", "acces_key_id": "a"}, "acces_key_id"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys, problem):
    with pytest.raises(ValidationError, match=problem) as error:
        S3Settings.model_validate(keys)
    assert "user:secret" not in str(error.value)


def test_paths_are_relative_to_the_file(tmp_path):
    keys = {"bucket": "x", "verify": "ca.pem"}
    settings = S3Settings.model_validate(keys, context={"folder": tmp_path})
    assert settings.verify == str(tmp_path / "ca.pem")
    assert S3Settings.model_validate({"bucket": "x", "verify": False}).verify is False


def test_secrets_are_not_shown():
    settings = S3Settings(bucket="x", access_key_id="a", secret_access_key="s3cret", session_token="t0ken")
    assert "s3cret" not in repr(settings)
    assert "t0ken" not in repr(settings)
    assert settings.secrets == ("s3cret", "t0ken")


def test_the_address_tells_buckets_apart(tmp_path):
    different = [
        {"bucket": "a"},
        {"bucket": "a", "prefix": "b"},
        {"bucket": "b"},
        {"bucket": "a", "endpoint": "https://store.example"},
    ]
    context = BucketContext(project_dir=tmp_path)
    addresses = [S3Bucket("lake", settings, context).address for settings in different]
    assert len(set(addresses)) == len(different)
    same = {"bucket": "a", "prefix": "/b/", "secret_access_key": "s3cret", "access_key_id": "a"}
    assert S3Bucket("other", same, context).address == addresses[1] == "s3://a/b"


def test_a_missing_library_is_an_error_with_the_line_that_installs_it(tmp_path, monkeypatch):
    for module in ("boto3", "botocore", "botocore.exceptions"):
        monkeypatch.setitem(sys.modules, module, None)
    bucket = S3Bucket("lake", {"bucket": "x"}, BucketContext(project_dir=tmp_path))
    for use in USES:
        with pytest.raises(BucketLibraryMissing, match="S3 bucket 'lake' requires boto3") as error:
            use(bucket)
        assert error.value.hint == "run `dvt sync`, or pip install 'dvt-engine[s3]'"


def test_the_library_is_imported_when_it_is_used_and_not_before():
    code = "import sys, dvt.buckets.s3; sys.exit(bool({'boto3', 'botocore'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
