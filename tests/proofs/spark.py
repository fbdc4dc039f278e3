"""Spark's side of a proof: one statement computes many constructs, over files that DuckDB has written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from dvt.core.errors import AnswerUntyped
from dvt.core.plan import Binding, FederationPlan, TransformTable
from dvt.core.queries import Sql, rendered
from dvt.core.tables import StageColumn
from dvt.core.types import Kind, StageType
from dvt.engines.spark.errors import wrong_sql
from dvt.engines.spark.translated import prepare
from dvt.engines.spark.types import SparkType, literal, quoted, spark_type, stage_type
from dvt.federation.plan import PlanContext
from tests.proofs.engine import Engine, Rows, Try, tried
from tests.proofs.rows import Row
from tests.unit.engines.spark import shared_engine

_ENDLESS = ("infinity", "-infinity")
"""Dates and times that Spark does not have."""
_HELD = frozenset(
    {
        *("boolean", "smallint", "integer", "bigint", "decimal", "quotient", "float", "double", "text"),
        *("date", "timestamp", "timestamptz", "session text", "year", "enum", "small", "hugeint"),
    }
)
"""Classes of columns that Spark has as they are."""
_FUNCTIONS = ("dvt_exact",)
_NULL = "dvt: null"
"""Stands for NULL where NULL stands for an error."""


class Spark(Engine):
    """Spark with tables of values."""

    dialect_of_engine = "spark"
    errors: ClassVar[tuple[type[Exception], ...]] = (PySparkException, Py4JError)
    batch = 60

    def __init__(self, dialect: str, proven: Mapping[str, str], zone: str) -> None:
        super().__init__(dialect, proven, zone)
        self._folder = Path(tempfile.mkdtemp(prefix="dvt-proofs-"))
        self._opened = shared_engine()._session("proving")
        self._session = self._opened.__enter__()
        self._session.conf.set("spark.sql.session.timeZone", zone)
        self._session.conf.set("spark.sql.shuffle.partitions", "1")
        if is_interpreted():
            self._session.conf.set("spark.sql.codegen.wholeStage", "false")
            self._session.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        prepare(self._session, _FUNCTIONS)
        self._schema = f"proofs_{dialect}"
        self._session.sql(f"CREATE DATABASE IF NOT EXISTS {self._schema}")

    def can(self, row: Row) -> bool:
        """Return whether Spark has columns of all the row's classes."""
        return {class_ for _, class_ in row.classes} <= _HELD

    def has(self, class_: str, value: str | None) -> bool:
        """See Engine."""
        return not (value in _ENDLESS and class_.startswith(("date", "timestamp")))

    def add(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[str | None]]) -> None:
        """Make a table: on a file that DuckDB has written, or on rows that are written out."""
        super().add(name, columns, rows)
        types = {column.name: spark_type(column.stage) for column in self._tables[name].columns}
        if is_interpreted():
            self._add_values(name, types, rows)
            return
        file = self._folder / f"{name}.parquet"
        self._db.execute(f"COPY {name} TO '{file}' (FORMAT parquet)")
        typed = ", ".join(f"{quoted(column)} {type_.file}" for column, type_ in types.items() if type_)
        self._session.sql(
            f"CREATE TABLE {self._schema}.{name} ({typed}) USING parquet"
            f" OPTIONS ('__globPaths__' 'false') LOCATION {literal(str(file))}"
        )

    def _add_values(
        self,
        name: str,
        types: Mapping[str, SparkType | None],
        rows: Sequence[Sequence[str | None]],
    ) -> None:
        """Make a view of rows, over which Spark evaluates most constructs as it plans, without a job."""
        values = ", ".join(f"({', '.join(map(_literal, [_before(v) for v in row]))})" for row in rows)
        casts = ", ".join(
            f"CAST({column} AS {type_.name}) AS {column}" for column, type_ in types.items() if type_
        )
        self._session.sql(
            f"CREATE VIEW {self._schema}.{name} AS SELECT {casts}"
            f" FROM VALUES {values} AS v({', '.join(types)})"
        )

    def context(self) -> PlanContext:
        """See Engine."""
        return replace(
            super().context(),
            bind=self._bind,
            narrowed=lambda _sql, _tables, _functions: (),
            evaluate=lambda expressions: tuple(None for _ in expressions),
            engine="spark",
            collations={},
            bind_own=self._engine.bind if self.dialect == self._engine.dialect else None,
        )

    def run(self, plan: FederationPlan, where: str) -> Rows:
        """See Engine."""
        columns = plan.transform.columns
        names = [f"c{place}" for place in range(len(columns))]
        shown = ", ".join(_shown(name, column.type) for name, column in zip(names, columns, strict=True))
        frame = self._session.sql(
            f"SELECT {shown} FROM ({self._text(plan, where)}) AS answer({', '.join(names)})"
        )
        types = [column.type for column in columns]
        return [
            tuple(self._as_duckdb(value, type_) for value, type_ in zip(row, types, strict=True))
            for row in frame.collect()
        ]

    def answers(self, tries: Sequence[Try]) -> list[dict[str, Any]]:
        """See Engine: all by one statement, in which an error of a value is a value."""
        found: list[dict[str, Any]] = [{} for _ in tries]
        self._together(list(enumerate(tries)), found)
        return found

    def _together(self, tries: list[tuple[int, Try]], found: list[dict[str, Any]]) -> None:
        """Compute many plans by one statement; halve what fails until a single one is left."""
        if not tries:
            return
        try:
            rows = self._batch(tries)
        except self.errors:
            if len(tries) == 1:
                ((number, one),) = tries
                found[number] |= tried(partial(self.run, one.plan), self.errors, one.unit, one.last)
                return
            middle = len(tries) // 2
            self._together(tries[:middle], found)
            self._together(tries[middle:], found)
        else:
            plans = dict(tries)
            for number, key, value in rows:
                one = plans[number]
                type_ = one.plan.transform.columns[-1].type
                found[number][f"{one.unit} {key}"] = (
                    ValueError("an error") if value is None else self._as_duckdb(_read(value), type_)
                )

    def _batch(self, tries: list[tuple[int, Try]]) -> list[tuple[int, str, bytearray | None]]:
        """Return number of the plan, unit, and value of each row; NULL for an error."""
        selects = [
            f"SELECT {number} AS n, CAST(c0 AS STRING) AS k, {'' if one.by_rows else 'try_'}to_binary("
            f"coalesce({_shown('c1', one.plan.transform.columns[-1].type)}, '{_NULL}'), 'utf-8') AS v"
            f" FROM ({self._text(one.plan, '')}) AS a(c0, c1)"
            for number, one in tries
        ]
        return [tuple(row) for row in self._session.sql(" UNION ALL ".join(selects)).collect()]

    def _as_duckdb(self, text: str | None, type_: StageType) -> str | None:
        """Return a value's text as DuckDB writes it."""
        if text is None or type_.kind not in (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ):
            return text
        if type_.kind is not Kind.TIMESTAMPTZ:
            text = text.removeprefix("+")
            year, *rest = text.removeprefix("-").split("-", 1)
            before = 1 + int(year) if text.startswith("-") else 1 - int(year)
            return f"{before:04}-{rest[0]} BC" if text.startswith("-") or int(year) < 1 else text
        with self._db.cursor() as cursor:
            cursor.execute(f"SET TimeZone = '{self.zone}'")
            ((shown,),) = cursor.execute(f"SELECT CAST(make_timestamptz({text}) AS VARCHAR)").fetchall()
        return str(shown)

    def _text(self, plan: FederationPlan, where: str) -> str:
        return rendered(
            plan.transform.sql,
            [f"(SELECT * FROM {self._schema}.{table.name} {where})" for table in plan.transform.tables],
        )

    def _bind(self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str]) -> Binding:
        assert tuple(functions) == _FUNCTIONS
        text = rendered(sql, [f"{self._schema}.{table.name}" for table in tables])
        try:
            schema = self._session.sql(text).schema
        except self.errors as error:
            raise wrong_sql(error) from error
        reads = tuple(frozenset(column.surrogate for column in table.columns) for table in tables)
        return Binding(columns=tuple(_column(field) for field in schema.fields), reads=reads)

    def close(self) -> None:
        """See Engine."""
        self._session.sql(f"DROP DATABASE IF EXISTS {self._schema} CASCADE")
        self._opened.__exit__(None, None, None)
        shutil.rmtree(self._folder, ignore_errors=True)
        super().close()


def is_interpreted() -> bool:
    """Return whether Spark shall not compile what it computes, which it answers alike, and sooner."""
    return os.environ.get("DVT_PROOFS_COMPILED") is None


def _literal(value: str | None) -> str:
    return "CAST(NULL AS STRING)" if value is None else literal(value)


def _before(value: str | None) -> str | None:
    """Return a date before the year 1 as Spark spells it."""
    if value is None or not value.endswith(" BC"):
        return value
    year, _, rest = value.removesuffix(" BC").partition("-")
    return f"-{int(year) - 1:04}-{rest}"


def _shown(name: str, type_: StageType) -> str:
    """Return SQL of a value's text; a moment with a zone by its microseconds."""
    return (
        f"CAST(unix_micros({name}) AS STRING)"
        if type_.kind is Kind.TIMESTAMPTZ
        else f"CAST({name} AS STRING)"
    )


def _read(value: bytearray) -> str | None:
    text = bytes(value).decode()
    return None if text == _NULL else text


def _column(field: Any) -> StageColumn:
    type_ = stage_type(field.dataType)
    if type_ is None or spark_type(type_) is None:
        raise AnswerUntyped(f"column {field.name} has the type {field.dataType.simpleString()}")
    return StageColumn(field.name, type_)
