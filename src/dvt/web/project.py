"""The project that is served: its settings as they are now, its store, its lifecycle, its runs.

To open a store takes 4 ms on SQLite, and 85 ms on PostgreSQL, where one that is open answers after 10; so one
stays open for requests. It is safe to use from several threads; only a run, which locks, opens its own.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from dvt.config.lifecycle_file import FILE, Lifecycle, load_lifecycle
from dvt.core.errors import DvtError
from dvt.core.ports.lifecycle import Surroundings
from dvt.core.retention import Asking, Source
from dvt.lifecycle.store import Store
from dvt.lifecycle.system import System, actor, store_address, store_of
from dvt.web.inventory import Inventory
from dvt.web.masking import Mask
from dvt.web.runs import Runs

_LOG = logging.getLogger(__name__)
_State = tuple[int, int, int] | None
"""Inode, size and time of change of a file; None: it is not there."""


@dataclass(slots=True)
class _Open:
    """A store that is open."""

    address: str | Path
    state: _State
    """Of its file, for SQLite."""
    store: Store


class Project:
    """A project whose lifecycle is served. Close it, or use it in a `with`."""

    def __init__(
        self, folder: Path, config: Path | None = None, surroundings: Surroundings | None = None
    ) -> None:
        """Read the settings, and open the store; errors as of both. `surroundings`: see System."""
        self._surroundings = surroundings
        self.folder = folder.resolve()
        self._config = config
        self._mutex = Lock()
        self._settings: tuple[_State, Lifecycle] | None = None
        self._open: _Open | None = None
        self.inventory = Inventory()
        """What is there, and what is decided of it."""
        self.runs = Runs(self._own_system, self.inventory.forget)
        """The runs that this server does."""
        self.store()

    @property
    def name(self) -> str:
        """What people call it: the name of its folder."""
        return self.folder.name

    def settings(self) -> Lifecycle:
        """Return the settings, read again if their file has changed; LifecycleInvalid."""
        file = self._config or self.folder / FILE
        state = _state(file)
        with self._mutex:
            if self._settings is None or self._settings[0] != state:
                self._settings = state, load_lifecycle(self.folder, self._config)
            return self._settings[1]

    def store(self) -> Store:
        """Return the store, opened again if it is another one by now; errors as of `store_of`."""
        settings = self.settings()
        address = store_address(settings)
        file = address if isinstance(address, Path) else None
        with self._mutex:
            current = self._open
            if current and current.address == address and (not file or current.state == _inode(file)):
                return current.store
            store = store_of(settings, actor())
            # What still uses the store from before does so to its end: its connections close by themselves.
            self._open = _Open(address, _inode(file) if file else None, store)
            return store

    @contextmanager
    def system(self, by: str, source: Source) -> Iterator[System]:
        """Open the lifecycle in somebody's name."""
        store, around = self.store(), self._surroundings
        with System(self.settings(), source=source, by=by, store=store, surroundings=around) as system:
            yield system

    def _own_system(self, by: str, source: Source) -> System:
        return System(self.settings(), source=source, by=by, surroundings=self._surroundings)

    def mask(self) -> Mask:
        """Return what masks the paths that are none of the project's."""
        try:
            data = self.settings().data
        except DvtError:  # which is what is to be told
            return Mask([self.folder])
        return Mask([self.folder, *(place for data_type in data.values() for place in data_type.places)])

    def note(self, asking: Asking, action: str, details: Mapping[str, object]) -> None:
        """Put on record what somebody asked for; a store that does not answer is told in the log."""
        try:
            self.store().audit.note(asking, action, details)
        except DvtError as error:
            _LOG.warning("a request is not on record: %s", error.message, extra={"action": action})

    def close(self) -> None:
        """Stop the run of this server between batches, wait for its end, and close the store."""
        self.runs.close()
        with self._mutex:
            if self._open is not None:
                self._open.store.close()
                self._open = None


def _state(file: Path) -> _State:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _inode(file: Path) -> _State:
    try:
        status = os.stat(file)  # noqa: PTH116
    except OSError:
        return None
    return status.st_ino, status.st_dev, 0
