"""dbt's connections over the driver's sessions: transactions, answers, cancel."""

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
from dvt.drivers.mysql import Session, statement
from dvt.drivers.mysql.session import BEGIN, Cursor

logger = logging.getLogger(__name__)

_CHANGES_ROWS = frozenset({"insert", "update", "delete", "replace", "load", "with"})
_READS_ROWS = frozenset({"select", "create table"})
"""`create table`: from a SELECT; any other one answers 0."""


class MySQLConnectionManager(SQLConnectionManager):
    """One session per thread of dbt's."""

    TYPE = "mysql"

    @classmethod
    def open(cls, connection: Any) -> Any:
        """Log in; what the server or the keys are wrong in is one error."""
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
        """Within it, the driver's errors are dbt's, and an open transaction is undone."""
        del sql
        try:
            yield
        except DvtError as error:
            self._release()
            reason = error.reason if isinstance(error, QueryFailed) else str(error)
            raise DbtDatabaseError(reason) from error
        except DbtRuntimeError:
            self._release()
            raise
        except Exception as error:
            self._release()
            raise DbtRuntimeError(str(error)) from error

    def add_begin_query(self) -> Any:
        """START TRANSACTION: our sessions commit every statement otherwise."""
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
        """Run a text; what dbt believes to be in a transaction is in one, even after DDL has ended it."""
        connection = self.get_thread_connection()
        if auto_begin and connection.transaction_open and not connection.handle.in_transaction:
            self.add_begin_query()
        values = None if bindings is None else [_bound(value) for value in bindings]
        return super().add_query(sql, auto_begin, values, abridge_sql_log, *args, **kwargs)

    def cancel_open(self) -> list[str]:
        """Stop what other threads have under way, and what they would send next."""
        mine = self.get_if_exists()
        with self.lock:
            others = [one for one in self.thread_connections.values() if one is not mine]
        for connection in others:
            if connection.state == ConnectionState.OPEN:  # before that, `handle` would connect
                self.cancel(connection)
        return [one.name for one in others if one.name is not None]

    def cancel(self, connection: Any) -> None:
        """Stop one connection's statement, from the side."""
        try:
            connection.handle.stop()
        except DvtError as error:  # the others are to be stopped all the same
            logger.debug("could not stop %s", connection.name, exc_info=error)

    @classmethod
    def get_response(cls, cursor: Cursor) -> AdapterResponse:
        """What was done, and to how many rows; -1 for DDL."""
        kind = statement(cursor.sql)
        counted = kind in _CHANGES_ROWS or kind in _READS_ROWS
        rows = cursor.rowcount if counted else -1
        code = "SELECT" if kind in _READS_ROWS else kind.upper()
        return AdapterResponse(_message=f"{code} {rows}" if counted else code, code=code, rows_affected=rows)

    @classmethod
    def process_results(cls, column_names: Any, rows: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
        """The rows as dbt's tables hold them: spans of time and bytes as text."""
        shown = (tuple(_shown(value) for value in row) for row in rows)
        yield from super().process_results(column_names, shown)

    @classmethod
    def data_type_code_to_name(cls, type_code: int) -> str:
        """The kind of type that an answer's column has."""
        return _KINDS.get(type_code, "text")

    def _release(self) -> None:
        """Undo the transaction. A lost connection has none any more."""
        connection = self.get_if_exists()
        if connection is None or connection.state != ConnectionState.OPEN or not connection.transaction_open:
            return
        try:
            self._rollback(connection)
        except DvtError as error:
            connection.transaction_open = False
            logger.debug("could not roll back", exc_info=error)


class MariaDBConnectionManager(MySQLConnectionManager):
    """The same under the other type's name."""

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
"""By the protocol's number; every other one is text or bytes."""


def _bound(value: Any) -> Any:
    """A value as the driver writes it: instants in UTC, which is our sessions' zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _shown(value: Any) -> Any:
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, (bytes, bytearray)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return f"0x{bytes(value).hex()}"
    return value


def _span(value: timedelta) -> str:
    """A TIME as the server shows it: up to 838 hours, either way."""
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(value.days * 86400 + value.seconds, 60)
    fraction = f".{value.microseconds:06}" if value.microseconds else ""
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"
