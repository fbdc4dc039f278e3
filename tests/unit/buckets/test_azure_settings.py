"""Keys of buckets of Azure, and a bucket whose library is not installed."""

from __future__ import annotations

import base64
import io
import subprocess
import sys

import pytest
from pydantic import ValidationError

from dvt.buckets.azure import AzureBucket, AzureSettings
from dvt.core.errors import BucketLibraryMissing
from dvt.core.ports.staging import BucketContext

KEY = base64.b64encode(b"s3cret").decode()
STRING = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={KEY};EndpointSuffix=core.windows.net"
SIGNED = "SharedAccessSignature=?sv=2022&sig=s1gnature%3D"
AT = {"storage_account": "acct", "container": "lake"}
USES = (
    lambda bucket: bucket.put_once("run/x", b"x"),
    lambda bucket: bucket.put("run/x", io.BytesIO(b"x")),
    lambda bucket: bucket.get("run/x"),
    lambda bucket: list(bucket.list("")),
    lambda bucket: bucket.delete("run"),
)


def test_both_spellings_of_a_key_are_one():
    assert AzureSettings(account_name="acct", container="lake") == AzureSettings(**AT)
    assert AzureSettings(**AT, sas_token="?sig=x") == AzureSettings(**AT, sas_token="sig=x")


@pytest.mark.parametrize(
    ("text", "account", "url"),
    [
        (STRING, "acct", "https://acct.blob.core.windows.net"),
        (f"AccountName=acct;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn", "acct",
         "https://acct.blob.core.chinacloudapi.cn"),
        (f"BlobEndpoint=https://acct.blob.core.windows.net/;{SIGNED}", "acct", "https://acct.blob.core.windows.net"),
        (f"BlobEndpoint=http://127.0.0.1:10000/acct;{SIGNED}", "acct", "http://127.0.0.1:10000/acct"),
        (f"BlobEndpoint=http://azurite:10000/acct;{SIGNED}", "acct", "http://azurite:10000/acct"),
    ],
)  # fmt: skip
def test_a_connection_string_has_the_account(text, account, url):
    settings = AzureSettings(container="lake", connection_string=text)
    assert (settings.storage_account, settings.account_url) == (account, url)
    assert AzureSettings.model_validate(settings.model_dump(exclude_unset=True)) == settings


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (None, "https://acct.blob.core.windows.net"),
        ("http://127.0.0.1:10000", "http://127.0.0.1:10000/acct"),
        ("http://localhost:10000/", "http://localhost:10000/acct"),
        ("http://azurite:10000", "http://azurite:10000/acct"),
        ("http://azurite:10000/other", "http://azurite:10000/other"),
        ("https://acct.privatelink.example", "https://acct.privatelink.example"),
    ],
)
def test_an_endpoint_without_a_name_has_the_account_in_its_paths(endpoint, url):
    assert AzureSettings(**AT, account_key=KEY, endpoint=endpoint).account_url == url


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"container": "lake"}, "storage_account\n.*required"),
        ({"storage_account": "acct"}, "container\n.*required"),
        ({"container": "lake", "connection_string": f"BlobEndpoint=https://a.example;{SIGNED}"}, "required"),
        ({**AT, "account_key": KEY, "sas_token": "sig=x"}, "account_key and sas_token are two sources"),
        ({**AT, "connection_string": STRING, "sas_token": "sig=x"}, "two sources"),
        ({**AT, "account_key": "s3cret!"}, "in base64"),
        ({**AT, "storage_account": "other", "connection_string": STRING}, "name two accounts"),
        ({**AT, "connection_string": "AccountName=acct"}, "AccountKey or a SharedAccessSignature"),
        ({**AT, "container": "No Name"}, "container\n.*match"),
        ({**AT, "storage_account": "acct.blob.core.windows.net"}, "match"),
        ({**AT, "endpoint": "http://127.0.0.1:10000"}, "needs an endpoint with https"),
        ({**AT, "endpoint": "store:10000"}, "should be a URL"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(keys, problem):
    with pytest.raises(ValidationError, match=f"(?s){problem}") as error:
        AzureSettings.model_validate(keys)
    assert KEY not in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("keys", "secrets"),
    [
        ({"account_key": KEY}, {KEY}),
        ({"sas_token": "sv=2022&sig=s1gn"}, {"sv=2022&sig=s1gn", "s1gn"}),
        ({"connection_string": STRING}, {STRING, KEY}),
        ({"connection_string": f"AccountName=acct;{SIGNED}"}, {"s1gnature%3D", "sv=2022&sig=s1gnature%3D"}),
    ],
)
def test_secrets_are_not_shown(keys, secrets):
    settings = AzureSettings(**AT, **keys)
    assert set(settings.secrets) >= secrets
    assert not [secret for secret in settings.secrets if secret in repr(settings)]


def test_the_address_tells_buckets_apart(tmp_path):
    different = [
        AT,
        AT | {"prefix": "b"},
        AT | {"container": "sea"},
        AT | {"storage_account": "other"},
        AT | {"endpoint": "https://store.example"},
    ]
    context = BucketContext(project_dir=tmp_path)
    addresses = [AzureBucket("lake", settings, context).address for settings in different]
    assert len(set(addresses)) == len(different)
    same = {"container": "lake", "prefix": "/b/", "connection_string": STRING}
    assert AzureBucket("other", same, context).address == addresses[1] == "abfss://lake@acct/b"


@pytest.mark.parametrize(
    ("modules", "library"),
    [
        (("azure.storage.blob", "azure.core", "azure.core.exceptions"), "azure-storage-blob"),
        (("azure.identity",), "azure-identity"),
    ],
)
def test_a_missing_library_is_an_error_with_the_line_that_installs_it(
    tmp_path, monkeypatch, modules, library
):
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    bucket = AzureBucket("lake", AT, BucketContext(project_dir=tmp_path))
    for use in USES:
        with pytest.raises(BucketLibraryMissing, match=f"Azure bucket 'lake' requires {library}") as error:
            use(bucket)
        assert error.value.hint == "run `dvt sync`, or pip install 'dvt-engine[azure]'"


def test_the_libraries_are_imported_when_they_are_used_and_not_before():
    code = "import sys, dvt.buckets.azure; sys.exit(any(name.startswith('azure') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
