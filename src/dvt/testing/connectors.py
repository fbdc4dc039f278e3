"""A connector on a bench: made as a run makes it, and given queries that no planner made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dvt.buckets.filesystem import FilesystemBucket
from dvt.connectors import CONNECTORS
from dvt.core.names import TableRef
from dvt.core.ports.connectors import CanLoad, Connector, ConnectorContext, Job
from dvt.core.ports.staging import BucketContext, Dataset, Location
from dvt.core.queries import ExtractedColumn, SourceQuery
from dvt.core.tables import Column, StageColumn, Table
from dvt.core.types import INTEGER
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.sql import encoded, quoted
from dvt.drivers.duckdb.staging import CONSUMER, scan, write
from dvt.staging.parquet import ParquetSink
from dvt.testing.databases import Database

ConnectorClass = Callable[[str, Mapping[str, Any], ConnectorContext], Connector]
"""Called with a connection's name, the keys of its output, and the context."""
COUNTED = Column(name="", native="", stage=INTEGER, read="1", unpack="CAST({0} AS INTEGER)")
"""Column that is read of a table of which only the number of rows matters: the number 1."""


class Bench:
    """A connector of a real database, with a DuckDB and a place to stage in."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        limit: int = 4,
        connector: ConnectorClass | None = None,
        **settings: Any,
    ) -> None:
        self.database = database
        self.folder = folder
        self.instance = MemoryInstance(threads=2, memory_limit="512MiB")
        self.bucket = FilesystemBucket("staging", {"path": "staging"}, BucketContext(project_dir=folder))
        self._places = itertools.count()
        output = database.settings(**settings)
        context = ConnectorContext(
            duckdb=self.instance, project_dir=folder, scratch=folder / "scratch", limit=limit
        )
        make: ConnectorClass = connector or CONNECTORS.load(output["type"])
        self.connector = make(database.name, output, context)

    @property
    def loader(self) -> CanLoad:
        """The connector, which must be one that loads stage tables."""
        if not isinstance(self.connector, CanLoad):
            raise TypeError(f"{type(self.connector).__name__} cannot load")
        return self.connector

    def close(self) -> None:
        """Close the connector and the DuckDB."""
        self.connector.close()
        self.instance.close()

    def sink(self) -> ParquetSink:
        """A new place to stage in."""
        return ParquetSink(Location(self.bucket, f"dataset-{next(self._places)}"))

    def staged(self) -> list[Path]:
        """Every file in staging."""
        return [path for path in (self.folder / "staging").rglob("*") if path.is_file()]

    def files(self, dataset: Dataset) -> list[Path]:
        """The files of a dataset."""
        return [Path(self.bucket.uri_for(CONSUMER, key)) for key in dataset.keys]

    def create(self, ref: TableRef, columns: Sequence[tuple[str, str]], *rows: Sequence[str]) -> None:
        """Make a table of columns (name, native type) and rows (literals) anew."""
        self.database.create(ref, columns, rows)

    def filled(self, identifier: str, rows: int) -> TableRef:
        """Make a table of n and word anew; return its name."""
        ref = self.database.table(identifier)
        self.database.fill(ref, rows)
        return ref

    def describe(self, ref: TableRef) -> Table:
        """Describe one table."""
        return self.connector.describe([ref])[ref]

    def extraction(
        self, table: Table, names: Iterable[str] | None = None, where: Sequence[str] = ()
    ) -> SourceQuery:
        """A query for these columns (all of them if None), as a planner would make it."""
        chosen = {column.name for column in table.columns} if names is None else set(names)
        columns = [column for column in table.columns if column.name in chosen]
        return self.query([table], columns or [COUNTED], where, scan=table.scannable)

    def slow(self, ref: TableRef, seconds: int) -> SourceQuery:
        """A query that computes for so long before its first row."""
        sleeping = self.database.sleeping(seconds)
        column = Column(name="", native="", stage=INTEGER, read=sleeping, unpack=COUNTED.unpack)
        return self.query([self.describe(ref)], [column], scan=False)

    def query(
        self, tables: Sequence[Table], columns: Sequence[Column], where: Sequence[str] = (), *, scan: bool
    ) -> SourceQuery:
        """A query for columns of the first of the tables."""
        name = self.database.name_of
        extracted = tuple(
            ExtractedColumn(name=f"c{place}", column=column) for place, column in enumerate(columns)
        )
        return SourceQuery(
            alias="t",
            connection=self.database.name,
            tables=tuple(table.ref for table in tables),
            select=tuple(
                f"{output.column.read.format(name(output.column.name))} AS {name(output.name)}"
                for output in extracted
            ),
            where=tuple(where),
            columns=extracted,
            scan=scan,
            rows=tables[0].rows,
            bytes=tables[0].bytes,
        )

    def read(self, *queries: SourceQuery) -> list[Dataset]:
        """Extract in one snapshot; return the datasets in the order of the queries."""
        jobs = [Job(query, self.sink()) for query in queries]
        datasets: dict[int, Dataset] = {}

        def finished(job: Job, dataset: Dataset) -> None:
            datasets[jobs.index(job)] = dataset

        with self.connector.snapshot() as snapshot:
            snapshot.extract(jobs, finished)
        return [datasets[place] for place in range(len(jobs))]

    def read_table(self, ref: TableRef) -> Dataset:
        """Extract all of a table."""
        return self.read(self.extraction(self.describe(ref)))[0]

    def rows(self, dataset: Dataset) -> list[tuple[str | None, ...]]:
        """The rows of a dataset, each value as its stage type's text."""
        texts = ", ".join(f"CAST({quoted(column.name)} AS VARCHAR)" for column in dataset.columns)
        cursor = self.instance.cursor()
        rows: list[tuple[str | None, ...]] = cursor.execute(
            f"SELECT {texts} FROM ({scan(dataset)})"
        ).fetchall()
        return sorted(rows, key=str)

    def first_row(self, sql: str, dataset: Dataset) -> tuple[Any, ...]:
        """The first row of a query over a dataset named t."""
        cursor = self.instance.cursor()
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW t AS {scan(dataset)}")
        row: tuple[Any, ...] = cursor.execute(sql).fetchone()
        return row

    def stage(self, sql: str, columns: Sequence[StageColumn]) -> Dataset:
        """Stage the answer to a query in DuckDB's SQL."""
        sink = self.sink()
        cursor = self.instance.cursor()
        values = ", ".join(
            f"{encoded(quoted(column.name), column.type)} AS {quoted(column.name)}" for column in columns
        )
        return sink.commit(columns, write(cursor, f"SELECT {values} FROM ({sql})", sink))
