"""The record of runs: which of them are alive, and what a dead run left on targets and on disk.

`<run>.json` says what a run is, which stage tables it may have made and in which buckets it may have
staged data; `<run>.lock` is locked by the operating system for as long as the run's process lives;
`<run>/` holds files of this machine that nobody needs after the run. A clean end removes all three.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from dvt.core.names import TableRef
from dvt.drivers.disk import disk_error, private_folder, temporary_name, write_private

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
"""Characters of a run's id after its day."""
_KEYS = frozenset({"run", "pid", "started", "host", "boot", "ended", "stage_tables", "folders"})
"""Keys of a whole record."""
_BEFORE_BUCKETS = ("file:.dvt/staging",)
"""Addresses of a run's buckets if its record, of an earlier version, names none."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""File with an id that changes when the machine starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of one machine since it was last started."""

    pid: int
    started: float
    host: str
    boot: str

    @classmethod
    def this(cls) -> Process:
        """Return this process."""
        own = psutil.Process()
        return cls(pid=own.pid, started=own.create_time(), host=socket.gethostname(), boot=_boot_id())

    def may_be_judged_by(self, other: Process) -> bool:
        """True if each sees the other's file locks: they share a kernel, or the machine has restarted.

        Containers of one machine share its boot id under different host names.
        """
        return self.boot == other.boot or self.host == other.host

    def is_running(self) -> bool:
        """True if this process still runs: the proof where a file system has no locks."""
        if self.boot != _boot_id():
            return False
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) < 1
        except psutil.Error:
            return False


class Operation:
    """The record of a run, this process's or a dead one, held under its lock."""

    def __init__(self, folder: Path, run: str, lock: int, content: dict[str, Any]) -> None:
        self.run = run
        self._folder = folder
        self._lock_file: int | None = lock
        self._content = content
        self._mutex = threading.Lock()

    @property
    def stage_tables(self) -> tuple[TableRef, ...]:
        """The stage tables that may exist."""
        with self._mutex:
            return tuple(TableRef(**fields) for fields in self._content["stage_tables"])

    def will_make(self, table: TableRef) -> None:
        """Record a stage table, on disk when this returns: call it before the table is made."""
        with self._mutex:
            self._content["stage_tables"].append(asdict(table))
            self._save()

    def is_gone(self, table: TableRef) -> None:
        """Strike a stage table off the record: it does not exist any more."""
        with self._mutex:
            tables = self._content["stage_tables"]
            self._content["stage_tables"] = [fields for fields in tables if TableRef(**fields) != table]
            self._save()

    @property
    def buckets(self) -> tuple[str, ...]:
        """Addresses of the buckets that may hold staged data under the run's name."""
        with self._mutex:
            return tuple(self._content["buckets"])

    def will_stage_in(self, bucket: str) -> None:
        """Record the address of a bucket, on disk when this returns: call it before data is staged there."""
        with self._mutex:
            if bucket not in self._content["buckets"]:
                self._content["buckets"].append(bucket)
                self._save()

    def is_done_with(self, bucket: str) -> None:
        """Strike a bucket off the record: it holds no staged data any more, or keeps it on purpose.

        `close` writes that to the disk; after a crash before it, the next run looks there again.
        """
        with self._mutex:
            self._content["buckets"] = [other for other in self._content["buckets"] if other != bucket]

    @property
    def scratch(self) -> Path:
        """The run's folder for files of this machine, which may not exist yet; removed when the run ends."""
        return self._folder / self.run

    def remove_folders(self) -> None:
        """Remove the run's folders of this machine; in shared ones only what is named after the run."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        for folder in map(Path, self._content["folders"]):
            if folder == spill_folder(folder.parent, self.run):
                shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Release the record: remove it if nothing is left to sweep, otherwise keep it for the next run."""
        with self._mutex:
            if self._lock_file is None:
                return
            try:
                self.remove_folders()
                self._end()
            finally:
                os.close(self._lock_file)
                self._lock_file = None

    def _end(self) -> None:
        if self._content["stage_tables"] or self._content["buckets"]:
            self._content["ended"] = True
            self._save()
        else:
            _remove(self._folder / f"{self.run}.lock")

    def _save(self) -> None:
        write_private(self._folder / f"{self.run}.json", json.dumps(self._content, indent=1).encode())


def spill_folder(parent: Path, run: str) -> Path:
    """Return the run's own folder in `parent`, which other runs may use, too."""
    return parent / f"dvt-{run}"


def begin(folder: Path, *, spill: Sequence[Path] = ()) -> Operation:
    """Record a new run of this process; it may spill to a folder of its own in each of `spill`."""
    private_folder(folder)
    while True:
        run = new_id()
        lock = locked(folder / f"{run}.lock", os.O_CREAT | os.O_EXCL)
        if lock is not None:
            break
    content: dict[str, Any] = {
        "run": run,
        **asdict(Process.this()),
        "ended": False,
        "buckets": [],
        "stage_tables": [],
        "folders": [str(spill_folder(parent, run)) for parent in spill],
    }
    write_private(folder / f"{run}.json", json.dumps(content, indent=1).encode())
    return Operation(folder, run, lock, content)


def new_id() -> str:
    """Return a run's id: the day on which it begins, in UTC, and ten characters by chance.

    What it stages is in folders of this name, so that whoever looks into a store sees of which day they are.
    """
    return f"{datetime.now(UTC):%Y%m%d}" + "".join(secrets.choice(_ALPHABET) for _ in range(10))


def dead(folder: Path, runs: Collection[str] | None = None) -> Iterator[Operation]:
    """Yield the records of runs that are dead for certain, each locked; close them when done.

    `runs`: only these.
    """
    here = Process.this()
    for file in sorted(folder.glob("*.lock")):
        lock = locked(file, 0) if runs is None or file.stem in runs else None
        if lock is None:
            continue
        record = file.with_suffix(".json")
        content = _content(record)
        if content is not None and _is_dead(content, here):
            yield Operation(folder, content["run"], lock, content)
            continue
        if not record.exists():
            # The process died between making the lock and writing the record: nothing is left of it.
            _remove(file)
        os.close(lock)


def known(folder: Path) -> dict[str, bool]:
    """Return the runs that have a record, and whether they are alive, or may be; no record is changed."""
    here = Process.this()
    runs = {}
    for file in sorted(folder.glob("*.lock")):
        lock = locked(file, 0)
        content = _content(file.with_suffix(".json"))
        runs[file.stem] = lock is None or content is None or not _is_dead(content, here)
        if lock is not None:
            os.close(lock)
    return runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A stage table that a run has on record."""

    run: str
    table: TableRef
    is_dead: bool
    """Whether its run is dead for certain."""
    recorded: int
    """When the record was last written, in nanoseconds since 1970."""


def left_tables(folder: Path) -> Iterator[Left]:
    """Yield the stage tables that runs have on record, dead or not; no record is changed."""
    here = Process.this()
    for file in sorted(folder.glob("*.lock")):
        lock = locked(file, 0)
        try:
            record = file.with_suffix(".json")
            content = _content(record)
            if content is None:
                continue
            is_dead = lock is not None and _is_dead(content, here)
            recorded = record.stat().st_mtime_ns
            for fields in content["stage_tables"]:
                table = TableRef(**fields)
                yield Left(run=content["run"], table=table, is_dead=is_dead, recorded=recorded)
        except (OSError, TypeError, ValueError):
            continue  # gone meanwhile, or of another version
        finally:
            if lock is not None:
                os.close(lock)


def _is_dead(content: dict[str, Any], here: Process) -> bool:
    """True for a record, its lock free, whose run has ended or whose process is gone for certain."""
    process = Process(**{key: content[key] for key in ("pid", "started", "host", "boot")})
    return content["ended"] or (process.may_be_judged_by(here) and not process.is_running())


def locked(file: Path, flags: int) -> int | None:
    """Lock the file and return its descriptor; None if another process holds the lock or the file is gone."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    except OSError as error:
        if flags and not isinstance(error, FileExistsError):
            raise disk_error(error, file.parent) from error
        return None  # removed meanwhile, or of another user
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The process that held the lock before may have removed the file in between.
        if os.fstat(descriptor).st_ino == file.stat().st_ino:
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _remove(lock: Path) -> None:
    """Remove a record, then its lock, by which the next run finds a removal that was not finished."""
    record = lock.with_suffix(".json")
    for file in (record, temporary_name(record), lock):
        file.unlink(missing_ok=True)


def _content(file: Path) -> dict[str, Any] | None:
    """Read a record; None if it is not whole."""
    with suppress(OSError, ValueError):
        content = json.loads(file.read_bytes())
        if isinstance(content, dict) and content.keys() >= _KEYS:
            return {"buckets": list(_BEFORE_BUCKETS)} | content
    return None


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return str(int(psutil.boot_time()))
