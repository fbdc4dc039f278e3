"""DuckDB as compute engine: staged Parquet in, staged Parquet out, one cursor per node."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import duckdb

from dvt.core.errors import AnswerUntyped, Cancelled, DvtError, QueryFailed, SqlInvalid, ValueLost
from dvt.core.plan import Binding, Transform, TransformTable
from dvt.core.ports.connectors import Instance
from dvt.core.ports.engines import CollationFunctions, EngineContext, Value
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.queries import Sql
from dvt.core.tables import StageColumn
from dvt.core.types import StageType, UnknownType
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.collations import COLLATIONS, define_functions
from dvt.drivers.duckdb.errors import VALUE_HINT, as_dvt_errors, line_of, sentence, translate
from dvt.drivers.duckdb.small import all_rows, distinct_values, first_row
from dvt.drivers.duckdb.sql import encoded, quoted, set_time_zone
from dvt.drivers.duckdb.staging import write
from dvt.engines.duckdb.binder import Binder, UntypedOutput
from dvt.engines.duckdb.clock import Clock
from dvt.engines.duckdb.settings import DuckDBSettings
from dvt.engines.duckdb.tables import TableNames, define_staged, without_names

_WRONG_SQL = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.InvalidInputException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.NotImplementedException,
)
"""Kinds of errors that a model's SQL causes when it is bound."""
_THREADS_OF_TRANSFORM = 2
"""Number of the instance's threads for each transform that may run at the same time: a transform uses all of
them, so more at once take memory and no less time."""
_POLL_SECONDS = 0.2
"""Seconds between two looks at whether the run is cancelled, while a transform waits for its turn."""
_MODEL_HINT = "leave such rows out in the model, or convert their values by TRY_CAST"


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
        self._clock = Clock(context.started_at)
        self._opened_binder: Binder | None = None
        self._cancelled = threading.Event()
        self._turns = threading.Semaphore(max(1, _threads(self._instance) // _THREADS_OF_TRANSFORM))

    def bind(self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str] = ()) -> Binding:
        """See Engine."""
        with as_dvt_errors(connection="the compute engine", doing="binding"):
            try:
                return self._binder().bind(sql, tables, functions)
            except UntypedOutput as error:
                raise AnswerUntyped(str(error)) from error
            except _WRONG_SQL as error:
                is_known = not isinstance(error, duckdb.CatalogException)
                problem = without_names(sentence(error))
                raise SqlInvalid(self.dialect, problem, line_of(error), is_known=is_known) from error

    def narrowed(self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str]) -> Sequence[str]:
        """See Engine."""
        with as_dvt_errors(connection="the compute engine", doing="binding"):
            return self._binder().narrowed(sql, tables, functions)

    def run(self, transform: Transform, datasets: Mapping[str, Dataset], sink: Sink) -> Dataset:
        """See Engine."""
        names = TableNames.new(transform.tables)
        with self._turn(), self._cursor("computing") as cursor:
            set_time_zone(cursor, transform.time_zone)
            cursor.execute("BEGIN")  # closing the cursor takes back what is made here
            define_staged(cursor, names, datasets)
            self._clock.define(cursor)
            define_functions(cursor, transform.functions)
            select = _as_columns(names.rendered(transform.sql), transform.columns)
            return sink.commit(transform.columns, write(cursor, select, sink, transform.columns))

    def fetch(self, dataset: Dataset) -> tuple[Value, ...]:
        """See Engine. A dataset without rows gives NULLs, as a scalar subquery does."""
        with self._cursor("reading a prepared value") as cursor:
            return first_row(cursor, dataset)

    def rows(self, dataset: Dataset) -> list[tuple[object, ...]]:
        """See Engine."""
        with self._cursor("reading an answer") as cursor:
            return all_rows(cursor, dataset)

    def keys(self, dataset: Dataset, limit: int) -> tuple[Value, ...] | None:
        """See Engine."""
        with self._cursor("reading keys") as cursor:
            return distinct_values(cursor, dataset, limit)

    def evaluate(self, expressions: Sequence[str], time_zone: str = "UTC") -> tuple[Value | None, ...]:
        """See Engine."""
        with self._cursor("evaluating constants") as cursor:
            set_time_zone(cursor, time_zone)
            return tuple(_value(cursor, expression) for expression in expressions)

    def cancel(self) -> None:
        """See Engine."""
        self._cancelled.set()
        with self._lock:
            for cursor in self._busy:
                cursor.interrupt()

    def close(self) -> None:
        """See Engine."""
        self.cancel()
        if self._opened_binder is not None:
            self._opened_binder.close()
        if self._own is not None:
            self._own.close()

    def _binder(self) -> Binder:
        with self._lock:
            if self._opened_binder is None:
                self._opened_binder = Binder(self._clock)
            return self._opened_binder

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until a transform may run; Cancelled if the run is cancelled before."""
        while not self._turns.acquire(timeout=_POLL_SECONDS):
            if self._cancelled.is_set():
                raise Cancelled("waiting to compute")
        try:
            yield
        finally:
            self._turns.release()

    @contextmanager
    def _cursor(self, doing: str) -> Iterator[Any]:
        """Open a cursor, which has temporary objects of its own and which `cancel` interrupts."""
        cursor = self._instance.cursor()
        with self._lock:
            self._busy.add(cursor)
        try:
            yield cursor
        except (duckdb.Error, MemoryError, OSError) as error:
            raise _failure(error, doing) from error
        finally:
            with self._lock:
                self._busy.discard(cursor)
            cursor.close()


def _failure(error: BaseException, doing: str) -> DvtError:
    """Return dvt's error for DuckDB's, with its message: no credentials are in the engine's SQL."""
    failure = translate(error, connection="the compute engine", doing=doing, where="the model's SQL")
    if isinstance(failure, ValueLost) and failure.hint == VALUE_HINT:
        failure = ValueLost(failure.where, failure.problem, _MODEL_HINT)
    elif isinstance(failure, QueryFailed):
        failure = QueryFailed("the compute engine", doing, without_names(sentence(error)))
    failure.sql_line = line_of(error)
    return failure


def _instance(settings: DuckDBSettings, context: EngineContext) -> MemoryInstance:
    limits = settings.duckdb
    return MemoryInstance(memory_limit=limits.memory, threads=limits.threads, spill=context.scratch)


def _threads(instance: Instance) -> int:
    cursor = instance.cursor()
    try:
        return int(cursor.execute("SELECT current_setting('threads')").fetchone()[0])
    finally:
        cursor.close()


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
