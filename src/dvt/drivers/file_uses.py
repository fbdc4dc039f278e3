"""Which files are open or locked, by anybody on this machine: asked without taking a lock.

Linux says it, in /proc. Other systems do not, and then the answers say that they are not known. Processes
of other containers are seen only from the machine itself.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

FileKey = tuple[int, int]
"""Device and inode of a file."""

_LOCK = re.compile(rb"^\d+: \S+ +\S+ +\S+ (-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ", re.MULTILINE)
"""Matches a lock that is held in /proc/locks, with process, device and inode; not one that is waited for."""
_MAPPED = re.compile(rb"^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) ([1-9]\d*) +(/.*)$", re.MULTILINE)
"""Matches a mapped file in /proc/<pid>/maps, with device, inode and path."""
_FLOCK = struct.Struct("hhqqi4x")
"""Linux's `struct flock`: kind of lock, where from, start, length (0: all), process."""


@dataclass(frozen=True, slots=True)
class FileUses:
    """Which files were in use at one moment."""

    opened: Mapping[FileKey, int] = field(default_factory=dict)
    """A process that has it open, mapped, or as its working folder."""
    locked: Mapping[FileKey, int] = field(default_factory=dict)
    """A process that holds a lock of it, of any kind; -1: a lock that belongs to no single process."""
    complete: bool = False
    """Whether all processes could be looked at: those of other users only by root, some by nobody."""


def file_uses(*, besides: frozenset[int] = frozenset()) -> FileUses:
    """Look at the files that all processes have open, this one too but for the descriptors `besides`."""
    if not sys.platform.startswith("linux"):
        return FileUses()
    view = _View(besides)
    with os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdecimal():
                view.see(int(entry.name))
    return FileUses(view.opened, _locks(), view.complete)


def is_open_elsewhere(descriptor: int) -> bool | None:
    """Whether a file that was opened for reading is open by anybody else, in other containers too.

    None if it cannot be told so. It asks for a lease, for a moment in which whoever opens the file waits:
    ask only for files that nobody can open by name any more.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        # Who wants the file meanwhile sends a signal: one that is ignored, since SIGIO ends a process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def is_locked(descriptor: int) -> bool | None:
    """Whether anybody holds a lock (`flock`, `fcntl`) of an open file; None if it cannot be told."""
    if not hasattr(fcntl, "F_OFD_GETLK"):
        return None
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    with suppress(OSError):
        answer = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
        if answer[0] != fcntl.F_UNLCK:
            return True
    return _is_flocked(descriptor)


def _is_flocked(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return (status.st_dev, status.st_ino) in _locks()


def _locks() -> dict[FileKey, int]:
    with suppress(OSError):
        return {
            (os.makedev(int(major, 16), int(minor, 16)), int(inode)): int(process)
            for process, major, minor, inode in _LOCK.findall(Path("/proc/locks").read_bytes())
        }
    return {}


class _View:
    """What has been seen of the open files of processes."""

    def __init__(self, besides: frozenset[int]) -> None:
        self.opened: dict[FileKey, int] = {}
        self.complete = True
        self._besides = besides
        self._mappings: set[tuple[bytes, ...]] = set()
        """Seen before: processes of one program map the same files."""

    def see(self, process: int) -> None:
        """Note the files of a process, none if it has ended."""
        for look in (self._descriptors, self._mapped, self._working_folder):
            try:
                for key in look(process):
                    self.opened.setdefault(key, process)
            except (FileNotFoundError, ProcessLookupError):
                continue
            except OSError:
                self.complete = False

    def _descriptors(self, process: int) -> Iterator[FileKey]:
        besides = self._besides if process == os.getpid() else ()
        with os.scandir(f"/proc/{process}/fd") as entries:
            for entry in entries:
                if int(entry.name) not in besides:
                    with suppress(FileNotFoundError, ProcessLookupError):
                        status = entry.stat()
                        yield status.st_dev, status.st_ino

    def _mapped(self, process: int) -> Iterator[FileKey]:
        mapped = _MAPPED.findall(Path(f"/proc/{process}/maps").read_bytes())
        for mapping in set(mapped) - self._mappings:
            self._mappings.add(mapping)
            major, minor, inode, path = mapping
            yield os.makedev(int(major, 16), int(minor, 16)), int(inode)
            # Some file systems (btrfs, overlays) name another device here than elsewhere.
            with suppress(OSError):
                status = Path(os.fsdecode(path)).stat()
                yield status.st_dev, status.st_ino

    def _working_folder(self, process: int) -> Iterator[FileKey]:
        status = Path(f"/proc/{process}/cwd").stat()
        yield status.st_dev, status.st_ino
