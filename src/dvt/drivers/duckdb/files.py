"""Databases of users: each opened once per process, by real path, and shared by cursors.

While dbt-duckdb holds a file, a second handle with another configuration fails, and so does
attaching it elsewhere; a cursor of the same handle works. So dbt-duckdb, extraction and load all
come here, in whatever order.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

import duckdb

_DEFAULTS = {"autoinstall_known_extensions": "true", "autoload_known_extensions": "true"}
"""DuckDB's own defaults: the database is the user's, and behaves as it does under dbt."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9]+:")
"""Matches what is no file of this machine: `md:`, `s3://`, `ducklake:`… (a Windows drive has one letter)."""


class OtherConfiguration(duckdb.ConnectionException):  # type: ignore[misc]
    """The database is open in this process with other `config_options`."""


class _Handle:
    """One open database: its root connection, the cursors given out, and the outputs that prepared it."""

    def __init__(self, root: Any, config: Mapping[str, str]) -> None:
        self.root = root
        self.config = config
        self.cursors: WeakSet[Any] = WeakSet()
        self.prepared: set[str] = set()

    def cursor(self) -> Any:
        cursor = self.root.cursor()
        self.cursors.add(cursor)
        return cursor

    def close(self) -> None:
        """Close the database and its cursors; interrupt queries under way, because closing waits for them."""
        for cursor in list(self.cursors):
            with suppress(duckdb.Error):
                cursor.interrupt()
        self.root.close()

    @property
    def is_usable(self) -> bool:
        """False after an error that made DuckDB invalidate the database, such as a full disk."""
        try:
            self.root.execute("SELECT 1")
        except duckdb.Error:
            return False
        return True


class DatabaseFiles:
    """Open handles by real path, and by output for databases in memory. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, _Handle] = {}

    def connect(
        self,
        path: str,
        config: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        prepare: Callable[[Any], None] | None = None,
        by: str = "",
    ) -> Any:
        """Return a cursor on the database's one handle; close it when done.

        The first call opens it with `config`; a later call with another one raises OtherConfiguration, and
        one with None accepts any. `prepare` is called with a cursor, once per handle and `by`; it must work
        even if another output has already loaded the same extensions, made the same secrets and attached the
        same databases. `name` distinguishes outputs whose `path` is `:memory:`.
        """
        key = _key(path, name)
        with self._lock:
            handle = self._open.get(key)
            if handle is not None and not handle.is_usable:
                self._open.pop(key).close()
                handle = None
            if handle is None:
                root = duckdb.connect(path, config={**_DEFAULTS, **(config or {})})
                handle = _Handle(root, _comparable(config or {}))
                self._open[key] = handle
            elif config is not None and _comparable(config) != handle.config:
                raise OtherConfiguration(f"{path} is open with other config_options")
            if prepare and by not in handle.prepared:
                self._prepare(key, handle, prepare)
                handle.prepared.add(by)
            return handle.cursor()

    def _prepare(self, key: str, handle: _Handle, prepare: Callable[[Any], None]) -> None:
        cursor = handle.cursor()
        try:
            prepare(cursor)
        except BaseException:
            if not handle.prepared and len(handle.cursors) == 1:
                self._open.pop(key).close()
            raise
        finally:
            cursor.close()

    def close_on_disk(self) -> None:
        """Close every database that is a file; those in memory would be lost with it."""
        with self._lock:
            for key in [name for name in self._open if not name.startswith(":memory:")]:
                self._open.pop(key).close()

    def close(self, path: str | None = None, *, name: str = "") -> None:
        """Close one database and its cursors, or all of them; no error if it is not open."""
        with self._lock:
            keys = [_key(path, name)] if path else list(self._open)
            for key in keys:
                handle = self._open.pop(key, None)
                if handle is not None:
                    handle.close()


def _key(path: str, name: str) -> str:
    if path in {"", ":memory:"}:
        return f":memory:{name}"
    return path if _URI.match(path) else str(Path(path).resolve())


def _comparable(config: Mapping[str, Any]) -> dict[str, str]:
    return {str(key).lower(): str(value).lower() for key, value in {**_DEFAULTS, **config}.items()}


FILES = DatabaseFiles()
"""The process's databases."""
