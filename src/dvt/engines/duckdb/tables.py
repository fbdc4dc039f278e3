"""The tables of a transform, under names of their own: DuckDB cannot have temporary schemas."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from dvt.core.plan import TableColumn, TransformTable
from dvt.core.ports.staging import Dataset
from dvt.core.queries import Sql, rendered
from dvt.drivers.duckdb.sql import quoted
from dvt.drivers.duckdb.staging import check, scan

_SCHEMA = re.compile(r"\"?\bdvt_[0-9a-f]{32}(_\d+)?\"?\.")


@dataclass(frozen=True, slots=True)
class TableNames:
    """Names of the tables of one statement: a schema for each, in which it has the name it has in the SQL."""

    schema: str
    """Prefix of the schemas, and the schema of the base tables; unique."""
    tables: Sequence[TransformTable]
    numbers: Sequence[int]
    """The tables' numbers in the schemas' names."""

    @classmethod
    def new(cls, tables: Sequence[TransformTable]) -> Self:
        """Choose names that no other statement has."""
        return cls(f"dvt_{uuid.uuid4().hex}", tables, range(len(tables)))

    @property
    def views(self) -> list[str]:
        """What the SQL reads, in its places."""
        return [
            f"{self.schema_of(number)}.{quoted(table.name)}"
            for number, table in zip(self.numbers, self.tables, strict=True)
        ]

    @property
    def bases(self) -> list[str]:
        """Empty tables below the views, whose names are no one's in the SQL."""
        return [f"t{number}" for number in self.numbers]

    @property
    def prefix(self) -> str:
        """The words before a base table's name in DuckDB's plans."""
        return f"memory.{self.schema}."

    def schema_of(self, number: int) -> str:
        """Return the schema of a table's view."""
        return f"{self.schema}_{number}"

    def rendered(self, sql: Sql) -> str:
        """Return the SQL with the views in its places."""
        return rendered(sql, self.views)


def without_names(message: str) -> str:
    """Return DuckDB's message without the names of schemas that only dvt knows."""
    return _SCHEMA.sub("", message)


@dataclass(slots=True)
class EmptyTables:
    """Tables without rows, made once for all statements: each a view of all columns over a base table."""

    schema: str = field(default_factory=lambda: f"dvt_{uuid.uuid4().hex}")
    _numbers: dict[tuple[str, str, tuple[TableColumn, ...]], int] = field(default_factory=dict)
    """Alias, name and columns of a table that has been made → its number."""

    def names(self, cursor: Any, tables: Sequence[TransformTable]) -> TableNames:
        """Return the names of tables; those that are not there yet are made."""
        if not self._numbers:
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
        numbers = []
        for table in tables:
            key = (table.alias, table.name, tuple(table.columns))
            if key not in self._numbers:
                number = len(self._numbers)
                self._make(cursor, TableNames(self.schema, [table], [number]))
                self._numbers[key] = number
            numbers.append(self._numbers[key])
        return TableNames(self.schema, tables, numbers)

    def _make(self, cursor: Any, names: TableNames) -> None:
        (table,), (base,) = names.tables, names.bases
        surrogates = [quoted(column.surrogate) for column in table.columns]
        typed = ", ".join(
            f"{surrogate} {column.type}" for surrogate, column in zip(surrogates, table.columns, strict=True)
        )
        cursor.execute(f"CREATE OR REPLACE TABLE {names.schema}.{base} ({typed})")
        _view(cursor, names, 0, surrogates, f"{names.schema}.{base}")


def define_staged(cursor: Any, names: TableNames, datasets: Mapping[str, Dataset]) -> None:
    """Make views of staged datasets; a column that was not extracted is NULL."""
    for number, table in enumerate(names.tables):
        dataset = datasets[table.alias]
        check(cursor, table.name, dataset)
        staged = {column.name for column in dataset.columns}
        values = [
            quoted(c.surrogate) if c.surrogate in staged else f"CAST(NULL AS {c.type})" for c in table.columns
        ]
        _view(cursor, names, number, values, f"({scan(dataset)})")


def _view(cursor: Any, names: TableNames, number: int, values: Sequence[str], source: str) -> None:
    table = names.tables[number]
    columns = ", ".join(
        f"{value}{f' COLLATE {column.collation}' if column.collation else ''} AS {quoted(column.name)}"
        for value, column in zip(values, table.columns, strict=True)
    )
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {names.schema_of(names.numbers[number])}")
    cursor.execute(f"CREATE OR REPLACE VIEW {names.views[number]} AS SELECT {columns} FROM {source}")
