"""What Hadoop is told of a bucket: addresses and settings, of stores that no test can reach too."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvt.buckets.azure import AzureBucket
from dvt.buckets.filesystem import FilesystemBucket
from dvt.buckets.gcs import GCSBucket
from dvt.buckets.hdfs import HDFSBucket
from dvt.buckets.s3 import S3Bucket
from dvt.core.ports.staging import HADOOP, BucketContext, OnHadoop
from dvt.staging.in_folder import InFolder
from dvt.staging.local_copies import LocalCopies

KEY = {"type": "service_account", "client_email": "a@b", "private_key_id": "1", "private_key": "pl4nted"}
S3A = "org.apache.hadoop.fs.s3a"
AZURE = {"storage_account": "lake", "container": "box"}
BUCKETS = {
    "s3 with keys": (
        S3Bucket,
        {
            "bucket": "lake",
            "prefix": "p",
            "access_key_id": "A",
            "secret_access_key": "pl4nted",
            "region": "eu-1",
        },
        "s3a://lake/p/run/x",
        {
            "fs.s3a.bucket.lake.access.key": "A",
            "fs.s3a.bucket.lake.secret.key": "pl4nted",
            "fs.s3a.bucket.lake.aws.credentials.provider": f"{S3A}.SimpleAWSCredentialsProvider",
            "fs.s3a.bucket.lake.endpoint.region": "eu-1",
            "fs.s3a.bucket.lake.path.style.access": "false",
        },
    ),
    "s3 for a time": (
        S3Bucket,
        {
            "bucket": "lake",
            "access_key_id": "A",
            "secret_access_key": "S",
            "session_token": "pl4nted",
            "endpoint": "https://store.example",
        },
        "s3a://lake/run/x",
        {
            "fs.s3a.bucket.lake.access.key": "A",
            "fs.s3a.bucket.lake.secret.key": "S",
            "fs.s3a.bucket.lake.session.token": "pl4nted",
            "fs.s3a.bucket.lake.aws.credentials.provider": f"{S3A}.TemporaryAWSCredentialsProvider",
            "fs.s3a.bucket.lake.endpoint": "https://store.example",
            "fs.s3a.bucket.lake.connection.ssl.enabled": "true",
            "fs.s3a.bucket.lake.endpoint.region": "us-east-1",
            "fs.s3a.bucket.lake.path.style.access": "true",
        },
    ),
    "azure with a key": (
        AzureBucket,
        {**AZURE, "account_key": "cGw0bnRlZA=="},
        "abfss://box@lake.dfs.core.windows.net/run/x",
        {"fs.azure.account.key.lake.dfs.core.windows.net": "cGw0bnRlZA=="},
    ),
    "azure in another cloud": (
        AzureBucket,
        {**AZURE, "sas_token": "?sv=1&sig=pl4nted", "endpoint": "https://lake.blob.core.chinacloudapi.cn"},
        "abfss://box@lake.dfs.core.chinacloudapi.cn/run/x",
        {
            "fs.azure.account.auth.type.lake.dfs.core.chinacloudapi.cn": "SAS",
            "fs.azure.sas.fixed.token.lake.dfs.core.chinacloudapi.cn": "sv=1&sig=pl4nted",
        },
    ),
    "gcs with a key": (
        GCSBucket,
        {"bucket": "lake", "credentials_json": KEY},
        "gs://lake/run/x",
        {
            "fs.gs.impl": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem",
            "fs.gs.auth.service.account.enable": "true",
            "fs.gs.auth.service.account.email": "a@b",
            "fs.gs.auth.service.account.private.key.id": "1",
            "fs.gs.auth.service.account.private.key": "pl4nted",
        },
    ),
    "gcs with the workers' login": (
        GCSBucket,
        {"bucket": "lake"},
        "gs://lake/run/x",
        {"fs.gs.impl": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem"},
    ),
    "hdfs": (
        HDFSBucket,
        {
            "path": "hdfs://nn:8020/a b",
            "prefix": "p",
            "config": {"fs.permissions.umask-mode": "027", "x": True},
        },
        "hdfs://nn:8020/a b/p/run/x",
        {"fs.permissions.umask-mode": "027", "x": "true"},
    ),
    "a folder": (FilesystemBucket, {"path": "/shared/stage"}, "file:/shared/stage/run/x", {}),
}
"""Kind → class, keys in buckets.yml, the address of an object, and Hadoop's settings."""


@pytest.fixture(autouse=True)
def _no_login_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def made(class_, keys):
    return class_("store", keys, BucketContext(project_dir=Path("/project")))


@pytest.mark.parametrize("kind", BUCKETS)
def test_hadoop_is_told_where_and_with_what(kind):
    class_, keys, address, settings = BUCKETS[kind]
    bucket = made(class_, keys)
    assert HADOOP in bucket.consumers
    assert bucket.uri_for(HADOOP, "run/x") == address
    access = bucket.hadoop()
    assert access.problem == ""
    assert access.settings == settings
    assert "pl4nted" not in repr(access)
    wrapped = LocalCopies(InFolder(bucket, "project"), "duckdb", Path("/copies"))
    assert isinstance(wrapped, OnHadoop)
    assert wrapped.hadoop() == access
    assert wrapped.uri_for(HADOOP, "run/x") == address.replace("run/x", "project/run/x")


@pytest.mark.parametrize("kind", BUCKETS)
def test_no_key_leads_hadoop_out_of_the_bucket(kind):
    class_, keys, _, _ = BUCKETS[kind]
    for key in ("../x", "run/../../x", "/etc/x"):
        with pytest.raises(ValueError, match="inside"):
            made(class_, keys).uri_for(HADOOP, key)
        with pytest.raises(ValueError, match="inside"), made(class_, keys).writing(HADOOP, key):
            pass


@pytest.mark.parametrize(
    ("class_", "keys", "problem"),
    [
        (S3Bucket, {"bucket": "lake", "verify": False}, "Java trusts those in its own store"),
        (AzureBucket, {**AZURE, "account_key": "eA==", "verify": "/ca.pem"}, "Java trusts"),
        (AzureBucket, AZURE, "give account_key or sas_token"),
        (GCSBucket, {"bucket": "lake", "credentials_json": {"type": "authorized_user"}}, "service account"),
        (GCSBucket, {"bucket": "lake", "credentials_path": "/no/such/file"}, "service account"),
        (GCSBucket, {"bucket": "lake", "verify": False}, "Java trusts"),
    ],
)
def test_what_hadoop_cannot_do_is_said(class_, keys, problem):
    access = made(class_, keys).hadoop()
    assert problem in access.problem
    assert not access.settings


def test_keys_of_this_machine_are_passed_on(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S")
    settings = made(S3Bucket, {"bucket": "lake"}).hadoop().settings
    assert settings["fs.s3a.bucket.lake.secret.key"] == "S"


def test_without_keys_workers_log_in_by_themselves():
    assert made(S3Bucket, {"bucket": "lake"}).hadoop().settings == {
        "fs.s3a.bucket.lake.path.style.access": "false"
    }
