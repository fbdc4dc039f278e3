"""One cleaner at a time: a locked file on this machine, and an advisory lock of PostgreSQL."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from dvt.core.errors import CleanerAtWork, CleanerLockLost, DvtError
from dvt.drivers.disk import disk_error, private_folder
from dvt.lifecycle.store.database import Database
from dvt.lifecycle.store.failures import as_dvt_errors
from dvt.runs.operations import Process

_KEY = 0x6476_7403
"""Key of PostgreSQL's advisory lock."""
_HELD = frozenset({errno.EWOULDBLOCK, errno.EACCES})
_LONGEST_NAME = 63
"""Bytes of an application's name that PostgreSQL keeps."""
_HOLDER = """
SELECT a.application_name FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = 0 AND l.objid = :key
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class CleanerLock:
    """The lock that a cleaner holds while it is at work."""

    def __init__(self, folder: Path, actor: str, database: Database | None = None) -> None:
        """`folder`: of this machine's state; `database`: None if it does not answer."""
        self._actor = actor if "@" in actor else f"{actor}@{socket.gethostname()}"
        self._database = database
        self._files = [folder / "cleaner.lock"]
        if database is not None and database.place.file is not None:
            # Whoever has another folder for its state, and the same store, is kept away, too.
            self._files.append(database.place.file.with_name(f"{database.place.file.name}.cleaner.lock"))
        self._session: tuple[Connection, int] | None = None
        self._mutex = Lock()

    @contextmanager
    def one_cleaner(self) -> Iterator[None]:
        """Hold the lock; CleanerAtWork if somebody else has it, or may have it, with who and since when."""
        since = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        with ExitStack() as stack:
            for file in self._files:
                stack.enter_context(locked_file(file, self._actor, since))
            if self._database is not None and not self._database.is_sqlite:
                stack.enter_context(self._advisory_lock(self._database, since))
            yield

    def is_held(self) -> bool:
        """Return whether a cleaner is at work, this one or another, or may be; nobody waits for that."""
        if any(_owner_at_work(_read_file(file)) for file in self._files):
            return True
        if self._database is None or self._database.is_sqlite:
            return False
        with self._database.reading() as connection:
            return connection.execute(text(_HOLDER), {"key": _KEY}).first() is not None

    def check(self) -> None:
        """Raise CleanerLockLost if this process held the lock and the database has taken it away."""
        with self._mutex:
            if self._session is None:
                return
            connection, backend = self._session
            try:
                # A connection that was lost may have been replaced by a new one, which holds nothing.
                current = connection.execute(text("SELECT pg_backend_pid()")).scalar()
            except SQLAlchemyError as error:
                raise CleanerLockLost("the database has closed the connection") from error
        if current != backend:
            raise CleanerLockLost("the connection to the database was lost meanwhile")

    @contextmanager
    def _advisory_lock(self, database: Database, since: str) -> Iterator[None]:
        with as_dvt_errors(database.place):
            connection = database.engine.connect()
        try:
            with as_dvt_errors(database.place):
                backend = _acquire(database, connection, f"{since} {self._actor}")
            self._session = connection, backend
            yield
        finally:
            with self._mutex:
                self._session = None
            # The session ends with its connection, and the lock with the session.
            connection.invalidate()
            connection.close()


def _acquire(database: Database, connection: Connection, holder: str) -> int:
    """Take the lock for a session, and return the number of the session's process on the server."""
    connection.execution_options(isolation_level="AUTOCOMMIT")
    if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}).scalar():
        raise _at_work(database, connection)
    # Others read here who holds the lock; and a session stays, however long it is idle.
    name = f"dvt cleaner {holder}".encode("ascii", "replace")[:_LONGEST_NAME].decode()
    connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
    connection.execute(
        text(
            "SELECT set_config(name, '0', false) FROM pg_settings "
            "WHERE name IN ('idle_session_timeout', 'idle_in_transaction_session_timeout')"
        )
    )
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _at_work(database: Database, connection: Connection) -> CleanerAtWork:
    names: Sequence[str | None] = connection.execute(text(_HOLDER), {"key": _KEY}).scalars().all()
    words = (names[0] or "").split(" ", 3) if names else []
    if len(words) == 4 and words[:2] == ["dvt", "cleaner"]:  # noqa: PLR2004
        return CleanerAtWork(words[3], words[2], f"its session in {database.place.label}")
    return CleanerAtWork("somebody", "an unknown time", f"its session in {database.place.label}")


@contextmanager
def locked_file(path: Path, actor: str, since: str) -> Iterator[None]:
    """Hold a file locked; it says who does. It stays: a file that is removed could be locked twice."""
    private_folder(path.parent)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise disk_error(error, path.parent) from error
    try:
        _lock(file, path)
        _check_owner(file, path)
        record = {**asdict(Process.this()), "actor": actor, "since": since, "ended": False}
        _write(file, record, path)
        try:
            yield
        finally:
            with suppress(DvtError):
                _write(file, {**record, "ended": True}, path)
    finally:
        os.close(file)


def _lock(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _HELD:
            raise disk_error(error, path.parent) from error
        owner = _read(file)
        who, since = owner.get("actor", "somebody"), owner.get("since", "an unknown time")
        raise CleanerAtWork(f"{who} (process {owner.get('pid', 'unknown')})", since, str(path)) from None


def _check_owner(file: int, path: Path) -> None:
    """Raise CleanerAtWork unless the last owner of this file, which is not locked, has ended or is dead."""
    owner = _read(file)
    if _owner_at_work(owner):
        # Another machine, whose locks are not seen here.
        who = f"{owner['actor']} (process {owner['pid']} on {owner['host']})"
        raise CleanerAtWork(who, owner["since"], str(path))


def _owner_at_work(owner: dict[str, Any]) -> bool:
    """Return whether the owner that a lock file names is at work, or may be."""
    if not owner or owner["ended"]:
        return False
    process = Process(**{key: owner[key] for key in ("pid", "started", "host", "boot")})
    return not process.may_be_judged_by(Process.this()) or process.is_running()


def _read_file(path: Path) -> dict[str, Any]:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return {}
    try:
        return _read(file)
    finally:
        os.close(file)


def _read(file: int) -> dict[str, Any]:
    """Return what a lock file says; empty if it says nothing that can be read."""
    with suppress(OSError, ValueError):
        content = json.loads(os.pread(file, 65536, 0))
        if isinstance(content, dict) and content.keys() >= _RECORD:
            return content
    return {}


_RECORD = frozenset({"pid", "started", "host", "boot", "actor", "since", "ended"})


def _write(file: int, record: dict[str, Any], path: Path) -> None:
    data = json.dumps(record).encode()
    try:
        os.pwrite(file, data, 0)
        os.ftruncate(file, len(data))
        os.fsync(file)
    except OSError as error:
        raise disk_error(error, path.parent) from error
