"""The run's DuckDB instance: in memory, bounded, in UTC, spilling to a folder of its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

import duckdb

from dvt.drivers.duckdb.extensions import NO_DOWNLOADS, load_extension
from dvt.drivers.duckdb.sql import literal, settings

_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Files that hold a container's memory limit in bytes: cgroup v2, v1."""


def machine_memory() -> int:
    """Return the bytes that this process may use: the cgroup's limit or the machine's memory, if less."""
    import psutil  # a plain dbt run needs none of it

    total = int(psutil.virtual_memory().total)
    for file in _CGROUP_LIMITS:
        try:
            total = min(total, int(file.read_text()))
        except (OSError, ValueError):
            continue
    return total


def empty_instance() -> Any:
    """Return a connection to a DuckDB of its own, in UTC, for questions about SQL over empty tables."""
    root = duckdb.connect(":memory:", config={**NO_DOWNLOADS, "threads": 1})
    root.execute("SET GLOBAL TimeZone = 'UTC'")
    return root


def machine_time_zone() -> str:
    """Return the time zone of DuckDB's sessions where nothing sets another."""
    with duckdb.connect(":memory:", config=dict(NO_DOWNLOADS)) as connection:
        (name,) = connection.execute("SELECT current_setting('TimeZone')").fetchall()[0]
    return str(name)


def changed_settings(
    names: Sequence[str], given: Mapping[str, str]
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the values of these settings in a new instance, before and after it has been `given` others."""
    with duckdb.connect(":memory:", config=dict(NO_DOWNLOADS)) as connection:
        default = settings(connection, names)
        for name, value in given.items():
            connection.execute(f"SET {name} = {literal(value)}")
        return default, settings(connection, names)


class MemoryInstance:
    """A DuckDB in memory that scanners and engine share, each through cursors of its own."""

    def __init__(
        self, *, memory_limit: str | None = None, threads: int | None = None, spill: Path | None = None
    ) -> None:
        self._lock = threading.Lock()
        self._loaded: set[str] = set()
        self._cursors: WeakSet[Any] = WeakSet()
        config: dict[str, Any] = dict(NO_DOWNLOADS)
        config["memory_limit"] = memory_limit or f"{machine_memory() // 2 // 2**20}MiB"
        config["temp_directory"] = str(spill) if spill else ""
        if threads:
            config["threads"] = threads
        self._root = duckdb.connect(":memory:", config=config)
        self._root.execute("SET GLOBAL TimeZone = 'UTC'")
        # DuckDB caches files by path and second: a file rewritten within a second would be read stale.
        self._root.execute("SET GLOBAL enable_external_file_cache = false")
        # Rows of a table have no order; without this, COPY holds back batches to keep one.
        self._root.execute("SET GLOBAL preserve_insertion_order = false")

    def cursor(self) -> Any:
        """Return a new connection to this instance; close it when done."""
        with self._lock:
            cursor = self._root.cursor()
            self._cursors.add(cursor)
            return cursor

    def load(self, extension: str) -> None:
        """Load an extension, unless it is loaded already."""
        with self._lock:
            if extension not in self._loaded:
                load_extension(self._root, extension)
                self._loaded.add(extension)

    def close(self) -> None:
        """Interrupt queries under way and release the memory; open cursors are closed, too."""
        with self._lock:
            # Closing waits for queries under way.
            for cursor in list(self._cursors):
                with suppress(duckdb.Error):
                    cursor.interrupt()
            self._root.close()
