"""Real H2, HSQLDB and Derby servers on free loopback ports, for as long as a `with` lasts."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from dvt.core.errors import DvtError
from dvt.core.names import TableRef
from dvt.core.queries import ExtractedColumn
from dvt.core.tables import Column
from dvt.core.types import BLOB, VARCHAR
from dvt.drivers.jdbc import Answer, Bridge, JdbcColumn, Session, parse
from dvt.testing.databases import TargetDatabase
from tests.databases.jars import jar, java
from tests.databases.ports import start_error, start_on_free_port
from tests.stores.programs import launch

PASSWORD = "pl4nted-s3cret java"
_START_TIMEOUT = 60.0
"""Seconds until a server that does not answer counts as not started."""

_BINARIES = frozenset({-2, -3, -4, 2004})
"""Codes of java.sql.Types of bytes."""
_LENGTHS = frozenset({1, 12, -3})
"""Codes of CHAR, VARCHAR, VARBINARY: their length is part of the type."""
_DIGITS = frozenset({2, 3})
"""Codes of NUMERIC and DECIMAL."""
_CLOCKS = frozenset({92, 93, 2013, 2014})
"""Codes of times and timestamps: their digits of a second are part of the type."""
_HSQLDB_ROWS = 100_000
"""Rows that HSQLDB inserts at once: it keeps those of a transaction in memory."""


@dataclass
class JavaServer(TargetDatabase):
    """A server that runs; the tests' statements go through a Java process of their own."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    name: str = "java"
    schema: str = "SHOP"
    secrets: Sequence[str] = (PASSWORD,)
    user: ClassVar[str] = "SA"
    client: ClassVar[Sequence[str]] = ()
    """Coordinates of the jars of its driver."""
    server: ClassVar[Sequence[str]] = ()
    """Coordinates of the jars of the server."""
    set_up: ClassVar[Sequence[str]] = ("create schema shop",)
    _bridge: Bridge | None = field(default=None, init=False)
    _session: Session | None = field(default=None, init=False)

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL of its driver."""

    @classmethod
    def arguments(cls, folder: Path, port: int) -> list[str]:
        """Return the arguments of Java that start the server, if it is one in Java."""
        return []

    @classmethod
    def launch(cls, folder: Path, port: int) -> subprocess.Popen[bytes]:
        """Start the server."""
        classes = ":".join(str(jar(coordinates)) for coordinates in cls.server)
        return launch([java(), "-Xmx512m", "-cp", classes, *cls.arguments(folder, port)], folder)

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {
            "type": "jdbc",
            "url": self.url,
            "jar": [str(jar(coordinates)) for coordinates in self.client],
            "user": self.user,
            "password": PASSWORD,
            "threads": 2,
        } | overrides

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database. Nothing is returned."""
        for statement in statements:
            self.session.execute(statement, "setting up a test")
        return []

    @property
    def session(self) -> Session:
        """The connection of the tests' own."""
        if self._session is None:
            settings = parse(self.name, self.settings(), self.folder)
            self._bridge = Bridge(
                self.name, settings, self.folder, lambda: Path(tempfile.mkdtemp(dir=self.folder))
            )
            self._session = Session(self._bridge, self.name, settings)
        return self._session

    def type_of(self, ref: TableRef, column: str) -> str:
        """See TargetDatabase: as its driver describes it, in lower case."""
        (found,) = [described for described in self._columns(ref) if described.name == column]
        return _spelled(found).lower()

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """See TargetDatabase: the texts that its driver gives, and bytes in hexadecimal."""
        columns = [
            ExtractedColumn(
                name=f"c{place}",
                column=Column(
                    name=column.name, native="", stage=BLOB if column.code in _BINARIES else VARCHAR
                ),
            )
            for place, column in enumerate(self._columns(ref))
        ]
        sql = f"SELECT * FROM {self.quoted(ref)}"
        with Answer(
            self.session, sql, columns=columns, tables=[ref], limit=None, doing="looking at a test's table"
        ) as answer:
            rows = zip(*(column.to_pylist() for column in answer.reader().read_all().columns), strict=True)
            return [
                tuple(value.hex() if isinstance(value, bytes) else value for value in row) for row in rows
            ]

    def _columns(self, ref: TableRef) -> list[JdbcColumn]:
        return self.session.columns(
            f"SELECT * FROM {self.quoted(ref)} WHERE 1 = 0", "looking at a test's table"
        )

    def try_execute(self, statement: str) -> None:
        """Run a statement that may fail."""
        with suppress(DvtError):
            self.execute(statement)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        from dvt.dbt_adapters.jdbc.handle import Handle

        self.execute()
        return list(Handle(self._session).run(sql).rows) if self._session else []

    def create(
        self, ref: TableRef, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]
    ) -> None:
        """See Database."""
        with suppress(DvtError):  # Derby has no `if exists`
            self.execute(f"drop table {self.quoted(ref)}")
        typed = ", ".join(f"{self.name_of(column)} {native}" for column, native in columns)
        inserts = [f"insert into {self.quoted(ref)} values ({', '.join(row)})" for row in rows]
        self.execute(f"create table {self.quoted(ref)} ({typed})", *inserts)

    def close(self) -> None:
        """Close the connection of the tests' own."""
        if self._bridge is not None:
            self._bridge.close()

    def stop(self) -> None:
        """Stop the server."""
        self.close()
        self.process.kill()
        self.process.wait()


@dataclass
class H2(JavaServer):
    """H2."""

    name: str = "h2"
    client: ClassVar[Sequence[str]] = ("com.h2database:h2:2.3.232",)
    server: ClassVar[Sequence[str]] = client

    @property
    def url(self) -> str:
        """See JavaServer."""
        return f"jdbc:h2:tcp://127.0.0.1:{self.port}/./shop"

    @classmethod
    def arguments(cls, folder: Path, port: int) -> list[str]:
        """See JavaServer."""
        server = [
            "org.h2.tools.Server",
            "-tcp",
            "-tcpPort",
            str(port),
            "-ifNotExists",
            "-baseDir",
            str(folder),
        ]
        return ["-Dh2.bindAddress=127.0.0.1", *server]

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        word = "lpad(cast(x as varchar), 48, '0') || lpad(cast(x * 7919 as varchar), 48, '0')"
        self.execute(
            f"drop table if exists {self.quoted(ref)}",
            f'create table {self.quoted(ref)} ("n" bigint, "word" varchar(96)) as '
            f"select x, {word} from system_range(1, {rows})",
        )

    def sleeping(self, seconds: int) -> str:
        """See Database. H2 makes less than ten million rows a second."""
        rows = f"system_range(1, {seconds * 10_000_000})"
        return f"(select cast(count(*) as integer) from {rows} where sqrt(x) < 0)"


@dataclass
class HSQLDB(JavaServer):
    """HyperSQL."""

    name: str = "hsqldb"
    client: ClassVar[Sequence[str]] = ("org.hsqldb:hsqldb:2.7.4",)
    server: ClassVar[Sequence[str]] = client
    set_up: ClassVar[Sequence[str]] = ("set database default table type cached", "create schema shop")

    @property
    def url(self) -> str:
        """See JavaServer."""
        return f"jdbc:hsqldb:hsql://127.0.0.1:{self.port}/shop"

    @classmethod
    def arguments(cls, folder: Path, port: int) -> list[str]:
        """See JavaServer."""
        database = ["--database.0", f"file:{folder}/shop;user=SA;password={PASSWORD}", "--dbname.0", "shop"]
        address = ["--address", "127.0.0.1", "--port", str(port), "--silent", "true"]
        return ["org.hsqldb.server.Server", *address, *database]

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        word = "lpad(cast(i as varchar(20)), 48, '0') || lpad(cast(i * 7919 as varchar(20)), 48, '0')"
        self.execute(
            f"drop table if exists {self.quoted(ref)}",
            f'create table {self.quoted(ref)} ("n" bigint, "word" varchar(96))',
        )
        for first in range(1, rows + 1, _HSQLDB_ROWS):
            last = min(first + _HSQLDB_ROWS - 1, rows)
            numbers = f"unnest(sequence_array(cast({first} as bigint), {last}, 1)) as s(i)"
            self.execute(f"insert into {self.quoted(ref)} select i, {word} from {numbers}")

    def sleeping(self, seconds: int) -> str:
        """See Database. HSQLDB makes less than five million rows a second."""
        numbers = "unnest(sequence_array(1, 1000, 1))"
        return (
            f"(select cast(count(*) as integer) from {numbers} as a(i), {numbers} as b(j), "
            f"unnest(sequence_array(1, {seconds * 5}, 1)) as c(k) where sqrt(i + j + k) < 0)"
        )


@dataclass
class Derby(JavaServer):
    """Apache Derby."""

    name: str = "derby"
    user: ClassVar[str] = "shop"
    client: ClassVar[Sequence[str]] = (
        "org.apache.derby:derbyclient:10.16.1.1",
        "org.apache.derby:derbyshared:10.16.1.1",
    )
    server: ClassVar[Sequence[str]] = (
        "org.apache.derby:derby:10.16.1.1",
        "org.apache.derby:derbyshared:10.16.1.1",
        "org.apache.derby:derbynet:10.16.1.1",
        "org.apache.derby:derbytools:10.16.1.1",
    )

    @property
    def url(self) -> str:
        """See JavaServer."""
        return f"jdbc:derby://127.0.0.1:{self.port}/shop;create=true"

    @classmethod
    def arguments(cls, folder: Path, port: int) -> list[str]:
        """See JavaServer."""
        server = ["org.apache.derby.drda.NetworkServerControl", "start", "-h", "127.0.0.1", "-p", str(port)]
        return [f"-Dderby.system.home={folder}", *server, "-noSecurityManager"]

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database. Derby makes no numbers: the table doubles itself."""
        name, zeros = self.quoted(ref), "0" * 79
        self.create(ref, [("n", "bigint"), ("word", "varchar(96)")], [])
        word = f"'{zeros}' || rtrim(char(cast({{}} as bigint) + 10000000000000000))"
        if rows:
            self.execute(f"insert into {name} values (1, {word.format('1')})")
        count = 1
        while count < rows:
            value = word.format(f'("n" + {count})')
            self.execute(
                f'insert into {name} select "n" + {count}, {value} from {name} where "n" + {count} <= {rows}'
            )
            count *= 2

    def sleeping(self, seconds: int) -> str:
        """See Database. Its catalog has more than 100 columns, and it is slow."""
        columns = ", ".join(f"sys.syscolumns {name}" for name in "abc")
        times = f"(select columnnumber from sys.syscolumns fetch first {seconds} rows only) d"
        numbers = " + ".join(f"{name}.columnnumber" for name in "abc")
        return f"(select count(*) from {columns}, {times} where {numbers} < 0)"


def _spelled(column: JdbcColumn) -> str:
    if column.code in _DIGITS:
        return f"{column.native}({column.precision},{column.scale})"
    if column.code in _LENGTHS:
        return f"{column.native}({column.precision})"
    return f"{column.native}({column.scale})" if column.code in _CLOCKS else column.native


@contextmanager
def java_server(kind: type[JavaServer]) -> Iterator[Any]:
    """Run a new server; remove it with its folder at the end."""
    folder = Path(tempfile.mkdtemp(prefix="dvt-java-"))
    try:
        server = start_on_free_port(lambda port: kind(folder, port, _launched(kind, folder, port)))
        try:
            server.execute(*kind.set_up)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _launched(kind: type[JavaServer], folder: Path, port: int) -> subprocess.Popen[bytes]:
    process = kind.launch(folder, port)
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process
    process.kill()
    process.wait()
    raise start_error(kind.__name__, folder / "log")
