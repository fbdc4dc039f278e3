"""Copies of other databases' tables on targets, which the models of a run that are computed there share."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from dvt.core.errors import QueryFailed, ValueLost
from dvt.core.names import TableRef, stage_name
from dvt.core.plan import Load, LoadColumn, PlannedCopy
from dvt.core.ports.connectors import CanCompute
from dvt.core.ports.staging import Dataset
from dvt.federation.connections import Connection, Connections
from dvt.federation.load import fill
from dvt.federation.metrics import NodeMetrics
from dvt.federation.plan import definition
from dvt.federation.stage_tables import drop
from dvt.runs.operations import Operation

_Source = tuple[str, str]
"""A target, and the place of the dataset that is copied to it."""


@dataclass(slots=True)
class _Copy:
    """A table on a target, made of one dataset. `lock` is held while it is filled, or gets an index."""

    table: TableRef
    columns: tuple[LoadColumn, ...]
    definition: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_filled: bool = False
    is_analysed: bool = False
    key: tuple[str, ...] = ()
    indexes: set[str] = field(default_factory=set)

    def serves(self, planned: PlannedCopy) -> bool:
        """True if a model can read the copy: it has the columns, in their order, which `*` shows."""
        here = iter(self.columns)
        return all(column in here for column in planned.named_columns)

    def has_more(self, planned: PlannedCopy) -> bool:
        """True if the copy has columns that the model does not need."""
        return not set(self.columns) <= set(planned.columns)


class TargetCopies:
    """The copies of a run, which stay until it ends. Thread-safe.

    `_lock` guards the lists, and is held for a few instructions. A copy's lock is never taken within it.
    """

    def __init__(self, connections: Connections, operation: Operation) -> None:
        self._connections = connections
        self._operation = operation
        self._lock = threading.Lock()
        self._copies: dict[_Source, list[_Copy]] = defaultdict(list)
        self._expected: dict[tuple[str, tuple[TableRef, ...]], list[PlannedCopy]] = defaultdict(list)
        """A target, and tables elsewhere → the copies of them that nodes are known to need."""

    def expect(self, target: str, planned: Iterable[PlannedCopy]) -> None:
        """Note the copies that a node will need: a copy made for another node has their columns, too."""
        with self._lock:
            for copy in planned:
                self._expected[target, copy.query.tables].append(copy)

    def table(self, planned: PlannedCopy, dataset: Dataset, near: TableRef, metrics: NodeMetrics) -> TableRef:
        """Return the copy of a dataset that a model reads; it is made unless another model has made it.

        Args:
            planned: the copy as the model needs it: what is there may have more columns and indexes.
            dataset: the answer to the copy's query, which may answer those of other copies, too.
            near: a table of the target; copies are put beside it.
            metrics: the model's.
        """
        copy = self._claimed(planned, dataset, near)
        try:
            self._complete(copy, planned, dataset, self._connections[near.connection], metrics)
        except (QueryFailed, ValueLost):
            if not copy.has_more(planned):
                raise
            self._separate(copy, planned, dataset, near)
            return self.table(planned, dataset, near, metrics)
        return copy.table

    def _separate(self, copy: _Copy, planned: PlannedCopy, dataset: Dataset, near: TableRef) -> None:
        """Copy for each node by itself from now on: what one of them alone reads cannot be copied."""
        with self._lock:
            self._expected.pop((near.connection, planned.query.tables), None)
            copies = self._copies[near.connection, dataset.at.prefix]
            copies[:] = [other for other in copies if other is not copy]

    def _claimed(self, planned: PlannedCopy, dataset: Dataset, near: TableRef) -> _Copy:
        """Return the narrowest copy that serves, or a new one that is still to be filled."""
        target, source = near.connection, (near.connection, dataset.at.prefix)
        with self._lock:
            copies = self._copies[source]
            wide = [copy for copy in copies if copy.serves(planned)]
            if wide:
                return min(wide, key=lambda copy: len(copy.columns))
            needed = [planned, *self._expected[target, planned.query.tables]]
            columns = _united(needed, dataset)
            own_types = any(copy.definition for copy in needed)
            dialect = self._connections[target].type.dialect
            table = replace(
                near,
                identifier=stage_name(
                    self._operation.run, f"copy of {dataset.at.prefix} {sorted(map(str, columns))}"
                ),
            )
            copies.append(_Copy(table, columns, definition(columns, dialect) if own_types else ""))
            return copies[-1]

    def _complete(
        self, copy: _Copy, planned: PlannedCopy, dataset: Dataset, target: Connection, metrics: NodeMetrics
    ) -> None:
        """Fill the copy and add the key and the indexes, as far as that has not been done.

        A copy that another model has failed to fill is filled now.
        """
        with copy.lock:
            if not copy.is_filled:
                self._fill(copy, planned, dataset, target, metrics)
            key = () if copy.key else planned.key
            indexes = [
                name for name in planned.indexes if name not in copy.indexes and (name,) != planned.key[:1]
            ]
            if isinstance(target.connector, CanCompute) and (key or indexes or not copy.is_analysed):
                with target.in_flight.loading():
                    target.connector.index(copy.table, key, indexes)
                copy.key, copy.is_analysed = copy.key or key, True
                copy.indexes.update(indexes)

    def _fill(
        self, copy: _Copy, planned: PlannedCopy, dataset: Dataset, target: Connection, metrics: NodeMetrics
    ) -> None:
        load = Load(stage=copy.table, columns=copy.columns, definition=copy.definition)
        copied = f"the copy of {', '.join(map(str, planned.query.tables))}"
        try:
            fill(load, dataset.widened(), target, self._operation, metrics, copied=copied)
        except BaseException:
            drop(copy.table, target, self._operation)
            raise
        copy.is_filled = True


def _united(copies: Sequence[PlannedCopy], dataset: Dataset) -> tuple[LoadColumn, ...]:
    """Return the columns of a copy that serves the first of these, and the others as far as possible.

    A copy cannot serve one that gives a column another name or type, or that reads rows elsewhere.
    """
    staged = {(column.name, column.type) for column in dataset.widened().columns}
    united = copies[0].named_columns
    for copy in copies[1:]:
        columns = tuple(dict.fromkeys((*united, *copy.named_columns)))
        is_distinct = len({column.name.casefold() for column in columns}) == len(columns)
        if is_distinct and {(column.staged, column.stage) for column in columns} <= staged:
            united = columns
    places = {surrogate: place for place, surrogate in enumerate(copies[0].surrogates)}
    return tuple(sorted(united, key=lambda column: places[column.staged])) or copies[0].columns
