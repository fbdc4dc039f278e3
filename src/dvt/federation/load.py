"""Load a computed answer into a new stage table on the target, which is recorded before it is created."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from dvt.core.errors import QueryFailed, RowRefused, ValueLost
from dvt.core.plan import Load
from dvt.core.ports.staging import Dataset
from dvt.core.ports.transfers import HasRoutes
from dvt.core.reports import Moved, Notice
from dvt.federation.connections import Connection
from dvt.federation.metrics import NodeMetrics
from dvt.federation.notices import fallback
from dvt.federation.stage_tables import drop, loader
from dvt.runs.operations import Operation


@contextmanager
def _named(load: Load, copied: str) -> Iterator[None]:
    """Raise errors with the model's column or the copied table: nobody knows the stage table."""
    stage = str(load.stage)
    try:
        yield
    except ValueLost as error:
        if stage not in error.where:
            raise
        raise ValueLost(_place(error.where, stage, copied), error.problem, error.hint) from error.__cause__
    except RowRefused as error:
        if stage not in error.where:
            raise
        raise RowRefused(_place(error.where, stage, copied), error.problem) from error.__cause__
    except QueryFailed as error:
        if stage not in error.doing:
            raise
        doing = error.doing.replace(stage, copied or "the model's stage table")
        raise QueryFailed(error.connection, doing, error.reason, error.hint) from error.__cause__


def _place(where: str, stage: str, copied: str) -> str:
    """Return a place in the stage table as one of the model's or of the copy: `output column x`."""
    if copied:
        return where.replace(stage, copied)
    inside = where.replace(stage, "").removeprefix(", ")
    return f"output {inside}" if inside else "the model's rows"


def fill(
    load: Load,
    dataset: Dataset,
    connection: Connection,
    operation: Operation,
    metrics: NodeMetrics,
    *,
    copied: str = "",
) -> None:
    """Create the table and fill it with a dataset's rows; after an error the caller drops it.

    `copied` names what the table is a copy of, for errors; empty: it is the answer of the model.
    """
    started = time.monotonic()
    target = loader(connection, f"stage table {load.stage}")
    operation.will_make(load.stage)
    with connection.in_flight.loading(), _named(load, copied):
        rows = target.fill(load, dataset)
    if rows != dataset.rows:
        raise QueryFailed(connection.name, f"loading {load.stage}", f"{rows} of {dataset.rows} rows arrived")
    seconds = time.monotonic() - started
    metrics.moved(
        Moved(what="load", connection=connection.name, rows=rows, bytes=dataset.bytes, seconds=seconds)
    )
    connector = connection.connector
    if isinstance(connector, HasRoutes):
        for notice in fallback(connector.warehouse, connector.load_route(rows, dataset.bytes, load.bucket)):
            metrics.notice(notice)
    if why := connection.connector.capabilities.loads_slowly:
        metrics.notice(Notice("DVT024", f"connection {connection.name!r} loads slowly", why))


@contextmanager
def loaded(
    load: Load, dataset: Dataset, connection: Connection, operation: Operation, metrics: NodeMetrics
) -> Iterator[None]:
    """Fill the stage table, and drop it when the `with` ends if publishing has not renamed it."""
    try:
        fill(load, dataset, connection, operation, metrics)
        yield
    finally:
        # An error of `drop` is not raised: it would hide an earlier one, or undo a publication. The table is
        # on record, and is dropped when the run ends, or by the next run.
        drop(load.stage, connection, operation)
