"""S3 buckets find their store, and tell what their credentials lack."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from dvt.buckets.s3 import S3Bucket
from dvt.core.errors import (
    BucketLoginRefused,
    BucketMissing,
    BucketRefused,
    BucketUnreachable,
    DvtError,
)
from dvt.core.ports.staging import BucketContext
from dvt.staging.housekeeping.health import Status, examine
from tests.stores.certificates import make_certificates
from tests.stores.minio import PASSWORD
from tests.stores.minio import minio as start_minio
from tests.stores.objects import put, read

pytestmark = pytest.mark.slow

MB = 2**20
EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"


def test_wrong_credentials_are_an_error(make):
    for keys in ({"secret_access_key": "wr0ng-s3cret"}, {"access_key_id": "nobody"}):
        with pytest.raises(BucketLoginRefused, match=r"'lake'.*putting 'run/x'") as error:
            put(make(**keys), "run/x")
        assert "wr0ng-s3cret" not in str(error.value)
        assert PASSWORD not in str(error.value)


def test_a_session_token_that_is_no_token_is_an_error(make, minio):
    keys = minio.keys_for("s3:*") | {"session_token": "pl4nted-t0ken"}
    with pytest.raises(BucketLoginRefused, match="'lake'") as error:
        put(make(**keys), "run/x")
    assert "pl4nted-t0ken" not in str(error.value)


def test_an_expired_session_token_is_an_error(behind, store):
    """The answer is Amazon's: no token of MinIO expires within a test."""
    store.add("PUT", "run/x", status=400, body=EXPIRED)
    with pytest.raises(BucketLoginRefused, match=r"ExpiredToken.*\n.*new credentials"):
        put(behind, "run/x")


def test_no_credentials_at_all_are_an_error(make, monkeypatch, tmp_path):
    for variable in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = make(access_key_id=None, secret_access_key=None)
    with pytest.raises(BucketLoginRefused, match="Unable to locate credentials"):
        put(bucket, "run/x")


def test_a_profile_that_is_not_there_is_an_error(make):
    bucket = make(access_key_id=None, secret_access_key=None, profile="nobody")
    with pytest.raises(BucketLoginRefused, match="nobody"):
        put(bucket, "run/x")


def test_a_bucket_that_is_not_there_is_an_error(make):
    bucket = make(bucket="nowhere")
    for use in (lambda: put(bucket, "run/x"), lambda: bucket.get("run/x"), lambda: list(bucket.list(""))):
        with pytest.raises(BucketMissing, match=r"'lake': there is no s3://nowhere"):
            use()


@pytest.mark.parametrize(
    ("operation", "permission"),
    [("putting", "s3:PutObject"), ("reading", "s3:GetObject"), ("listing", "s3:ListBucket"),
     ("deleting", "s3:DeleteObject")],
)  # fmt: skip
def test_a_missing_permission_is_named(make, minio, bucket, operation, permission):
    put(bucket, "run/x")
    others = {"s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:DeleteObject"} - {permission}
    limited = make(**minio.keys_for(*others))
    uses = {
        "putting": lambda: put(limited, "run/y"),
        "reading": lambda: limited.get("run/x"),
        "listing": lambda: list(limited.list("run")),
        "deleting": lambda: limited.delete("run"),
    }
    with pytest.raises(BucketRefused, match=f"'lake'.*{operation}") as error:
        uses.pop(operation)()
    assert permission in error.value.hint
    assert next(iter(bucket.list("run"))) == ("run/x", 1)
    for other, use in uses.items():
        if other != "deleting" or permission != "s3:ListBucket":  # it lists what it deletes
            use()


def test_a_role_is_assumed(make, minio, store):
    bucket = make(
        role_arn="arn:aws:iam::123456789012:role/staging", endpoint=f"http://127.0.0.1:{store.port}"
    )
    put(bucket, "run/x")
    assert read(bucket, "run/x") == b"x"
    assert store.seen[0] == "POST /"


@pytest.mark.parametrize("style", ["auto", "path", "virtual"])
def test_the_bucket_is_in_the_path_or_in_the_host(make, store, style, monkeypatch):
    """Names below the store's are its buckets; no name server is asked."""
    import socket

    resolve, asked = socket.getaddrinfo, []

    def local(host, *arguments, **more):
        if host != "127.0.0.1":
            asked.append(host)
        return resolve("127.0.0.1", *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", local)
    bucket = make(endpoint=f"http://store.test:{store.port}", url_style=style)
    put(bucket, "run/x")
    assert read(bucket, "run/x") == b"x"
    host, path = ("", f"/{make.name}") if style != "virtual" else (f"{make.name}.", "")
    assert set(asked) == {f"{host}store.test"}
    assert store.seen[0] == f"PUT {path}/run/x"


def test_a_store_with_a_certificate_of_its_own_authority_is_trusted_if_its_file_is_named(tmp_path):
    (tmp_path / "certificates").mkdir()
    authority = make_certificates(tmp_path / "certificates")
    with start_minio(tmp_path / "certificates") as server:

        def bucket(verify):
            settings = server.settings("lake", verify=verify)
            return S3Bucket("lake", settings, BucketContext(project_dir=tmp_path))

        with pytest.raises(BucketUnreachable, match=r"(?s)certificate verify failed.*`verify"):
            put(bucket(True), "run/x")
        with pytest.raises(BucketMissing):
            put(bucket(str(authority)), "run/x")
        server.client(verify=str(authority)).create_bucket(Bucket="lake")
        content = os.urandom(9 * MB)
        put(bucket(str(authority)), "run/x", content)
        bucket(str(authority)).put_once("run/y", b"y")
        assert read(bucket(str(authority)), "run/x") == content
        bucket(str(authority)).delete("run")


def test_keys_of_the_environment_are_used(make, minio, monkeypatch):
    keys = minio.settings(make.name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["secret_access_key"])
    put(make(access_key_id=None, secret_access_key=None), "run/x")


def test_no_error_shows_a_secret(make, minio):
    keys = minio.keys_for("s3:GetObject")
    bucket = make(**keys)
    uses = (lambda: put(bucket, "x"), lambda: list(bucket.list("")), lambda: bucket.delete("run"))
    for use in uses:
        with pytest.raises(DvtError) as error:
            use()
        assert not [secret for secret in list(keys.values())[1:] if secret in str(error.value)]
    assert not [secret for secret in list(keys.values())[1:] if secret in repr(bucket._settings)]


@pytest.mark.parametrize(
    ("permission", "failed"),
    [
        ("s3:PutObject", {"put", "conditional put"}),
        ("s3:GetObject", {"get", "conditional put"}),  # it asks who has put what is there
        ("s3:ListBucket", {"list"}),
        ("s3:DeleteObject", {"delete"}),
    ],
)
def test_debug_names_each_permission_that_is_missing(make, minio, permission, failed):
    others = {"s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:DeleteObject"} - {permission}
    health = examine(make(**minio.keys_for(*others)), lambda: datetime.now(UTC))
    wrong = [check for check in health.checks if check.status is Status.FAIL]
    assert {check.what for check in wrong} == failed
    assert all(permission in check.fix for check in wrong)
