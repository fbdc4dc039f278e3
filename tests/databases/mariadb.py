"""A real MariaDB on a free loopback port, in a folder of its own, for as long as a `with` lasts."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from dvt.core.names import TableRef
from dvt.testing.databases import ServerDatabase, TargetDatabase
from tests.databases.ports import start_error, start_on_free_port

USER, PASSWORD = "shop user", "pl4nted-s3cret'\"\\ mariadb"
SCHEMA = "shop"
_START_TIMEOUT = 60.0
"""Seconds until a server that does not answer counts as not started."""
_HOSTILE_OPTIONS = (
    "--default-time-zone=-05:00",
    "--sql-mode=PAD_CHAR_TO_FULL_LENGTH,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE",
)
"""Settings that change a query's meaning, unless its session pins them."""
_USUAL_OPTIONS = ("--default-time-zone=+09:00",)
"""Settings of a server that parses SQL as usual, and so may compute models for another; its zone is odd."""


def installed() -> bool:
    """Return whether Debian's mariadb-server (or another one on the PATH) is there."""
    return _program("mariadbd") is not None and _program("mariadb-install-db") is not None


@dataclass
class MariaDB(TargetDatabase, ServerDatabase):
    """A running server, reached as its owner by the tests and as an ordinary user by dvt."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    arguments: Sequence[str] = ()
    name: str = "mariadb"
    secrets: Sequence[str] = (PASSWORD, "pl4nted-s3cret")
    impossible_names: Sequence[str] = ("ünï😀",)
    """Names that the server refuses: their characters have three bytes at most."""

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {
            "type": "mariadb",
            "host": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "password": PASSWORD,
            "schema": SCHEMA,
            "threads": 2,
        } | overrides

    def owner(self, **overrides: Any) -> Any:
        """Open a connection as root through the socket file, in autocommit, that accepts any value."""
        options = {
            "unix_socket": str(self.folder / "s"),
            "user": "root",
            "database": SCHEMA,
            "charset": "utf8mb4",
            "autocommit": True,
            "ssl_disabled": True,
            "init_command": "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'",
        }
        return pymysql.connect(**(options | overrides))

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database."""
        rows: Sequence[tuple[Any, ...]] = ()
        with closing(self.owner()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = cursor.fetchall()
        return list(rows)

    def name_of(self, column: str) -> str:
        """See Database."""
        return "`" + column.replace("`", "``") + "`"

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        self.execute(
            f"drop table if exists {self.quoted(ref)}",
            f"create table {self.quoted(ref)} as select cast(seq as signed) as n, "
            f"concat(md5(seq), md5(seq + 1), md5(seq + 2)) as word from seq_1_to_{rows}",
            f"analyze table {self.quoted(ref)}",
        )

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """See Database."""
        names = self.execute(
            "select column_name from information_schema.columns "
            f"where table_schema = '{ref.schema or SCHEMA}' and table_name = '{ref.identifier}' "
            "order by ordinal_position"
        )
        texts = ", ".join(f"cast({self.name_of(name)} as char)" for (name,) in names)
        return self.execute(f"select {texts} from {self.quoted(ref)}")

    def type_of(self, ref: TableRef, column: str) -> str:
        """See Database; `json` where the server's own check constraint makes a text JSON."""
        schema = ref.schema or SCHEMA
        ((type_,),) = self.execute(
            "select column_type from information_schema.columns where table_schema = "
            f"'{schema}' and table_name = '{ref.identifier}' and column_name = '{column}'"
        )
        checked = self.execute(
            "select 1 from information_schema.check_constraints where constraint_schema = "
            f"'{schema}' and table_name = '{ref.identifier}' and check_clause = 'json_valid(`{column}`)'"
        )
        return "json" if checked else str(type_)

    def sleeping(self, seconds: int) -> str:
        """See Database."""
        return f"sleep({seconds})"

    def running(self) -> list[str]:
        """See ServerDatabase."""
        rows = self.execute(
            f"select info from information_schema.processlist where user = '{USER}' and info is not null"
        )
        return [str(info) for (info,) in rows]

    def connections(self) -> int:
        """See ServerDatabase."""
        ((count,),) = self.execute(
            f"select count(*) from information_schema.processlist where user = '{USER}'"
        )
        return int(count)

    def cut(self) -> None:
        """See ServerDatabase."""
        self.execute(f"kill hard user '{USER}'@'127.0.0.1'")

    def kill(self) -> None:
        """Kill the server as a power cut would."""
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        """Start the server again after `kill`, with the same data on the same port."""
        self.process = _launch(self.folder, self.port, self.arguments)

    def stop(self) -> None:
        """Stop the server; do nothing if it is down."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def mariadb(*arguments: str, options: Sequence[str] = _HOSTILE_OPTIONS) -> Iterator[MariaDB]:
    """Run a new server with the tests' schema and user; remove it with its folder at the end."""
    # The folder's path is short because the path of a socket has 108 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="dvt-my-", dir="/tmp"))
    try:
        _install(folder)
        chosen = (*options, *arguments)
        server = start_on_free_port(lambda port: MariaDB(folder, port, _launch(folder, port, chosen), chosen))
        try:
            _set_up(server)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def usual_mariadb() -> AbstractContextManager[MariaDB]:
    """Run a new server whose sql_mode is MariaDB's own default."""
    return mariadb(options=_USUAL_OPTIONS)


def _set_up(server: MariaDB) -> None:
    with closing(server.owner(database=None)) as connection, connection.cursor() as cursor:
        cursor.execute(f"create database {SCHEMA} character set utf8mb4")
        cursor.execute("create user %s@'127.0.0.1' identified by %s", (USER, PASSWORD))
        cursor.execute(f"grant all on {SCHEMA}.* to %s@'127.0.0.1'", (USER,))


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _install(folder: Path) -> None:
    program = _program("mariadb-install-db")
    if program is None:
        raise RuntimeError("MariaDB is not installed: apt-get install mariadb-server")
    for part in ("data", "tmp"):
        (folder / part).mkdir()
    command = [
        program,
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        f"--datadir={folder / 'data'}",
        f"--tmpdir={folder / 'tmp'}",
        *_as_root(),
    ]
    completed = subprocess.run(command, capture_output=True, check=False, cwd=folder)
    if completed.returncode:
        raise RuntimeError(f"mariadb-install-db failed: {completed.stderr.decode(errors='replace')}")


def _launch(folder: Path, port: int, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    die_with_tests = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    command = [
        *die_with_tests,
        _program("mariadbd") or "mariadbd",
        "--no-defaults",
        f"--datadir={folder / 'data'}",
        f"--tmpdir={folder / 'tmp'}",
        f"--socket={folder / 's'}",
        f"--pid-file={folder / 'pid'}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        "--skip-log-bin",
        "--skip-name-resolve",
        "--innodb-use-native-aio=0",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-flush-method=nosync",
        "--innodb-log-file-size=512M",
        "--skip-innodb-doublewrite",
        "--innodb-buffer-pool-size=256M",
        "--max-allowed-packet=64M",
        *_as_root(),
        *arguments,
    ]
    log = folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,  # Ctrl-C reaches only the tests, which then stop the server in order
        )
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if accepts_connections(folder):
            return process
        time.sleep(0.05)
    process.kill()
    raise start_error("mariadbd", log)


def accepts_connections(folder: Path) -> bool:
    """Return whether a server listens at the socket in its folder, and lets root in."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(folder / "s"))
        pymysql.connect(unix_socket=str(folder / "s"), user="root", ssl_disabled=True).close()
    except (OSError, pymysql.Error):
        return False
    return True
