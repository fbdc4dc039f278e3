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
from dvt.core.plan import Binding, Transform, TransformTable
from dvt.core.ports.engines import CollationFunctions, EngineContext, EngineSettings, Value
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.queries import Sql, rendered
from dvt.core.surrogates import DELETED_FILE, DELETED_ROW
from dvt.core.tables import StageColumn
from dvt.testing.toy_types import TYPES, UntypedOutput, as_text, from_sqlite, output_types, to_sqlite

_NAME = "the toy engine"
_SCHEMA = "dvt_"
"""Prefix of the attached databases, each of which holds one table: SQLite attaches ten."""


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
        self._today = f"{context.started_at:%Y-%m-%d}"
        self._lock = threading.Lock()
        self._busy: set[sqlite3.Connection] = set()

    def bind(
        self,
        sql: Sql,
        tables: Sequence[TransformTable],
        functions: Sequence[str] = (),  # noqa: ARG002  it has no collations
    ) -> Binding:
        """See Engine."""
        text = rendered(sql, _names(tables))
        reads: list[set[str]] = [set() for _ in tables]

        def note(action: int, table: str | None, column: str | None, schema: str | None, _: object) -> int:
            if action == sqlite3.SQLITE_READ and table is not None and column:
                number = int(str(schema).removeprefix(_SCHEMA))
                reads[number] |= {c.surrogate for c in tables[number].columns if c.name == column}
            return sqlite3.SQLITE_OK

        with self._database("binding") as database:
            for number, table in enumerate(tables):
                self._create(database, number, table)
            try:
                # All of SQLite's own complaints first: they are in its words.
                database.set_authorizer(note)
                names = [column[0] for column in database.execute(text).description]
                for table, read in zip(tables, reads, strict=True):
                    self._known([StageColumn(c.name, c.type) for c in table.columns if c.surrogate in read])
                types = output_types(text, {f"{_SCHEMA}{n}": table for n, table in enumerate(tables)})
            except (sqlite3.DatabaseError, sqlite3.Warning, UntypedOutput) as error:
                _raise_cancelled(error, "binding")
                raise SqlInvalid(self.dialect, str(error)) from error
        columns = tuple(StageColumn(name, type_) for name, type_ in zip(names, types, strict=True))
        return Binding(columns=columns, reads=tuple(frozenset(read) for read in reads))

    def narrowed(self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str]) -> Sequence[str]:
        """See Engine. SQLite has no types to convert to."""
        del sql, tables, functions
        return ()

    def run(self, transform: Transform, datasets: Mapping[str, Dataset], sink: Sink) -> Dataset:
        """See Engine."""
        columns = transform.columns
        with self._database("computing") as database:
            for number, table in enumerate(transform.tables):
                self._create(database, number, table)
                self._insert(database, number, table, datasets[table.alias])
            rows = _query(database, rendered(transform.sql, _names(transform.tables)), "computing")
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

    def rows(self, dataset: Dataset) -> list[tuple[object, ...]]:
        """See Engine."""
        columns = zip(*self._rows("rows", dataset), strict=True)
        values = [
            from_sqlite(column, list(of)).to_pylist()
            for column, of in zip(dataset.columns, columns, strict=False)
        ]
        return list(zip(*values, strict=True))

    def keys(self, dataset: Dataset, limit: int) -> tuple[Value, ...] | None:
        """See Engine."""
        (column,) = dataset.columns
        values = {row[0] for row in self._rows("keys", dataset)} - {None}
        if len(values) > limit:
            return None
        return tuple((column.type, as_text(column.type, value)) for value in sorted(values))

    def evaluate(self, expressions: Sequence[str], time_zone: str = "UTC") -> tuple[Value | None, ...]:
        """See Engine. It has no type with a time zone."""
        _ = time_zone
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
            (column,) = self.bind(sql, ()).columns
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
        database.create_function("current_date", 0, lambda: self._today)
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

    def _create(self, database: sqlite3.Connection, number: int, table: TransformTable) -> None:
        # A column of another type may be there, as long as the SELECT does not read it.
        affinities = {
            column.name: TYPES[column.type].affinity for column in table.columns if column.type in TYPES
        }
        typed = ", ".join(
            f"{_quoted(column.name)} {affinities.get(column.name, 'BLOB')}" for column in table.columns
        )
        database.execute(f"ATTACH ':memory:' AS {_SCHEMA}{number}")
        database.execute(f"CREATE TABLE {_SCHEMA}{number}.{_quoted(table.name)} ({typed})")

    def _insert(
        self, database: sqlite3.Connection, number: int, table: TransformTable, dataset: Dataset
    ) -> None:
        shown = {column.surrogate: _quoted(column.name) for column in table.columns}
        columns = ", ".join(shown[column.name] for column in dataset.columns)
        places = ", ".join("?" * len(dataset.columns))
        insert = f"INSERT INTO {_SCHEMA}{number}.{_quoted(table.name)} ({columns}) VALUES ({places})"
        database.executemany(insert, self._rows(table.name, dataset))

    def _rows(self, name: str, dataset: Dataset) -> list[tuple[Any, ...]]:
        """All of a dataset, as values of SQLite."""
        self._known(dataset.columns)
        rows: list[tuple[Any, ...]] = []
        deleted = _deleted(name, dataset)
        for file, key in enumerate(dataset.keys):
            read = _read(name, dataset, key, [column.name for column in dataset.columns])
            rows += [row for place, row in enumerate(read) if (file, place) not in deleted]
        if len(rows) != dataset.rows:
            raise StagingDamaged(f"table {name}", dataset.rows, len(rows))
        return rows

    def _known(self, columns: Sequence[StageColumn]) -> None:
        for column in columns:
            if column.type not in TYPES:
                problem = f"column {column.name} has the type {column.type}, which {_NAME} does not hold"
                raise SqlInvalid(self.dialect, problem, hint=f"it holds {', '.join(map(str, TYPES))}")


def _deleted(name: str, dataset: Dataset) -> set[tuple[Any, ...]]:
    """The positions of a dataset's deleted rows."""
    if not dataset.deletes:
        return set()
    return set(_read(name, dataset, dataset.deletes, [DELETED_FILE, DELETED_ROW]))


def _read(name: str, dataset: Dataset, key: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    try:
        with dataset.at.bucket.get(key) as data:
            table = pq.read_table(pa.BufferReader(data.read()))
    except (FileNotFoundError, pa.ArrowException) as error:
        raise StagingDamaged(f"table {name}", dataset.rows, 0) from error
    values = [table.column(column).to_pylist() for column in columns]
    return [tuple(map(to_sqlite, row)) for row in zip(*values, strict=True)]


def _query(database: sqlite3.Connection, sql: str, doing: str) -> list[tuple[Any, ...]]:
    try:
        return database.execute(sql).fetchall()
    except sqlite3.Error as error:
        _raise_cancelled(error, doing)
        raise QueryFailed(_NAME, doing, str(error)) from error


def _raise_cancelled(error: Exception, doing: str) -> None:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
        raise Cancelled(doing) from error


def _names(tables: Sequence[TransformTable]) -> list[str]:
    return [f"{_SCHEMA}{number}.{_quoted(table.name)}" for number, table in enumerate(tables)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
