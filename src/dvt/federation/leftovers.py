"""Removal of what dead runs left: staged data at once, stage tables when a node uses their output."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from dvt.core.errors import DvtError
from dvt.core.names import STAGE_PREFIX, TableRef
from dvt.core.ports.staging import Bucket
from dvt.core.reports import Notice
from dvt.federation.connections import Connection
from dvt.federation.stage_tables import drop
from dvt.runs.operations import Operation
from dvt.staging.shared import remove_run
from dvt.staging.state import States


class Leftovers:
    """The records of dead runs whose stage tables may still be there. Thread-safe."""

    def __init__(
        self,
        dead: Sequence[Operation],
        bucket_at: Callable[[str], Bucket | None],
        notice: Callable[[Notice], None],
    ) -> None:
        """Remove what dead runs left in buckets and on this machine.

        `bucket_at` returns the bucket of an address, None if this project has none there: data in such
        buckets stays, and with it the record.
        """
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
        """Release the records: those of swept runs are removed, the others stay for a later run."""
        with self._lock:
            for operation in self._dead:
                operation.close()
            self._dead.clear()


def _empty_bucket(bucket: Bucket | None, operation: Operation) -> str:
    """Remove what a dead run staged in a bucket; return why that failed, else an empty text."""
    if bucket is None:
        return "this project does not use that bucket"
    try:
        kept = {state.dataset for state in States(bucket).all()}
        remove_run(bucket, operation.run, kept)
    except DvtError as error:
        return error.message
    operation.is_done_with(bucket.address)
    return ""


def _sweep(
    table: TableRef, connection: Connection, operation: Operation, notice: Callable[[Notice], None]
) -> None:
    error = drop(table, connection, operation)
    if error is not None:
        message = f"stage table {table} of a run that died could not be dropped: {error.message}"
        notice(Notice("DVT023", message, "the next run tries again; or drop it by hand"))
