"""A compute engine to test with: the smallest that keeps the promises, for small data alone."""

from __future__ import annotations

import io
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from dvt.core.errors import Cancelled, DvtError, QueryFailed, SqlInvalid, StagingDamaged
from dvt.core.ports.engines import CollationFunctions, EngineContext, EngineSettings, Value
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.tables import StageColumn
from dvt.testing.toy_types import TYPES, UntypedOutput, as_text, from_sqlite, output_types, to_sqlite

_NAME = "the toy engine"


class ToyEngine:
    """Implements Engine by SQLite in memory: every row passes through Python, so it is for tests alone.

    It holds the types of `TYPES` and refuses all others. It reads and writes Parquet by the bucket's
    streams, so any bucket will do.
    """

    dialect: ClassVar[str] = "sqlite"
    settings: ClassVar[type[EngineSettings]] = EngineSettings
    collations: ClassVar[Mapping[str, CollationFunctions]] = {}

    def __init__(self, name: str, settings: EngineSettings, context: EngineContext) -> None:  # noqa: ARG002
        self.name = name
        self._lock = threading.Lock()
        self._busy: set[sqlite3.Connection] = set()

    def bind(
        self,
        sql: str,
        inputs: Mapping[str, Sequence[StageColumn]],
        functions: Sequence[str] = (),  # noqa: ARG002  it has no collations
    ) -> tuple[StageColumn, ...]:
        """See Engine."""
        with self._database("binding") as database:
            for name, columns in inputs.items():
                self._create(database, name, columns)
            try:
                # All of SQLite's own complaints first: they are in its words.
                names = [column[0] for column in database.execute(sql).description]
                types = output_types(sql, inputs)
            except (sqlite3.DatabaseError, sqlite3.Warning, UntypedOutput) as error:
                _raise_cancelled(error, "binding")
                raise SqlInvalid(self.dialect, str(error)) from error
        return tuple(StageColumn(name, type_) for name, type_ in zip(names, types, strict=True))

    def run(
        self,
        sql: str,
        inputs: Mapping[str, Dataset],
        columns: Sequence[StageColumn],
        sink: Sink,
        functions: Sequence[str] = (),  # noqa: ARG002
    ) -> Dataset:
        """See Engine."""
        with self._database("computing") as database:
            for name, dataset in inputs.items():
                self._create(database, name, dataset.columns)
                self._insert(database, name, dataset)
            rows = _query(database, sql, "computing")
        self._known(columns)
        if rows:
            values = zip(*rows, strict=True)
            arrays = [from_sqlite(column, list(of)) for column, of in zip(columns, values, strict=True)]
            schema = pa.schema([(column.name, TYPES[column.type].arrow) for column in columns])
            file = io.BytesIO()
            pq.write_table(pa.Table.from_arrays(arrays, schema=schema), file)
            file.seek(0)
            sink.location.bucket.put(sink.part(), file)
        return sink.commit(columns, len(rows))

    def fetch(self, dataset: Dataset) -> tuple[Value, ...]:
        """See Engine. No row at all is a row of NULLs, as for a scalar subquery."""
        rows = self._rows("fetch", dataset)
        row = rows[0] if rows else (None,) * len(dataset.columns)
        return tuple(
            (column.type, as_text(column.type, value))
            for column, value in zip(dataset.columns, row, strict=True)
        )

    def keys(self, dataset: Dataset, limit: int) -> tuple[Value, ...] | None:
        """See Engine."""
        (column,) = dataset.columns
        values = {row[0] for row in self._rows("keys", dataset)} - {None}
        if len(values) > limit:
            return None
        return tuple((column.type, as_text(column.type, value)) for value in sorted(values))

    def evaluate(self, expressions: Sequence[str]) -> tuple[Value | None, ...]:
        """See Engine."""
        return tuple(self._evaluated(expression) for expression in expressions)

    def cancel(self) -> None:
        """See Engine."""
        with self._lock:
            for database in self._busy:
                database.interrupt()

    def close(self) -> None:
        """See Engine. There is nothing between two calls."""
        self.cancel()

    def _evaluated(self, expression: str) -> Value | None:
        sql = f"SELECT ({expression}\n) AS v"
        try:
            (column,) = self.bind(sql, {})
            with self._database("evaluating constants") as database:
                ((value,),) = _query(database, sql, "evaluating constants")
            (held,) = from_sqlite(column, [value]).to_pylist()
        except Cancelled:
            raise
        except DvtError:  # what it means is told when the whole SELECT is bound or run
            return None
        return column.type, as_text(column.type, to_sqlite(held))

    @contextmanager
    def _database(self, doing: str) -> Iterator[sqlite3.Connection]:
        """An empty database that `cancel` knows of."""
        database = sqlite3.connect(":memory:", check_same_thread=False)
        with self._lock:
            self._busy.add(database)
        try:
            yield database
        except sqlite3.Error as error:
            _raise_cancelled(error, doing)
            raise QueryFailed(_NAME, doing, str(error)) from error
        finally:
            with self._lock:
                self._busy.discard(database)
            database.close()

    def _create(self, database: sqlite3.Connection, name: str, columns: Sequence[StageColumn]) -> None:
        self._known(columns)
        typed = ", ".join(f"{_quoted(column.name)} {TYPES[column.type].affinity}" for column in columns)
        database.execute(f"CREATE TABLE {_quoted(name)} ({typed})")

    def _insert(self, database: sqlite3.Connection, name: str, dataset: Dataset) -> None:
        places = ", ".join("?" * len(dataset.columns))
        database.executemany(f"INSERT INTO {_quoted(name)} VALUES ({places})", self._rows(name, dataset))

    def _rows(self, name: str, dataset: Dataset) -> list[tuple[Any, ...]]:
        """All of a dataset, as values of SQLite."""
        self._known(dataset.columns)
        rows: list[tuple[Any, ...]] = []
        for key in dataset.keys:
            rows += _read(name, dataset, key)
        if len(rows) != dataset.rows:
            raise StagingDamaged(f"table {name}", dataset.rows, len(rows))
        return rows

    def _known(self, columns: Sequence[StageColumn]) -> None:
        for column in columns:
            if column.type not in TYPES:
                problem = f"column {column.name} has the type {column.type}, which {_NAME} does not hold"
                raise SqlInvalid(self.dialect, problem, hint=f"it holds {', '.join(map(str, TYPES))}")


def _read(name: str, dataset: Dataset, key: str) -> list[tuple[Any, ...]]:
    try:
        with dataset.at.bucket.get(key) as data:
            table = pq.read_table(pa.BufferReader(data.read()))
    except (FileNotFoundError, pa.ArrowException) as error:
        raise StagingDamaged(f"table {name}", dataset.rows, 0) from error
    columns = [table.column(column.name).to_pylist() for column in dataset.columns]
    return [tuple(map(to_sqlite, row)) for row in zip(*columns, strict=True)]


def _query(database: sqlite3.Connection, sql: str, doing: str) -> list[tuple[Any, ...]]:
    try:
        return database.execute(sql).fetchall()
    except sqlite3.Error as error:
        _raise_cancelled(error, doing)
        raise QueryFailed(_NAME, doing, str(error)) from error


def _raise_cancelled(error: Exception, doing: str) -> None:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
        raise Cancelled(doing) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
