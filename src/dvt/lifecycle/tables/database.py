"""The database of a table: transactions that read, and transactions that write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from dvt.core.errors import RowsMisdescribed, RowsUnreachable, StoreUnusable
from dvt.lifecycle.store.addresses import address
from dvt.lifecycle.tables.dialect import Dialect
from dvt.lifecycle.tables.postgres import PostgreSQL
from dvt.lifecycle.tables.sqlite import SQLite

_ADDRESSES = "postgresql://user@host/database, mysql://user@host/database (or mariadb://), or sqlite:////folder/file.db"
_MYSQL = frozenset({"mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"})
"""Names with which addresses of MySQL and MariaDB begin."""
_VALUES = re.compile(r"(?<=Duplicate entry )'.*' (?=for key)", re.DOTALL)
"""Values of a row in an error: what is in tables is in no message."""


class Database:
    """A database with tables of other programs. Connections are opened when they are first needed."""

    def __init__(self, data_type: str, url: str) -> None:
        """RowsMisdescribed if the address is none of PostgreSQL, MySQL, MariaDB or SQLite."""
        self._data_type = data_type
        self.dialect = _dialect(data_type, url)
        self._engine: Engine | None = None

    @property
    def label(self) -> str:
        """What people read: without user, password and options."""
        return self.dialect.label

    def close(self) -> None:
        """Close the connections. May be called twice."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database, and cannot change it; RowsUnreachable."""
        with self._errors(), self._opened().connect() as connection:
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are made when the `with` ends, all or none; RowsUnreachable."""
        with self._errors(), self._opened().connect() as connection:
            connection.execution_options(dvt_writes=True)
            with connection.begin():
                yield connection

    def told(self, error: SQLAlchemyError) -> str:
        """Return what an error says, in one line and without secrets."""
        original = getattr(error, "orig", None)
        # What follows the server's number, where an error has one.
        arguments: tuple[object, ...] = getattr(original, "args", ())
        message = str(arguments[1] if len(arguments) > 1 else original or error)
        for secret in self.dialect.secrets:
            message = message.replace(secret, "***")
        message = _VALUES.sub("", message)
        lines = [line.strip() for line in message.splitlines() if line.strip()]
        return lines[0] if lines else type(error).__name__

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise RowsUnreachable(self._data_type, self.label, self.told(error)) from None

    def _opened(self) -> Engine:
        if self._engine is None:
            self._engine = self.dialect.engine()
            event.listen(self._engine, "begin", self._begin)
        return self._engine

    def _begin(self, connection: Connection) -> None:
        writes = connection.get_execution_options().get("dvt_writes", False)
        self.dialect.begin(connection, writes=writes)


def _dialect(data_type: str, url: str) -> Dialect:
    if url.partition("://")[0] in _MYSQL:
        # Its driver needs DuckDB, which nobody needs who has no such table.
        from dvt.lifecycle.tables.mysql import MySQL

        return MySQL(data_type, url)
    try:
        place = address(url)
    except StoreUnusable:
        raise RowsMisdescribed(data_type, f"`url` should be {_ADDRESSES}") from None
    return PostgreSQL(data_type, place) if place.file is None else SQLite(data_type, place, place.file)
