"""Sessions of dbt: strict, in UTC; they retry after deadlocks, reconnect when idle, and can be stopped."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from dvt.core.errors import Cancelled, DvtError, QueryFailed
from dvt.drivers.mysql.connect import watch_wire
from dvt.drivers.mysql.flavour import Flavour, flavour_of
from dvt.drivers.mysql.login import log_in, translate
from dvt.drivers.mysql.names import quoted
from dvt.drivers.mysql.settings import MySQLSettings
from dvt.drivers.mysql.side_connection import connect

BEGIN, COMMIT, ROLLBACK = "START TRANSACTION", "COMMIT", "ROLLBACK"

_IN_TRANSACTION = 1
"""The flag in `server_status`, which comes with every answer."""
_DEADLOCK = 1213
"""Code: deadlock."""
_LOCK_FAILURES = frozenset({1205, _DEADLOCK})
"""Codes: lock wait timeout, deadlock."""
_EMPTY_QUERY = 1065
"""Code: nothing to run, as for a comment after the last semicolon."""
_ATTEMPTS = 3
"""How often a text that fails on locks is run in all."""
_RETRY_PAUSE = 0.2
"""Seconds before the second attempt; twice that before the third."""
_IDLE_SECONDS = 1.0
"""Seconds without use after which a connection is checked by a ping before its next statement."""
_POLL_SECONDS = 0.02
"""Seconds between two KILLs of a statement that has not ended."""
_CANCEL_TIMEOUT = 5.0
"""Seconds after which a statement that does not end is left to the server."""
_DOING = "running a statement"
"""What a session does, in errors."""
_COMMENT = re.compile(r"\A(?:\s+|/\*(?!!).*?\*/|--[^\n]*(?:\n|\Z)|\#[^\n]*(?:\n|\Z))+", re.DOTALL)
"""Matches the blanks and comments before a statement; `/*!` begins code."""
_SESSION_STATE = re.compile(r"(?:\A|;)\s*(?:set|use|lock|prepare|flush)\b|\btemporary\b|@", re.IGNORECASE)
"""Matches statements that may give a session state: variables, temporary tables, locks."""
_KIND = re.compile(
    r"[\s(]*(?:(create)\s+(?:or\s+replace\s+)?(?:temporary\s+)?([a-z]+)|([a-z]+))", re.IGNORECASE
)
"""Matches a statement's first word; of a CREATE also what it creates."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer to one statement of a text."""

    columns: tuple[tuple[Any, ...], ...] | None
    """DB-API's description of the columns; None for a statement without rows."""
    rows: Sequence[tuple[Any, ...]]
    affected: int


class Session:
    """One connection, for one thread; only `stop` may be called from another."""

    def __init__(self, name: str, settings: MySQLSettings) -> None:
        self._name = name
        self._settings = settings
        self._stopped = threading.Event()
        self._running = threading.Event()
        self._connection: Any = None
        self.server: Flavour = flavour_of("")
        self._open()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, from the server's last answer: DDL commits implicitly."""
        return bool(self._connection.server_status & _IN_TRANSACTION)

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[Answer]:
        """Run a text of one or more statements and return an answer for each.

        A text that failed on locks is run again if nothing of its transaction can have taken effect. A
        connection lost while idle is reopened if its session had no state of its own.
        """
        self._refresh()
        was_in_transaction = self.in_transaction
        for attempt in range(1, _ATTEMPTS + 1):
            answers: list[Answer] = []
            try:
                self._send(sql, values, answers)
                break
            except _Failed as failure:
                repeatable = (
                    self._nothing_done and (was_in_transaction or not answers) and not failure.committed
                )
                if attempt == _ATTEMPTS or not repeatable or failure.number not in _LOCK_FAILURES:
                    raise self._after_rollback(failure) from failure.cause
            time.sleep(_RETRY_PAUSE * attempt)
            self._execute(ROLLBACK)
            if was_in_transaction:
                self._execute(BEGIN)
        self._track_state(sql)
        return _without_empty(answers, sql)

    def rollback(self) -> None:
        """Roll back the open transaction."""
        self.run(ROLLBACK)

    def commit(self) -> None:
        """Commit the open transaction."""
        self.run(COMMIT)

    def cursor(self) -> Cursor:
        """Return a DB-API cursor of this session."""
        return Cursor(self)

    def close(self) -> None:
        """Close the connection. May be called twice."""
        if self._connection.open:
            with suppress(Exception):  # the server may be gone
                self._connection.close()

    def stop(self) -> None:
        """Cancel the running statement and refuse all later ones. Called from another thread."""
        self._stopped.set()
        try:
            if self._running.is_set():
                self._kill()
        finally:
            if self._running.is_set():
                self._connection.hang_up()  # no KILL has reached the server, or its end does not arrive

    def _open(self) -> None:
        from pymysql.constants import CLIENT

        connection = log_in(
            self._name,
            self._settings,
            database=None,  # dbt may be about to create it
            init_command=None,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )
        self._connection = connection
        self.server = flavour_of(str(connection.get_server_info()))
        connection.set_timeout(None)
        watch_wire(self._name, self._settings, connection)
        self._nothing_done, self._has_state, self._last_used = True, False, time.monotonic()
        self._execute(self.server.session)
        with suppress(QueryFailed):
            self._execute(f"USE {quoted(self._settings.schema_)}")

    def _refresh(self) -> None:
        """Reopen a connection that was lost while idle, if its session had no state."""
        idle = time.monotonic() - self._last_used
        if idle < _IDLE_SECONDS or self.in_transaction or self._has_state or self._stopped.is_set():
            return
        try:
            self._connection.ping(reconnect=False)
        except Exception:  # noqa: BLE001 - whatever the error, the connection is lost
            self.close()
            self._open()

    def _track_state(self, sql: str) -> None:
        """Note what a text has done to the session, for `run` and `_refresh`."""
        text = _COMMENT.sub("", sql)
        begins = text.strip().rstrip(";").upper() == BEGIN
        self._nothing_done = begins or not self.in_transaction
        self._has_state = self._has_state or bool(_SESSION_STATE.search(text))

    def _execute(self, sql: str) -> None:
        try:
            self._send(sql)
        except _Failed as failure:
            raise self._translate(failure.cause) from failure.cause

    def _send(self, sql: str, values: Sequence[Any] = (), answers: list[Answer] | None = None) -> None:
        """Send a text and read the answers of all its statements, or raise _Failed."""
        import pymysql

        received = answers if answers is not None else []
        still_open = True
        with self._stoppable():
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute(sql, tuple(values) or None)
                    more: bool | None = True
                    while more:
                        received.append(_answer(cursor))
                        still_open = still_open and self.in_transaction
                        more = cursor.nextset()
            except (pymysql.Error, OSError) as error:
                number = error.args[0] if error.args and isinstance(error.args[0], int) else -1
                if number == _EMPTY_QUERY and received:
                    return
                raise _Failed(number, error, committed=bool(received) and not still_open) from error

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Run a statement within the `with`: `stop` can kill it, and Ctrl-C in this thread does."""
        if self._stopped.is_set():
            raise Cancelled(_DOING)
        self._running.set()
        try:
            yield
        except (_Failed, Cancelled):
            raise
        except BaseException:
            # After Ctrl-C this thread no longer waits, but the server still runs the statement.
            with suppress(DvtError):
                self._kill(once=True)
            raise
        finally:
            self._running.clear()
            self._last_used = time.monotonic()

    def _kill(self, *, once: bool = False) -> None:
        """Kill the running statement until it has ended.

        One KILL is not enough: the statement may still be on its way to the server.
        """
        kill = f"KILL QUERY {int(self._connection.thread_id())}"
        deadline = time.monotonic() + _CANCEL_TIMEOUT
        with connect(self._name, self._settings) as side:
            while self._running.is_set() and time.monotonic() < deadline:
                with suppress(QueryFailed):  # its connection has ended meanwhile
                    side.rows(kill, doing="cancelling its queries")
                if once:
                    return
                time.sleep(_POLL_SECONDS)

    def _after_rollback(self, failure: _Failed) -> DvtError:
        if failure.number == _DEADLOCK:
            with suppress(DvtError):
                self._execute(ROLLBACK)  # the server has rolled back already; this updates `in_transaction`
        return self._translate(failure.cause)

    def _translate(self, error: BaseException) -> DvtError:
        if self._stopped.is_set():
            return Cancelled(_DOING)
        return translate(error, self._name, _DOING)


class Cursor:
    """A DB-API cursor over a session. Of a text with several statements it gives the last one's answer."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.rowcount = -1
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.sql = ""
        self._rows: Iterator[tuple[Any, ...]] = iter(())

    def execute(self, sql: str, values: Sequence[Any] | None = None) -> None:
        """Run a text of one or more statements."""
        self.sql = sql
        last = self._session.run(sql, values or ())[-1]
        self.rowcount, self.description, self._rows = last.affected, last.columns, iter(last.rows)

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None."""
        return next(self._rows, None)

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        """Return at most `size` further rows."""
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all remaining rows."""
        return list(self._rows)

    def close(self) -> None:
        """Do nothing: a cursor holds no resources."""


class _Failed(Exception):
    """A text that failed; `committed`: one of its earlier statements had ended the transaction."""

    def __init__(self, number: int, cause: BaseException, *, committed: bool) -> None:
        super().__init__(number)
        self.number, self.cause, self.committed = number, cause, committed


def _answer(cursor: Any) -> Answer:
    columns = cursor.description
    rows: Callable[[], Sequence[tuple[Any, ...]]] = cursor.fetchall
    return Answer(columns and tuple(columns), rows() if columns else (), int(cursor.rowcount))


def _without_empty(answers: list[Answer], sql: str) -> list[Answer]:
    """Drop the answer that MariaDB gives to a comment after the last semicolon."""
    *before, last = answers
    _, _, tail = sql.rpartition(";")
    empty = last.columns is None and last.affected == 0 and not _COMMENT.sub("", tail).strip()
    return before if before and empty and tail.strip() else answers


def statement_kind(sql: str) -> str:
    """Return the kind of a text's first statement: its first word; for a CREATE also what it creates."""
    words = _KIND.match(_COMMENT.sub("", sql))
    return " ".join(word.lower() for word in words.groups() if word) if words else ""
