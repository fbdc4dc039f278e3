"""Buckets of HDFS find their name nodes, and tell what their user may not do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dvt.core.errors import BucketFailed
from tests.databases.ports import free_port
from tests.stores.objects import put, read

pytestmark = pytest.mark.slow

LIMIT = 120.0
"""Seconds in which such a process must end."""
PUT = "bucket.put('run/x', io.BytesIO(b'x'))"
READ, LIST, DELETE = "bucket.get('run/x').read()", "list(bucket.list('run'))", "bucket.delete('run')"
USERS = """
import io, json, sys
from pathlib import Path
from dvt.buckets.hdfs import HDFSBucket
from dvt.core.errors import DvtError
from dvt.core.ports.staging import BucketContext
said = []
for settings in json.loads(sys.argv[1]):
    bucket = HDFSBucket("lake", settings, BucketContext(project_dir=Path(".")))
    try:
        for use in sys.argv[2:]:
            eval(use)
        said.append("")
    except DvtError as error:
        said.append(f"{type(error).__name__}: {error}")
print(json.dumps(said))
"""


def errors_of(entries, *uses, **environment):
    """Use a bucket of each entry in a new process, and return the error of each, empty if there is none."""
    command = [sys.executable, "-c", USERS, json.dumps(entries), *uses]
    environment = {**os.environ, **environment}
    folder = Path(__file__).parents[3]
    done = subprocess.run(
        command, capture_output=True, check=False, cwd=folder, env=environment, timeout=LIMIT
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_the_settings_of_a_name_service_are_used(server, make):
    """One of its name nodes is down."""
    config = {
        "dfs.nameservices": "lakes",
        "dfs.ha.namenodes.lakes": "a,b",
        "dfs.namenode.rpc-address.lakes.a": f"127.0.0.1:{free_port()}",
        "dfs.namenode.rpc-address.lakes.b": f"127.0.0.1:{server.port}",
    }
    bucket = make(path=f"hdfs://lakes{make.name}", config=config)
    put(bucket, "run/x", b"one")
    assert read(bucket, "run/x") == read(make(), "run/x") == b"one"
    assert bucket.address == f"hdfs://lakes{make.name}"


def test_the_files_of_hadoop_name_the_nodes_of_a_name_service(server, make, tmp_path):
    properties = {
        "dfs.nameservices": "seas",
        "dfs.ha.namenodes.seas": "a",
        "dfs.namenode.rpc-address.seas.a": f"127.0.0.1:{server.port}",
    }
    written = "".join(
        f"<property><name>{name}</name><value>{value}</value></property>"
        for name, value in properties.items()
    )
    (tmp_path / "hdfs-site.xml").write_text(f"<configuration>{written}</configuration>")
    (tmp_path / "core-site.xml").write_text("<configuration></configuration>")
    entry = server.settings(make.name, path=f"hdfs://seas{make.name}")
    assert errors_of([entry], PUT, READ, LIST, DELETE, HADOOP_CONF_DIR=str(tmp_path)) == [""]


def test_a_name_service_that_nothing_describes_is_an_error(make):
    with pytest.raises(BucketFailed, match="No NameNode hosts") as error:
        put(make(path="hdfs://lakes/x"), "run/x")
    assert "HADOOP_CONF_DIR" in error.value.hint


def test_a_user_without_permission_is_refused_and_the_permission_named(server, make):
    """And a process is one user of HDFS: the library takes it from the environment."""
    settings = server.settings(make.name, timeout=10)
    server.client().mkdirs(make.name, 0o755, True)
    entries = [settings | {"user": "bob"}, settings | {"user": "eve"}]
    refused, again = errors_of(entries, PUT, READ, LIST, DELETE)
    assert refused.startswith("BucketRefused")
    assert "putting 'run/x'" in refused
    assert f"(user 'bob') write access to {make.name}" in refused
    assert "is user 'bob' for HDFS already" in again
    (refused,) = errors_of([settings], PUT, HADOOP_USER_NAME="carol")
    assert "(user 'carol') write access" in refused
    server.client().set_owner(make.name, "carol")
    assert errors_of([settings | {"user": "carol"}], PUT, READ, LIST, DELETE) == [""]


@pytest.mark.parametrize(
    ("use", "mode", "access"),
    [(READ, 0o311, "read"), (LIST, 0o311, "read_execute"), (DELETE, 0o555, "write")],
)
def test_each_missing_permission_is_named(server, make, use, mode, access):
    client = server.client()
    client.create(f"{make.name}/run/x").close()
    client.set_permission(f"{make.name}/run/x", 0o600)
    client.set_permission(f"{make.name}/run", mode)
    (said,) = errors_of([server.settings(make.name, user="bob")], use)
    assert said.startswith("BucketRefused")
    assert f"(user 'bob') {access} access to {make.name}" in said


def test_what_may_not_be_deleted_is_named_and_the_rest_is_gone(server, make):
    client = server.client()
    for name in ("run/a/x", "run/b/x", "run/c/x"):
        client.create(f"{make.name}/{name}").close()
    for name in ("", "/run", "/run/a", "/run/c"):
        client.set_owner(make.name + name, "bob")
    (said,) = errors_of([server.settings(make.name, user="bob")], LIST, DELETE)
    assert said.startswith("BucketRefused")
    assert "deleting in 'run'" in said
    left = [status.path for status in client.list_status(f"{make.name}/run", True) if not status.isdir]
    assert left == [f"{make.name}/run/b/x"]
