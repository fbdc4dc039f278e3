"""Spark as compute engine: staged Parquet in, staged Parquet out, one session per statement."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from dvt.core.errors import AnswerUntyped, Cancelled, SqlInvalid
from dvt.core.plan import Binding, Transform, TransformTable
from dvt.core.ports.engines import CollationFunctions, EngineContext, Value
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.queries import Sql
from dvt.core.tables import StageColumn
from dvt.drivers.duckdb.errors import as_dvt_errors
from dvt.drivers.duckdb.small import all_rows, distinct_values, first_row
from dvt.drivers.duckdb.staging import check, rows_by_footers
from dvt.engines.spark.answers import write_answer
from dvt.engines.spark.application import Application
from dvt.engines.spark.clock import with_time
from dvt.engines.spark.constants import value_of
from dvt.engines.spark.errors import failed, spark_errors, wrong_sql
from dvt.engines.spark.reach import Reach
from dvt.engines.spark.remote import Remote
from dvt.engines.spark.settings import SparkSettings
from dvt.engines.spark.tables import empty_tables, has_doubles, staged_tables
from dvt.engines.spark.translated import prepare
from dvt.engines.spark.types import WAY_OUT, quoted, refusal, spark_type, stage_type

_Answer = TypeVar("_Answer")


class SparkEngine:
    """Implements Engine by one Spark application for the run, which starts when it is first asked."""

    dialect: ClassVar[str] = "spark"
    settings: ClassVar[type[SparkSettings]] = SparkSettings
    collations: ClassVar[Mapping[str, CollationFunctions]] = {}

    def __init__(self, name: str, settings: SparkSettings, context: EngineContext) -> None:
        self.name = name
        self._settings = settings
        self._context = context
        self._reach = Reach(name, is_local=settings.remote is None and settings.at.is_local)
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._application: Application | Remote | None = None
        self._is_closed = False
        self._groups: dict[str, bool] = {}
        """Groups of jobs under way → whether they were cancelled."""

    def bind(self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str] = ()) -> Binding:
        """See Engine; `functions` are what a translated SELECT asks for, as there are no collations."""
        application = self._started("binding")
        with self._session("binding") as session:
            prepare(session, functions)
            session.conf.set("spark.sql.adaptive.enabled", "false")  # its plans hide what they read
            with empty_tables(session, tables) as names:
                text = names.rendered(sql)
                try:
                    schema = session.sql(text).schema
                    read = application.reads(session, self._with_time(text, tables), names)
                except spark_errors() as error:
                    raise wrong_sql(error) from error
        self._refuse_unheld(tables, read)
        return Binding(columns=tuple(_column(field) for field in schema.fields), reads=read)

    def narrowed(self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str]) -> Sequence[str]:
        """See Engine. What a translated SELECT asks for makes an error of a number with too many digits."""
        del sql, tables, functions
        return ()

    def run(self, transform: Transform, datasets: Mapping[str, Dataset], sink: Sink) -> Dataset:
        """See Engine."""
        self._check(transform, datasets)
        with self._session("computing") as session:
            self._open(session, datasets, sink)
            session.conf.set("spark.sql.session.timeZone", transform.time_zone)
            prepare(session, transform.functions)
            if has_doubles(datasets):
                session.conf.set("spark.sql.parquet.enableVectorizedReader", "false")
            with staged_tables(session, self._reach, transform.tables, datasets) as names:
                text = self._with_time(names.rendered(transform.sql), transform.tables, transform.time_zone)
                frame = session.sql(_as_columns(text, transform.columns))
                keys, told = write_answer(self._started("computing"), frame, sink, self._reach)
        return self._committed(transform.columns, sink, keys, told)

    def fetch(self, dataset: Dataset) -> tuple[Value, ...]:
        """See Engine."""
        return self._small("reading a prepared value", lambda cursor: first_row(cursor, dataset))

    def rows(self, dataset: Dataset) -> list[tuple[object, ...]]:
        """See Engine."""
        return self._small("reading an answer", lambda cursor: all_rows(cursor, dataset))

    def keys(self, dataset: Dataset, limit: int) -> tuple[Value, ...] | None:
        """See Engine."""
        return self._small("reading keys", lambda cursor: distinct_values(cursor, dataset, limit))

    def evaluate(self, expressions: Sequence[str], time_zone: str = "UTC") -> tuple[Value | None, ...]:
        """See Engine."""
        if not expressions:
            return ()
        with self._session("evaluating constants") as session:
            session.conf.set("spark.sql.session.timeZone", time_zone)
            return tuple(value_of(session, self._with_time(text, (), time_zone)) for text in expressions)

    def cancel(self) -> None:
        """See Engine."""
        with self._lock:
            application = self._application
            self._groups = dict.fromkeys(self._groups, True)
            groups = list(self._groups)
        if application is not None:
            for group in groups:
                application.cancel(group)

    def close(self) -> None:
        """See Engine."""
        self.cancel()
        with self._starting:
            self._is_closed = True
            if self._application is not None:
                self._application.close()
                self._application = None

    @contextmanager
    def _session(self, doing: str) -> Iterator[Any]:
        """Open a session whose jobs `cancel` knows of."""
        application = self._started(doing)
        group = f"dvt-{uuid.uuid4().hex}"
        with self._lock:
            self._groups[group] = False
        try:
            with application.session(group, doing) as session:
                yield session
        except spark_errors() as error:
            if self._groups[group]:
                raise Cancelled(doing) from error
            raise application.failure(error, group, doing) or failed(error, doing) from error
        finally:
            with self._lock:
                del self._groups[group]

    def _started(self, doing: str) -> Application | Remote:
        with self._starting:
            if self._is_closed:
                raise Cancelled(doing)
            if self._application is None:
                kind = Application if self._settings.remote is None else Remote
                self._application = kind(self.name, self._settings, self._context)
            return self._application

    def _with_time(self, sql: str, tables: Sequence[TransformTable], time_zone: str = "UTC") -> str:
        columns = [column.name for table in tables for column in table.columns]
        return with_time(sql, self._context.started_at, time_zone, columns)

    def _refuse_unheld(self, tables: Sequence[TransformTable], read: Sequence[frozenset[str] | None]) -> None:
        for table, surrogates in zip(tables, read, strict=True):
            for column in table.columns:
                if column.surrogate in (surrogates or ()) and spark_type(column.type) is None:
                    problem = refusal(f"{table.name}.{column.name}", column.type)
                    raise SqlInvalid(self.dialect, problem, hint=WAY_OUT)

    def _check(self, transform: Transform, datasets: Mapping[str, Dataset]) -> None:
        """Raise an error for files that lost rows, and for types of the answer that Spark cannot write."""
        for column in transform.columns:
            if spark_type(column.type) is None:
                raise AnswerUntyped(refusal(column.name, column.type), WAY_OUT)
        with self._cursor("computing") as cursor:
            for table in transform.tables:
                check(cursor, table.name, datasets[table.alias])

    def _open(self, session: Any, datasets: Mapping[str, Dataset], sink: Sink) -> None:
        """Let a session reach all buckets of a transform."""
        application = self._started("computing")
        buckets = [dataset.at.bucket for dataset in datasets.values()]
        self._reach.open(application, session, *buckets, sink.location.bucket)
        self._reach.check(application, session, sink)

    def _committed(
        self, columns: Sequence[StageColumn], sink: Sink, keys: Sequence[str], told: int | None
    ) -> Dataset:
        """Commit the files that Spark has written; `told` is the number of rows that Spark knows, if any."""
        written = Dataset(sink.location, tuple(keys), tuple(columns), 0, 0)
        with self._cursor("computing") as cursor:
            rows = rows_by_footers(cursor, written) if keys else 0
        if told not in (None, rows):
            raise self._reach.unseen(sink.location.bucket)
        return sink.commit(columns, rows, keys if rows else ())

    def _small(self, doing: str, read: Callable[[Any], _Answer]) -> _Answer:
        with self._cursor(doing) as cursor:
            return read(cursor)

    @contextmanager
    def _cursor(self, doing: str) -> Iterator[Any]:
        """Open a cursor of the run's DuckDB, which reads what is small sooner than Spark can."""
        cursor = self._context.duckdb.cursor()
        try:
            with as_dvt_errors(connection="the compute engine", doing=doing):
                yield cursor
        finally:
            cursor.close()


def _column(field: Any) -> StageColumn:
    type_ = stage_type(field.dataType)
    if type_ is None:
        problem = f"column {field.name} has the type {field.dataType.simpleString()}, which cannot be staged"
        raise AnswerUntyped(f"{problem}: cast it to another")
    if spark_type(type_) is None:
        raise AnswerUntyped(refusal(field.name, type_), "cast it, or its elements, to text")
    return StageColumn(field.name, type_)


def _as_columns(sql: str, columns: Sequence[StageColumn]) -> str:
    """Return `sql` with these names and types, by position, as they are written to files."""
    names = [f"c{index}" for index in range(len(columns))]
    values = []
    for name, column in zip(names, columns, strict=True):
        spark = spark_type(column.type)
        assert spark is not None  # noqa: S101  `_check` has refused it
        values.append(f"{spark.write.format(f'CAST({name} AS {spark.name})')} AS {quoted(column.name)}")
    return f"SELECT {', '.join(values)} FROM ({sql}\n) AS answer({', '.join(names)})"
