"""Work under way on one connection, and how it is cancelled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from dvt.core.errors import DvtError
from dvt.core.ports.connectors import Connector

logger = logging.getLogger(__name__)


class InFlight:
    """Counts what is under way on one connection, each extraction as its node's, and cancels it.

    `_lock` guards the list; no other lock is taken within it. `_entrance` is held while work begins, and
    while a node's queries are stopped: no other node's are among them then. Order: `_entrance`, `_lock`.
    """

    def __init__(self, connection: str, connector: Connector) -> None:
        self._connection = connection
        self._connector = connector
        self._entrance = threading.Lock()
        self._lock = threading.Lock()
        self._nodes: list[object] = []
        """The node of each extraction under way; an object of its own for any other work."""

    def extracting(self, node: object) -> AbstractContextManager[None]:
        """Count an extraction of a node for as long as the `with` lasts."""
        return self._under_way(node)

    def loading(self) -> AbstractContextManager[None]:
        """Count the filling of a stage table for as long as the `with` lasts."""
        return self._under_way(object())

    def describing(self) -> AbstractContextManager[None]:
        """Count a description of tables for as long as the `with` lasts."""
        return self._under_way(object())

    @contextmanager
    def _under_way(self, node: object) -> Iterator[None]:
        with self._entrance, self._lock:
            self._nodes.append(node)
        try:
            yield
        finally:
            with self._lock:
                self._nodes.remove(node)

    @property
    def busy(self) -> bool:
        """True while something is extracted, loaded or described on the connection."""
        with self._lock:
            return bool(self._nodes)

    def cancel(self) -> None:
        """Stop every query under way on the connection."""
        try:
            self._connector.cancel()
        except DvtError as error:
            logger.debug("could not cancel on %s: %s", self._connection, error, extra={"action": "cancel"})

    def cancel_own(self, node: object) -> None:
        """Stop a node's extractions, unless anything else is under way here, too."""
        with self._entrance:
            with self._lock:
                alone = set(map(id, self._nodes)) == {id(node)}
            if alone:
                self.cancel()
