"""DuckDB as compute engine: staged Parquet in, staged Parquet out, one cursor per node."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import duckdb

from dvt.core.errors import SqlInvalid
from dvt.core.ports.connectors import Instance
from dvt.core.ports.engines import CollationFunctions, EngineContext, Value
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.tables import StageColumn
from dvt.core.types import StageType, UnknownType
from dvt.drivers.duckdb import COLLATIONS, MemoryInstance, define_functions
from dvt.drivers.duckdb.errors import as_dvt_errors, reason, with_message
from dvt.drivers.duckdb.sql import encoded, quoted
from dvt.drivers.duckdb.staging import check, scan, write
from dvt.engines.duckdb.settings import DuckDBSettings

_WRONG_SQL = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.NotImplementedException,
)
"""Kinds of errors that a model's SQL causes when it is bound."""


class DuckDBEngine:
    """Implements Engine: the default compute in the run's instance, any other in an instance of its own."""

    dialect: ClassVar[str] = "duckdb"
    settings: ClassVar[type[DuckDBSettings]] = DuckDBSettings
    collations: ClassVar[Mapping[str, CollationFunctions]] = COLLATIONS

    def __init__(self, name: str, settings: DuckDBSettings, context: EngineContext) -> None:
        self.name = name
        self._own = None if context.default else _instance(settings, context)
        self._instance: Instance = self._own or context.duckdb
        self._lock = threading.Lock()
        self._busy: set[Any] = set()

    def bind(
        self, sql: str, inputs: Mapping[str, Sequence[StageColumn]], functions: Sequence[str] = ()
    ) -> tuple[StageColumn, ...]:
        """See Engine."""
        with self._cursor("binding") as cursor:
            for name, columns in inputs.items():
                typed = ", ".join(f"{quoted(column.name)} {column.type}" for column in columns)
                cursor.execute(f"CREATE TEMP TABLE {quoted(name)} ({typed})")
            define_functions(cursor, functions)
            try:
                described = cursor.execute(f"DESCRIBE ({sql}\n)").fetchall()
            except _WRONG_SQL as error:
                raise SqlInvalid(self.dialect, reason(error)) from error
        return tuple(StageColumn(row[0], self._type(*row[:2])) for row in described)

    def _type(self, name: str, type_name: str) -> StageType:
        try:
            return StageType.parse(type_name)
        except UnknownType as error:
            problem = f"column {name} has the type {type_name}, which cannot be staged: cast it to another"
            raise SqlInvalid(self.dialect, problem) from error

    def run(
        self,
        sql: str,
        inputs: Mapping[str, Dataset],
        columns: Sequence[StageColumn],
        sink: Sink,
        functions: Sequence[str] = (),
    ) -> Dataset:
        """See Engine."""
        with self._cursor("computing") as cursor:
            for name, dataset in inputs.items():
                check(cursor, name, dataset)
                cursor.execute(f"CREATE TEMP VIEW {quoted(name)} AS {scan(dataset)}")
            define_functions(cursor, functions)
            return sink.commit(columns, write(cursor, _as_columns(sql, columns), sink))

    def fetch(self, dataset: Dataset) -> tuple[Value, ...]:
        """See Engine. A dataset without rows gives NULLs, as a scalar subquery does."""
        texts = ", ".join(f"CAST({quoted(column.name)} AS VARCHAR)" for column in dataset.columns)
        with self._cursor("reading a prepared value") as cursor:
            row = cursor.execute(f"SELECT {texts} FROM ({scan(dataset)}) LIMIT 1").fetchone()
        values = row or (None,) * len(dataset.columns)
        return tuple((column.type, value) for column, value in zip(dataset.columns, values, strict=True))

    def keys(self, dataset: Dataset, limit: int) -> tuple[Value, ...] | None:
        """See Engine."""
        (column,) = dataset.columns
        name = quoted(column.name)
        distinct = (
            f"SELECT DISTINCT CAST({name} AS VARCHAR) AS k FROM ({scan(dataset)}) WHERE {name} IS NOT NULL"
        )
        with self._cursor("reading keys") as cursor:
            rows = cursor.execute(f"SELECT k FROM ({distinct}) ORDER BY k LIMIT {limit + 1}").fetchall()
        return None if len(rows) > limit else tuple((column.type, row[0]) for row in rows)

    def evaluate(self, expressions: Sequence[str]) -> tuple[Value | None, ...]:
        """See Engine."""
        with self._cursor("evaluating constants") as cursor:
            return tuple(_value(cursor, expression) for expression in expressions)

    def cancel(self) -> None:
        """See Engine."""
        with self._lock:
            for cursor in self._busy:
                cursor.interrupt()

    def close(self) -> None:
        """See Engine."""
        self.cancel()
        if self._own is not None:
            self._own.close()

    @contextmanager
    def _cursor(self, doing: str) -> Iterator[Any]:
        """Open a cursor, which has temporary objects of its own and which `cancel` interrupts."""
        cursor = self._instance.cursor()
        with self._lock:
            self._busy.add(cursor)
        try:
            name = "the compute engine"
            with as_dvt_errors(connection=name, doing=doing), with_message(connection=name, doing=doing):
                yield cursor
        finally:
            with self._lock:
                self._busy.discard(cursor)
            cursor.close()


def _instance(settings: DuckDBSettings, context: EngineContext) -> MemoryInstance:
    limits = settings.duckdb
    return MemoryInstance(memory_limit=limits.memory, threads=limits.threads, spill=context.scratch)


def _value(cursor: Any, expression: str) -> Value | None:
    """Evaluate an expression; None if it fails."""
    query = f"SELECT typeof(v), CAST(v AS VARCHAR) FROM (SELECT ({expression}\n) AS v)"
    try:
        type_, text = cursor.execute(query).fetchone()
        return StageType.parse(type_), text
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, UnknownType):  # binding or running the whole SELECT reports the error
        return None


def _as_columns(sql: str, columns: Sequence[StageColumn]) -> str:
    """Return `sql` with these names and types, by position, encoded for Parquet; a name may be any text."""
    names = [f"c{index}" for index in range(len(columns))]
    typed = ", ".join(
        f"{encoded(f'CAST({name} AS {column.type})', column.type)} AS {quoted(column.name)}"
        for name, column in zip(names, columns, strict=True)
    )
    return f"SELECT {typed} FROM ({sql}\n) AS answer({', '.join(names)})"
