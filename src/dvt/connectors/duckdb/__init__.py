"""DuckDB files and databases in memory, as dbt-duckdb has them: read and filled through its own handle."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from dvt.connectors.duckdb import opening
from dvt.connectors.duckdb.answers import answer_rules, describe_answer, own_functions, own_settings
from dvt.connectors.duckdb.collations import with_collations
from dvt.core.errors import BadOutput, QueryFailed, TableNotFound
from dvt.core.estimates import Estimate, of_rows
from dvt.core.names import TableRef
from dvt.core.plan import Load, LoadColumn
from dvt.core.ports.connectors import (
    AnswerRules,
    Capabilities,
    ConnectorContext,
    DescribedAnswer,
    Job,
    ServerFacts,
    Snapshot,
)
from dvt.core.ports.staging import Dataset
from dvt.core.queries import SourceQuery, Sql, rendered
from dvt.core.tables import Column, StageColumn, Table
from dvt.drivers.duckdb import FILES, as_dvt_errors
from dvt.drivers.duckdb.errors import with_message
from dvt.drivers.duckdb.files import OtherConfiguration
from dvt.drivers.duckdb.plans import expected_rows, explained
from dvt.drivers.duckdb.running import RunningQueries
from dvt.drivers.duckdb.sql import literal, quoted
from dvt.drivers.duckdb.staging import scan, stage, stage_all
from dvt.drivers.duckdb.types import described
from dvt.drivers.stamps import stamps

_NAMES = (
    "SELECT schema_name, table_name FROM duckdb_tables() "
    "UNION SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
)
"""SQL: schemas and names of tables and views, for 'did you mean'."""


class DuckDBConnector:
    """Implements Connector, CanAnswer, CanCompute, CanEstimate, HasOwnRules, HasTimeZone and CanLoad."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        snapshot=True, told_by="sizes and times of the file and of its log"
    )

    def __init__(self, name: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        self._output = opening.parse(name, settings, context.project_dir)
        self._running = RunningQueries()

    def describe(self, tables: Sequence[TableRef]) -> Mapping[TableRef, Table]:
        """See Connector."""
        with self._cursor("looking at tables") as cursor:
            return {ref: self._table(cursor, ref) for ref in tables}

    def estimate(self, queries: Sequence[SourceQuery]) -> Sequence[Estimate | None]:
        """See CanEstimate."""
        with self._cursor("estimating") as cursor:
            return [_estimate(cursor, query) for query in queries]

    def time_zone(self) -> str:
        """See HasTimeZone."""
        return opening.time_zone(self._output)

    def own_settings(self) -> Sequence[str]:
        """See HasOwnRules."""
        return own_settings(self._output)

    def own_functions(self) -> frozenset[str]:
        """See HasOwnRules."""
        if not opening.exists(self._output):
            return frozenset()
        with self._cursor("asking for its macros") as cursor:
            return own_functions(cursor)

    def server_facts(self, schema: str | None) -> ServerFacts:
        """See HasServerFacts. Whoever may write to the file may create schemas in it."""
        sql = (
            "SELECT COUNT(*) FROM duckdb_schemas() WHERE database_name = current_database()"
            f" AND lower(schema_name) = lower({literal(schema or 'main')})"
        )
        with self._cursor("asking for its version", may_be_new=True) as cursor:
            (number,) = cursor.execute(sql).fetchone()
        return ServerFacts(
            version=f"DuckDB {duckdb.__version__}", has_schema=number > 0, may_create_schema=True
        )

    def answer_rules(self) -> AnswerRules:
        """See CanAnswer."""
        with self._cursor("asking for its settings") as cursor:
            return answer_rules(cursor, self.time_zone())

    def describe_answer(
        self, text: Sql, tables: Sequence[TableRef], settings: Mapping[str, str]
    ) -> DescribedAnswer:
        """See CanAnswer."""
        with self._cursor("describing an answer") as cursor, _with_settings(cursor, tuple(settings.items())):
            return describe_answer(cursor, rendered(text, [_relation(table) for table in tables]))

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See Connector. It is one transaction; its queries run one after the other."""
        with self._cursor("beginning to read") as cursor:
            snapshot = _DatabaseSnapshot(cursor, self._running, opening.file(self._output))
            try:
                yield snapshot
            finally:
                snapshot.end()

    def cancel(self) -> None:
        """See Connector."""
        self._running.cancel()

    def close(self) -> None:
        """See Connector. The handle stays: it is dbt's too."""

    def columns(self, columns: Sequence[StageColumn]) -> tuple[LoadColumn, ...]:
        """See CanLoad. Stage types are DuckDB's own."""
        return tuple(
            LoadColumn(name=column.name, stage=column.type, native=str(column.widest or column.type))
            for column in columns
        )

    def fill(self, load: Load, dataset: Dataset) -> int:
        """See CanLoad."""
        doing = f"filling {load.stage}"
        with self._cursor(doing, may_be_new=True) as cursor, self._interruptible(cursor, doing):
            cursor.execute("BEGIN TRANSACTION")
            try:
                with with_message(connection=self._output.name, doing=doing):
                    rows = self._insert(cursor, load, dataset)
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):
                    cursor.execute("ROLLBACK")
                raise
            return rows

    def _insert(self, cursor: Any, load: Load, dataset: Dataset) -> int:
        table = _relation(load.stage)
        columns = ", ".join(f"{quoted(column.name)} {column.native}" for column in load.columns)
        cursor.execute(f"CREATE TABLE {table} {load.definition or f'({columns})'}")
        values = ", ".join(map(_value, load.columns))
        names = ", ".join(quoted(column.name) for column in load.columns)
        insert = f"INSERT INTO {table} ({names}) SELECT {values} FROM ({scan(dataset)})"
        rows = int(cursor.execute(insert).fetchone()[0])
        if rows != dataset.rows:
            problem = f"{rows} of {dataset.rows} staged rows arrived"
            raise QueryFailed(self._output.name, f"filling {load.stage}", problem)
        return rows

    def own_type(self, column: Column, dialect: str) -> str | None:
        """See CanCompute. A type that staging does not know may be one that the user has made."""
        is_own = dialect == "duckdb" and column.loses is None
        return f"{column.native} {column.collate}".rstrip() if is_own else None

    def index(self, stage: TableRef, key: Sequence[str], columns: Sequence[str]) -> None:
        """See CanCompute. DuckDB needs neither: it hashes what it joins, and always has its statistics."""

    def drop(self, stage: TableRef) -> None:
        """See CanLoad."""
        if not opening.exists(self._output):
            return
        with self._cursor(f"dropping {stage}") as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {_relation(stage)}")

    @contextmanager
    def _cursor(self, doing: str, *, may_be_new: bool = False) -> Iterator[Any]:
        output = self._output
        opening.check(output, may_be_new=may_be_new)
        with as_dvt_errors(connection=output.name, doing=doing, path=output.path):
            cursor = self._open()
            try:
                yield cursor
            finally:
                cursor.close()

    def _open(self) -> Any:
        output = self._output
        try:
            cursor = FILES.connect(
                output.path,
                output.config,
                name=output.name,
                prepare=lambda cursor: opening.prepare(output, cursor),
                by=output.name,
            )
        except OtherConfiguration as error:
            raise BadOutput(
                output.name,
                "duckdb",
                f"{output.path} is open in this run with other config_options",
                "give all outputs that name this file the same config_options",
            ) from error
        try:
            opening.adjust(output, cursor)
        except BaseException:
            cursor.close()
            raise
        return cursor

    @contextmanager
    def _interruptible(self, cursor: Any, doing: str) -> Iterator[None]:
        with self._running.batch() as batch, self._running.query(batch, cursor.interrupt, doing):
            yield

    def _table(self, cursor: Any, ref: TableRef) -> Table:
        name = _relation(ref)
        try:
            cursor.execute(f"DESCRIBE {name}")
        except duckdb.CatalogException as error:
            raise TableNotFound(str(ref), ref.connection, _existing_names(cursor, ref)) from error
        plan = explained(cursor, f"SELECT * FROM {name}")
        types = cursor.execute(f"SELECT * FROM {name} LIMIT 0").description
        return Table(
            ref=ref,
            columns=with_collations(cursor, name, [described(column[0], column[1]) for column in types]),
            rows=expected_rows(plan),
            key=_key(cursor, ref),
            scannable=_is_scan_of(ref, plan),
        )


def _existing_names(cursor: Any, ref: TableRef) -> list[str]:
    """Return the names of the tables in the schema; if it has none, those of others, with their schemas."""
    with suppress(duckdb.Error):
        existing = cursor.execute(_NAMES).fetchall()
        own = [name for schema, name in existing if schema == (ref.schema or "main")]
        return own or [f"{schema}.{name}" for schema, name in existing]
    return []


class _DatabaseSnapshot:
    """Implements Snapshot and HasTokens: one transaction. Threads that extract together take turns."""

    def __init__(self, cursor: Any, running: RunningQueries, file: Path | None) -> None:
        """`file`: the database's, if it is a file of this machine."""
        self._cursor = cursor
        self._running = running
        self._file = file
        self._turn = threading.Lock()
        self.begin()

    def begin(self) -> None:
        self._stamp = self._stamped()
        self._cursor.execute("BEGIN TRANSACTION READ ONLY")

    def token(self, table: TableRef) -> str | None:
        """See HasTokens. It is the file's, so that a write to any table of it counts.

        DuckDB's transaction begins when it first reads. If the file is now as it was before, it is as the
        transaction shows it: other processes are kept out, and this one has committed nothing meanwhile.
        """
        if self._stamp is None:
            return None
        with self._turn:
            self._cursor.execute(f"SELECT 1 FROM {_relation(table)} LIMIT 0")
            (own,) = self._cursor.execute("SELECT current_database()").fetchone()
            is_own = table.database is None or table.database.casefold() == str(own).casefold()
            return self._stamp if is_own and self._stamped() == self._stamp else None

    def _stamped(self) -> str | None:
        return None if self._file is None else stamps([self._file, Path(f"{self._file}.wal")])

    def end(self) -> None:
        with suppress(duckdb.Error):
            self._cursor.execute("ROLLBACK")

    def extract(self, jobs: Sequence[Job], finished: Callable[[Job, Dataset], None]) -> None:
        """See Snapshot."""
        with self._running.batch() as batch, self._turn:
            try:
                stage_all(
                    jobs,
                    finished,
                    lambda doing: self._running.query(batch, self._cursor.interrupt, doing),
                    self._stage,
                )
            except BaseException:
                # DuckDB aborts a transaction after an error: threads that still wait read a new one.
                self.end()
                self.begin()
                raise

    def _stage(self, job: Job) -> Dataset:
        with _with_settings(self._cursor, job.query.settings):
            return stage(self._cursor, job, f"({_sql(job.query)}\n)")


@contextmanager
def _with_settings(cursor: Any, settings: Sequence[tuple[str, str]]) -> Iterator[None]:
    """Run queries within the `with` in a session with these settings."""
    before = [
        (name, *cursor.execute(f"SELECT current_setting({literal(name)})").fetchone()) for name, _ in settings
    ]
    for name, value in settings:
        cursor.execute(f"SET SESSION {name} = {literal(value)}")
    yield
    for name, value in before:
        cursor.execute(f"SET SESSION {name} = {literal(value)}")


def _estimate(cursor: Any, query: SourceQuery) -> Estimate | None:
    """Return what DuckDB expects of a query; None for one that it would refuse."""
    try:
        rows = expected_rows(explained(cursor, _sql(query)))
    except duckdb.Error:
        return None
    return None if rows is None else of_rows(query, rows)


def _sql(query: SourceQuery) -> str:
    return query.sql([_relation(table) for table in query.tables])


def _value(column: LoadColumn) -> str:
    """Return the staged value of a column in the column's type; a cast takes no collation."""
    staged = quoted(column.staged)
    return staged if column.native.startswith("VARCHAR COLLATE ") else f"CAST({staged} AS {column.native})"


def _relation(ref: TableRef) -> str:
    return ".".join(quoted(part) for part in (ref.database, ref.schema, ref.identifier) if part)


def _key(cursor: Any, ref: TableRef) -> tuple[str, ...]:
    """Return the columns of a table's primary key."""
    sql = (
        "SELECT constraint_column_names FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' "
        f"AND table_name = {literal(ref.identifier)} "
        f"AND schema_name = {literal(ref.schema) if ref.schema else 'current_schema()'} "
        f"AND database_name = {literal(ref.database) if ref.database else 'current_database()'}"
    )
    found = cursor.execute(sql).fetchone()
    return tuple(found[0]) if found else ()


def _is_scan_of(ref: TableRef, plan: str) -> bool:
    """True for the plan of a base table; False for a view's, or a table's of another database's scanner."""
    try:
        node = json.loads(plan)[0]
        names = [ref.database, ref.schema, ref.identifier]
        expected = ".".join(name.replace(chr(34), "").casefold() for name in names if name)
        scanned = str(node["extra_info"]["Table"]).replace(chr(34), "").casefold()
        return str(node["name"]).strip() == "SEQ_SCAN" and f".{scanned}".endswith(f".{expected}")
    except (ValueError, KeyError, IndexError, TypeError):
        return False
