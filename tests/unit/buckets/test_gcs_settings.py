"""Keys of buckets of Google Cloud Storage, and a bucket whose library is not installed."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from dvt.buckets.gcs import GCSBucket, GCSSettings
from dvt.core.errors import BucketLibraryMissing
from dvt.core.ports.staging import BucketContext

KEY = {"type": "service_account", "private_key": "s3cret", "client_email": "x@y"}
USES = (
    lambda bucket: bucket.put_once("run/x", b"x"),
    lambda bucket: bucket.put("run/x", io.BytesIO(b"x")),
    lambda bucket: bucket.get("run/x"),
    lambda bucket: list(bucket.list("")),
    lambda bucket: bucket.delete("run"),
)


def test_both_spellings_of_a_key_are_one():
    assert GCSSettings(bucket="x", keyfile="/k") == GCSSettings(bucket="x", credentials_path="/k")
    text = GCSSettings(bucket="x", keyfile_json=json.dumps(KEY))
    assert text == GCSSettings(bucket="x", credentials_json=KEY)
    assert GCSSettings.model_validate(text.model_dump()) == text


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({}, "bucket"),
        ({"bucket": "x", "credentials_path": "/k", "credentials_json": KEY}, "exclude each other"),
        ({"bucket": "x", "credentials_path": "/k", "anonymous": True}, "exclude each other"),
        ({"bucket": "x", "credentials_json": '{"private_key": "s3cret"'}, "JSON text"),
        ({"bucket": "x", "endpoint": "store:4443"}, "should be a URL"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys, problem):
    with pytest.raises(ValidationError, match=problem) as error:
        GCSSettings.model_validate(keys)
    assert "s3cret" not in str(error.value)


def test_paths_are_relative_to_the_file(tmp_path):
    keys = {"bucket": "x", "keyfile": "key.json", "verify": "ca.pem"}
    settings = GCSSettings.model_validate(keys, context={"folder": tmp_path})
    assert settings.credentials_path == str(tmp_path / "key.json")
    assert settings.verify == str(tmp_path / "ca.pem")


def test_secrets_are_not_shown():
    settings = GCSSettings(bucket="x", credentials_json=KEY)
    assert "s3cret" not in repr(settings)
    assert settings.secrets == ("s3cret",)


def test_a_missing_library_is_an_error_with_the_line_that_installs_it(tmp_path, monkeypatch):
    for module in [name for name in sys.modules if name.startswith("google.")]:
        monkeypatch.delitem(sys.modules, module)
    for module in ("google.cloud", "google.api_core", "google.auth", "google.oauth2"):
        monkeypatch.setitem(sys.modules, module, None)
    bucket = GCSBucket("lake", {"bucket": "x"}, BucketContext(project_dir=tmp_path))
    for use in USES:
        with pytest.raises(BucketLibraryMissing, match="GCS bucket 'lake' requires google-cloud-s") as error:
            use(bucket)
        assert error.value.hint == "run `dvt sync`, or pip install 'dvt-engine[gcs]'"


def test_the_library_is_imported_when_it_is_used_and_not_before():
    code = "import sys, dvt.buckets.gcs; sys.exit('google.cloud.storage' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
