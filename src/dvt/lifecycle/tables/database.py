"""The database of a table: transactions that read, and transactions that write; values as exact texts."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from dvt.core.errors import RowsMisdescribed, RowsUnreachable, StoreUnusable
from dvt.lifecycle.store.addresses import Address, address

Value = str | int | float | bytes | None
"""A value of a column: on PostgreSQL its text, on SQLite what is stored."""
_LOCK_SECONDS = 2
"""Seconds for which it is waited for rows that somebody else holds."""
_CONNECT_SECONDS = 10


class Database:
    """A database with tables of other programs. Connections are opened when they are first needed."""

    def __init__(self, data_type: str, url: str) -> None:
        """RowsMisdescribed if the address is none of PostgreSQL or SQLite."""
        self._data_type = data_type
        try:
            self._place: Address = address(url)
        except StoreUnusable:
            raise RowsMisdescribed(
                data_type, "`url` should be postgresql://user@host/database, or sqlite:////folder/file.db"
            ) from None
        self._engine: Engine | None = None

    @property
    def label(self) -> str:
        """What people read: without user, password and options."""
        return self._place.label

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite."""
        return self._place.file is not None

    def close(self) -> None:
        """Close the connections. May be called twice."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database, and cannot change it; RowsUnreachable."""
        with self._errors(), self._opened().connect() as connection:
            if self.is_sqlite:
                connection.execute(text("PRAGMA query_only = ON"))
            else:
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            try:
                yield connection
            finally:
                connection.rollback()
                if self.is_sqlite:
                    connection.execute(text("PRAGMA query_only = OFF"))
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
        message = str(getattr(error, "orig", None) or error)
        for secret in self._place.secrets:
            message = message.replace(secret, "***")
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
            self._engine = self._sqlite() if self.is_sqlite else self._postgres()
        return self._engine

    def _sqlite(self) -> Engine:
        assert self._place.file is not None  # noqa: S101  it is SQLite's
        if not self._place.file.is_file():
            raise RowsUnreachable(self._data_type, self.label, "there is no such file")
        engine = create_engine(self._place.url, hide_parameters=True, connect_args={"timeout": _LOCK_SECONDS})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _postgres(self) -> Engine:
        given = self._place.url.query
        arguments = {} if "connect_timeout" in given else {"connect_timeout": _CONNECT_SECONDS}
        try:
            engine = create_engine(
                self._place.url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments
            )
        except ModuleNotFoundError:
            problem = "PostgreSQL's driver is missing: pip install 'dvt-engine[postgres]'"
            raise RowsUnreachable(self._data_type, self.label, problem) from None
        event.listen(engine, "connect", _set_up_postgres)
        return engine


def quoted(*names: str) -> str:
    """Return a name as SQL has it, whatever it is: of a column, or of a schema and a table."""
    parts = ('"' + name.replace('"', '""') + '"' for name in names if name)
    return ".".join(parts).replace(":", "\\:")


def condition(sql: str) -> str:
    """Return a condition that somebody has written, without what would be taken for a parameter."""
    return sql.replace(":", "\\:")


def as_json(value: Value) -> Any:
    """Return a value as JSON can hold it, exactly."""
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def of_json(value: Any) -> Value:
    """Return the value that `as_json` was given."""
    if isinstance(value, dict):
        return base64.b64decode(value["bytes"]) if "bytes" in value else float(value["float"])
    result: Value = value
    return result


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("foreign_keys = ON", "trusted_schema = OFF", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("dvt_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgres(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        # Texts of values do not depend on what the server or the user has set.
        for name, value in (
            ("TimeZone", "UTC"),
            ("DateStyle", "ISO, YMD"),
            ("IntervalStyle", "postgres"),
            ("extra_float_digits", "1"),
            ("bytea_output", "hex"),
            ("lock_timeout", f"{_LOCK_SECONDS}s"),
            ("application_name", "dvt lifecycle"),
        ):
            cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.commit()
