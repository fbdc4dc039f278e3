"""DuckDB's MySQL scanner: attached read-only by a secret that is dropped at once, configured per query."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import duckdb

from dvt.core.errors import ConnectFailed
from dvt.core.ports.connectors import Instance
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.sql import literal as duckdb_literal
from dvt.drivers.mysql.names import literal
from dvt.drivers.mysql.settings import MySQLSettings
from dvt.drivers.mysql.side_connection import connect
from dvt.drivers.mysql.silence import Processes, line_of_scan
from dvt.drivers.network.silence import watched

_SETTINGS = (
    "mysql_tinyint1_as_boolean = false",
    "mysql_bit1_as_boolean = false",
    "mysql_time_as_time = false",
    "mysql_query_timeout_enabled = false",
    "mysql_session_time_zone = '+00:00'",
    "mysql_pool_size = 0",
)
"""DuckDB's settings for every cursor: no types guessed from display widths, no time limit, UTC, no pool."""
_SERVER = "server"
"""DuckDB's name of the attached server, and of its secret."""
_READ_SETTINGS = {"sql_mode": "", "time_zone": "+00:00", "sql_select_limit": str(2**64 - 1)}
"""Name → value of the session's settings that decide what a SELECT on a table answers."""
_PATIENCE = {"net_write_timeout": "3600"}
"""The setting of MariaDB by which it waits an hour for a client that does not read, instead of a minute."""


class Scanner:
    """One server, attached to a DuckDB instance of its own when first used. Thread-safe.

    The instance has one thread, since a scan uses no more: with more, the thread that waits for a scan
    spins (10 s of CPU instead of 5 for 6 M rows). A separate instance also hides the server from models'
    SQL.
    """

    def __init__(self, name: str, settings: MySQLSettings, run: Instance) -> None:
        self._name = name
        self._settings = settings
        self._run = run
        self._lock = threading.Lock()
        self._instance: MemoryInstance | None = None

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Yield a DuckDB cursor that can query the server; every query has a connection of its own."""
        with self._lock:
            if self._instance is None:
                self._instance = self._open()
            cursor = self._instance.cursor()
        try:
            _configure(cursor)
            yield cursor
        finally:
            cursor.close()

    @contextmanager
    def noticing_silence(self, mark: str) -> Iterator[None]:
        """Run the statement with this mark within the `with`: it fails if the server freezes."""
        from dvt.drivers.mysql.wire import wire_sockets

        processes = Processes(partial(connect, self._name, self._settings))
        with watched(line_of_scan(self._name, self._settings, mark, wire_sockets, processes)):
            yield

    def relation(self, sql: str) -> str:
        """Return the FROM item of DuckDB's SQL for the rows of a query in the server's SQL."""
        return f"mysql_query('{_SERVER}', {duckdb_literal(sql)})"

    def close(self) -> None:
        """Close the instance. May be called twice."""
        with self._lock:
            instance, self._instance = self._instance, None
        if instance is not None:
            instance.close()

    def _open(self) -> MemoryInstance:
        cursor = self._run.cursor()
        (limit,) = cursor.execute("SELECT current_setting('memory_limit')").fetchone()
        cursor.close()
        instance = MemoryInstance(threads=1, memory_limit=limit)
        try:
            instance.load("mysql_scanner")
            with self.noticing_silence(f"dvt {_SERVER}"):
                self._attach(instance.cursor())
        except BaseException:
            instance.close()
            raise
        return instance

    def _attach(self, cursor: Any) -> None:
        _configure(cursor)
        keys = ", ".join(f"{key} {duckdb_literal(value)}" for key, value in self._secret().items())
        failure = ""
        try:
            cursor.execute(f"CREATE TEMPORARY SECRET {_SERVER} (TYPE mysql, {keys})")
            # Compression, on by default, takes longer than the network.
            cursor.execute(
                f"ATTACH 'compression=disabled' AS {_SERVER} (TYPE mysql, SECRET {_SERVER}, READ_ONLY)"
            )
            cursor.execute(f"DROP SECRET {_SERVER}")
        except duckdb.Error as error:
            failure = type(error).__name__
        finally:
            cursor.close()
        if failure:
            # Not raised `from` the original: its text may repeat the credentials.
            reason = f"DuckDB's scanner cannot connect, although dvt itself can ({failure})"
            raise ConnectFailed(self._name, self._settings.where, reason, "see the server's error log")

    def _secret(self) -> dict[str, str]:
        settings = self._settings
        keys = {
            "HOST": settings.host,
            "PORT": str(settings.port),
            "USER": settings.user,
            "PASSWORD": settings.password.get_secret_value(),
            "DATABASE": settings.schema_,
            "SSL_MODE": settings.ssl_mode,
        }
        files = {"SSL_CA": settings.ssl_ca, "SSL_CERT": settings.ssl_cert, "SSL_KEY": settings.ssl_key}
        return keys | {key: str(path) for key, path in files.items() if path}


def _configure(cursor: Any) -> None:
    for setting in _SETTINGS:
        cursor.execute(f"SET SESSION {setting}")


def with_session_settings(
    select: str, mark: str, *, mariadb: bool, settings: Mapping[str, str] | None = None
) -> str:
    """Return the SELECT as it is sent: with its mark, in UTC, independent of the server's settings.

    `settings` are further ones, or replace those; only MariaDB takes them. MySQL has hints for the others.
    """
    values = {**_READ_SETTINGS, **(settings or {})}
    if mariadb:
        listed = ", ".join(f"{name} = {literal(value)}" for name, value in (values | _PATIENCE).items())
        return f"/* {mark} */ SET STATEMENT {listed} FOR {select}"
    hints = " ".join(f"SET_VAR({name} = {literal(value)})" for name, value in values.items())
    hinted = f"SELECT /*+ {hints} */ "
    return f"/* {mark} */ {hinted if select.startswith('SELECT ') else ''}{select.removeprefix('SELECT ')}"
