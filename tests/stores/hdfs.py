"""HDFS: a real name node and a real data node, on free loopback ports, while a `with` lasts."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.databases.ports import free_port, start_error, start_on_free_port
from tests.stores.programs import launch, program, server_folder, stop

_START_TIMEOUT = 60.0
"""Seconds until a cluster that is not ready counts as not started."""
_NAME_NODE = "org.apache.hadoop.hdfs.server.namenode.NameNode"
_DATA_NODE = "org.apache.hadoop.hdfs.server.datanode.DataNode"
_READY = "jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"


@dataclass
class HDFS:
    """A running cluster."""

    folder: Path
    port: int
    """The name node's."""
    data_port: int
    """The data node's."""
    processes: dict[str, subprocess.Popen[bytes]]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def settings(self, folder: str, **overrides: Any) -> dict[str, Any]:
        """Return the keys of an entry in buckets.yml."""
        return {"path": f"hdfs://127.0.0.1:{self.port}{folder}", "timeout": 60} | overrides

    def new_bucket(self) -> str:
        """Return a folder that is not there yet."""
        return f"/dvt/bucket {next(self._numbers)}"

    def client(self) -> Any:
        """Return the library's client."""
        from hdfs_native import Client

        return Client(f"hdfs://127.0.0.1:{self.port}")

    def admin(self, *arguments: str) -> None:
        """Run `hdfs dfsadmin`."""
        program = "org.apache.hadoop.hdfs.tools.DFSAdmin"
        subprocess.run(_java(self.folder, program, *arguments), check=True, capture_output=True)


@contextmanager
def hdfs(*, data_host: str = "127.0.0.1") -> Iterator[HDFS]:
    """Run a new cluster; remove it with its folder at the end.

    Its data node listens at `data_host`, and tells clients that it does at 127.0.0.1: a proxy may be there.
    """
    with server_folder("hdfs") as folder:
        cluster = start_on_free_port(lambda port: _start(folder, port, data_host))
        try:
            cluster.client().mkdirs("/dvt", 0o755, True)
            yield cluster
        finally:
            for process in cluster.processes.values():
                stop(process)


def _start(folder: Path, port: int, data_host: str) -> HDFS:
    shutil.rmtree(folder)
    folder.mkdir()
    data_port, web = free_port(), free_port()
    _configure(folder, _settings(folder, port, data_port, web, data_host))
    formatting = launch(_java(folder, _NAME_NODE, "-format", "-nonInteractive"), folder)
    if formatting.wait(_START_TIMEOUT):
        raise start_error("HDFS", folder / "log")
    processes = {
        "name": launch(_java(folder, _NAME_NODE), folder),
        "data": launch(_java(folder, _DATA_NODE), folder),
    }
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and all(process.poll() is None for process in processes.values()):
        if _is_ready(web):
            return HDFS(folder, port, data_port, processes)
        time.sleep(0.1)
    for process in processes.values():
        stop(process)
    raise start_error("HDFS", folder / "log")


def _settings(folder: Path, port: int, data_port: int, web: int, data_host: str) -> dict[str, str]:
    return {
        "fs.defaultFS": f"hdfs://127.0.0.1:{port}",
        "hadoop.tmp.dir": f"{folder}/tmp",
        "dfs.replication": "1",
        "dfs.namenode.rpc-address": f"127.0.0.1:{port}",
        "dfs.namenode.http-address": f"127.0.0.1:{web}",
        "dfs.namenode.name.dir": f"file://{folder}/name",
        "dfs.namenode.safemode.extension": "0",
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
        "dfs.datanode.data.dir": f"file://{folder}/data",
        "dfs.datanode.hostname": "127.0.0.1",
        "dfs.datanode.address": f"{data_host}:{data_port}",
        "dfs.datanode.http.address": "127.0.0.1:0",
        "dfs.datanode.ipc.address": "127.0.0.1:0",
    }


def _configure(folder: Path, settings: Mapping[str, str]) -> None:
    for page in ("hdfs", "datanode"):
        (folder / "conf" / "webapps" / page).mkdir(parents=True)
    properties = "".join(
        f"<property><name>{name}</name><value>{value}</value></property>" for name, value in settings.items()
    )
    for file in ("core-site.xml", "hdfs-site.xml"):
        (folder / "conf" / file).write_text(f"<configuration>{properties}</configuration>")


def _java(folder: Path, main: str, *arguments: str) -> list[str]:
    jars = program("hdfs", "lib")
    return [
        "java",
        "-Xmx256m",
        "-XX:TieredStopAtLevel=1",
        "--add-opens",
        "java.base/java.lang=ALL-UNNAMED",
        "-cp",
        f"{folder}/conf:{jars}/*",
        main,
        *arguments,
    ]


def _is_ready(web: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{web}/{_READY}", timeout=5) as answer:
            beans = json.load(answer)["beans"]
    except (OSError, ValueError):
        return False
    return bool(beans) and beans[0]["NumLiveDataNodes"] == 1 and beans[0]["FSState"] == "Operational"
