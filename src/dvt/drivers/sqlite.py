"""SQLite files, read only: one moment that stays the same, copies into a private file, cancel, errors.

Only SQLite itself knows what its values are (any column may hold any type), so a query runs in it and
its checked answer goes into a private SQLite file with strict types, all inside SQLite. DuckDB reads
that file: never the user's, since closing a file in one copy of the SQLite library drops the locks that
another copy in the same process holds on it.
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

SCRATCH = "dvt_scratch"
"""Schema name of the private file."""

WAIT = 5.0
"""Seconds to wait for a writer to let go."""

_TRY = 0.1
_LOCK = re.compile(r"(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) ")
"""In a line of /proc/locks: who holds a lock, and the file's inode."""
_BROKEN = {
    "SQLITE_NOTADB": "is not an SQLite database",
    "SQLITE_CORRUPT": "is damaged",
    "SQLITE_CANTOPEN": "cannot be opened",
    "SQLITE_PERM": "cannot be opened: permission denied",
    "SQLITE_AUTH": "cannot be opened: permission denied",
    "SQLITE_READONLY": "needs a recovery or a -shm file that a read-only place does not allow: open it "
    "once with sqlite3 where it can be written",
    "SQLITE_IOERR": "cannot be read (disk I/O error)",
}

Misfit = Callable[[int, object], None]
"""Called by SQLite for a value that is not what its column says: column number, value. Raises."""


class Reader:
    """One connection to a user's file. A moment, once begun, is the same for all queries until ended."""

    def __init__(self, connection: str, path: Path, misfit: Misfit | None = None) -> None:
        self.path = path
        self._connection = connection
        self._interrupted = False
        self._keeper: sqlite3.Cursor | None = None
        self._scratch: Path | None = None
        if not path.is_file():
            problem = "is a folder, not an SQLite file" if path.is_dir() else "is not there"
            raise FileUnreadable(connection, str(path), problem)
        with self.translated("opening it"):
            self._db = sqlite3.connect(
                f"file:{quote(str(path))}?{_mode(path)}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=_TRY,
            )
            if misfit:
                self._db.create_function("dvt_misfit", 2, misfit)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """A small answer."""
        with self.translated("looking at tables"):
            answer: list[tuple[Any, ...]] = self._patiently(lambda: self._db.execute(sql, values).fetchall())
        return answer

    def begin(self) -> None:
        """From now on, every query sees the file as it is now; no-op when a moment has begun."""
        if self._keeper is None:
            with self.translated("beginning to read"):
                self._keeper = self._patiently(self._keep)

    def end(self) -> None:
        """Let the moment go, and writers in."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            with suppress(sqlite3.Error):
                keeper.close()

    @property
    def locks_writers_out(self) -> bool:
        """True while a moment keeps others from writing: in every journal mode but WAL."""
        return str(self.rows("PRAGMA main.journal_mode")[0][0]).lower() != "wal"

    def attach(self, scratch: Path) -> None:
        """Use `scratch`, a new file, as the private one; it may grow to the size of one answer."""
        with self.translated("staging", scratch):
            self._db.execute(f"ATTACH {_literal(str(scratch))} AS {SCRATCH}")
            # Nobody needs the file after a crash.
            self._db.execute(f"PRAGMA {SCRATCH}.journal_mode = OFF")
            self._db.execute(f"PRAGMA {SCRATCH}.synchronous = OFF")
        self._scratch = scratch

    def copy(self, table: str, types: Sequence[str], select: str, doing: str) -> None:
        """Put a SELECT's answer into a new table of the private file, with columns c0, c1… of `types`."""
        columns = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(types))
        with self.translated(doing, self._scratch):
            self._db.execute(f"CREATE TABLE {SCRATCH}.{table} ({columns})")
            self._db.execute(f"INSERT INTO {SCRATCH}.{table} {select}")

    def forget(self, table: str) -> None:
        """Free the space of such a table."""
        with suppress(sqlite3.Error):
            # DROP is refused while a moment is held.
            self._db.execute(f"DELETE FROM {SCRATCH}.{table}")

    def interrupt(self) -> None:
        """Stop what it is doing, from another thread."""
        self._interrupted = True
        with suppress(sqlite3.Error):
            self._db.interrupt()

    def resume(self) -> None:
        """Take work again after an interrupt."""
        self._interrupted = False

    def close(self) -> None:
        """Close the file. May be called twice."""
        self.end()
        self._db.close()

    def _keep(self) -> sqlite3.Cursor:
        # An unfinished SELECT holds the moment, and unlike BEGIN lets the private file be committed.
        cursor = self._db.execute("SELECT 1 FROM main.sqlite_master UNION ALL SELECT 2 UNION ALL SELECT 3")
        try:
            cursor.fetchone()
        except BaseException:
            cursor.close()
            raise
        return cursor

    def _patiently(self, act: Callable[[], Any]) -> Any:
        until = time.monotonic() + WAIT
        while True:
            try:
                return act()
            except sqlite3.OperationalError as error:
                if _name(error) != "SQLITE_BUSY" or time.monotonic() > until:
                    raise
                if self._interrupted:
                    raise Cancelled(f"waiting for {self.path}") from error

    @contextmanager
    def translated(self, doing: str, scratch: Path | None = None) -> Iterator[None]:
        """Within it, SQLite's errors are raised as ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._translate(error, doing, scratch) from error

    def _translate(self, error: sqlite3.Error, doing: str, scratch: Path | None) -> DvtError:
        name, path = _name(error), str(self.path)
        found: DvtError
        if name == "SQLITE_INTERRUPT":
            found = Cancelled(doing)
        elif name == "SQLITE_FULL":
            found = DiskFull(str(scratch.parent if scratch else self.path.parent), doing)
        elif name in {"SQLITE_BUSY", "SQLITE_LOCKED"}:
            hint = (
                f"dvt waited {WAIT:.0f} s; run it again when the writer is done, or put the file in WAL mode"
            )
            found = FileLocked(path, _holder(self.path), hint)
        elif name in _BROKEN:
            found = FileUnreadable(self._connection, path, _BROKEN[name])
        else:
            found = QueryFailed(self._connection, doing, str(error))
        return found


def quoted(name: str) -> str:
    """A name as SQLite's SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(error: sqlite3.Error) -> str:
    """The error's primary code: SQLITE_BUSY for SQLITE_BUSY_SNAPSHOT."""
    full = str(getattr(error, "sqlite_errorname", ""))
    return "_".join(full.split("_")[:2])


def _mode(path: Path) -> str:
    """Read only; and where nobody can write beside a WAL database that nobody has open, unchanging."""
    beside = [Path(f"{path}{suffix}") for suffix in ("-wal", "-shm")]
    if os.access(path.parent, os.W_OK) or any(one.exists() for one in beside):
        return "mode=ro"
    return "mode=ro&immutable=1"


def _holder(path: Path) -> str:
    """Who holds a lock on the file, as far as Linux tells."""
    with suppress(OSError, ValueError):
        inode = str(path.stat().st_ino)
        for line in Path("/proc/locks").read_text().splitlines():
            holder = _LOCK.search(line)
            if holder and holder[2] == inode and holder[1] != str(os.getpid()):
                return f"PID {holder[1]}"
    return "a program that is writing"
