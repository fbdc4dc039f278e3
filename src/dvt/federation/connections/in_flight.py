"""Extractions and loads under way on one connection, and how they are cancelled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dvt.core.errors import DvtError
from dvt.core.ports.connectors import Connector

logger = logging.getLogger(__name__)


class InFlight:
    """Counts the extractions and loads under way on one connection, and cancels them.

    `_lock` guards the two counts; no other lock is taken within it.
    """

    def __init__(self, connection: str, connector: Connector) -> None:
        self._connection = connection
        self._connector = connector
        self._lock = threading.Lock()
        self._extracting = 0
        self._loading = 0

    @contextmanager
    def extracting(self) -> Iterator[None]:
        """Count an extraction for as long as the `with` lasts."""
        with self._lock:
            self._extracting += 1
        try:
            yield
        finally:
            with self._lock:
                self._extracting -= 1

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Count the filling of a stage table for as long as the `with` lasts."""
        with self._lock:
            self._loading += 1
        try:
            yield
        finally:
            with self._lock:
                self._loading -= 1

    @property
    def busy(self) -> bool:
        """True while data is on its way from or to the connection."""
        with self._lock:
            return self._extracting + self._loading > 0

    def cancel(self) -> None:
        """Stop every query under way on the connection."""
        try:
            self._connector.cancel()
        except DvtError as error:
            logger.debug("could not cancel on %s: %s", self._connection, error, extra={"action": "cancel"})

    def cancel_own(self, groups: int) -> None:
        """Stop a node's groups of extractions, unless other nodes extract or load here as well."""
        with self._lock:
            alone = self._loading == 0 and 0 < self._extracting <= groups
        if alone:
            self.cancel()
