"""Keys of buckets of HDFS, what its errors become, and a bucket whose library is not installed."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from pydantic import ValidationError

from dvt.buckets.hdfs import HDFSBucket, HDFSSettings
from dvt.buckets.hdfs.errors import Translator
from dvt.core.errors import BucketBusy, BucketFailed, BucketLibraryMissing, BucketRefused, BucketUnreachable
from dvt.core.ports.staging import BucketContext

PATH = "hdfs://namenode:8020/user/dvt"
JAVA = "org.apache.hadoop"
USES = (
    lambda bucket: bucket.put_once("run/x", b"x"),
    lambda bucket: bucket.put("run/x", io.BytesIO(b"x")),
    lambda bucket: bucket.get("run/x"),
    lambda bucket: list(bucket.list("")),
    lambda bucket: bucket.delete("run"),
)


@pytest.mark.parametrize("path", [PATH, "hdfs://mycluster/user/dvt/staging", f"{PATH}/two words/"])
def test_a_path_is_of_a_name_node_or_a_name_service(path):
    settings = HDFSSettings(path=path, prefix="shop/")
    assert settings.name_node + settings.folder == f"{path.rstrip('/')}/shop"


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({}, "path"),
        ({"path": "/user/dvt"}, "should be a folder such as hdfs://"),
        ({"path": "s3://lake/x"}, "should be a folder such as hdfs://"),
        ({"path": "hdfs://namenode:8020/"}, "should be a folder such as hdfs://"),
        ({"path": "hdfs://bob@namenode/x"}, "should be a folder such as hdfs://"),
        ({"path": f"{PATH}/../x"}, "that HDFS cannot have"),
        ({"path": f"{PATH}/a:b"}, "that HDFS cannot have"),
        ({"path": PATH, "config": {"fs.permissions.umask-mode": "u=rwx"}}, "octal digits"),
        ({"path": PATH, "timeout": 0}, "greater than 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys, problem):
    with pytest.raises(ValidationError, match=problem):
        HDFSSettings.model_validate(keys)


def test_settings_of_hadoop_are_texts():
    config = {"dfs.a": True, "dfs.b": 3, "dfs.c": "x"}
    assert HDFSSettings(path=PATH, config=config).hadoop == {"dfs.a": "true", "dfs.b": "3", "dfs.c": "x"}


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (TimeoutError(), BucketUnreachable, "`timeout` in buckets.yml"),
        (ConnectionRefusedError(111, "Connection refused"), BucketUnreachable, "Connection refused"),
        (RuntimeError('DataTransferError("All nodes failed")'), BucketUnreachable, "All nodes failed"),
        (
            RuntimeError(f'RPCError("{JAVA}.hdfs.SafeModeException", "In safe mode\\n\\tat x")'),
            BucketBusy,
            "SafeModeException: In safe mode",
        ),
        (
            RuntimeError(
                f'RPCError("{JAVA}.security.AccessControlException", "Permission denied: user=bob, '
                'access=WRITE, inode="/dvt":root:supergroup:drwx------\\n\\tat x")'
            ),
            BucketRefused,
            "(user 'bob') write access to /dvt",
        ),
        (RuntimeError('InternalError("other")'), BucketFailed, "other"),
    ],
)  # fmt: skip
def test_an_error_of_the_library_is_one_of_dvts(error, kind, said):
    translated = Translator("lake", PATH, ()).translated(error, "putting 'run/x'")
    assert type(translated) is kind
    assert said in str(translated)
    assert "\tat" not in str(translated)


def test_a_missing_library_is_an_error_with_the_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "hdfs_native", None)
    bucket = HDFSBucket("lake", {"path": PATH}, BucketContext(project_dir=tmp_path))
    for use in USES:
        with pytest.raises(BucketLibraryMissing, match="HDFS bucket 'lake' requires hdfs-native") as error:
            use(bucket)
        assert error.value.hint == "run `dvt sync`, or pip install 'dvt-engine[hdfs]'"


def test_the_library_is_imported_when_it_is_used_and_not_before():
    code = "import sys, dvt.buckets.hdfs; sys.exit('hdfs_native' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
