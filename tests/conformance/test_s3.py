"""What S3 buckets promise beyond every bucket's promises, on a real MinIO."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dvt.buckets.s3 import S3Bucket, uploads
from dvt.buckets.s3 import client as s3_client
from dvt.core.errors import (
    BucketBusy,
    BucketFailed,
    BucketLoginRefused,
    BucketMissing,
    BucketRefused,
    BucketUnreachable,
    DvtError,
    ObjectDamaged,
)
from dvt.core.ports.staging import BucketContext
from tests.databases.ports import free_port
from tests.databases.proxy import proxy, silent_port
from tests.stores.certificates import make_certificates
from tests.stores.faults import faulty
from tests.stores.minio import PASSWORD
from tests.stores.minio import minio as start_minio

pytestmark = pytest.mark.slow

MB = 2**20
BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"


@pytest.fixture
def minio(stores):
    return stores("minio")


@pytest.fixture
def make(minio, tmp_path):
    """Makes buckets; all are of one store's bucket."""
    name = minio.new_bucket()

    def bucket(**overrides):
        settings = {**minio.settings(name), **overrides}
        return S3Bucket("lake", settings, BucketContext(project_dir=tmp_path))

    bucket.name = name
    return bucket


@pytest.fixture
def bucket(make):
    return make()


@pytest.fixture
def store(minio):
    """A proxy before the store."""
    with faulty(minio.port) as store:
        yield store


@pytest.fixture
def behind(make, store):
    """The bucket, reached through the proxy."""
    return make(endpoint=f"http://127.0.0.1:{store.port}")


@pytest.fixture
def few_attempts(monkeypatch):
    monkeypatch.setattr(s3_client, "_ATTEMPTS", 3)


def put(bucket, key, content=b"x"):
    bucket.put(key, io.BytesIO(content))


def read(bucket, key):
    with bucket.get(key) as data:
        return data.read()


def unfinished(minio, make):
    return minio.client().list_multipart_uploads(Bucket=make.name).get("Uploads", [])


def test_five_thousand_objects_come_and_go(bucket):
    keys = [f"run/{number:04}" for number in range(5_000)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: put(bucket, key), keys))
    put(bucket, "other/x")
    assert [key for key, _ in bucket.list("run")] == keys
    bucket.delete("run")
    assert list(bucket.list("")) == [("other/x", 1)]


def test_a_gigabyte_streams_both_ways_in_little_memory(minio, make, tmp_path):
    code = f"""
import io, json, sys
from pathlib import Path
from dvt.buckets.s3 import S3Bucket
from dvt.core.ports.staging import BucketContext
from dvt.testing.suites.buckets import _Stream
from tests.conformance.measure import peak_memory
bucket = S3Bucket("lake", json.loads(sys.argv[1]), BucketContext(project_dir=Path(".")))
stream = _Stream(2**30)
bucket.put("run/large", stream)
import hashlib
digest = hashlib.sha256()
with bucket.get("run/large") as data:
    while piece := data.read({MB}):
        digest.update(piece)
print(json.dumps([digest.hexdigest() == stream.digest.hexdigest(), peak_memory()]))
"""
    command = [sys.executable, "-c", code, json.dumps(minio.settings(make.name))]
    done = subprocess.run(command, capture_output=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr.decode()
    is_same, megabytes = json.loads(done.stdout)
    assert is_same
    assert megabytes < 300, f"{megabytes} MB"


def test_an_upload_that_fails_leaves_no_parts(minio, make, bucket):
    class Breaks(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 30 * MB:
                raise KeyError("the stream broke")
            return super().read(size)

    with pytest.raises(KeyError, match="broke"):
        bucket.put("run/x", Breaks(bytes(40 * MB)))
    assert unfinished(minio, make) == []
    assert list(bucket.list("")) == []


def test_an_object_in_parts_is_checked_as_a_whole(minio, make, bucket):
    put(bucket, "run/x", bytes(20 * MB))
    head = minio.client().head_object(Bucket=make.name, Key="run/x", ChecksumMode="ENABLED")
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert len(read(bucket, "run/x")) == 20 * MB


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_store_that_is_busy_for_a_while_is_asked_again(behind, store, method):
    put(behind, "run/x", b"one")
    busy = store.add(method, "run/x", times=2, status=503, body=BUSY)
    put(behind, "run/x", b"two")
    assert read(behind, "run/x") == b"two"
    assert busy.times == 0


@pytest.mark.usefixtures("few_attempts")
def test_a_store_that_stays_busy_is_an_error(behind, store):
    store.add("PUT", "run/x", times=99, status=503, body=BUSY)
    with pytest.raises(BucketBusy, match=r"'lake'.*putting 'run/x'.*SlowDown") as error:
        put(behind, "run/x")
    assert error.value.transient


def test_a_busy_store_in_the_midst_of_parts_is_asked_again(behind, store, minio, make):
    store.add("PUT", "partNumber=2", times=2, status=503, body=BUSY)
    store.add("POST", "uploadId=", times=1, status=500, body=b"")
    put(behind, "run/x", os.urandom(20 * MB))
    assert unfinished(minio, make) == []
    assert [size for _, size in behind.list("run")] == [20 * MB]


def test_what_is_left_of_a_batch_is_deleted_again(behind, store):
    for number in range(3):
        put(behind, f"run/{number}")
    left = b"<DeleteResult><Error><Key>run/1</Key><Code>SlowDown</Code></Error></DeleteResult>"
    answer = store.add("POST", "delete", status=200, body=left)
    behind.delete("run")
    assert answer.times == 0
    assert [seen for seen in store.seen if "delete" in seen][1:]


def test_a_connection_that_breaks_is_read_on_over_another(behind, store):
    content = os.urandom(9 * MB)
    put(behind, "run/x", content)
    cuts = [store.add("GET", "run/x", cut_after=size) for size in (4 * MB, 10, 0)]
    assert read(behind, "run/x") == content
    assert all(cut.times == 0 for cut in cuts)


def test_an_object_that_is_replaced_while_a_connection_breaks_is_not_mixed(behind, store):
    put(behind, "run/x", b"1" * 9 * MB)
    store.add("GET", "run/x", cut_after=4 * MB)
    with behind.get("run/x") as data:
        data.read(MB)
        put(behind, "run/x", b"2" * 9 * MB)
        with pytest.raises(BucketFailed, match=r"reading 'run/x'.*replaced"):
            data.read()


def test_a_connection_that_always_breaks_is_an_error(behind, store, monkeypatch):
    monkeypatch.setattr("dvt.drivers.objects.reader.wait", lambda failures: None)
    put(behind, "run/x", os.urandom(MB))
    store.add("GET", "run/x", times=99, cut_after=0)
    with pytest.raises(BucketUnreachable, match="reading 'run/x'"):
        read(behind, "run/x")


@pytest.mark.parametrize("write", ["put", "put_once"])
def test_a_write_whose_answer_is_lost_has_happened_once(behind, store, write):
    """The store has done it, and boto3 asks again."""
    lost = store.add("PUT", "run/x", lose=True)
    put(behind, "run/x") if write == "put" else behind.put_once("run/x", b"x")
    assert lost.times == 0
    assert read(behind, "run/x") == b"x"
    with pytest.raises(FileExistsError):
        behind.put_once("run/x", b"y")


def test_parts_whose_completion_is_not_heard_of_are_complete(behind, store, minio, make):
    content = os.urandom(20 * MB)
    lost = store.add("POST", "uploadId=", lose=True)
    put(behind, "run/x", content)
    assert lost.times == 0
    assert read(behind, "run/x") == content
    assert unfinished(minio, make) == []


def test_a_store_that_ignores_conditions_is_refused(behind, store, minio, make):
    """It would let two runs believe that each is the only one."""
    store.add("PUT", "run/x", status=200, times=9, headers={"ETag": '"x"'})
    with pytest.raises(BucketFailed, match="If-None-Match"):
        behind.put_once("run/x", b"x")


@pytest.mark.parametrize("size", [1000, 20 * MB])
def test_a_byte_that_changes_on_its_way_to_the_store_is_noticed(behind, store, size):
    flip = store.add("PUT", "run/x", flip_sent=500, least=500)
    with pytest.raises(ObjectDamaged, match="putting 'run/x'"):
        put(behind, "run/x", os.urandom(size))
    assert flip.times == 0
    assert list(behind.list("run")) == []


@pytest.mark.parametrize("size", [1000, 20 * MB])
def test_a_byte_that_changes_on_its_way_from_the_store_is_noticed(behind, store, size):
    put(behind, "run/x", os.urandom(size))
    flip = store.add("GET", "run/x", flip_answered=500)
    with behind.get("run/x") as data, pytest.raises(ObjectDamaged, match="reading 'run/x'"):
        list(iter(lambda: data.read(100_000), b""))
    assert flip.times == 0


def test_a_changed_byte_is_noticed_without_the_stores_checksums(behind, store):
    put(behind, "run/x", b"x" * 1000)
    flip = store.add("GET", "run/x", flip_answered=500, drop_headers="x-amz-checksum")
    with pytest.raises(ObjectDamaged):
        read(behind, "run/x")
    assert flip.times == 0


def test_a_frozen_store_is_an_error_within_the_timeout(make, minio):
    with proxy(minio.port) as between:
        bucket = make(endpoint=f"http://127.0.0.1:{between.port}", timeout=3)
        put(bucket, "run/x", bytes(9 * MB))
        between.stall()
        with pytest.raises(BucketUnreachable, match=r"putting 'run/y'.*timeout"):
            put(bucket, "run/y")
        between.thaw()
        put(bucket, "run/y")
        between.freeze_after(4 * MB, "to_client")
        with pytest.raises(BucketUnreachable, match=r"reading 'run/x'.*timeout"):
            read(bucket, "run/x")


def test_a_silent_store_is_an_error_within_the_timeout(make):
    with silent_port() as port:
        bucket = make(endpoint=f"http://127.0.0.1:{port}", timeout=3)
        with pytest.raises(BucketUnreachable, match=r"listing ''.*timeout"):
            list(bucket.list(""))


def test_a_store_that_is_not_there_is_an_error(make):
    bucket = make(endpoint=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(BucketUnreachable, match=r"'lake'.*listing ''.*refused"):
        list(bucket.list(""))


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


def test_the_first_of_many_errors_of_a_deletion_is_raised_and_the_rest_is_gone(behind, store):
    for number in range(3):
        put(behind, f"run/{number}")
    refused = b"<DeleteResult><Error><Key>run/1</Key><Code>AccessDenied</Code></Error></DeleteResult>"
    store.add("POST", "delete", status=200, body=refused)
    with pytest.raises(BucketRefused) as error:
        behind.delete("run")
    assert "s3:DeleteObject" in error.value.hint


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


def test_parts_of_a_file_are_as_large_as_its_length_asks_for(monkeypatch):
    monkeypatch.setattr(uploads, "_MOST_PARTS", 3)
    assert uploads._part_size(io.BytesIO(bytes(25 * MB))) == -(-25 * MB // 3)
    assert uploads._part_size(io.BytesIO(bytes(5))) == uploads.PART
