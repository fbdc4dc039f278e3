"""DuckDB's MySQL scanner: attached read-only by a secret that is dropped at once, steered per query."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from dvt.core.errors import ConnectFailed
from dvt.core.ports.connectors import Instance
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.sql import literal
from dvt.drivers.mysql.settings import MySQLSettings

_SETTINGS = (
    "mysql_tinyint1_as_boolean = false",
    "mysql_bit1_as_boolean = false",
    "mysql_time_as_time = false",
    "mysql_query_timeout_enabled = false",
    "mysql_session_time_zone = '+00:00'",
    "mysql_pool_size = 0",
)
_SERVER = "server"
_PINS = {
    True: "SET STATEMENT sql_mode = '', time_zone = '+00:00', net_write_timeout = 3600 FOR {select}",
    False: "{select}",
}
_HINTS = "SELECT /*+ SET_VAR(sql_mode = '') SET_VAR(time_zone = '+00:00') */ "


class Scanner:
    """One server seen from a DuckDB of its own. Attached when first used; thread-safe.

    Of its own, because one thread is all that a scan can use: in an instance with more, the thread that
    waits for a scan spins (10 s of CPU instead of 5 for 6 M rows). Besides, no model's SQL sees it.
    """

    def __init__(self, name: str, settings: MySQLSettings, run: Instance) -> None:
        self._name = name
        self._settings = settings
        self._run = run
        self._lock = threading.Lock()
        self._instance: MemoryInstance | None = None

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """A DuckDB cursor that may ask this server; a connection lives no longer than its query."""
        with self._lock:
            if self._instance is None:
                self._instance = self._opened()
            cursor = self._instance.cursor()
        try:
            _steer(cursor)
            yield cursor
        finally:
            cursor.close()

    def relation(self, sql: str) -> str:
        """DuckDB's FROM item that answers with the rows of the server's `sql`."""
        return f"mysql_query('{_SERVER}', {literal(sql)})"

    def close(self) -> None:
        """End it. May be called twice."""
        with self._lock:
            instance, self._instance = self._instance, None
        if instance is not None:
            instance.close()

    def _opened(self) -> MemoryInstance:
        cursor = self._run.cursor()
        (limit,) = cursor.execute("SELECT current_setting('memory_limit')").fetchone()
        cursor.close()
        instance = MemoryInstance(threads=1, memory_limit=limit)
        try:
            instance.load("mysql_scanner")
            self._attach(instance.cursor())
        except BaseException:
            instance.close()
            raise
        return instance

    def _attach(self, cursor: Any) -> None:
        _steer(cursor)
        keys = ", ".join(f"{key} {literal(value)}" for key, value in self._secret().items())
        failure = ""
        try:
            cursor.execute(f"CREATE TEMPORARY SECRET {_SERVER} (TYPE mysql, {keys})")
            # Compression is on by default, and takes longer than the network.
            cursor.execute(
                f"ATTACH 'compression=disabled' AS {_SERVER} (TYPE mysql, SECRET {_SERVER}, READ_ONLY)"
            )
            cursor.execute(f"DROP SECRET {_SERVER}")
        except duckdb.Error as error:
            failure = type(error).__name__
        finally:
            cursor.close()
        if failure:
            # Not `from` the original: its text may repeat what the secret says.
            reason = f"DuckDB's scanner got no connection although ours did ({failure})"
            raise ConnectFailed(self._name, self._settings.where, reason, "see the server's error log")

    def _secret(self) -> dict[str, str]:
        known = self._settings
        keys = {
            "HOST": known.host,
            "PORT": str(known.port),
            "USER": known.user,
            "PASSWORD": known.password.get_secret_value(),
            "DATABASE": known.schema_,
            "SSL_MODE": known.ssl_mode,
        }
        files = {"SSL_CA": known.ssl_ca, "SSL_CERT": known.ssl_cert, "SSL_KEY": known.ssl_key}
        return keys | {key: str(path) for key, path in files.items() if path}


def _steer(cursor: Any) -> None:
    for setting in _SETTINGS:
        cursor.execute(f"SET SESSION {setting}")


def pinned(select: str, mark: str, *, mariadb: bool) -> str:
    """A SELECT as it is sent: with its mark, in UTC, and read alike whatever the server's settings.

    The server waits an hour, not a minute, for a reader that is held up.
    """
    if not mariadb and select.startswith("SELECT "):
        select = _HINTS + select.removeprefix("SELECT ")
    return f"/* {mark} */ {_PINS[mariadb].format(select=select)}"
