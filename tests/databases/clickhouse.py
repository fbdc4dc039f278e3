"""ClickHouse's engine (chdb, from PyPI) behind its HTTP protocol, reached by its own JDBC driver."""

from __future__ import annotations

import shutil
import subprocess
import sys
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
from tests.databases.jars import jars_of, java
from tests.databases.ports import start_error, start_on_free_port
from tests.databases.texts import rows_of_texts
from tests.stores.programs import launch

DRIVER = "com.clickhouse:clickhouse-jdbc:0.9.9:all"
ENGINE = "chdb-core==26.9.0"
_SERVER = Path(__file__).with_name("clickhouse_server.py")
_CACHE = Path.home() / ".cache" / "dvt-tests"
_INSTALL_SECONDS = 580
_START_TIMEOUT = 60.0


@dataclass
class ClickHouse(TargetDatabase):
    """A server that runs."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    name: str = "clickhouse"
    schema: str = "shop"
    text_type: str = "String"
    _bridge: Bridge | None = field(default=None, init=False)
    _session: Session | None = field(default=None, init=False)

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {
            "type": "clickhouse",
            "host": "127.0.0.1",
            "port": self.port,
            "schema": "shop",
            "jar": [str(path) for path in jars_of(DRIVER)],
            "properties": {"compress": False},  # the stand-in does not compress
        } | overrides

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database. Nothing is returned."""
        for statement in statements:
            self._owner().execute(statement, "setting up a test")
        return []

    def texts(self, sql: str) -> list[tuple[str | None, ...]]:
        """Return the rows of a query whose columns are texts."""
        return rows_of_texts(self._owner(), sql)

    def type_of(self, ref: TableRef, column: str) -> str:
        """See TargetDatabase."""
        names = f"database = 'shop' and table = '{ref.identifier}' and name = '{column}'"
        ((type_,),) = rows_of_texts(self._owner(), f"select type from system.columns where {names}")
        return str(type_)

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """See TargetDatabase."""
        described = self._owner().columns(
            f"select * from {self.quoted(ref)} where 1 = 0", "looking at a table"
        )
        named = (
            f"toString({self.name_of(column.name)}) as c{place}" for place, column in enumerate(described)
        )
        return rows_of_texts(self._owner(), f"select {', '.join(named)} from {self.quoted(ref)}")

    def _owner(self) -> Session:
        if self._session is None:
            keys = {
                "url": f"jdbc:clickhouse:http://127.0.0.1:{self.port}/shop",
                "user": "default",
                "password": "",
                "jar": self.settings()["jar"],
                "properties": {"compress": False},
            }
            settings = parse(self.name, keys, self.folder)
            self._bridge = Bridge(
                self.name, settings, self.folder, lambda: Path(tempfile.mkdtemp(dir=self.folder))
            )
            self._session = Session(self._bridge, self.name, settings)
        return self._session

    def table(self, identifier: str) -> TableRef:
        """See Database."""
        return TableRef(connection=self.name, schema="shop", identifier=identifier)

    def name_of(self, identifier: str) -> str:
        """See Database."""
        return "`" + identifier.replace("\\", "\\\\").replace("`", "\\`") + "`"

    def create(
        self, ref: TableRef, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]
    ) -> None:
        """See Database."""
        name = self.quoted(ref)
        typed = ", ".join(f"{self.name_of(column)} {_nullable(native)}" for column, native in columns)
        inserts = [f"insert into {name} select {', '.join(row)}" for row in rows]
        made = f"create table {name} ({typed}) engine = MergeTree order by tuple()"
        self.execute(f"drop table if exists {name}", made, *inserts)

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        word = "concat(leftPad(toString(n), 48, '0'), leftPad(toString(n * 7919), 48, '0'))"
        name = self.quoted(ref)
        self.execute(
            f"drop table if exists {name}",
            f"create table {name} (n Int64, word String) engine = MergeTree order by n",
            f"insert into {name} select toInt64(number + 1) as n, {word} from numbers({rows})",
        )

    def sleeping(self, seconds: int) -> str:
        """See Database."""
        return f"(select toInt32(count()) from numbers({seconds * 300_000_000}) where sipHash64(number) = 0)"

    def stop(self) -> None:
        """Stop the server."""
        if self._bridge is not None:
            self._bridge.close()
        self.process.kill()
        self.process.wait()


def _nullable(native: str) -> str:
    """Return a type whose values may be NULL, if there is such a one."""
    never = ("Array", "Map", "Tuple", "LowCardinality", "Nullable", "JSON")
    return native if native.startswith(never) else f"Nullable({native})"


@contextmanager
def clickhouse() -> Iterator[ClickHouse]:
    """Run a new engine; remove it with its folder at the end."""
    folder = Path(tempfile.mkdtemp(prefix="dvt-clickhouse-"))
    try:
        engine = _engine()
        server = start_on_free_port(lambda port: ClickHouse(folder, port, _launch(engine, folder, port)))
        try:
            server.execute("create database shop")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _engine() -> Path:
    """Return the folder of the engine, which stays for later runs; skip the test where it cannot be had."""
    java()
    home = _CACHE / ENGINE.replace("==", "-")
    if home.exists():
        return home
    uv = shutil.which("uv")
    pip = (
        [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    )
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
        made = Path(folder) / "engine"
        command = [*pip, "install", "-q", "--target", str(made), ENGINE]
        done = subprocess.run(command, capture_output=True, check=False, timeout=_INSTALL_SECONDS)
        if done.returncode:
            pytest.skip(f"{ENGINE} cannot be had: {done.stderr.decode(errors='replace')[-300:]}")
        made.rename(home)
    return home


def _launch(engine: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    log = folder / "log"
    environment = {"HOME": str(folder), "PYTHONPATH": str(engine)}
    process = launch([sys.executable, str(_SERVER), str(port)], folder, environment)
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if "ready" in log.read_text(errors="replace"):
            return process
        time.sleep(0.1)
    process.kill()
    process.wait()
    raise start_error("clickhouse", log)
