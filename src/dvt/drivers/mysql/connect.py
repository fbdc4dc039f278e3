"""Connections of PyMySQL that are watched for silence: for long questions, and to load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dvt.core.errors import QueryFailed
from dvt.drivers.mysql.login import code_and_message, log_in, translate
from dvt.drivers.mysql.losses import ServerWarning, error_for_code, error_for_warnings
from dvt.drivers.mysql.settings import MySQLSettings
from dvt.drivers.mysql.side_connection import SideConnection, connect
from dvt.drivers.mysql.silence import Processes, line_of_wire
from dvt.drivers.network.silence import watch

if TYPE_CHECKING:
    from dvt.drivers.mysql.wire import Sent, Wire

_LOCAL_FILES = 128
"""Flag of the protocol: the server may ask the client for files."""
_NO_LOCAL_FILES = frozenset({1148, 3948, 3950, 4166})
"""Codes: `local_infile` is off on the server."""
LOAD_TIMEOUT = 3600.0
"""Seconds that a statement which moves rows may take, and that client and server then wait for each other."""
_LOAD_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION', "
    "time_zone = '+00:00', sql_notes = 1, max_error_count = 64, "
    f"net_read_timeout = {LOAD_TIMEOUT:.0f}, net_write_timeout = {LOAD_TIMEOUT:.0f}"
)
"""SQL: prepares a connection that writes: the server refuses values that do not fit, and counts warnings."""


@dataclass(frozen=True, slots=True)
class LoadStatement:
    """A statement that writes rows, as errors describe it."""

    doing: str
    table: str
    columns: tuple[str, ...]


class LoadConnection(SideConnection):
    """A connection that writes rows. A statement with a warning raises: the server has changed a value."""

    def insert(self, sql: bytes, statement: LoadStatement) -> int:
        """Run an INSERT and return the number of rows it inserted."""
        return self._write(lambda wire: wire.send(sql), statement)

    def load(self, sql: str, file: str, read: Callable[[int], bytes], statement: LoadStatement) -> int | None:
        """Run a LOAD DATA LOCAL INFILE whose file is named `file` and holds what `read` returns.

        Return the number of rows loaded, or None if the server accepts no local files; nothing is read then.
        """
        import pymysql

        try:
            return self._write(lambda wire: wire.send_file(sql, file, read), statement)
        except QueryFailed as error:
            cause = error.__cause__
            if isinstance(cause, pymysql.Error) and code_and_message(cause)[0] in _NO_LOCAL_FILES:
                return None
            raise

    def _write(self, send: Callable[[Any], Sent], statement: LoadStatement) -> int:
        """Send a statement and return its rows; raise dvt's error for an error or a warning about values."""
        import pymysql

        self._connection.set_timeout(LOAD_TIMEOUT)
        try:
            rows, warnings = send(self._connection)
        except pymysql.Error as error:
            value_error = error_for_code(*code_and_message(error), statement.table, statement.columns)
            raise value_error or translate(error, self._name, statement.doing) from error
        if warnings:
            shown = [ServerWarning(*row) for row in self.rows("SHOW WARNINGS", doing=statement.doing)]
            if value_error := error_for_warnings(warnings, shown, statement.table, statement.columns):
                raise value_error
        return rows


@contextmanager
def connect_watched(name: str, settings: MySQLSettings) -> Iterator[SideConnection]:
    """Log in as `connect` does; the connection is ended if the server freezes while it owes an answer."""
    with closing(log_in(name, settings)) as connection:
        watch_wire(name, settings, connection)
        yield SideConnection(name, settings, connection)


@contextmanager
def connect_to_load(
    name: str, settings: MySQLSettings, stopped: Callable[[], bool] | None = None
) -> Iterator[LoadConnection]:
    """Log in to write rows; sending ends once `stopped` returns True."""
    with closing(log_in(name, settings, init_command=_LOAD_SESSION, client_flag=_LOCAL_FILES)) as connection:
        connection.stopped = stopped
        watch_wire(name, settings, connection)
        yield LoadConnection(name, settings, connection)


def watch_wire(name: str, settings: MySQLSettings, wire: Wire) -> None:
    """Watch a connection of PyMySQL until it is closed: end it if the server freezes."""
    watch(line_of_wire(name, settings, wire, Processes(partial(connect, name, settings))))
