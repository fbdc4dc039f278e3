"""A real MySQL 5.6, of the package that `tools/versions.sh` fetches, for as long as a `with` lasts."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql

from dvt.core.names import TableRef
from tests.databases.mariadb import PASSWORD, SCHEMA, USER, MariaDB, accepts_connections
from tests.databases.ports import start_error, start_on_free_port

FOLDER = "DVT_TEST_MYSQL"
"""Environment variable: the package's folder `server`."""
_START_TIMEOUT = 60.0
"""Seconds until a server that does not answer counts as not started."""
_DIGITS = "(select 0 as d" + "".join(f" union all select {digit}" for digit in range(1, 10)) + ")"
"""SQL: a table of ten rows: MySQL 5.6 has neither sequences nor recursive queries."""


class MySQL56(MariaDB):
    """A running MySQL 5.6, reached as MariaDB is."""

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return super().settings(**{"type": "mysql"} | overrides)

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        places = range(len(str(rows)))
        number = " + ".join(f"t{place}.d * {10**place}" for place in places)
        tables = ", ".join(f"{_DIGITS} t{place}" for place in places)
        self.execute(
            f"drop table if exists {self.quoted(ref)}",
            f"create table {self.quoted(ref)} as select cast(seq as signed) as n, "
            f"concat(md5(seq), md5(seq + 1), md5(seq + 2)) as word from "
            f"(select {number} + 1 as seq from {tables}) numbers where seq <= {rows}",
            f"analyze table {self.quoted(ref)}",
        )

    def type_of(self, ref: TableRef, column: str) -> str:
        """See Database."""
        ((type_,),) = self.execute(
            "select column_type from information_schema.columns where table_schema = "
            f"'{ref.schema or SCHEMA}' and table_name = '{ref.identifier}' and column_name = '{column}'"
        )
        return str(type_)

    def cut(self) -> None:
        """See ServerDatabase."""
        for (number,) in self.execute(f"select id from information_schema.processlist where user = '{USER}'"):
            with suppress(pymysql.Error):  # it has ended meanwhile
                self.execute(f"kill connection {number}")


@contextmanager
def mysql56() -> Iterator[MySQL56]:
    """Run a new server with the tests' schema and user; remove it with its folder at the end."""
    folder = Path(tempfile.mkdtemp(prefix="dvt-m56-", dir="/tmp"))
    try:
        shutil.copytree(os.environ[FOLDER], folder / "server", symlinks=True)
        (folder / "tmp").mkdir()
        _give_away(folder)
        server = start_on_free_port(lambda port: MySQL56(folder, port, _launch(folder, port)))
        try:
            _set_up(server)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _set_up(server: MySQL56) -> None:
    with closing(server.owner(database=None)) as connection, connection.cursor() as cursor:
        cursor.execute("flush privileges")  # from now on they count
        cursor.execute(f"create database {SCHEMA} character set utf8mb4")
        cursor.execute("grant all on *.* to root@localhost with grant option")
        cursor.execute("create user %s@'127.0.0.1' identified by %s", (USER, PASSWORD))
        cursor.execute(f"grant all on {SCHEMA}.* to %s@'127.0.0.1'", (USER,))


def _give_away(folder: Path) -> None:
    """Give the folder to the server's user, if the tests are root's: the server refuses to run as root."""
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "mysql", str(folder)], check=True)


def _launch(folder: Path, port: int) -> subprocess.Popen[bytes]:
    server = folder / "server"
    command = [
        *(["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []),
        str(server / "mysqld"),
        "--no-defaults",
        *(["--user=mysql"] if os.geteuid() == 0 else []),
        f"--basedir={server}",
        f"--datadir={server / 'data' / 'mysql'}",
        f"--tmpdir={folder / 'tmp'}",
        f"--lc-messages-dir={server / 'share'}",
        f"--socket={folder / 's'}",
        f"--pid-file={folder / 'pid'}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        "--skip-grant-tables",
        "--skip-name-resolve",
        "--character-set-server=utf8mb4",
        "--default-time-zone=+09:00",
        "--explicit-defaults-for-timestamp",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-log-file-size=512M",
        "--max-allowed-packet=64M",
    ]
    log = folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=server,
            env={**os.environ, "LD_LIBRARY_PATH": str(server)},
            start_new_session=True,  # Ctrl-C reaches only the tests, which then stop the server in order
        )
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if accepts_connections(folder):
            return process
        time.sleep(0.05)
    process.kill()
    raise start_error("mysqld", log)
