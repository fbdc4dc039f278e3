"""Buckets of Google Cloud Storage find their store, and tell what their credentials lack.

An emulator checks no credentials, so that the answers about them are written here, as Google's store gives
them.
"""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dvt.buckets.gcs import GCSBucket
from dvt.core.errors import BucketLoginRefused, BucketMissing, BucketRefused, BucketUnreachable
from dvt.core.ports.staging import BucketContext
from tests.stores.certificates import make_certificates
from tests.stores.fake_gcs import fake_gcs
from tests.stores.objects import put, read

pytestmark = pytest.mark.slow

TOKEN = b'{"access_token": "pl4nted-t0ken", "expires_in": 3600, "token_type": "Bearer"}'
JSON = {"Content-Type": "application/json"}
REFUSED = b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'


def answer(status: int, message: str) -> dict:
    body = json.dumps({"error": {"code": status, "message": message}}).encode()
    return {"status": status, "body": body, "headers": JSON}


@pytest.fixture
def key(store):
    """The key file of a service account, whose tokens come from the proxy."""
    secret = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "tests",
        "private_key_id": "1",
        "private_key": secret.decode(),
        "client_email": "dvt@tests.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"http://127.0.0.1:{store.port}/token",
    }


@pytest.mark.parametrize("form", ["keys", "text", "file"])
def test_a_service_accounts_key_logs_in(make, store, key, form, tmp_path):
    file = tmp_path / "key.json"
    file.write_text(json.dumps(key))
    forms = {"keys": key, "text": json.dumps(key)}
    given = {"credentials_path": str(file)} if form == "file" else {"credentials_json": forms[form]}
    token = store.add("POST", "/token", times=1, status=200, body=TOKEN, headers=JSON)
    bucket = make(anonymous=False, endpoint=f"http://127.0.0.1:{store.port}", **given)
    put(bucket, "run/x")
    assert read(bucket, "run/x") == b"x"
    assert token.times == 0


def test_a_key_that_is_refused_is_an_error_without_its_secret(make, store, key):
    refused = {"status": 400, "body": REFUSED, "headers": JSON}
    store.add("POST", "/token", times=9, **refused)
    bucket = make(anonymous=False, endpoint=f"http://127.0.0.1:{store.port}", credentials_json=key)
    with pytest.raises(BucketLoginRefused, match=r"'lake'.*putting 'run/x'.*invalid_grant") as error:
        put(bucket, "run/x")
    assert key["private_key"][40:80] not in str(error.value)
    assert key["private_key"][40:80] not in repr(bucket._settings)


@pytest.mark.parametrize("content", [None, "not JSON", "{}"])
def test_a_file_of_credentials_that_is_none_is_an_error(make, content, tmp_path):
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BucketLoginRefused, match="'lake'"):
        put(make(anonymous=False, credentials_path=str(file)), "run/x")


def test_no_credentials_at_all_are_an_error(make, monkeypatch, tmp_path):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(BucketLoginRefused, match="default credentials were not found"):
        put(make(anonymous=False), "run/x")


def test_an_expired_login_is_an_error(make, store, key):
    store.add("POST", "/token", times=9, status=200, body=TOKEN, headers=JSON)
    store.add("POST", "/upload/", times=9, **answer(401, "Invalid Credentials"))
    bucket = make(anonymous=False, endpoint=f"http://127.0.0.1:{store.port}", credentials_json=key)
    with pytest.raises(BucketLoginRefused, match="Invalid Credentials") as error:
        put(bucket, "run/x")
    assert "pl4nted-t0ken" not in str(error.value)


@pytest.mark.parametrize(
    ("method", "use", "permission"),
    [
        ("POST", lambda bucket: put(bucket, "run/y"), "storage.objects.create"),
        ("POST", lambda bucket: bucket.put_once("run/y", b"y"), "storage.objects.create"),
        ("GET", lambda bucket: bucket.get("run/x"), "storage.objects.get"),
        ("GET", lambda bucket: list(bucket.list("run")), "storage.objects.list"),
        ("DELETE", lambda bucket: bucket.delete("run"), "storage.objects.delete"),
    ],
)
def test_a_missing_permission_is_named(behind, store, method, use, permission):
    put(behind, "run/x")
    message = f"dvt@tests does not have {permission} access to the Google Cloud Storage object."
    store.add(method, **answer(403, message))
    with pytest.raises(BucketRefused, match=r"'lake'.*run") as error:
        use(behind)
    assert permission in error.value.hint


@pytest.mark.parametrize(
    "use",
    [
        lambda bucket: put(bucket, "run/x"),
        lambda bucket: bucket.get("run/x"),
        lambda bucket: list(bucket.list("run")),
    ],
)
def test_a_bucket_that_is_not_there_is_an_error(behind, store, use):
    store.add("GET", times=9, **answer(404, "The specified bucket does not exist."))
    store.add("POST", times=9, **answer(404, "The specified bucket does not exist."))
    with pytest.raises(BucketMissing, match="'lake': there is no gs://"):
        use(behind)


def test_a_store_with_a_certificate_of_its_own_authority_is_trusted_if_its_file_is_named(
    tmp_path, monkeypatch
):
    for folder in ("certificates", "others"):
        (tmp_path / folder).mkdir()
    authority, another = (make_certificates(tmp_path / folder) for folder in ("certificates", "others"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(another))  # does not come before the bucket's own
    with fake_gcs(tmp_path / "certificates") as server:

        def bucket(verify):
            settings = server.settings("lake", verify=verify)
            return GCSBucket("lake", settings, BucketContext(project_dir=tmp_path))

        with pytest.raises(BucketUnreachable, match=r"(?s)certificate verify failed.*`verify"):
            put(bucket(True), "run/x")
        server.client(verify=str(authority)).create_bucket("lake")
        bucket(str(authority)).put_once("run/y", b"y")
        assert read(bucket(str(authority)), "run/y") == b"y"
