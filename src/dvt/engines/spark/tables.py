"""The tables of a statement: each in a schema of its own, by which no CTE's name can hide it."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from dvt.core.plan import TransformTable
from dvt.core.ports.staging import Dataset
from dvt.core.queries import Sql, rendered
from dvt.core.surrogates import DELETED_FILE, DELETED_ROW
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, Kind, StageType
from dvt.engines.spark.reach import Reach
from dvt.engines.spark.types import literal, quoted, spark_type

_PLAIN = re.compile(r"[A-Za-z0-9_]+")
"""Matches names that tables of Spark can have."""
_UNHELD = "STRING"
"""Type of a column that Spark cannot hold, on empty tables: no SQL may read it."""
_SCHEMA = re.compile(r"dvt_([0-9a-f]{8})[0-9a-f]{24}_\d+")
"""Matches names of schemas, which begin with the second when they were made."""
_OLD_SECONDS = 24 * 3600
"""Age in seconds at which a schema is no statement's any more."""
BASE = "dvt_base"
"""Name of the table without rows below a view."""


@dataclass(frozen=True, slots=True)
class TableNames:
    """Names of the tables of one statement."""

    tables: Sequence[TransformTable]
    prefix: str

    @classmethod
    def new(cls, tables: Sequence[TransformTable]) -> TableNames:
        """Choose names that no other statement has."""
        return cls(tables, f"dvt_{int(time.time()):08x}{uuid.uuid4().hex[:24]}")

    def schema(self, number: int) -> str:
        """Return the schema of a table."""
        return f"{self.prefix}_{number}"

    def rendered(self, sql: Sql) -> str:
        """Return the SQL with the tables' names in its places."""
        return rendered(sql, [f"{self.schema(n)}.{self._name(n)}" for n in range(len(self.tables))])

    def view(self, number: int) -> str:
        """Return the name of a table's view."""
        return f"{self.schema(number)}.{self._name(number)}"

    def _name(self, number: int) -> str:
        name = self.tables[number].name
        return quoted(name if _PLAIN.fullmatch(name) else f"t{number}")


def old_schemas(names: Sequence[str]) -> Sequence[str]:
    """Return those of schemas that a process has left on a server when it was killed, a day ago or longer."""
    latest = f"{int(time.time()) - _OLD_SECONDS:08x}"
    return [name for name in names if (match := _SCHEMA.fullmatch(name)) and match[1] < latest]


@contextmanager
def empty_tables(session: Any, tables: Sequence[TransformTable]) -> Iterator[TableNames]:
    """Make tables without rows: each a view over a base table whose columns have the surrogates' names."""
    with _schemas(session, tables) as names:
        for number, table in enumerate(tables):
            typed = ", ".join(f"{quoted(c.surrogate)} {_name_of(c.type)}" for c in table.columns)
            session.sql(f"CREATE TABLE {names.schema(number)}.{BASE} ({typed}) USING parquet")
            columns = ", ".join(f"{quoted(c.surrogate)} AS {quoted(c.name)}" for c in table.columns)
            session.sql(
                f"CREATE VIEW {names.view(number)} AS SELECT {columns} FROM {names.schema(number)}.{BASE}"
            )
        yield names


@contextmanager
def staged_tables(
    session: Any, reach: Reach, tables: Sequence[TransformTable], datasets: Mapping[str, Dataset]
) -> Iterator[TableNames]:
    """Make views of staged datasets; a column that was not extracted is NULL."""
    with _schemas(session, tables) as names:
        for number, table in enumerate(tables):
            dataset = datasets[table.alias]
            there = {column.name for column in dataset.columns}
            columns = ", ".join(
                f"{_read(c.surrogate, c.type) if c.surrogate in there else _null(c.type)} AS {quoted(c.name)}"
                for c in table.columns
            )
            source = _source(_Files(session, reach, dataset), names.schema(number))
            session.sql(f"CREATE VIEW {names.view(number)} AS SELECT {columns} FROM ({source})")
        yield names


@contextmanager
def _schemas(session: Any, tables: Sequence[TransformTable]) -> Iterator[TableNames]:
    names = TableNames.new(tables)
    try:
        for number in range(len(tables)):
            session.sql(f"CREATE DATABASE {names.schema(number)}")
        yield names
    finally:
        for number in range(len(tables)):
            with suppress(Exception):  # an error of the statement is the one to tell
                session.sql(f"DROP DATABASE IF EXISTS {names.schema(number)} CASCADE")


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a dataset, which become tables of a session."""

    session: Any
    reach: Reach
    dataset: Dataset

    def table(self, name: str, key: str, columns: Sequence[StageColumn]) -> str:
        """Make a table of a file; return its name."""
        address = self.reach.address(self.dataset.at.bucket, key)
        typed = ", ".join(f"{quoted(column.name)} {_file_type(column.type)}" for column in columns)
        self.session.sql(
            f"CREATE TABLE {name} ({typed or '`dvt_none` INT'}) USING parquet"
            f" OPTIONS ('__globPaths__' 'false') LOCATION {literal(address)}"
        )
        return name


def _source(files: _Files, schema: str) -> str:
    """Make a table of each file; return a SELECT of their rows, without those that are deleted."""
    dataset = files.dataset
    columns = [column for column in dataset.columns if spark_type(column.type) is not None]
    names = ", ".join(quoted(column.name) for column in columns) or "1"
    if not dataset.keys:
        nulls = ", ".join(f"CAST(NULL AS {_file_type(c.type)}) AS {quoted(c.name)}" for c in columns)
        return f"SELECT {nulls or '1'} WHERE false"
    deletes = ""
    if dataset.deletes:
        positions = [StageColumn(DELETED_FILE, BIGINT), StageColumn(DELETED_ROW, BIGINT)]
        deletes = files.table(f"{schema}.dvt_deletes", dataset.deletes, positions)
    selects = []
    for place, key in enumerate(dataset.keys):
        file = files.table(f"{schema}.dvt_file_{place}", key, columns)
        kept = (
            f" AS r LEFT ANTI JOIN {deletes} AS d"
            f" ON d.{DELETED_FILE} = {place} AND d.{DELETED_ROW} = r._metadata.row_index"
            if deletes
            else ""
        )
        selects.append(f"SELECT {names} FROM {file}{kept}")
    return " UNION ALL ".join(selects)


def _read(name: str, type_: StageType) -> str:
    spark = spark_type(type_)
    return f"CAST(NULL AS {_UNHELD})" if spark is None else f"({spark.read.format(quoted(name))})"


def _null(type_: StageType) -> str:
    return f"CAST(NULL AS {_name_of(type_)})"


def _name_of(type_: StageType) -> str:
    spark = spark_type(type_)
    return _UNHELD if spark is None else spark.name


def _file_type(type_: StageType) -> str:
    spark = spark_type(type_)
    return _UNHELD if spark is None else spark.file


def has_doubles(datasets: Mapping[str, Dataset]) -> bool:
    """True if a dataset has floating point, whose encoding only Spark's slower reader of Parquet knows."""
    return any(_is_double(column.type) for dataset in datasets.values() for column in dataset.columns)


def _is_double(type_: StageType) -> bool:
    return type_.kind in {Kind.FLOAT, Kind.DOUBLE} or any(_is_double(part.type) for part in type_.parts)
