"""Spark's Java process: started when the first model needs it, ended with the run or with dvt's process."""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from dvt.core.errors import (
    BucketUnseen,
    ClusterLost,
    ClusterUnreachable,
    ConnectorJarMissing,
    DvtError,
    JavaUnusable,
    SparkMissing,
    SparkNotStarted,
)
from dvt.core.ports.engines import EngineContext
from dvt.core.ports.staging import HadoopAccess
from dvt.drivers.disk import private_folder, write_private
from dvt.engines.spark.answers import counted
from dvt.engines.spark.configuration import LOGGING, all_settings, as_properties
from dvt.engines.spark.jars import JAVA
from dvt.engines.spark.plans import reads
from dvt.engines.spark.settings import SparkSettings
from dvt.engines.spark.tables import TableNames
from dvt.engines.spark.watch import Progress, Watch

_JAVA_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_JAVA_SECONDS = 30
_END_SECONDS = 20
"""Seconds that Java has to end by itself once its standard input is closed."""
_NO_WORKERS = (
    "look at the cluster's page: are its workers alive, and cores and memory free (`spark.executor.memory`);"
    " can workers connect to this machine (`spark.driver.host`)? `wait_for_workers` is the limit"
)
"""Hint for a cluster that gives no worker."""
_UNRESOLVED = re.compile(r"unresolved dependency: ([^:\]\s]+)")
"""Matches a jar that Maven's repository does not have, in Spark's log."""
_IN_PROCESS = threading.Lock()
"""PySpark has one application in a process at a time."""


class Application:
    """Spark's driver in a Java process of its own, with one session from which others are made.

    Java reads its standard input, which only this process holds open: it ends when this process does.
    """

    def __init__(self, name: str, settings: SparkSettings, context: EngineContext) -> None:
        """Start Java; SparkMissing, JavaUnusable or SparkNotStarted if that cannot be done."""
        pyspark = import_pyspark(name, settings.version)
        _check_java(name)
        settings.at.knock(name)
        if not _IN_PROCESS.acquire(blocking=False):
            hint = "let the run's models name one entry that has a `master`; others can have a `remote`"
            raise SparkNotStarted(name, "another compute of this run uses Spark already", hint)
        self._name = name
        self.settings = settings
        self._folder = context.scratch / "spark"
        self.hadoop_user = os.environ.get("HADOOP_USER_NAME", "")
        """Whom HDFS takes Spark for; empty: this process's user."""
        self._report = context.report
        self._without_workers: set[str] = set()  # groups of jobs that were cancelled for that
        self._gateway: Any = None
        self._session: Any = None
        self._is_closed = False
        failures: list[BaseException] = []

        def start() -> None:
            try:
                self._start(pyspark, settings, context)
            except BaseException as error:  # noqa: BLE001  it is raised below
                failures.append(error)

        # In the main thread PySpark would take the signal of Ctrl-C, which is the run's.
        thread = threading.Thread(target=start, name="dvt-start-spark", daemon=True)
        thread.start()
        thread.join()
        if failures:
            problem = self._log() or _short(failures[0])
            self.close()
            raise self._not_started(problem) from failures[0]

    @contextmanager
    def session(self, group: str, doing: str) -> Iterator[Any]:
        """Open a new session, with settings and temporary objects of its own; its jobs are of the group."""
        failure = self._end_of(doing)
        if failure:
            raise failure
        patience = None if self.settings.at.is_local else self.settings.wait_for_workers
        watch = Watch(self.context, group, patience, Progress(self._report))
        try:
            self.context.setJobGroup(group, f"dvt: {doing}", interruptOnCancel=True)
            with watch:
                yield self._session.newSession()
        finally:
            if watch.is_over:
                self._without_workers.add(group)

    def cancel(self, group: str) -> None:
        """Stop the jobs of a group."""
        self.context.cancelJobGroup(group)

    def failure(self, error: Exception, group: str, doing: str) -> DvtError | None:
        """Return the error of an application that has ended or has no workers; None for other errors."""
        del error
        if group in self._without_workers:
            problem = f"{self.settings.master} has given no worker for {self.settings.wait_for_workers:g} s"
            return ClusterLost(self._name, doing, problem, _NO_WORKERS)
        return self._end_of(doing)

    def reads(self, session: Any, sql: str, names: TableNames) -> tuple[frozenset[str] | None, ...]:
        """Return the columns that Spark reads of each table."""
        return reads(session.sql(sql), names)

    def counted(self, frame: Any) -> tuple[Any, Callable[[], int]]:
        """Return a frame whose rows are counted, and what tells the number once they are written."""
        return counted(frame)

    def obstacle(self, bucket: str, access: HadoopAccess) -> DvtError | None:
        """Return why Spark cannot reach a bucket; None if it can."""
        if access.user and access.user != self.hadoop_user:
            problem = f"its user is {access.user!r}, and Spark was started for another"
            hint = f"set HADOOP_USER_NAME={access.user} in the environment of dvt"
            return BucketUnseen(self._name, bucket, problem, hint)
        if access.file_system and not self._has_class(access.file_system):
            jar = access.artifact.format(hadoop=self._hadoop_version())
            return ConnectorJarMissing(self._name, bucket, jar)
        return None

    @property
    def parallelism(self) -> int:
        """How many tasks run at once."""
        return int(self.context.defaultParallelism)

    @property
    def may_have_secrets(self) -> bool:
        """True: Spark's driver is a process of this machine."""
        return True

    def _end_of(self, doing: str) -> DvtError | None:
        """Return the error of an application that has ended by itself; None while it works."""
        try:
            if self._gateway.proc.poll() is None and not self.context._jsc.sc().isStopped():  # noqa: SLF001
                return None
            has_ended = self._gateway.proc.poll() is not None
        except Exception:  # noqa: BLE001  Java does not answer
            has_ended = True
        if has_ended or self.settings.at.is_local:
            return SparkNotStarted(self._name, f"Spark's Java process has ended: {self._log() or 'killed'}")
        hint = "look at it on the cluster's own page; workers have to be able to connect to this machine"
        problem = f"the cluster {self.settings.master} has ended the application: {self._log()}"
        return ClusterLost(self._name, doing, problem, hint)

    def _has_class(self, name: str) -> bool:
        """Return whether Spark has a class of Java, from its own jars or those of computes.yml."""
        from py4j.protocol import Py4JJavaError

        try:
            self._gateway.jvm.java.lang.Thread.currentThread().getContextClassLoader().loadClass(name)
        except Py4JJavaError:
            return False
        return True

    def _hadoop_version(self) -> str:
        """Return the version of Hadoop that Spark brings, which connectors' jars have to be of."""
        return str(self._gateway.jvm.org.apache.hadoop.util.VersionInfo.getVersion())

    @property
    def context(self) -> Any:
        """PySpark's SparkContext."""
        return self._session.sparkContext

    @property
    def pid(self) -> int:
        """Java's process."""
        return int(self._gateway.proc.pid)

    def close(self) -> None:
        """End Java, and wait for it."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._gateway is not None:
                self._end()
        finally:
            _IN_PROCESS.release()

    def _end(self) -> None:
        from pyspark import SparkContext

        if self._session is not None and self._gateway.proc.poll() is None:
            with suppress(Exception):
                self._session.stop()
        with suppress(Exception):
            self._gateway.shutdown()
        process = self._gateway.proc
        process.stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None  # noqa: SLF001

    def _start(self, pyspark: ModuleType, settings: SparkSettings, context: EngineContext) -> None:
        from pyspark.java_gateway import launch_gateway
        from pyspark.sql import SparkSession

        _quiet()
        private_folder(self._folder)
        address = settings.at.own_address()
        config = as_properties(all_settings(settings, context, self._folder, address))
        write_private(self._folder / "spark.properties", _stream(config), unique="new")
        write_private(self._folder / "log4j2.properties", _stream(LOGGING), unique="new")
        environment = {
            "SPARK_CONF_DIR": str(self._folder),
            **({"SPARK_LOCAL_IP": address} if address else {}),
            # The settings are in a file: others can read a command line.
            # PySpark splits it as a shell would.
            "PYSPARK_SUBMIT_ARGS": shlex.join(
                ["--properties-file", str(self._folder / "spark.properties"), "pyspark-shell"]
            ),
        }
        with (self._folder / "log").open("wb") as log, _environment(environment):
            self._gateway = launch_gateway(popen_kwargs={"stdout": log, "stderr": log})
        spark_config = pyspark.SparkConf(_jvm=self._gateway.jvm)
        self._session = SparkSession(pyspark.SparkContext(gateway=self._gateway, conf=spark_config))

    def _not_started(self, problem: str) -> DvtError:
        """Return the error of an application that has not started."""
        unknown = _UNRESOLVED.search(problem)
        if unknown:
            jar = unknown[1].replace("#", ":").replace(";", ":")
            hint = "look at `jars` in computes.yml: Spark gets what has no file from Maven's repository"
            return SparkNotStarted(self._name, f"Spark cannot get the jar {jar}", hint)
        if self.settings.at.is_local:
            return SparkNotStarted(self._name, f"Spark did not start: {problem}")
        hint = "look at `config` in computes.yml; the cluster's Spark has to be of PySpark's version"
        return ClusterUnreachable(self._name, self.settings.master, problem, hint)

    def _log(self) -> str:
        """Return what Java has said last."""
        with suppress(OSError):
            lines = (self._folder / "log").read_text(errors="replace").splitlines()
            said = [line.strip() for line in lines if line.strip() and not line.startswith(("\t", "WARNING"))]
            return " ".join(said[-3:])[-500:]
        return ""


def import_pyspark(name: str, version: str | None) -> ModuleType:
    """Return PySpark; SparkMissing if it is not there, or not in this version."""
    try:
        import pyspark
    except ImportError as error:
        problem = "PySpark is not installed"
        hint = "run `dvt sync`, or `pip install 'dvt-engine[spark]'`; it brings Spark"
        raise SparkMissing(name, problem, hint) from error
    installed = str(pyspark.__version__)
    if version is not None and not f"{installed}.".startswith(f"{version}."):
        problem = f"it asks for version {version}, and PySpark {installed} is installed"
        raise SparkMissing(name, problem, f"run `pip install 'pyspark~={version}.0'`, or change `version`")
    if not installed.startswith("4."):
        problem = f"PySpark {installed} is installed, and dvt needs version 4"
        raise SparkMissing(name, problem, "run `dvt sync`, or `pip install 'dvt-engine[spark]'`")
    module: ModuleType = pyspark
    return module


def _check_java(name: str) -> None:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if java is None:
        raise JavaUnusable(name, "there is no `java` on the PATH, and JAVA_HOME is not set", JAVA)
    try:
        told = subprocess.run(  # noqa: S603  the user's Java
            [java, "-version"], capture_output=True, text=True, timeout=_JAVA_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise JavaUnusable(name, f"{java} cannot be run", JAVA) from error
    match = _JAVA_VERSION.search(told.stderr + told.stdout)
    if match is None or int(match[1]) < JAVA:
        what = f"version {match[1]}" if match else "of an unknown version"
        raise JavaUnusable(name, f"{java} is {what}", JAVA)


def _quiet() -> None:
    """Keep what PySpark says of each error out of dvt's output: dvt says it."""
    logging.getLogger("SQLQueryContextLogger").disabled = True
    logging.getLogger("py4j").setLevel(logging.CRITICAL)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process while Java starts: PySpark takes them from nowhere else."""
    before = {key: os.environ.get(key) for key in (*values, "PYSPARK_GATEWAY_PORT", "SPARK_TESTING")}
    for key in before:
        os.environ.pop(key, None)
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value


def _stream(text: str) -> Any:
    import io

    return io.BytesIO(text.encode("ascii", "backslashreplace"))


def _short(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300]
