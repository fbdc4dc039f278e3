"""The buckets that a run stages in, each opened when the first dataset goes there."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dvt.core.errors import Cancelled
from dvt.staging.shared import Staging


class RunBuckets:
    """The run's staged data in each bucket, by name of the bucket. Thread-safe."""

    def __init__(self, name_of: Callable[[str], str], open_staging: Callable[[str], Staging]) -> None:
        """Make it without opening any.

        Args:
            name_of: returns the name of the bucket for what a config asks for; empty: the run's default.
            open_staging: opens a bucket of this name.
        """
        self._name_of = name_of
        self._open = open_staging
        self._lock = threading.Lock()
        self._opened: dict[str, Staging] = {}
        self._closed = False

    def staging(self, name: str) -> Staging:
        """Return what the run stages in a bucket, which is opened now if it was not before."""
        with self._lock:
            key = self._name_of(name)
            if key not in self._opened:
                if self._closed:
                    raise Cancelled("opening a bucket")
                self._opened[key] = self._same_place(self._open(key))
            return self._opened[key]

    def _same_place(self, staging: Staging) -> Staging:
        """Return what was opened before if it is the same place under another name, else `staging`."""
        places = {other.bucket.address: other for other in self._opened.values()}
        return places.get(staging.bucket.address, staging)

    def close(self) -> list[Staging]:
        """Return all that are open, each once; none is opened after this."""
        with self._lock:
            self._closed = True
            return list({id(staging): staging for staging in self._opened.values()}.values())
