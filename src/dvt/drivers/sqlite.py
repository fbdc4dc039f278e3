"""Reads SQLite files: snapshots, copies into a private file, cancel, errors.

Only SQLite itself knows the types of its values (any column may hold any type), so a query runs in SQLite,
which checks its answer and writes it into a private SQLite file with strict types. DuckDB reads that file
and never the user's: closing a file in one copy of the SQLite library drops the locks that another copy in
the same process holds on it.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dvt.core.errors import Cancelled, DiskFull, DvtError, FileLocked, FileUnreadable, QueryFailed

PRIVATE_SCHEMA = "dvt_scratch"
"""Schema under which the private file is attached."""

LOCK_TIMEOUT = 5.0
"""Seconds to wait for a writer to release the file."""

_BUSY_TIMEOUT = 0.1
"""Seconds that SQLite itself waits for a lock, before dvt checks for an interrupt and tries again."""
_LOCK = re.compile(r"(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) ")
"""Matches a line of /proc/locks: the PID that holds a lock, and the file's inode."""
_UNREADABLE = {
    "SQLITE_NOTADB": "is not an SQLite database",
    "SQLITE_CORRUPT": "is damaged",
    "SQLITE_CANTOPEN": "cannot be opened",
    "SQLITE_PERM": "cannot be opened: permission denied",
    "SQLITE_AUTH": "cannot be opened: permission denied",
    "SQLITE_READONLY": "needs a recovery or a -shm file that a read-only place does not allow: open it "
    "once with sqlite3 where it can be written",
    "SQLITE_IOERR": "cannot be read (disk I/O error)",
}
"""SQLite's code → what is wrong with the file."""

OnWrongType = Callable[[int, object], None]
"""Function that SQLite calls with column number and value, if the value is of another type than its column.
It raises."""


class Reader:
    """A connection to a user's file. Queries between `begin_snapshot` and `end_snapshot` see one snapshot."""

    def __init__(self, connection: str, path: Path, on_wrong_type: OnWrongType | None = None) -> None:
        self.path = path
        self._connection = connection
        self._interrupted = False
        self._snapshot: sqlite3.Cursor | None = None
        self._scratch: Path | None = None
        if not path.is_file():
            problem = "is a folder, not an SQLite file" if path.is_dir() else "is not there"
            raise FileUnreadable(connection, str(path), problem)
        with self.as_dvt_errors("opening it"):
            self._db = sqlite3.connect(
                f"file:{quote(str(path))}?{_mode(path)}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=_BUSY_TIMEOUT,
            )
            if on_wrong_type:
                self._db.create_function("dvt_misfit", 2, on_wrong_type)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a query with a small answer and return its rows."""
        with self.as_dvt_errors("looking at tables"):
            answer: list[tuple[Any, ...]] = self._retry_while_busy(
                lambda: self._db.execute(sql, values).fetchall()
            )
        return answer

    def begin_snapshot(self) -> None:
        """Begin a snapshot: later queries see the file as it is at this point. No-op within a snapshot."""
        if self._snapshot is None:
            with self.as_dvt_errors("beginning to read"):
                self._snapshot = self._retry_while_busy(self._open_snapshot)

    def end_snapshot(self) -> None:
        """End the snapshot, so that others can write."""
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            with suppress(sqlite3.Error):
                snapshot.close()

    @property
    def locks_writers_out(self) -> bool:
        """Whether a snapshot keeps others from writing: in every journal mode but WAL."""
        return str(self.rows("PRAGMA main.journal_mode")[0][0]).lower() != "wal"

    def attach(self, scratch: Path) -> None:
        """Attach `scratch`, a new file, as the private file; it may grow to the size of one answer."""
        with self.as_dvt_errors("staging", scratch):
            self._db.execute(f"ATTACH {_literal(str(scratch))} AS {PRIVATE_SCHEMA}")
            # The file is useless after a crash, so it need not survive one.
            self._db.execute(f"PRAGMA {PRIVATE_SCHEMA}.journal_mode = OFF")
            self._db.execute(f"PRAGMA {PRIVATE_SCHEMA}.synchronous = OFF")
        self._scratch = scratch

    def copy(self, table: str, types: Sequence[str], select: str, doing: str) -> None:
        """Copy a SELECT's answer into a new table of the private file, with columns c0, c1… of `types`."""
        columns = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(types))
        with self.as_dvt_errors(doing, self._scratch):
            self._db.execute(f"CREATE TABLE {PRIVATE_SCHEMA}.{table} ({columns})")
            self._db.execute(f"INSERT INTO {PRIVATE_SCHEMA}.{table} {select}")

    def delete_rows(self, table: str) -> None:
        """Delete the rows of a table of the private file, so that their space is used again."""
        with suppress(sqlite3.Error):
            # SQLite refuses DROP within a snapshot.
            self._db.execute(f"DELETE FROM {PRIVATE_SCHEMA}.{table}")

    def interrupt(self) -> None:
        """Cancel the running query. Called from another thread."""
        self._interrupted = True
        with suppress(sqlite3.Error):
            self._db.interrupt()

    def resume(self) -> None:
        """Accept queries again after an interrupt."""
        self._interrupted = False

    def close(self) -> None:
        """Close the file. May be called twice."""
        self.end_snapshot()
        self._db.close()

    def _open_snapshot(self) -> sqlite3.Cursor:
        # An unfinished SELECT keeps the snapshot and, unlike BEGIN, lets the private file be committed.
        cursor = self._db.execute("SELECT 1 FROM main.sqlite_master UNION ALL SELECT 2 UNION ALL SELECT 3")
        try:
            cursor.fetchone()
        except BaseException:
            cursor.close()
            raise
        return cursor

    def _retry_while_busy(self, operation: Callable[[], Any]) -> Any:
        """Return what `operation` returns; repeat it, up to `LOCK_TIMEOUT`, while another process writes."""
        deadline = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                return operation()
            except sqlite3.OperationalError as error:
                if _name(error) != "SQLITE_BUSY" or time.monotonic() > deadline:
                    raise
                if self._interrupted:
                    raise Cancelled(f"waiting for {self.path}") from error

    @contextmanager
    def as_dvt_errors(self, doing: str, scratch: Path | None = None) -> Iterator[None]:
        """Raise SQLite's errors within the `with` as dvt's."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._translate(error, doing, scratch) from error

    def _translate(self, error: sqlite3.Error, doing: str, scratch: Path | None) -> DvtError:
        name, path = _name(error), str(self.path)
        failure: DvtError
        if name == "SQLITE_INTERRUPT":
            failure = Cancelled(doing)
        elif name == "SQLITE_FULL":
            failure = DiskFull(str(scratch.parent if scratch else self.path.parent), doing)
        elif name in {"SQLITE_BUSY", "SQLITE_LOCKED"}:
            waited = f"dvt waited {LOCK_TIMEOUT:.0f} s"
            hint = f"{waited}; run it again when the writer is done, or put the file in WAL mode"
            failure = FileLocked(path, _holder(self.path), hint)
        elif name in _UNREADABLE:
            failure = FileUnreadable(self._connection, path, _UNREADABLE[name])
        else:
            failure = QueryFailed(self._connection, doing, str(error))
        return failure


def quoted(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(error: sqlite3.Error) -> str:
    """Return the error's primary code: SQLITE_BUSY for SQLITE_BUSY_SNAPSHOT."""
    full = str(getattr(error, "sqlite_errorname", ""))
    return "_".join(full.split("_")[:2])


def _mode(path: Path) -> str:
    """Return the URI's query: read-only, and immutable for a closed database in a folder dvt cannot write to.

    Reading a database in WAL mode otherwise creates its -wal and -shm files, which is impossible there.
    """
    wal_files = [Path(f"{path}{suffix}") for suffix in ("-wal", "-shm")]
    if os.access(path.parent, os.W_OK) or any(file.exists() for file in wal_files):
        return "mode=ro"
    return "mode=ro&immutable=1"


def _holder(path: Path) -> str:
    """Return the PID of a process that holds a lock on the file, if /proc/locks shows one."""
    with suppress(OSError, ValueError):
        inode = str(path.stat().st_ino)
        for line in Path("/proc/locks").read_text().splitlines():
            holder = _LOCK.search(line)
            if holder and holder[2] == inode and holder[1] != str(os.getpid()):
                return f"PID {holder[1]}"
    return "a program that is writing"
