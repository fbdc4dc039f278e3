"""Removal of what dead runs left: staged data at once, stage tables when a node uses their output."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from dvt.core.errors import DvtError
from dvt.core.keeping import Keeping
from dvt.core.names import STAGE_PREFIX, TableRef
from dvt.core.ports.staging import Bucket
from dvt.core.reports import Notice
from dvt.federation.connections import Connection
from dvt.federation.stage_tables import drop
from dvt.runs.operations import Operation
from dvt.staging.earlier_runs import end_dead_run


class Leftovers:
    """The records of dead runs whose stage tables may still be there. Thread-safe."""

    def __init__(
        self,
        dead: Sequence[Operation],
        bucket_at: Callable[[str], tuple[Bucket, Keeping] | None],
        notice: Callable[[Notice], None],
    ) -> None:
        """Remove what dead runs left in buckets and on this machine.

        `bucket_at` returns the bucket of an address, and how long data stays in it, None if this project has
        none there: data in such buckets stays, and with it the record. So does what a later run may take.
        """
        self._bucket_at = bucket_at
        self._dead: list[Operation] = []
        self._lock = threading.Lock()
        self._tried: set[str] = set()
        for operation in dead:
            operation.remove_folders()
            for address in operation.buckets:
                problem = _empty_bucket(bucket_at(address), operation)
                if problem:
                    message = f"staged data of a run that died stays in {address}: {problem}"
                    hint = f"remove {operation.run}/ there and .dvt/operations/{operation.run}.* by hand"
                    notice(Notice("DVT023", message, hint))
            if operation.stage_tables or operation.buckets:
                self._dead.append(operation)
            else:
                operation.close()

    def sweep(self, connection: Connection, notice: Callable[[Notice], None]) -> None:
        """Drop what dead runs left on this output, once per run; a failure is a warning, not an error."""
        with self._lock:
            if connection.name in self._tried:
                return
            self._tried.add(connection.name)
            for operation in self._dead:
                for table in operation.stage_tables:
                    if table.connection == connection.name and table.identifier.startswith(STAGE_PREFIX):
                        _sweep(table, connection, operation, notice)

    def close(self) -> None:
        """Release the records: those of swept runs are removed, the others stay for a later run.

        What they have staged this run may have removed after it had taken it.
        """
        with self._lock:
            for operation in self._dead:
                for address in operation.buckets:
                    if _is_empty(self._bucket_at(address), operation):
                        operation.is_done_with(address)
                operation.close()
            self._dead.clear()


def _empty_bucket(place: tuple[Bucket, Keeping] | None, operation: Operation) -> str:
    """Remove what a dead run staged in a bucket, but for what later ones may take.

    Returns:
        Why that failed, else an empty text.
    """
    if place is None:
        return "this project does not use that bucket"
    try:
        is_done = end_dead_run(*place, operation.run)
    except DvtError as error:
        return error.message
    if is_done:
        operation.is_done_with(place[0].address)
    return ""


def _is_empty(place: tuple[Bucket, Keeping] | None, operation: Operation) -> bool:
    """True if nothing is left of what a dead run has staged in a bucket."""
    try:
        return place is not None and not list(place[0].list(operation.run))
    except DvtError:
        return False


def _sweep(
    table: TableRef, connection: Connection, operation: Operation, notice: Callable[[Notice], None]
) -> None:
    error = drop(table, connection, operation)
    if error is not None:
        message = f"stage table {table} of a run that died could not be dropped: {error.message}"
        notice(Notice("DVT023", message, "the next run tries again; or drop it by hand"))
