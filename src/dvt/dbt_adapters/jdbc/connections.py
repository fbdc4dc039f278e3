"""dbt's connection manager over sessions of the Java process: transactions, results, cancelling."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.contracts.connection import AdapterResponse, ConnectionState
from dbt.adapters.exceptions.connection import FailedToConnectError
from dbt.adapters.sql import SQLConnectionManager
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError

from dvt.core.errors import BadOutput, DvtError, NotOnDatabase, QueryFailed
from dvt.dbt_adapters.jdbc.handle import Cursor, Handle
from dvt.drivers.jdbc import Session

logger = logging.getLogger(__name__)


class JdbcConnectionManager(SQLConnectionManager):
    """Manages one session per thread of dbt's."""

    TYPE = "jdbc"

    @classmethod
    def open(cls, connection: Any) -> Any:
        """Log in; raise dbt's error if the database refuses or a key of the output is wrong."""
        if connection.state == ConnectionState.OPEN:
            return connection
        credentials = connection.credentials
        try:
            settings = credentials.settings
            session = Session(credentials.bridge, credentials.output or credentials.type, settings)
            for statement in credentials.target.on_connect:
                session.execute(statement, "setting up the session")
            connection.handle = Handle(session, takes_comments=credentials.target.takes_comments)
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
            if not self.profile.credentials.target.common_tables and _NO_WITH in reason:
                reason = (
                    f"{reason}; {NotOnDatabase('common table expressions (`with`)', 'this database', _HINT)}"
                )
            raise DbtDatabaseError(reason) from error
        except DbtRuntimeError:
            self._rollback_open()
            raise
        except Exception as error:
            self._rollback_open()
            raise DbtRuntimeError(str(error)) from error

    def add_begin_query(self) -> Any:
        """Begin a transaction by the driver: not every database has a statement for it."""
        return self._transact("begin")

    def add_commit_query(self) -> Any:
        """Commit the transaction by the driver."""
        return self._transact("commit")

    def cleanup_all(self) -> None:
        """Close all sessions, then the Java process."""
        super().cleanup_all()
        self.profile.credentials.close()

    def cancel_open(self) -> list[str]:
        """Cancel running and later statements of the other threads; return their connections' names."""
        current = self.get_if_exists()
        with self.lock:
            others = [
                connection for connection in self.thread_connections.values() if connection is not current
            ]
        for connection in others:
            # On a connection that is not open yet, `handle` would connect.
            if connection.state == ConnectionState.OPEN:
                self.cancel(connection)
        return [connection.name for connection in others if connection.name is not None]

    def cancel(self, connection: Any) -> None:
        """Cancel a connection's statement by its driver."""
        connection.handle.stop()

    @classmethod
    def get_response(cls, cursor: Cursor) -> AdapterResponse:
        """Return the first word of the last statement and its number of rows; -1 if it counts none."""
        result = cursor.result
        if result is None:
            return AdapterResponse(_message="OK", code="", rows_affected=-1)
        counts = result.word in _COUNTED or bool(result.columns)
        rows = result.count if counts else -1
        message = f"{result.word} {rows}" if counts else result.word
        return AdapterResponse(_message=message, code=result.word, rows_affected=rows)

    @classmethod
    def data_type_code_to_name(cls, type_code: Any) -> str:
        """Return the type of a result's column: the cursor has its name already."""
        return str(type_code)

    def _transact(self, what: str) -> Any:
        connection = self.get_thread_connection()
        with self.exception_handler(what):
            getattr(connection.handle, what)()
        return connection, None

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


_NO_WITH = 'Encountered "with"'
"""What Derby says of a common table expression."""
_HINT = "write a subquery; make an ephemeral model that is read a view, or a table"
_COUNTED = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
"""First words of statements whose rows are counted."""
