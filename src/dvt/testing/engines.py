"""An engine on the bench: SQL, datasets and answers of its tests in one line each."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import sqlglot
from sqlglot import exp

from dvt.core.plan import Binding, TableColumn, Transform, TransformTable
from dvt.core.ports.engines import Engine
from dvt.core.ports.staging import Bucket, Dataset, Location, Sink
from dvt.core.queries import Sql, TablePlace, joined
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, StageType
from dvt.staging.parquet import ParquetSink


class EngineBench:
    """An engine with places to stage in, which is given SQL as SQLGlot writes it without a dialect."""

    def __init__(self, engine: Engine, bucket: Bucket) -> None:
        self.engine = engine
        self.bucket = bucket
        self._places = itertools.count()

    def sink(self) -> Sink:
        """A new place to stage in."""
        return ParquetSink(Location(self.bucket, f"run/{next(self._places)}"))

    def sql(self, sql: str, tables: Sequence[str] = ()) -> Sql:
        """SQL in the engine's dialect, with places for `tables`."""
        tree = sqlglot.parse_one(sql)
        for table in list(tree.find_all(exp.Table)):
            if table.name in tables:
                table.set("this", exp.to_identifier(f"dvt_table_{tables.index(table.name)}x"))
        pieces = re.split(r"dvt_table_(\d+)x", tree.sql(self.engine.dialect))
        return joined(*(TablePlace(int(piece)) if at % 2 else piece for at, piece in enumerate(pieces)))

    def binding(self, sql: str, **tables: list[StageColumn]) -> Binding:
        """Outputs, and the columns that are read."""
        described = [transform_table(name, columns) for name, columns in tables.items()]
        return self.engine.bind(self.sql(sql, list(tables)), described)

    def bind(self, sql: str, **tables: list[StageColumn]) -> tuple[StageColumn, ...]:
        """Names and types of outputs."""
        return self.binding(sql, **tables).columns

    def transform(self, sql: str, columns: Sequence[StageColumn], **tables: Dataset) -> Transform:
        """A transform over datasets that have all columns of their tables."""
        return Transform(
            dialect=self.engine.dialect,
            sql=self.sql(sql, list(tables)),
            tables=tuple(transform_table(name, dataset.columns) for name, dataset in tables.items()),
            columns=tuple(columns),
        )

    def run(self, sql: str, *columns: StageColumn, **tables: Dataset) -> Dataset:
        """The staged answer."""
        return self.engine.run(self.transform(sql, columns, **tables), tables, self.sink())

    def value(self, sql: str, type_: StageType, **inputs: Dataset) -> str | None:
        """The text of an answer that is one value."""
        ((staged_type, text),) = self.engine.fetch(self.run(sql, StageColumn("v", type_), **inputs))
        assert staged_type == type_
        return text

    def numbers(self, count: int, *, first: int = 1) -> Dataset:
        """A dataset of n, from `first` on."""
        rows = " UNION ALL ".join(f"SELECT {number} AS n" for number in range(first, first + count))
        return self.run(rows, StageColumn("n", BIGINT))


def transform_table(name: str, columns: Sequence[StageColumn]) -> TransformTable:
    """A table whose staged columns have the names that it shows."""
    shown = [TableColumn(name=column.name, surrogate=column.name, type=column.type) for column in columns]
    return TransformTable(name=name, alias=name, columns=tuple(shown))
