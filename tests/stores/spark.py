"""Spark from the package `pyspark`, on free loopback ports while a `with` lasts."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil
import pyspark

from tests.databases.ports import free_port, start_error, start_on_free_port
from tests.stores.programs import launch, server_folder

_START_TIMEOUT = 120.0
"""Seconds until a cluster without all its workers counts as not started."""
_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
WORKERS = 2
TOKEN = "pl4nted-t0ken"
"""What servers of Spark Connect ask for."""


@dataclass
class SparkCluster:
    """A master and workers of one core each."""

    folder: Path
    port: int
    web: int
    master: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    remembers: bool = False
    """Whether a master that is started again knows workers and applications of the one before."""

    @property
    def url(self) -> str:
        """What `master` in computes.yml is."""
        return f"spark://127.0.0.1:{self.port}"

    def add_worker(self) -> None:
        """Start a worker, and wait until the master knows it."""
        alive = len(self.alive())
        daemon = ["org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1"]
        options = ["--memory", "1g", "--webui-port", "0", "--work-dir", str(self.folder / "work"), self.url]
        self.workers.append(_launch(self.folder, [*daemon, *options]))
        self._await(lambda: len(self.alive()) > alive)

    def alive(self) -> list[dict[str, Any]]:
        """Return the workers that the master has heard of."""
        return [worker for worker in self.state()["workers"] if worker["state"] == "ALIVE"]

    def state(self) -> dict[str, Any]:
        """Return what the master says of itself."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/json/", timeout=10) as answer:
            return dict(json.load(answer))

    def executors(self) -> list[psutil.Process]:
        """Return the processes that run tasks of applications."""
        found = []
        for worker in self.workers:
            with suppress(psutil.NoSuchProcess):
                found += psutil.Process(worker.pid).children(recursive=True)
        return found

    def kill_application(self, identity: str) -> None:
        """End an application, as its owner would on the master's page."""
        page = f"http://127.0.0.1:{self.web}/"
        with urllib.request.urlopen(page, timeout=10) as answer:
            (token, *_) = re.findall('name="csrfToken" value="([^"]+)"', answer.read().decode())
        form = urllib.parse.urlencode({"id": identity, "terminate": "true", "csrfToken": token}).encode()
        with urllib.request.urlopen(f"{page}app/kill/", form, timeout=10):
            pass

    def kill_worker(self) -> None:
        """Kill a worker that runs tasks, with the processes that run them."""
        worker = next(worker for worker in self.workers if psutil.Process(worker.pid).children())
        self.workers.remove(worker)
        _kill(worker)

    def kill_master(self) -> None:
        """Kill the master; workers and what they run stay."""
        _kill(self.master)

    def start_master(self) -> None:
        """Start a master on the same port, and wait until it has the workers."""
        self.master = _launch_master(self.folder, self.port, self.web, self.remembers)
        self._await(lambda: self.state()["status"] == "ALIVE" and len(self.alive()) == len(self.workers))

    def stop(self) -> None:
        """Kill all that there is of the cluster."""
        for process in (self.master, *self.workers):
            _kill(process)

    def _await(self, is_done: Any) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline and self.master.poll() is None:
            with suppress(OSError, ValueError):
                if is_done():
                    return
            time.sleep(0.1)
        self.stop()
        raise start_error("Spark", self.folder / "log")


@contextmanager
def spark_cluster(workers: int = WORKERS, *, remembers: bool = False) -> Iterator[SparkCluster]:
    """Run a new cluster; end it, and remove its folder. `remembers`: its master can recover."""
    with server_folder("spark") as folder:
        cluster = start_on_free_port(lambda port: _start(folder, port, remembers))
        try:
            for _ in range(workers):
                cluster.add_worker()
            yield cluster
        finally:
            cluster.stop()


def _start(folder: Path, port: int, remembers: bool) -> SparkCluster:
    web = free_port()
    master = _launch_master(folder, port, web, remembers)
    cluster = SparkCluster(folder, port, web, master, remembers=remembers)
    cluster._await(lambda: cluster.state()["status"] == "ALIVE")
    return cluster


def _launch_master(folder: Path, port: int, web: int, remembers: bool) -> subprocess.Popen[bytes]:
    daemon = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1"]
    recovery = {"recoveryMode": "FILESYSTEM", "recoveryDirectory": folder / "recovery"} if remembers else {}
    options = "".join(f" -Dspark.deploy.{key}={value}" for key, value in recovery.items())
    return _launch(folder, [*daemon, "--port", str(port), "--webui-port", str(web)], options)


def _launch(folder: Path, daemon: list[str], options: str = "") -> subprocess.Popen[bytes]:
    environment = _environment(folder)
    environment["SPARK_DAEMON_JAVA_OPTS"] += options
    return launch([str(_CLASS), *daemon], folder, environment)


def _environment(folder: Path) -> dict[str, str]:
    return {
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1",
    }


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGKILL)
    process.kill()
    process.wait()


@dataclass
class SparkConnect:
    """A server of Spark Connect."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """What `remote` in computes.yml is."""
        return f"sc://localhost:{self.port}"

    def stop(self) -> None:
        """Kill the server."""
        _kill(self.process)


@contextmanager
def spark_connect(config: Mapping[str, str] = MappingProxyType({})) -> Iterator[SparkConnect]:
    """Run a new server, which asks for `TOKEN`; end it, and remove its folder."""
    with server_folder("spark") as folder:
        server = start_on_free_port(lambda port: _serve(folder, port, config))
        try:
            yield server
        finally:
            server.stop()


def _serve(folder: Path, port: int, config: Mapping[str, str]) -> SparkConnect:
    settings = {
        "spark.master": "local[2]",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.connect.authenticate.token": TOKEN,
        "spark.sql.warehouse.dir": f"file:{folder / 'warehouse'}",
        **config,
    }
    (folder / "spark-defaults.conf").write_text("".join(f"{k} {v}\n" for k, v in settings.items()))
    main = "org.apache.spark.sql.connect.service.SparkConnectServer"
    environment = {**_environment(folder), "SPARK_DAEMON_MEMORY": "768m"}
    submit = str(_CLASS.with_name("spark-submit"))
    process = launch([submit, "--class", main, "spark-internal"], folder, environment)
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 5).close()
            return SparkConnect(port, process)
        time.sleep(0.1)
    _kill(process)
    raise start_error("Spark Connect", folder / "log")
