"""Leases in a bucket: what runs and other commands are at work on, so that nobody removes it (docs/adr/0034).

Times are the store's. This machine only measures how much time has passed, its sleep included.
"""

from __future__ import annotations

import io
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from dvt.core.errors import DvtError, LeaseLost
from dvt.core.ports.staging import Bucket

LEASES = "_leases"
"""Folder of the leases in a project's folder."""
VALID_SECONDS = 600.0
"""Seconds from a lease's last put in which it is valid."""
RENEWAL_SECONDS = 120.0
"""Seconds between two renewals."""
_FILE = "lease.json"
_FORMAT = 1
"""Version of a lease's content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLease:
    """A lease as another command sees it."""

    run: str
    host: str
    pid: int | None
    started: str
    """When its command began, by the clock of its machine; for people."""
    renewed: datetime
    """When it was last put, by the store's clock."""
    is_valid: bool
    """False for one that has expired: its command has ended without removing it, or sleeps."""
    uses: frozenset[str] | None
    """Folders of other runs that it covers; None if that cannot be read."""

    def covers(self, folder: str) -> bool:
        """True if the lease is valid, and a folder holds, or is in, something that it covers."""
        if not self.is_valid:
            return False
        return self.uses is None or any(is_within(folder, used) for used in {self.run, *self.uses})


class Lease:
    """The lease of this process in a project's folder of a bucket. Thread-safe.

    A thread renews it until `close`. `_lock` is held while the lease is put, so that it is put by one thread
    at a time.
    """

    def __init__(
        self,
        bucket: Bucket,
        run: str,
        *,
        valid: float | None = None,
        renewal: float | None = None,
    ) -> None:
        """Put the lease; it is there when this returns. `valid` and `renewal` are in seconds."""
        self.run = run
        self._bucket = bucket
        self._valid = VALID_SECONDS if valid is None else valid
        self._renewal = RENEWAL_SECONDS if renewal is None else renewal
        self._lock = threading.Lock()
        self._uses: set[str] = set()
        self._closed = threading.Event()
        self._lost = ""
        self._content: dict[str, Any] = {
            "format": _FORMAT,
            "run": run,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": self._valid,
        }
        self._put_at, self._renewed, self._read_at = self._put()
        thread = threading.Thread(target=self._renew_until_closed, name=f"dvt-lease-{run}", daemon=True)
        thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def now(self) -> datetime:
        """Return the store's time: never later than it is there."""
        with self._lock:
            return self._renewed + timedelta(seconds=_passed() - self._read_at)

    def uses(self, folder: str) -> None:
        """Cover a dataset of another run, or any folder; the lease says so when this returns."""
        with self._lock:
            self._raise_if_lost()
            if folder not in self._uses:
                self._uses.add(folder)
                self._renew()

    def releases(self, folder: str) -> None:
        """Cover a folder no longer, from the next renewal on."""
        with self._lock:
            self._uses.discard(folder)

    def check(self) -> None:
        """Raise LeaseLost if the lease is lost: what the run has staged may be gone."""
        with self._lock:
            self._raise_if_lost()
            if _passed() - self._put_at > 2 * self._renewal:  # the thread is late: the machine may have slept
                self._renew()

    def others(self) -> list[HeldLease]:
        """Return all other leases in the project's folder as they are now."""
        return list(leases(self._bucket, self.now(), but=self.run))

    def close(self, *, leaves: bool = False) -> None:
        """Remove the lease. May be called twice.

        `leaves`: it is left expired instead, for later runs to see that there is something to take or remove.
        """
        if self._closed.is_set():
            return
        self._closed.set()
        with self._lock:
            if leaves and not self._lost:
                self._content["seconds"] = 0
                self._put()
            else:
                self._bucket.delete(f"{LEASES}/{self.run}")

    def _renew_until_closed(self) -> None:
        wait = self._renewal
        while not self._closed.wait(wait):
            try:
                with self._lock:
                    if self._closed.is_set():
                        return
                    self._renew()
                wait = self._renewal
            except LeaseLost:
                return
            except DvtError:
                wait = self._renewal / 4  # the store may be back soon; until it is, time runs out

    def _renew(self) -> None:
        """Put the lease again; LeaseLost if it has expired, or somebody has removed or replaced it."""
        try:
            with self._bucket.get(f"{LEASES}/{self.run}/{_FILE}") as data:
                content = _content(data.read())
        except FileNotFoundError:
            content = {}
        except DvtError as error:
            self._expire_if_late(error.message)
            raise
        if not content:
            self._lose("somebody has removed it")
        if any(content.get(key) != value for key, value in self._content.items()):
            self._lose("another process has replaced it")
        before = self._renewed
        try:
            self._put_at, self._renewed, self._read_at = self._put()
        except DvtError as error:
            self._expire_if_late(error.message)
            raise
        if (self._renewed - before).total_seconds() >= self._valid:
            self._lose(f"it was not renewed for {self._valid:.0f} s")

    def _put(self) -> tuple[float, datetime, float]:
        """Put the lease; return when that began, the store's time of it, and when that was known."""
        began = _passed()
        content = json.dumps({**self._content, "uses": sorted(self._uses)}, indent=1).encode()
        self._bucket.put(f"{LEASES}/{self.run}/{_FILE}", io.BytesIO(content))
        known = _passed()
        for stored in self._bucket.objects(f"{LEASES}/{self.run}"):
            return began, stored.modified, known
        self._lose("somebody has removed it")
        raise AssertionError  # pragma: no cover - `_lose` raises

    def _expire_if_late(self, reason: str) -> None:
        if _passed() - self._put_at >= self._valid:
            self._lose(f"it was not renewed for {self._valid:.0f} s ({reason})")

    def _raise_if_lost(self) -> None:
        if self._lost:
            raise LeaseLost(self._bucket.address, self.run, self._lost)

    def _lose(self, reason: str) -> None:
        self._lost = reason
        self._raise_if_lost()


def leases(bucket: Bucket, now: datetime, *, but: str = "") -> Iterator[HeldLease]:
    """Yield the leases in a project's folder, but for that of a run.

    `now` is the store's time, such as of this process's lease.
    """
    for stored in list(bucket.objects(LEASES)):
        if stored.key.split("/")[1] == but:
            continue
        try:
            with bucket.get(stored.key) as data:
                content = _content(data.read())
        except FileNotFoundError:
            continue  # its command has ended meanwhile
        seconds = content.get("seconds", VALID_SECONDS)
        yield HeldLease(
            run=stored.key.split("/")[1],
            host=content.get("host", "an unknown machine"),
            pid=content.get("pid"),
            started=content.get("started", ""),
            renewed=stored.modified,
            is_valid=(now - stored.modified).total_seconds() < seconds,
            uses=frozenset(content["uses"]) if content else None,
        )


def is_within(folder: str, other: str) -> bool:
    """True if one of two folders is the other, or in it."""
    return f"{folder}/".startswith(f"{other}/") or f"{other}/".startswith(f"{folder}/")


def _content(data: bytes) -> dict[str, Any]:
    """Return what a lease says; nothing for what is no lease of this version."""
    try:
        content = json.loads(data)
        is_read = content["format"] == _FORMAT and all(isinstance(use, str) for use in content["uses"])
        return dict(content, seconds=float(content["seconds"])) if is_read else {}
    except (ValueError, LookupError, TypeError):
        return {}


def _passed() -> float:
    """Return the seconds that have passed on this machine since some moment, in its sleep, too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
