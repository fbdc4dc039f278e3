"""Databases without a server: an SQLite file, a DuckDB file, and a folder of Parquet files."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from dvt.core.names import TableRef
from dvt.drivers.duckdb import FILES
from dvt.testing.databases import Database, TargetDatabase

_WORD_SQL = "md5(n::VARCHAR) || md5((n + 1)::VARCHAR) || md5((n + 2)::VARCHAR)"
_FILL_SQL = f"SELECT n, {_WORD_SQL} AS word FROM range(1, {{}}) t(n)"
_TABLE_NAMES_SQL = (
    "SELECT table_name FROM duckdb_tables() UNION SELECT view_name FROM duckdb_views() WHERE NOT internal"
)


@dataclass
class DuckDB(TargetDatabase):
    """A DuckDB file. dvt, dbt and the tests share this process's only handle to it."""

    path: Path
    name: str = "duckdb"

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {"type": "duckdb", "path": str(self.path), "schema": "shop", "threads": 2} | overrides

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database."""
        with closing(FILES.connect(str(self.path))) as cursor:
            cursor.execute("CREATE SCHEMA IF NOT EXISTS shop")
            cursor.execute("SET SESSION TimeZone = 'UTC'")
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def owner(self) -> Any:
        """Open a connection."""
        return FILES.connect(str(self.path))

    def table(self, identifier: str) -> TableRef:
        """See Database."""
        return TableRef(connection=self.name, database=self.path.stem, schema="shop", identifier=identifier)

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        self.execute(f"CREATE OR REPLACE TABLE {self.quoted(ref)} AS {_FILL_SQL.format(rows + 1)}")

    def sleeping(self, seconds: int) -> str:
        """See Database."""
        return _sleeping(seconds)

    def type_of(self, ref: TableRef, column: str) -> str:
        """See Database."""
        described = self.execute(f"DESCRIBE {self.quoted(ref)}")
        return next(str(row[1]) for row in described if row[0] == column)

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """See Database."""
        return self.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {self.quoted(ref)}")


@dataclass
class SQLite(Database):
    """An SQLite file in WAL mode: tests can write to it during a snapshot."""

    path: Path
    name: str = "sqlite"

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {"type": "sqlite", "path": str(self.path)} | overrides

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = wal")
            rows: list[tuple[Any, ...]] = []
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            return rows

    def quoted(self, ref: TableRef) -> str:
        """See Database."""
        return self.name_of(ref.identifier)

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        self.execute(
            f"DROP TABLE IF EXISTS {self.quoted(ref)}",
            f"CREATE TABLE {self.quoted(ref)} (n BIGINT, word TEXT)",
            f"INSERT INTO {self.quoted(ref)} WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
            f"WHERE n < {rows}) SELECT n, printf('%048d%048d', n, n * 7919) FROM c WHERE {rows} > 0",
        )

    def sleeping(self, seconds: int) -> str:
        """See Database. SQLite makes less than 20 million rows a second."""
        rows = f"SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < {seconds * 20_000_000}"
        return f"(WITH RECURSIVE c(n) AS ({rows}) SELECT count(*) FROM c)"

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """See Database."""
        names = [row[1] for row in self.execute(f"PRAGMA table_xinfo({self.quoted(ref)})")]
        texts = ", ".join(f"CAST({self.name_of(name)} AS TEXT)" for name in names)
        return self.execute(f"SELECT {texts} FROM {self.quoted(ref)}")


@dataclass
class Folder(Database):
    """Parquet files of the tables of a DuckDB in memory, rewritten after every call of `execute`."""

    root: Path
    tables: Any = field(default_factory=duckdb.connect)
    name: str = "files"

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """See Database."""
        return {"type": "files", "path": str(self.root), "format": "parquet"} | overrides

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """See Database."""
        self.tables.execute("SET TimeZone = 'UTC'")
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            self.tables.execute(statement)
            rows = self.tables.fetchall() if self.tables.description else []
        self._write()
        return rows

    def quoted(self, ref: TableRef) -> str:
        """See Database."""
        return self.name_of(ref.identifier)

    def fill(self, ref: TableRef, rows: int) -> None:
        """See Database."""
        self.execute(f"CREATE OR REPLACE TABLE {self.quoted(ref)} AS {_FILL_SQL.format(rows + 1)}")

    def sleeping(self, seconds: int) -> str:
        """See Database."""
        return _sleeping(seconds)

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """See Database."""
        return self.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {self.quoted(ref)}")

    def _write(self) -> None:
        names = {row[0] for row in self.tables.execute(_TABLE_NAMES_SQL).fetchall()}
        for file in self.root.glob("*.parquet"):
            if file.stem not in names:
                file.unlink()
        for name in names:
            unfinished, file = self.root / f".{name}.new", self.root / f"{name}.parquet"
            path = str(unfinished).replace("'", "''")
            self.tables.execute(f"COPY (FROM {self.name_of(name)}) TO '{path}' (FORMAT parquet)")
            unfinished.replace(file)


def _sleeping(seconds: int) -> str:
    """Return SQL that takes at least so long: DuckDB hashes less than 500 million numbers a second."""
    return f"(SELECT count(*)::INTEGER FROM range({seconds * 500_000_000}) r(i) WHERE hash(i) = 0)"


@contextmanager
def duckdb_file() -> Iterator[DuckDB]:
    """Make a DuckDB file that exists for as long as the `with` lasts."""
    with tempfile.TemporaryDirectory(prefix="dvt-duckdb-") as folder:
        database = DuckDB(Path(folder) / "warehouse.duckdb")
        database.execute()
        yield database
        FILES.close(str(database.path))


@contextmanager
def sqlite_file() -> Iterator[SQLite]:
    """Make an SQLite file that exists for as long as the `with` lasts."""
    with tempfile.TemporaryDirectory(prefix="dvt-sqlite-") as folder:
        database = SQLite(Path(folder) / "shop.sqlite")
        database.execute()
        yield database


@contextmanager
def folder_of_files() -> Iterator[Folder]:
    """Make a folder of files that exists for as long as the `with` lasts."""
    with tempfile.TemporaryDirectory(prefix="dvt-files-") as folder:
        database = Folder(Path(folder))
        yield database
        database.tables.close()
