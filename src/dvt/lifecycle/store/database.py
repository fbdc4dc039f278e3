"""The database of a store: connections, and transactions that read or write."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from dvt.core.errors import StoreRefused, StoreUnusable
from dvt.drivers.disk import create_private, private_folder
from dvt.lifecycle.store.addresses import Address
from dvt.lifecycle.store.failures import as_dvt_errors

PATIENCE = 30
"""Seconds for which a statement waits for what others hold."""
_CONNECT_TIMEOUT = 10
"""Seconds until a server that does not answer counts as down."""

_MAKING = Lock()
"""Held while a file is made, so that no thread of this process opens it before its descriptor is closed."""


class Database:
    """A database; every error of it is one of dvt's."""

    def __init__(self, place: Address) -> None:
        self.place = place
        if place.file is not None:
            _make_private(place.file, place.label)
        with as_dvt_errors(place):
            self.engine = _engine(place)

    @property
    def is_sqlite(self) -> bool:
        """True for a file of SQLite, False for PostgreSQL."""
        return self.place.file is not None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection whose statements see one state of the database."""
        with as_dvt_errors(self.place), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are on the disk when the `with` ends, or are not made at all.

        On SQLite one such `with` is at work at a time; the others wait.
        """
        with as_dvt_errors(self.place), self.engine.connect() as connection:
            connection.execution_options(dvt_writes=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def _make_private(file: Path, label: str) -> None:
    """Make the file that SQLite will fill, and its folder, for their owner alone.

    A file that is there is not opened: when a process closes any descriptor of a file, it loses all of its
    locks on it. Another process would then take SQLite's log away, since it would believe to be the last.
    """
    private_folder(file.parent)
    if file.is_symlink():
        raise StoreUnusable(label, "it is a link")
    try:
        # SQLite gives its other files the permissions of this one.
        with _MAKING, suppress(FileExistsError):
            create_private(file, b"")
    except PermissionError as error:
        raise StoreRefused(label, error.strerror or str(error)) from error
    except OSError as error:
        raise StoreUnusable(label, error.strerror or str(error)) from error
    if not os.access(file, os.R_OK | os.W_OK):
        raise StoreRefused(label, os.strerror(errno.EACCES))


def _engine(place: Address) -> Engine:
    if place.file is not None:
        engine = create_engine(place.url, hide_parameters=True, connect_args={"timeout": PATIENCE})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = create_engine(
            place.url,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_timeout=PATIENCE,
            connect_args={"connect_timeout": _CONNECT_TIMEOUT}
            if "connect_timeout" not in place.url.query
            else {},
        )
    except ModuleNotFoundError as error:
        reason = "PostgreSQL's driver is missing: pip install 'dvt-engine[postgres]'"
        raise StoreUnusable(place.label, reason) from error
    event.listen(engine, "connect", _set_up_postgres)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transactions begin too late: reads before the first write would be of another state.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("dvt_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgres(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"SET lock_timeout = '{PATIENCE}s'")
        # What is on record must be on the disk; stricter settings than this stay.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
    connection.commit()
