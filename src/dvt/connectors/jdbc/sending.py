"""Sends a dataset's rows into a table: as the parameters of a prepared INSERT, or as literals of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from dvt.connectors.jdbc.server import Server
from dvt.core.errors import Cancelled, DvtError
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.staging import Dataset
from dvt.drivers.duckdb.running import Batch
from dvt.drivers.duckdb.sql import quoted as duckdb_quoted
from dvt.drivers.duckdb.staging import scan
from dvt.drivers.jdbc import Insertion, Session, Stoppable
from dvt.drivers.jdbc.loads import JsonRows, LoadType
from dvt.drivers.jdbc.statements import inserts

_BATCH = 2048
"""Number of rows that DuckDB gives at once: its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """The rows of one dataset on their way into one table."""

    server: Server
    session: Session
    batch: Batch
    load: Load
    dataset: Dataset
    table: str
    """Its name in SQL."""
    names: Sequence[str]
    """Names of its columns, in the order of the load's."""
    types: Sequence[LoadType]
    """How the values of these columns are sent."""

    @property
    def doing(self) -> str:
        """What is done, for errors."""
        return f"filling {self.load.stage}"

    def by_parameters(self, cursor: Any) -> None:
        """Send the rows as parameters of one INSERT, in batches."""
        sql = f"{self._head} VALUES ({', '.join(type_.of('?') for type_ in self.types)})"
        carried = (
            f"CAST({sent} AS {type_.carried}) AS c{place}"
            for place, (sent, type_) in enumerate(zip(self._sent(), self.types, strict=True))
        )
        reader = self._reader(cursor, ", ".join(carried))
        kinds = [type_.carrier for type_ in self.types]
        with (
            Insertion(self.session, sql, kinds, self.doing) as insertion,
            self.server.running.query(self.batch, insertion.stop, self.doing),
        ):
            insertion.insert(self._all(reader))

    def by_json(self, cursor: Any, json: JsonRows) -> None:
        """Send the rows as literals of statements."""
        head, tail = json.insert(self._head, self.types)
        reader = self._reader(cursor, json.row(self._sent()))
        for statement in self._all(inserts(reader, head, tail, json.longest)):
            self._run(statement)

    def _run(self, statement: str) -> None:
        """Run a statement; it is stopped with the load, however long it takes."""
        request = Stoppable(self.session, self.session.updating(statement), self.doing)
        try:
            with self.server.running.query(self.batch, request.stop, self.doing):
                request.number()
        finally:
            request.end()

    @property
    def _head(self) -> str:
        quoted = self.session.facts.quoted
        return f"INSERT INTO {self.table} ({', '.join(quoted(name) for name in self.names)})"

    def _sent(self) -> list[str]:
        """Return DuckDB's SQL of what is sent for each column."""
        return [
            type_.checked(_value(column), f"{self.load.stage}, column {column.name}")
            for column, type_ in zip(self.load.columns, self.types, strict=True)
        ]

    def _reader(self, cursor: Any, values: str) -> Any:
        return cursor.execute(f"SELECT {values} FROM ({scan(self.dataset)})").to_arrow_reader(_BATCH)

    def _all(self, parts: Any) -> Iterator[Any]:
        """Yield all parts of what DuckDB computes; raise Cancelled once the load is stopped."""
        iterator = iter(parts)
        while True:
            try:
                part = next(iterator, None)
            except (duckdb.Error, OSError) as error:  # pyarrow has its own error for an interrupted query
                if self.batch.stopped and not isinstance(error, DvtError):
                    raise Cancelled(self.doing) from error
                raise
            if self.batch.stopped:
                raise Cancelled(self.doing)
            if part is None:
                return
            yield part


def _value(column: LoadColumn) -> str:
    return f"CAST({duckdb_quoted(column.staged)} AS {column.stage})"
