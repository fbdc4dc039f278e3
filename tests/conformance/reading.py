"""What every test of a connector needs: extractions without a planner, sinks, rows of a dataset."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from dvt.connectors import CONNECTORS
from dvt.core.names import TableRef
from dvt.core.ports.connectors import ConnectorContext, Job
from dvt.core.ports.staging import Dataset, Location
from dvt.core.queries import ExtractedColumn, SourceQuery
from dvt.core.tables import Column, StageColumn, Table
from dvt.core.types import INTEGER
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.sql import encoded, quoted
from dvt.drivers.duckdb.staging import scan, write
from dvt.staging.parquet import ParquetSink
from tests.local_bucket import local_bucket

ONE = Column(name="", native="", stage=INTEGER, read="1", unpack="CAST({0} AS INTEGER)")
"""What is read of a table of which only the number of rows matters."""


class Bench:
    """A connector of a real database, with a DuckDB and a place to stage in."""

    def __init__(self, database: Any, folder: Path, limit: int = 4, **settings: Any) -> None:
        self.database = database
        self.instance = MemoryInstance(threads=2, memory_limit="512MiB")
        output = database.settings(**settings)
        context = ConnectorContext(
            duckdb=self.instance, project_dir=folder, scratch=folder / "scratch", limit=limit
        )
        self.connector: Any = CONNECTORS.load(output["type"])(database.name, output, context)
        self.folder = folder
        self._bucket = local_bucket(folder / "staging")
        self._places = itertools.count()

    def close(self) -> None:
        """Give everything back."""
        self.connector.close()
        self.instance.close()

    def sink(self) -> ParquetSink:
        """A new place to stage in."""
        return ParquetSink(Location(self._bucket, f"dataset-{next(self._places)}"))

    def staged(self) -> list[Path]:
        """Every file in staging."""
        return [path for path in (self.folder / "staging").rglob("*") if path.is_file()]

    def describe(self, ref: TableRef) -> Table:
        """One table."""
        table: Table = self.connector.describe([ref])[ref]
        return table

    def extraction(
        self, table: Table, names: Iterable[str] | None = None, where: Sequence[str] = ()
    ) -> SourceQuery:
        """A query for these columns (all of them if None), as a planner would make it."""
        wanted = None if names is None else set(names)
        chosen = [one for one in table.columns if wanted is None or one.name in wanted] or [ONE]
        columns = tuple(ExtractedColumn(name=f"c{place}", column=one) for place, one in enumerate(chosen))
        select = tuple(
            f"{one.column.read.format(self.database.name_of(one.column.name))} "
            f"AS {self.database.name_of(one.name)}"
            for one in columns
        )
        return SourceQuery(
            alias="t",
            connection=self.database.name,
            tables=(table.ref,),
            select=select,
            where=tuple(where),
            columns=columns,
            scan=table.scannable,
            rows=table.rows,
            bytes=table.bytes,
        )

    def slow(self, ref: TableRef, seconds: int) -> SourceQuery:
        """A query that thinks for so long before its first row."""
        table = self.describe(ref)
        slow = Column(
            name="", native="", stage=INTEGER, read=self.database.sleeping(seconds), unpack=ONE.unpack
        )
        columns = (ExtractedColumn(name="c0", column=slow),)
        select = (f"{slow.read} AS {self.database.name_of('c0')}",)
        return SourceQuery(
            alias="t", connection=self.database.name, tables=(table.ref,), select=select, columns=columns
        )

    def read(self, *extractions: SourceQuery) -> list[Dataset]:
        """Extract in one snapshot; the datasets in the order asked for."""
        jobs = [Job(one, self.sink()) for one in extractions]
        found: dict[int, Dataset] = {}
        with self.connector.snapshot() as snapshot:
            snapshot.extract(jobs, lambda job, dataset: found.setdefault(jobs.index(job), dataset))
        return [found[place] for place in range(len(jobs))]

    def read_table(self, ref: TableRef) -> Dataset:
        """All of a table."""
        return self.read(self.extraction(self.describe(ref)))[0]

    def rows(self, dataset: Dataset) -> list[tuple[str | None, ...]]:
        """What is staged, each value as its stage type's text."""
        texts = ", ".join(f"CAST({quoted(column.name)} AS VARCHAR)" for column in dataset.columns)
        cursor = self.instance.cursor()
        rows: list[tuple[str | None, ...]] = cursor.execute(
            f"SELECT {texts} FROM ({scan(dataset)})"
        ).fetchall()
        return sorted(rows, key=str)

    def asked(self, sql: str, dataset: Dataset) -> tuple[Any, ...]:
        """The first row of a query over a dataset named t."""
        cursor = self.instance.cursor()
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW t AS {scan(dataset)}")
        row: tuple[Any, ...] = cursor.execute(sql).fetchone()
        return row

    def stage(self, sql: str, columns: Sequence[StageColumn]) -> Dataset:
        """A dataset of the answer to a query in DuckDB's SQL."""
        sink = self.sink()
        cursor = self.instance.cursor()
        values = ", ".join(
            f"{encoded(quoted(column.name), column.type)} AS {quoted(column.name)}" for column in columns
        )
        return sink.commit(columns, write(cursor, f"SELECT {values} FROM ({sql})", sink))

    def create(self, ref: TableRef, columns: Sequence[tuple[str, str]], *rows: Sequence[str]) -> None:
        """Make a table of columns (name, native type) and rows (literals) anew."""
        own = getattr(self.database, "create", None)
        if own is not None:
            own(ref, columns, rows)
            return
        name = self.database.quoted(ref)
        typed = ", ".join(f"{self.database.name_of(column)} {type_}" for column, type_ in columns)
        inserts = [f"insert into {name} values ({', '.join(row)})" for row in rows]
        self.database.execute(f"drop table if exists {name}", f"create table {name} ({typed})", *inserts)


class Aside(threading.Thread):
    """Something done on a thread of its own, and what came of it."""

    def __init__(self, do: Any) -> None:
        super().__init__(daemon=True)
        self._do = do
        self.error: BaseException | None = None
        self.answer: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self._do()
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.error = error

    def finish(self, seconds: float = 60) -> BaseException | None:
        """Wait for it; its error, if it had one."""
        self.join(seconds)
        assert not self.is_alive(), "it goes on"
        return self.error


def soon(holds: Callable[[], object], seconds: float = 60) -> bool:
    """Whether it holds before the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False
