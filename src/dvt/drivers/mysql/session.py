"""Sessions that write, for dbt: strict, in UTC; repeated, opened again and stopped where that is safe."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from dvt.core.errors import Cancelled, DvtError, QueryFailed
from dvt.drivers.mysql.connect import connect, failed, log_in
from dvt.drivers.mysql.flavour import Flavour, flavour
from dvt.drivers.mysql.names import quoted
from dvt.drivers.mysql.settings import MySQLSettings

BEGIN, COMMIT, ROLLBACK = "START TRANSACTION", "COMMIT", "ROLLBACK"

_IN_TRANSACTION = 1
"""The server's flag, sent with every answer."""
_DEADLOCK = 1213
_GIVES_UP_LOCKS = frozenset({1205, _DEADLOCK})
"""Lock wait timeout, deadlock."""
_NOTHING_TO_RUN = 1065
"""A comment after the last semicolon."""
_ATTEMPTS = 3
_PAUSE = 0.2
_IDLE = 1.0
"""Seconds after which a connection is asked whether it is still there."""
_GLANCE = 0.02
_PATIENCE = 5.0
"""Seconds until a statement that does not end is left to the server."""
_DOING = "running a statement"
_COMMENT = re.compile(r"\A(?:\s+|/\*(?!!).*?\*/|--[^\n]*(?:\n|\Z)|\#[^\n]*(?:\n|\Z))+", re.DOTALL)
_BINDS = re.compile(r"(?:\A|;)\s*(?:set|use|lock|prepare|flush)\b|\btemporary\b|@", re.IGNORECASE)
"""What a session holds that a new one would not: variables, temporary tables, locks. Rather too often."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered to one statement of a text."""

    columns: tuple[tuple[Any, ...], ...] | None
    """As DB-API describes them; None for a statement without rows."""
    rows: Sequence[tuple[Any, ...]]
    affected: int


class Session:
    """One connection, for one thread; `stop` may come from another."""

    def __init__(self, name: str, settings: MySQLSettings) -> None:
        self._name = name
        self._settings = settings
        self._stopped = threading.Event()
        self._running = threading.Event()
        self._connection: Any = None
        self.server: Flavour = flavour("")
        self._open()

    @property
    def in_transaction(self) -> bool:
        """As the server last said: DDL ends a transaction without being asked."""
        return bool(self._connection.server_status & _IN_TRANSACTION)

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[Answer]:
        """Run a text of one or more statements; an answer for each.

        What gave up waiting for locks is repeated when it is certain that nothing of the transaction
        was done. A connection lost while idle is replaced when it held nothing.
        """
        self._refresh()
        before = self.in_transaction
        for attempt in range(1, _ATTEMPTS + 1):
            answers: list[Answer] = []
            try:
                self._send(sql, values, answers)
                break
            except _Failed as failure:
                safe = self._nothing_done and (before or not answers) and not failure.left
                if attempt == _ATTEMPTS or not safe or failure.number not in _GIVES_UP_LOCKS:
                    raise self._final(failure) from failure.cause
            time.sleep(_PAUSE * attempt)
            self._order(ROLLBACK)
            if before:
                self._order(BEGIN)
        self._note(sql)
        return _without_empty(answers, sql)

    def rollback(self) -> None:
        """Undo the open transaction."""
        self.run(ROLLBACK)

    def commit(self) -> None:
        """Keep the open transaction."""
        self.run(COMMIT)

    def cursor(self) -> Cursor:
        """What DB-API calls a cursor."""
        return Cursor(self)

    def close(self) -> None:
        """End it. May be called twice."""
        if self._connection.open:
            with suppress(Exception):  # the server may be gone
                self._connection.close()

    def stop(self) -> None:
        """From another thread: stop what runs, and refuse what would come next."""
        self._stopped.set()
        if self._running.is_set():
            self._kill()

    def _open(self) -> None:
        from pymysql.constants import CLIENT

        opened = log_in(
            self._name,
            self._settings,
            database=None,  # dbt may be about to create it
            init_command=None,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )
        self._connection = opened
        self.server = flavour(str(opened.get_server_info()))
        opened.wait_up_to(None)
        self._nothing_done, self._bound, self._used = True, False, time.monotonic()
        self._order(self.server.session)
        with suppress(QueryFailed):
            self._order(f"USE {quoted(self._settings.schema_)}")

    def _refresh(self) -> None:
        idle = time.monotonic() - self._used
        if idle < _IDLE or self.in_transaction or self._bound or self._stopped.is_set():
            return
        try:
            self._connection.ping(reconnect=False)
        except Exception:  # noqa: BLE001 - whatever it is: the connection is not there
            self.close()
            self._open()

    def _note(self, sql: str) -> None:
        text = _COMMENT.sub("", sql)
        begins = text.strip().rstrip(";").upper() == BEGIN
        self._nothing_done = begins or not self.in_transaction
        self._bound = self._bound or bool(_BINDS.search(text))

    def _order(self, sql: str) -> None:
        try:
            self._send(sql)
        except _Failed as failure:
            raise self._translated(failure.cause) from failure.cause

    def _send(self, sql: str, values: Sequence[Any] = (), answers: list[Answer] | None = None) -> None:
        """One round: all statements of a text, or _Failed."""
        import pymysql

        took = answers if answers is not None else []
        held = True
        with self._watched():
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute(sql, tuple(values) or None)
                    more: bool | None = True
                    while more:
                        took.append(_answer(cursor))
                        held = held and self.in_transaction
                        more = cursor.nextset()
            except (pymysql.Error, OSError) as error:
                number = error.args[0] if error.args and isinstance(error.args[0], int) else -1
                if number == _NOTHING_TO_RUN and took:
                    return
                raise _Failed(number, error, left=bool(took) and not held) from error

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if self._stopped.is_set():
            raise Cancelled(_DOING)
        self._running.set()
        try:
            yield
        except (_Failed, Cancelled):
            raise
        except BaseException:
            # Ctrl-C on this very thread: nobody waits for the answer, but the server still works on it.
            with suppress(DvtError):
                self._kill(once=True)
            raise
        finally:
            self._running.clear()
            self._used = time.monotonic()

    def _kill(self, *, once: bool = False) -> None:
        """Again and again: a statement may be on its way to the server when it is first looked for."""
        order = f"KILL QUERY {int(self._connection.thread_id())}"
        deadline = time.monotonic() + _PATIENCE
        with connect(self._name, self._settings) as side:
            while self._running.is_set() and time.monotonic() < deadline:
                with suppress(QueryFailed):  # its connection has ended meanwhile
                    side.rows(order, doing="cancelling its queries")
                if once:
                    return
                time.sleep(_GLANCE)

    def _final(self, failure: _Failed) -> DvtError:
        if failure.number == _DEADLOCK:
            with suppress(DvtError):
                self._order(ROLLBACK)  # the server has done it already, and now says so
        return self._translated(failure.cause)

    def _translated(self, error: BaseException) -> DvtError:
        if self._stopped.is_set():
            return Cancelled(_DOING)
        return failed(error, self._name, _DOING)


class Cursor:
    """A session's answers, one statement's at a time: the last of a text counts."""

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
        """The next row, or None."""
        return next(self._rows, None)

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        """At most `size` rows more."""
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left."""
        return list(self._rows)

    def close(self) -> None:
        """Nothing is held."""


_KIND = re.compile(
    r"[\s(]*(?:(create)\s+(?:or\s+replace\s+)?(?:temporary\s+)?([a-z]+)|([a-z]+))", re.IGNORECASE
)


class _Failed(Exception):
    """A round that failed; `left` when an earlier statement of it had ended the transaction."""

    def __init__(self, number: int, cause: BaseException, *, left: bool) -> None:
        super().__init__(number)
        self.number, self.cause, self.left = number, cause, left


def _answer(cursor: Any) -> Answer:
    columns = cursor.description
    rows: Callable[[], Sequence[tuple[Any, ...]]] = cursor.fetchall
    return Answer(columns and tuple(columns), rows() if columns else (), int(cursor.rowcount))


def _without_empty(answers: list[Answer], sql: str) -> list[Answer]:
    """Without the answer that MariaDB gives to a comment after the last semicolon."""
    *before, last = answers
    _, _, tail = sql.rpartition(";")
    empty = last.columns is None and last.affected == 0 and not _COMMENT.sub("", tail).strip()
    return before if before and empty and tail.strip() else answers


def statement(sql: str) -> str:
    """What kind of statement a text is, after its comments: its first word, with what a CREATE makes."""
    found = _KIND.match(_COMMENT.sub("", sql))
    return " ".join(word.lower() for word in found.groups() if word) if found else ""
