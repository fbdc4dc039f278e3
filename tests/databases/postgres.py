"""A real PostgreSQL on a free loopback port, in a folder of its own, for as long as a `with` lasts."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2

from dvt.core.names import TableRef
from dvt.testing.databases import ServerDatabase, TargetDatabase
from tests.databases.ports import start_error, start_on_free_port
from tests.databases.postgres_types import USER_DEFINED_TYPES

OWNER, OWNER_PASSWORD = "postgres", "0wner-s3cret"
USER, PASSWORD = "shop user", "pl4nted-s3cret'\"\\ postgres"
DBNAME, SCHEMA = "shop", "shop"
RANGES_SINCE = 14
"""Version since which a large table is read in ranges of its pages."""
_START_TIMEOUT = 60.0
"""Seconds until a server that does not answer counts as not started."""


OTHER_VERSION = "DVT_TEST_POSTGRES"
"""Environment variable: folder of another server, with `bin`, `lib` and `share` (`make test-versions`)."""


def programs() -> Path | None:
    """Return the folder of Debian's newest initdb and postgres, or of those on the PATH."""
    binaries = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda binary: float(binary.parts[-3])
    )
    on_path = shutil.which("postgres")
    if binaries:
        return binaries[-1].parent
    return Path(on_path).resolve().parent if on_path else None


@cache
def version() -> int:
    """Return the major version of the server that the tests start; a high number if there is none."""
    other = os.environ.get(OTHER_VERSION)
    folder = Path(other) / "bin" if other else programs()
    if folder is None:
        return 99
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    return int(answer.stdout.split()[2].partition(".")[0])


@dataclass
class PostgreSQL(TargetDatabase, ServerDatabase):
    """A running server, reached as its owner by the tests and as an ordinary user by dvt."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    name: str = "postgres"
    secrets: Sequence[str] = (PASSWORD, "pl4nted-s3cret", OWNER_PASSWORD)
    ranges: int = 4 if version() >= RANGES_SINCE else 1
    """Number of pieces in which a large table is read."""

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {
            "type": "postgres",
            "host": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "pass": PASSWORD,
            "dbname": DBNAME,
            "schema": SCHEMA,
            "threads": 2,
        } | overrides

    def owner(self, dbname: str = DBNAME) -> Any:
        """Open a connection as the server's owner, in autocommit, with the tests' schema in its path."""
        connection = psycopg2.connect(
            host="127.0.0.1",
            port=self.port,
            user=OWNER,
            password=OWNER_PASSWORD,
            dbname=dbname,
            options=f"-c search_path={SCHEMA},public -c timezone=UTC",
        )
        connection.autocommit = True
        return connection

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database."""
        with closing(self.owner()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def table(self, identifier: str) -> TableRef:
        """See Database."""
        return TableRef(connection=self.name, database=DBNAME, schema=SCHEMA, identifier=identifier)

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        self.execute(
            f"drop table if exists {self.quoted(ref)}",
            f"create table {self.quoted(ref)} as select n::bigint as n, "
            f"md5(n::text) || md5((n + 1)::text) || md5((n + 2)::text) as word "
            f"from generate_series(1, {rows}) as n",
            f"analyze {self.quoted(ref)}",
        )

    def type_of(self, ref: TableRef, column: str) -> str:
        """See Database."""
        ((type_,),) = self.execute(
            "select format_type(atttypid, atttypmod) from pg_attribute "
            f"where attrelid = '{self.quoted(ref)}'::regclass and attname = '{column}'"
        )
        return str(type_)

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """See Database."""
        names = self.execute(
            "select attname from pg_attribute where attnum > 0 and not attisdropped "
            f"and attrelid = '{self.quoted(ref)}'::regclass order by attnum"
        )
        texts = ", ".join(f"{self.name_of(name)}::text" for (name,) in names)
        return self.execute(f"select {texts} from {self.quoted(ref)}")

    def sleeping(self, seconds: int) -> str:
        """See Database."""
        return f"(select 1 from pg_sleep({seconds}))"

    def running(self) -> list[str]:
        """See ServerDatabase."""
        rows = self.execute(
            f"select query from pg_stat_activity where usename = '{USER}' and state = 'active'"
        )
        return [str(query) for (query,) in rows]

    def connections(self) -> int:
        """See ServerDatabase."""
        ((count,),) = self.execute(f"select count(*) from pg_stat_activity where usename = '{USER}'")
        return int(count)

    def cut(self) -> None:
        """See ServerDatabase."""
        self.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{USER}'")

    def kill(self) -> None:
        """Kill the server as a power cut would: every connection ends at once."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)

    def start_again(self) -> None:
        """Start the server again after `kill`, with the same data on the same port."""
        self.process = _launch(self.folder, self.port)

    def stop(self) -> None:
        """Stop the server; do nothing if it is down."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def postgres() -> Iterator[PostgreSQL]:
    """Run a new server with the tests' database, user and schema; remove it with its folder at the end."""
    # The test run's own folder is closed to the user postgres.
    folder = Path(tempfile.mkdtemp(prefix="dvt-pg-", dir="/tmp"))
    try:
        _install(folder)
        server = start_on_free_port(lambda port: PostgreSQL(folder, port, _launch(folder, port)))
        try:
            _set_up(server)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _set_up(server: PostgreSQL) -> None:
    with closing(server.owner("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(f'create role "{USER}" login password %s', (PASSWORD,))
        cursor.execute(f'create database "{DBNAME}" owner "{USER}" template template0 encoding utf8')
    server.execute(
        f'create schema {SCHEMA} authorization "{USER}"',
        f'alter default privileges in schema {SCHEMA} grant all on tables to "{USER}"',
        *USER_DEFINED_TYPES,
    )


def _program(folder: Path, name: str) -> str:
    own = folder / "server" / "bin"
    found = own if own.is_dir() else programs()
    if found is None:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    return str(found / name)


def _as_ordinary_user(folder: Path) -> list[str]:
    """Return a command prefix that leaves root, and ends the server with the tests."""
    die_with_tests = ["setpriv", "--pdeathsig", "QUIT"] if shutil.which("setpriv") else []
    if os.geteuid() != 0:
        return die_with_tests
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        *die_with_tests[1:],
    ]


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "TMPDIR" and not key.startswith("PG")}


def _install(folder: Path) -> None:
    if other := os.environ.get(OTHER_VERSION):
        # The server's user cannot look into the home of the tests' user.
        shutil.copytree(other, folder / "server", symlinks=True)
    prefix = _as_ordinary_user(folder)
    secret = folder / "owner"
    secret.write_text(OWNER_PASSWORD)
    secret.chmod(0o644)
    command = [
        *prefix,
        _program(folder, "initdb"),
        f"--pgdata={folder / 'data'}",
        f"--username={OWNER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]
    completed = subprocess.run(command, capture_output=True, check=False, cwd=folder, env=_environment())
    if completed.returncode:
        raise RuntimeError(f"initdb failed: {completed.stderr.decode(errors='replace')}")


def _launch(folder: Path, port: int) -> subprocess.Popen[bytes]:
    options = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": folder,
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "128MB",
        "max_wal_size": "2GB",
        "max_connections": 60,
        "TimeZone": "America/New_York",
    }
    command = [*_as_ordinary_user(folder), _program(folder, "postgres"), "-D", str(folder / "data")]
    for key, value in options.items():
        command += ["-c", f"{key}={value}"]
    log = folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env=_environment(),
            start_new_session=True,  # Ctrl-C reaches only the tests, which then stop the server in order
        )
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            # The socket's folder tells this server from another one that has taken the port.
            psycopg2.connect(
                host=str(folder), port=port, user=OWNER, password=OWNER_PASSWORD, dbname="postgres"
            ).close()
        except psycopg2.OperationalError:
            time.sleep(0.05)
        else:
            return process
    process.kill()
    raise start_error("postgres", log)
