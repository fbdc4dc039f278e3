"""Buckets of Azure find their store, and tell what their credentials lack; on Azurite, an emulator."""

from __future__ import annotations

import base64
import http.server
import json
import os
import threading
import time
from contextlib import contextmanager

import pytest

from dvt.buckets.azure import AzureBucket
from dvt.buckets.azure import client as azure_client
from dvt.core.errors import BucketLoginRefused, BucketMissing, BucketRefused, BucketUnreachable
from dvt.core.ports.staging import BucketContext
from tests.databases.ports import free_port
from tests.stores.azurite import ACCOUNT, KEY, azurite
from tests.stores.certificates import make_certificates
from tests.stores.objects import put, read

pytestmark = pytest.mark.slow


@pytest.fixture
def signed(make, server):
    """Makes buckets whose credentials are a signature with these permissions."""

    def bucket(permissions, minutes=60, **overrides):
        signature = server.signature(make.name, permissions, minutes)
        return make(account_key=None, sas_token=signature, **overrides)

    return bucket


def test_a_signature_is_a_login(signed):
    bucket = signed("cwrld")
    bucket.put_once("run/x", b"one")
    assert read(bucket, "run/x") == b"one"
    bucket.delete("run")
    assert list(bucket.list("")) == []


@pytest.mark.parametrize("form", ["key", "account", "endpoint", "signature"])
def test_a_connection_string_is_a_login(server, make, tmp_path, form):
    endpoint = f"BlobEndpoint={server.endpoint}/{ACCOUNT}"
    login = f"AccountName={ACCOUNT};AccountKey={KEY}"
    signature = server.signature(make.name, "cwrld")
    forms = {
        "key": {"connection_string": f"DefaultEndpointsProtocol=http;{login};{endpoint};"},
        "account": {"connection_string": f"{login};{endpoint}", "storage_account": ACCOUNT},
        "endpoint": {"connection_string": login, "endpoint": server.endpoint},
        "signature": {"connection_string": f"{endpoint};SharedAccessSignature={signature}"},
    }
    bucket = AzureBucket("lake", {"container": make.name, **forms[form]}, BucketContext(project_dir=tmp_path))
    put(bucket, "run/x", b"one")
    assert read(bucket, "run/x") == b"one"
    assert bucket.address.startswith(f"abfss://{make.name}@{ACCOUNT} at {server.endpoint}")


def test_a_wrong_key_is_an_error(make):
    wrong = base64.b64encode(b"wr0ng-k3y").decode()
    with pytest.raises(BucketLoginRefused, match=r"'lake'.*putting 'run/x'") as error:
        put(make(account_key=wrong), "run/x")
    assert wrong not in str(error.value)
    assert KEY not in str(error.value)


def test_an_expired_signature_is_an_error(signed):
    with pytest.raises(BucketLoginRefused, match=r"(?s)'lake'.*reading 'run/x'.*expired") as error:
        signed("r", minutes=-5).get("run/x")
    assert "sig=" not in str(error.value)


def test_azures_own_answer_to_wrong_credentials_is_an_error(behind, store):
    """Azurite gives another one."""
    store.add("GET", status=403, headers={"x-ms-error-code": "AuthenticationFailed"})
    with pytest.raises(BucketLoginRefused, match="AuthenticationFailed"):
        list(behind.list(""))


def test_a_container_that_is_not_there_is_an_error(make):
    bucket = make(container="nowhere")
    uses = (lambda: put(bucket, "run/x"), lambda: bucket.get("run/x"), lambda: list(bucket.list("")))
    for use in uses:
        with pytest.raises(BucketMissing, match=r"'lake': there is no abfss://nowhere@"):
            use()


@pytest.mark.parametrize(
    ("operation", "letters", "permission"),
    [
        ("creating", "rld", "c in"),
        ("putting", "rld", "w in"),
        ("reading", "cwld", "r in"),
        ("listing", "cwrd", "l in"),
        ("deleting in", "cwrl", "d in"),
    ],
)
def test_a_missing_permission_is_named(signed, bucket, operation, letters, permission):
    put(bucket, "run/x")
    limited = signed(letters)
    use = {
        "creating": lambda: limited.put_once("run/y", b"y"),
        "putting": lambda: put(limited, "run/y"),
        "reading": lambda: limited.get("run/x"),
        "listing": lambda: list(limited.list("run")),
        "deleting in": lambda: limited.delete("run"),
    }
    with pytest.raises(BucketRefused, match=f"'lake'.*{operation} '") as error:
        use[operation]()
    assert permission in error.value.hint
    assert list(bucket.list("run")) == [("run/x", 1)]


def test_no_error_of_a_connection_shows_a_signature(signed, monkeypatch):
    monkeypatch.setattr(azure_client, "_ATTEMPTS", 2)
    bucket = signed("rl", endpoint=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(BucketUnreachable, match=r"listing ''.*refused") as error:
        list(bucket.list(""))
    assert "sig=" not in str(error.value)


def test_an_account_that_is_not_there_is_an_error(make, monkeypatch):
    monkeypatch.setattr(azure_client, "_ATTEMPTS", 2)
    bucket = make(endpoint="https://account.blob.store.invalid")
    with pytest.raises(BucketUnreachable, match=r"'lake'.*listing ''.*(resolve|not known|resolution)"):
        list(bucket.list(""))


def test_no_credentials_at_all_are_an_error_that_names_the_ways_in(make, monkeypatch):
    for variable in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_", "MSI_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")  # the others ask around
    bucket = make(account_key=None, endpoint="https://127.0.0.1:1")
    with pytest.raises(BucketLoginRefused, match=r"no credentials") as error:
        put(bucket, "run/x")
    for way in ("account_key", "sas_token", "connection_string", "az login"):
        assert way in error.value.hint


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_without_credentials_those_of_the_machine_are_used_and_its_authorities_trusted(tmp_path, monkeypatch):
    (tmp_path / "certificates").mkdir()
    authority = make_certificates(tmp_path / "certificates")
    with azurite(tmp_path / "certificates") as server, managed_identity(monkeypatch):

        def bucket(**overrides):
            settings = server.settings("lake", verify=str(authority), account_key=None) | overrides
            return AzureBucket("lake", settings, BucketContext(project_dir=tmp_path))

        with server.client(verify=str(authority)) as client:
            client.create_container("lake")
        put(bucket(account_key=KEY), "run/x", b"one")
        assert read(bucket(), "run/x") == b"one"
        monkeypatch.setattr(azure_client, "_ATTEMPTS", 2)
        with pytest.raises(BucketUnreachable, match=r"(?s)certificate verify failed.*`verify"):
            list(bucket(verify=True).list(""))
        assert list(bucket(verify=False, account_key=KEY).list("")) == [("run/x", 3)]


@contextmanager
def managed_identity(monkeypatch):
    """A service of this machine that gives tokens, as App Service has one; Azurite checks no signature."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Tokens)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}/token")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Tokens(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        now = int(time.time())
        claims = {
            "aud": "https://storage.azure.com",
            "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
            "nbf": now - 60,
            "iat": now - 60,
            "exp": now + 3600,
        }
        token = ".".join((_encoded({"alg": "none", "typ": "JWT"}), _encoded(claims), "x"))
        body = {"access_token": token, "expires_on": str(now + 3600), "token_type": "Bearer", "resource": "x"}
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


def _encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
