"""A real Trino on a free loopback port, with catalogs in memory, for as long as a `with` lasts.

It is Trino's own server for tests, of the last version that runs on Java 17.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dvt.core.names import TableRef
from dvt.drivers.jdbc import Bridge, Session, parse
from dvt.testing.databases import TargetDatabase
from tests.databases.jars import jar, java
from tests.databases.ports import start_error, start_on_free_port
from tests.databases.texts import rows_of_texts
from tests.stores.programs import launch

VERSION = "435"
DRIVER = f"io.trino:trino-jdbc:{VERSION}"
_SOURCES = [Path(__file__).with_name("java") / f"{name}.java" for name in ("TrinoServer", "StrictMemory")]
_START_TIMEOUT = 280.0
"""Seconds until a server that does not answer counts as not started."""
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dvt</groupId><artifactId>trino</artifactId><version>1</version>
  <dependencyManagement><dependencies><dependency>
    <groupId>io.trino</groupId><artifactId>trino-root</artifactId><version>{VERSION}</version>
    <type>pom</type><scope>import</scope>
  </dependency></dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>io.trino</groupId><artifactId>trino-testing</artifactId><scope>compile</scope></dependency>
    <dependency><groupId>io.trino</groupId><artifactId>trino-memory</artifactId></dependency>
  </dependencies>
</project>
"""


@dataclass
class Trino(TargetDatabase):
    """A server that runs."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    name: str = "trino"
    schema: str = "shop"
    impossible_names: Sequence[str] = ("Mixed",)
    """Trino writes all names in lower case."""
    text_type: str = "varchar(20)"
    _bridge: Bridge | None = field(default=None, init=False)
    _session: Session | None = field(default=None, init=False)

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {
            "type": "trino",
            "host": "127.0.0.1",
            "port": self.port,
            "user": "dvt",
            "database": "memory",
            "schema": "shop",
            "jar": str(jar(DRIVER)),
        } | overrides

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database. Nothing is returned."""
        for statement in statements:
            self._owner().execute(statement, "setting up a test")
        return []

    def texts(self, sql: str) -> list[tuple[str | None, ...]]:
        """Return the rows of a query for texts."""
        return rows_of_texts(self._owner(), sql)

    def type_of(self, ref: TableRef, column: str) -> str:
        """See TargetDatabase."""
        names = f"table_name = '{ref.identifier}' and column_name = '{column}'"
        ((type_,),) = self.texts(f"select data_type from information_schema.columns where {names}")
        return str(type_)

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """See TargetDatabase. Bytes are shown as digits, a real as a double: its text has seven digits."""
        described = self._owner().columns(
            f"select * from {self.quoted(ref)} where 1 = 0", "looking at a table"
        )
        shown = {"varbinary": "to_hex({0})", "real": "cast(cast({0} as double) as varchar)"}
        values = (
            shown.get(column.native, "cast({0} as varchar)").format(self.name_of(column.name))
            for column in described
        )
        named = (f"{value} as c{place}" for place, value in enumerate(values))
        return self.texts(f"select {', '.join(named)} from {self.quoted(ref)}")

    def _owner(self) -> Session:
        if self._session is None:
            keys = {
                "url": f"jdbc:trino://127.0.0.1:{self.port}/memory",
                "user": "owner",
                "jar": str(jar(DRIVER)),
            }
            settings = parse(self.name, keys, self.folder)
            self._bridge = Bridge(
                self.name, settings, self.folder, lambda: Path(tempfile.mkdtemp(dir=self.folder))
            )
            self._session = Session(self._bridge, self.name, settings)
        return self._session

    def table(self, identifier: str) -> TableRef:
        """See Database."""
        return TableRef(connection=self.name, database="memory", schema="shop", identifier=identifier)

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        numbers = (
            f"select (a.i - 1) * 1000 + b.j as n from unnest(sequence(1, {rows // 1000 + 1})) a(i), "
            "unnest(sequence(1, 1000)) b(j)"
        )
        word = "lpad(cast(n as varchar), 48, '0') || lpad(cast(n * 7919 as varchar), 48, '0')"
        self.execute(
            f"drop table if exists {self.quoted(ref)}",
            f"create table {self.quoted(ref)} as select n, {word} as word from ({numbers}) where n <= {rows}",
        )

    def sleeping(self, seconds: int) -> str:
        """See Database. Trino makes less than fifty million rows a second."""
        numbers = "unnest(sequence(1, 10000))"
        return (
            f"(select cast(count(*) as integer) from {numbers} a(i), {numbers} b(j), "
            f"unnest(sequence(1, {seconds})) c(k) where sqrt(i + j + k) < 0)"
        )

    def stop(self) -> None:
        """Stop the server."""
        if self._bridge is not None:
            self._bridge.close()
        self.process.kill()
        self.process.wait()


@contextmanager
def trino() -> Iterator[Trino]:
    """Run a new server; remove it with its folder at the end."""
    folder = Path(tempfile.mkdtemp(prefix="dvt-trino-"))
    try:
        classes = _classes(folder)
        server = start_on_free_port(lambda port: Trino(folder, port, _launch(classes, folder, port)))
        try:
            server.execute("create schema memory.shop", "create schema strict.shop")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _classes(folder: Path) -> str:
    """Return the class path of the server, compiled; skip the test where it cannot be had."""
    maven, compiler = shutil.which("mvn"), shutil.which("javac")
    if maven is None or compiler is None:
        pytest.skip("Maven and a Java compiler are not installed: apt-get install maven default-jdk-headless")
    (folder / "pom.xml").write_text(_POM)
    listed = folder / "classpath"
    goal = ["dependency:build-classpath", "-DincludeScope=runtime", f"-Dmdep.outputFile={listed}"]
    done = subprocess.run(
        [maven, "-q", "-B", f"-f{folder / 'pom.xml'}", *goal], capture_output=True, check=False, timeout=280
    )
    if done.returncode:
        pytest.skip(f"Trino cannot be had: {done.stdout.decode(errors='replace')[-300:]}")
    classes = f"{folder}:{listed.read_text().strip()}"
    subprocess.run([compiler, "-cp", classes, "-d", str(folder), *map(str, _SOURCES)], check=True)
    return classes


def _launch(classes: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    log = folder / "log"
    command = [java(), "-Xmx900m", "-XX:+UseSerialGC", "-cp", classes, "TrinoServer", str(port)]
    process = launch(command, folder)
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if "ready http" in log.read_text(errors="replace"):
            return process
        time.sleep(0.2)
    process.kill()
    process.wait()
    raise start_error("trino", log)
