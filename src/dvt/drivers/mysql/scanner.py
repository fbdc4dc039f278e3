"""DuckDB's MySQL scanner: attached read-only by a secret that is dropped at once, steered per query."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import duckdb

from dvt.core.errors import ConnectFailed
from dvt.core.ports import Instance
from dvt.drivers.duckdb.sql import literal
from dvt.drivers.mysql.settings import MySQLSettings

_SETTINGS = (
    "mysql_tinyint1_as_boolean = false",
    "mysql_bit1_as_boolean = false",
    "mysql_time_as_time = false",
    "mysql_query_timeout_enabled = false",
    "mysql_session_time_zone = '+00:00'",
)
_PINS = {
    True: "SET STATEMENT sql_mode = '', time_zone = '+00:00', net_write_timeout = 3600 FOR {select}",
    False: "{select}",
}
_HINTS = "SELECT /*+ SET_VAR(sql_mode = '') SET_VAR(time_zone = '+00:00') */ "
_COUNT = itertools.count()


class Scanner:
    """One server seen from the run's DuckDB. Attached when first used; thread-safe."""

    def __init__(self, name: str, settings: MySQLSettings, instance: Instance) -> None:
        self._name = name
        self._settings = settings
        self._instance = instance
        self._lock = threading.Lock()
        self._catalog = ""

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """A DuckDB cursor that may ask this server."""
        self._instance.load("mysql_scanner")
        cursor = self._instance.cursor()
        try:
            for setting in _SETTINGS:
                cursor.execute(f"SET SESSION {setting}")
            with self._lock:
                if not self._catalog:
                    self._catalog = self._attach(cursor)
            yield cursor
        finally:
            cursor.close()

    def relation(self, sql: str) -> str:
        """DuckDB's FROM item that answers with the rows of the server's `sql`."""
        return f"mysql_query({literal(self._catalog)}, {literal(sql)})"

    def close(self) -> None:
        """End the connections that the scanner keeps."""
        with self._lock:
            catalog, self._catalog = self._catalog, ""
        if catalog:
            cursor = self._instance.cursor()
            with suppress(duckdb.Error):  # the instance may be gone already, and its connections with it
                cursor.execute(f"DETACH {catalog}")
            cursor.close()

    def _attach(self, cursor: Any) -> str:
        catalog = f"dvt_mysql_{next(_COUNT)}"
        keys = ", ".join(f"{key} {literal(value)}" for key, value in self._secret().items())
        failure = ""
        try:
            cursor.execute(f"CREATE TEMPORARY SECRET {catalog} (TYPE mysql, {keys})")
            try:
                # Compression is on by default, and takes longer than the network.
                cursor.execute(
                    f"ATTACH 'compression=disabled' AS {catalog} (TYPE mysql, SECRET {catalog}, READ_ONLY)"
                )
            finally:
                cursor.execute(f"DROP SECRET {catalog}")
        except duckdb.Error as error:
            failure = type(error).__name__
        if failure:
            # Not `from` the original: its text may repeat what the secret says.
            reason = f"DuckDB's scanner got no connection although ours did ({failure})"
            raise ConnectFailed(self._name, self._settings.where, reason, "see the server's error log")
        return catalog

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


def pinned(select: str, mark: str, *, mariadb: bool) -> str:
    """A SELECT as it is sent: with its mark, in UTC, and read alike whatever the server's settings.

    The server waits an hour, not a minute, for a reader that is held up.
    """
    if not mariadb and select.startswith("SELECT "):
        select = _HINTS + select.removeprefix("SELECT ")
    return f"/* {mark} */ {_PINS[mariadb].format(select=select)}"
