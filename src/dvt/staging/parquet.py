"""A dataset being staged: Parquet files in a folder of its own, then the marker."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from dvt.core.compression import SNAPPY, Compression
from dvt.core.errors import DvtError
from dvt.core.estimates import UNLIMITED, ExtractLimits
from dvt.core.ports.staging import Dataset, Location
from dvt.core.tables import StageColumn

MARKER_FILE = "_committed.json"
"""Name of the marker in a dataset's folder."""
FACTS = "answer_to"
"""Key of the marker that says of what the dataset is the answer, where later runs may take it."""
_ATTEMPTS = itertools.count()
"""Numbers for sinks, unique in the process: part of the names of their files."""


class ParquetSink:
    """Implements Sink: nothing is a dataset until `commit` has written the marker."""

    def __init__(
        self,
        location: Location,
        limits: ExtractLimits = UNLIMITED,
        compression: Compression = SNAPPY,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """`check` raises an error if what was written may have been removed by others."""
        self.location = location
        self.limits = limits
        self.compression = compression
        self._check = check
        self.facts: dict[str, Any] = {}
        """What the marker says of the query, for later runs; without any, none of them takes the dataset."""
        self._rows = 0
        self._lock = threading.Lock()
        self._parts: list[str] = []
        self._count = itertools.count()
        # A key is never written twice in a process: DuckDB caches files by path and time.
        self._attempt = next(_ATTEMPTS)

    def part(self) -> str:
        """See Sink."""
        with self._lock:
            key = f"{self.location.prefix}/part-{self._attempt}-{next(self._count)}.parquet"
            self._parts.append(key)
            return key

    def count(self, rows: int) -> int:
        """See Sink."""
        with self._lock:
            self._rows += rows
            return self._rows

    def commit(self, columns: Sequence[StageColumn], rows: int, keys: Sequence[str] | None = None) -> Dataset:
        """See Sink. Parts that were never written hold no rows."""
        bucket, prefix = self.location.bucket, self.location.prefix
        sizes = dict(bucket.list(prefix))
        with self._lock:
            parts = [key for key in self._parts if key in sizes]
        written = tuple(parts if keys is None else keys)
        missing = [key for key in written if key not in sizes]
        if missing:
            msg = f"{missing[0]!r} is not among what was written in {prefix!r}"
            raise ValueError(msg)
        total = sum(sizes[key] for key in written)
        marker: dict[str, Any] = {
            "rows": rows,
            "bytes": total,
            "columns": [{"name": column.name, "type": str(column.type)} for column in columns],
            "files": [key.removeprefix(f"{prefix}/") for key in written],
        }
        if self.facts:
            marker[FACTS] = self.facts
        bucket.put_once(f"{prefix}/{MARKER_FILE}", json.dumps(marker, indent=1).encode())
        self._check()
        return Dataset(self.location, written, tuple(columns), rows, total)

    def discard(self) -> None:
        """See Sink."""
        with self._lock:
            # A thread that still writes one of these parts writes a file that no dataset holds.
            self._parts.clear()
            self._rows = 0
        # What stays is tried again with all of the run's, and told then; here it would hide another error.
        with suppress(DvtError):
            self.location.bucket.delete(self.location.prefix)


class AddedParts:
    """Implements Added. Names of its files are unique among all runs."""

    def __init__(
        self, location: Location, run: str, compression: Compression, check: Callable[[], None]
    ) -> None:
        """`check` raises an error if what was written may have been removed by others."""
        self.location = location
        self.compression = compression
        self._check = check
        self._names = f"{location.prefix}/part-{run}-{next(_ATTEMPTS)}"
        self._lock = threading.Lock()
        self._keys: list[str] = []

    def part(self) -> str:
        """See Added."""
        with self._lock:
            self._keys.append(f"{self._names}-{len(self._keys)}.parquet")
            return self._keys[-1]

    def version(self, of: Dataset, rows: int, deletes: str) -> Dataset:
        """See Added. Parts that were never written hold no rows."""
        sizes = dict(self.location.bucket.list(self.location.prefix))
        with self._lock:
            added = tuple(key for key in self._keys if key in sizes and key != deletes)
        self._check()
        keys = (*of.keys, *added)
        size = sum(sizes.get(key, 0) for key in (*keys, deletes))
        return replace(of, keys=keys, rows=rows, bytes=size, deletes=deletes)
