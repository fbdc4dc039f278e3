"""dbt's connection managers, which use the driver's sessions: transactions, results, cancelling."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from dbt.adapters.contracts.connection import AdapterResponse, ConnectionState
from dbt.adapters.exceptions.connection import FailedToConnectError
from dbt.adapters.sql import SQLConnectionManager
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError

from dvt.core.errors import BadOutput, DvtError, QueryFailed
from dvt.drivers.mysql import Session
from dvt.drivers.mysql.session import BEGIN, Cursor, statement_kind

logger = logging.getLogger(__name__)

_CHANGES_ROWS = frozenset({"insert", "update", "delete", "replace", "load", "with"})
"""Kinds of statements whose row count is that of changed rows."""
_READS_ROWS = frozenset({"select", "create table"})
"""Kinds of statements whose row count is that of selected rows; 0 for a CREATE TABLE without a SELECT."""


class MySQLConnectionManager(SQLConnectionManager):
    """Manages one session per thread of dbt's."""

    TYPE = "mysql"

    @classmethod
    def open(cls, connection: Any) -> Any:
        """Log in; raise dbt's error if the server refuses or a key of the output is wrong."""
        if connection.state == ConnectionState.OPEN:
            return connection
        credentials = connection.credentials
        try:
            connection.handle = Session(credentials.output or credentials.type, credentials.settings)
        except DvtError as error:
            connection.handle, connection.state = None, ConnectionState.FAIL
            kind = DbtRuntimeError if isinstance(error, BadOutput) else FailedToConnectError
            raise kind(str(error)) from error
        connection.state = ConnectionState.OPEN
        return connection

    @contextmanager
    def exception_handler(self, sql: str) -> Iterator[None]:
        """Raise the driver's errors of the block as dbt's, after rolling back the open transaction."""
        del sql
        try:
            yield
        except DvtError as error:
            self._rollback_open()
            reason = error.reason if isinstance(error, QueryFailed) else str(error)
            raise DbtDatabaseError(reason) from error
        except DbtRuntimeError:
            self._rollback_open()
            raise
        except Exception as error:
            self._rollback_open()
            raise DbtRuntimeError(str(error)) from error

    def add_begin_query(self) -> Any:
        """Send START TRANSACTION; without it, a session commits every statement."""
        return self.add_query(BEGIN, auto_begin=False)

    def add_query(
        self,
        sql: str,
        auto_begin: bool = True,
        bindings: Any = None,
        abridge_sql_log: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Run a statement; first begin a transaction if DDL has ended the one that dbt takes for open."""
        connection = self.get_thread_connection()
        if auto_begin and connection.transaction_open and not connection.handle.in_transaction:
            self.add_begin_query()
        values = None if bindings is None else [_bound(value) for value in bindings]
        return super().add_query(sql, auto_begin, values, abridge_sql_log, *args, **kwargs)

    def cancel_open(self) -> list[str]:
        """Cancel running and later statements of the other threads; return their connections' names."""
        current = self.get_if_exists()
        with self.lock:
            others = [
                connection for connection in self.thread_connections.values() if connection is not current
            ]
        for connection in others:
            if (
                connection.state == ConnectionState.OPEN
            ):  # on a connection that is not open yet, `handle` would connect
                self.cancel(connection)
        return [connection.name for connection in others if connection.name is not None]

    def cancel(self, connection: Any) -> None:
        """Cancel a connection's statement, through a second connection."""
        try:
            connection.handle.stop()
        except DvtError as error:  # the statements of other connections must still be cancelled
            logger.debug("could not stop %s", connection.name, exc_info=error)

    @classmethod
    def get_response(cls, cursor: Cursor) -> AdapterResponse:
        """Return the kind of the last statement and its number of rows; -1 for DDL."""
        kind = statement_kind(cursor.sql)
        counted = kind in _CHANGES_ROWS or kind in _READS_ROWS
        rows = cursor.rowcount if counted else -1
        code = "SELECT" if kind in _READS_ROWS else kind.upper()
        return AdapterResponse(_message=f"{code} {rows}" if counted else code, code=code, rows_affected=rows)

    @classmethod
    def process_results(cls, column_names: Any, rows: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
        """Yield the rows as dbt's tables hold them: TIME values and bytes as text."""
        converted = (tuple(_for_table(value) for value in row) for row in rows)
        yield from super().process_results(column_names, converted)

    @classmethod
    def data_type_code_to_name(cls, type_code: int) -> str:
        """Return the kind of a result's column from the protocol's type code."""
        return _KINDS.get(type_code, "text")

    def _rollback_open(self) -> None:
        """Roll back the open transaction; it fails on a lost connection, which has none any more."""
        connection = self.get_if_exists()
        if connection is None or connection.state != ConnectionState.OPEN or not connection.transaction_open:
            return
        try:
            self._rollback(connection)
        except DvtError as error:
            connection.transaction_open = False
            logger.debug("could not roll back", exc_info=error)


class MariaDBConnectionManager(MySQLConnectionManager):
    """Manages sessions of outputs of type mariadb."""

    TYPE = "mariadb"


_KINDS = {
    **dict.fromkeys((1, 2, 3, 8, 9), "integer"),
    **dict.fromkeys((0, 246), "decimal"),
    **dict.fromkeys((4, 5), "double"),
    **dict.fromkeys((7, 12), "datetime"),
    6: "null",
    10: "date",
    11: "time",
    13: "year",
    16: "bit",
    245: "json",
    255: "geometry",
}
"""The protocol's type code → kind; all other codes are text or bytes."""


def _bound(value: Any) -> Any:
    """Convert a bound value for the driver: a timestamp to UTC, the sessions' time zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _for_table(value: Any) -> Any:
    """Return a value as dbt's tables hold it: a TIME, or bytes, as text; bytes that are no UTF-8 in hex."""
    if isinstance(value, timedelta):
        return _time_text(value)
    if isinstance(value, (bytes, bytearray)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return f"0x{bytes(value).hex()}"
    return value


def _time_text(value: timedelta) -> str:
    """Write a TIME as the server shows it: from -838 to 838 hours."""
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(value.days * 86400 + value.seconds, 60)
    fraction = f".{value.microseconds:06}" if value.microseconds else ""
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"
