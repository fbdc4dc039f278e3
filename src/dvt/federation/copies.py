"""Copies of other databases' tables on targets, which the models of a run that are computed there share."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field, replace

from dvt.core.names import TableRef, stage_name
from dvt.core.plan import Load, LoadColumn, PlannedCopy
from dvt.core.ports.connectors import CanCompute
from dvt.core.ports.staging import Dataset
from dvt.federation.connections import Connection, Connections
from dvt.federation.load import fill
from dvt.federation.metrics import NodeMetrics
from dvt.federation.stage_tables import drop
from dvt.runs.operations import Operation

_Source = tuple[str, str]
"""A target, and the place of the dataset that is copied to it."""


@dataclass(slots=True)
class _Copy:
    """A table on a target, made of one dataset. `lock` is held while it is filled, or gets an index."""

    table: TableRef
    columns: frozenset[LoadColumn]
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_filled: bool = False
    is_analysed: bool = False
    key: tuple[str, ...] = ()
    indexes: set[str] = field(default_factory=set)


class TargetCopies:
    """The copies of a run, which stay until it ends. Thread-safe.

    `_lock` guards the lists, and is held for a few instructions. A copy's lock is never taken within it.
    """

    def __init__(self, connections: Connections, operation: Operation) -> None:
        self._connections = connections
        self._operation = operation
        self._lock = threading.Lock()
        self._copies: dict[_Source, list[_Copy]] = defaultdict(list)

    def table(self, planned: PlannedCopy, dataset: Dataset, near: TableRef, metrics: NodeMetrics) -> TableRef:
        """Return the copy of a dataset that a model reads; it is made unless another model has made it.

        Args:
            planned: the copy as the model needs it: what is there may have more columns and indexes.
            dataset: the answer to the copy's query.
            near: a table of the target; copies are put beside it.
            metrics: the model's.
        """
        copy = self._claimed(planned, (near.connection, dataset.at.prefix), near)
        with copy.lock:
            self._complete(copy, planned, dataset, self._connections[near.connection], metrics)
        return copy.table

    def _claimed(self, planned: PlannedCopy, source: _Source, near: TableRef) -> _Copy:
        """Return the narrowest copy with the columns, or a new one that is still to be filled."""
        columns = frozenset(planned.columns)
        with self._lock:
            copies = self._copies[source]
            wide = [copy for copy in copies if columns <= copy.columns]
            if wide:
                return min(wide, key=lambda copy: len(copy.columns))
            identity = f"copy of {source[1]} {sorted(map(str, columns))}"
            copies.append(_Copy(replace(near, identifier=stage_name(self._operation.run, identity)), columns))
            return copies[-1]

    def _complete(
        self, copy: _Copy, planned: PlannedCopy, dataset: Dataset, target: Connection, metrics: NodeMetrics
    ) -> None:
        """Fill the copy and add the key and the indexes, as far as that has not been done.

        A copy that another model has failed to fill is filled now.
        """
        if not copy.is_filled:
            load = Load(stage=copy.table, columns=planned.columns, definition=planned.definition)
            try:
                fill(load, dataset, target, self._operation, metrics)
            except BaseException:
                drop(copy.table, target, self._operation)
                raise
            copy.is_filled = True
        key = () if copy.key else planned.key
        indexes = [
            name for name in planned.indexes if name not in copy.indexes and (name,) != planned.key[:1]
        ]
        if isinstance(target.connector, CanCompute) and (key or indexes or not copy.is_analysed):
            with target.in_flight.loading():
                target.connector.index(copy.table, key, indexes)
            copy.key, copy.is_analysed = copy.key or key, True
            copy.indexes.update(indexes)
