"""Load a computed answer into a new stage table on the target, on record before it is made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from dvt.core.errors import QueryFailed
from dvt.core.plan import Load
from dvt.core.ports.staging import Dataset
from dvt.core.reports import Moved, Notice
from dvt.federation.connections import Connection
from dvt.federation.stage_tables import drop, loader
from dvt.federation.tally import NodeTally
from dvt.runs.operations import Operation


@contextmanager
def loaded(
    load: Load,
    dataset: Dataset,
    connection: Connection,
    operation: Operation,
    tally: NodeTally,
) -> Iterator[None]:
    """The stage table, filled, for as long as the `with` lasts; publishing may take it away."""
    begun = time.monotonic()
    target = loader(connection, f"stage table {load.stage}")
    operation.will_make(load.stage)
    try:
        with connection.in_flight.loading():
            rows = target.fill(load, dataset)
        if rows != dataset.rows:
            raise QueryFailed(
                connection.name, f"loading {load.stage}", f"{rows} of {dataset.rows} rows arrived"
            )
        seconds = time.monotonic() - begun
        tally.moved(
            Moved(what="load", connection=connection.name, rows=rows, bytes=dataset.bytes, seconds=seconds)
        )
        if why := connection.connector.capabilities.loads_slowly:
            tally.notice(Notice("DVT024", f"connection {connection.name!r} loads slowly", why))
        yield
    finally:
        # What went wrong before, or what was published, counts more than a table that stays: it is on
        # record, and tried again when the run ends and by the next run.
        drop(load.stage, connection, operation)
