"""Database files: each opened once per process, by real path, and shared by cursors.

While dbt-duckdb holds a file, a second handle with another configuration fails, and so does
attaching it elsewhere; a cursor of the same handle works. So dbt-duckdb, extraction and load all
come here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from dvt.drivers.duckdb.extensions import NO_DOWNLOADS


class DatabaseFiles:
    """Open handles by real path. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Any] = {}

    def connect(
        self,
        path: str,
        config: Mapping[str, Any] | None = None,
        *,
        prepare: Callable[[Any], None] | None = None,
    ) -> Any:
        """A cursor on the file's one handle; `config` and `prepare` count for the first to ask."""
        key = str(Path(path).resolve())
        with self._lock:
            handle = self._open.get(key)
            if handle is None:
                handle = duckdb.connect(path, config=NO_DOWNLOADS | dict(config or {}))
                try:
                    if prepare:
                        prepare(handle)
                except BaseException:
                    handle.close()
                    raise
                self._open[key] = handle
            return handle.cursor()

    def close(self, path: str | None = None) -> None:
        """Close one file's handle, or all of them; one that is not open is no error."""
        with self._lock:
            keys = [str(Path(path).resolve())] if path else list(self._open)
            for key in keys:
                handle = self._open.pop(key, None)
                if handle is not None:
                    handle.close()


FILES = DatabaseFiles()
"""The process's files."""
