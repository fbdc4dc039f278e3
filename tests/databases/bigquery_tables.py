"""Tables of the stand-in: their columns as the API has them, their rows in DuckDB, and their past."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb
from sqlglot import exp

from tests.databases.bigquery_sql import (
    PROJECT,
    Field,
    Refused,
    answered_field,
    check_field,
    check_table_name,
    duckdb_sql,
    duckdb_type,
    field_of,
    parsed,
    quoted,
)

_SIZES = {
    "STRING": "coalesce(2 + strlen({0}), 0)",
    "JSON": "coalesce(strlen({0}::VARCHAR), 0)",
    "BYTES": "coalesce(2 + octet_length({0}), 0)",
    "NUMERIC": "CASE WHEN {0} IS NULL THEN 0 ELSE 16 END",
}
"""Type → DuckDB SQL of a value's logical bytes, as the documentation has them; 8 for the others."""

Key = tuple[str, str, str]
"""Project, dataset and name."""


@dataclass
class Table:
    """A table or a view."""

    name: str
    """In DuckDB, quoted."""
    fields: list[Field]
    kind: str = "TABLE"
    partitioned: str = ""
    """DuckDB SQL of a row's partition; empty: there is one."""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    past: list[tuple[datetime, str]] = field(default_factory=list)
    """Until when the rows were those of which table in DuckDB."""

    def count(self, cursor: Any) -> int:
        """Return its number of rows."""
        (rows,) = cursor.execute(f"SELECT count(*) FROM {self.name}").fetchone()
        return int(rows)

    def size(self, cursor: Any, names: set[str] | None = None, partitions: str = "") -> int:
        """Return the logical bytes of columns, of all or of those partitions whose SQL this is."""
        sizes = " + ".join(
            _SIZES.get(column["type"], "CASE WHEN {0} IS NULL THEN 0 ELSE 8 END").format(
                quoted(column["name"])
            )
            for column in self.fields
            if names is None or column["name"].lower() in names
        )
        where = f" WHERE {self.partitioned} IN ({partitions})" if partitions else ""
        (size,) = cursor.execute(f"SELECT sum({sizes or 0}) FROM {self.name}{where}").fetchone()
        return int(size or 0)


class Tables:
    """All tables. Thread-safe."""

    def __init__(self) -> None:
        self.database = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})
        self.database.execute("CREATE SCHEMA answers; CREATE SCHEMA past; SET TimeZone = 'UTC'")
        self._numbers = itertools.count()
        self._lock = threading.RLock()
        self.all: dict[Key, Table] = {}
        self.datasets: set[str] = set()

    def create_dataset(self, name: str) -> None:
        """Create a dataset unless there is one."""
        with self._lock:
            self.datasets.add(name)
            self.database.cursor().execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(name)}")

    def key(self, reference: dict[str, str]) -> Key:
        """Return the key of a table of the API's."""
        return reference["projectId"], reference["datasetId"], reference["tableId"]

    def found(self, key: Key) -> Table:
        """Return a table that is there."""
        with self._lock:
            if key not in self.all:
                raise Refused(f"Not found: Table {key[0]}:{key[1]}.{key[2]}", "notFound")
            return self.all[key]

    def create(self, key: Key, fields: list[Field]) -> Table:
        """Create a table, which must not be there."""
        check_table_name(key[2])
        for column in fields:
            check_field(column)
        with self._lock:
            if key[0] != PROJECT or key[1] not in self.datasets:
                raise Refused(f"Not found: Dataset {key[0]}:{key[1]}", "notFound")
            if key in self.all:
                raise Refused(f"Already Exists: Table {'.'.join(key)}", "duplicate")
            table = Table(f"{quoted(key[1])}.{quoted(key[2])}", fields)
            columns = ", ".join(
                f"{quoted(one['name'])} {duckdb_type(one)}"
                + (" NOT NULL" if one.get("mode") == "REQUIRED" else "")
                for one in fields
            )
            self.database.cursor().execute(f"CREATE TABLE {table.name} ({columns})")
            self.all[key] = table
            return table

    def fill(self, key: Key, fields: list[Field], select: str) -> None:
        """Create a table anew with the rows of a SELECT in DuckDB's SQL."""
        with self._lock:
            self.drop(key)
            table = self.create(key, fields)
            self.database.cursor().execute(f"INSERT INTO {table.name} {select}")

    def drop(self, key: Key) -> bool:
        """Drop a table; return whether there was one."""
        with self._lock:
            table = self.all.pop(key, None)
            if table is not None:
                self.database.cursor().execute(f"DROP {table.kind} {table.name}")
            return table is not None

    def relation(self, node: exp.Table) -> exp.Expr:
        """Return the name in DuckDB of a table in a query, as of a moment if the query says so."""
        table = self.found((node.catalog or PROJECT, node.db, node.name))
        name, version = table.name, node.args.get("version")
        if version is not None:
            name = self._as_of(table, version)
        alias = node.args.get("alias")
        found = exp.to_table(name, dialect="duckdb")
        if alias is not None:
            found.set("alias", alias)
        return found

    def _as_of(self, table: Table, version: exp.Expr) -> str:
        moment = datetime.fromisoformat(version.expression.find(exp.Literal).name)
        if table.kind != "TABLE":
            raise Refused("FOR SYSTEM_TIME AS OF is not for views")
        if moment > datetime.now(UTC):
            raise Refused(f"Invalid time travel timestamp {moment}: it is in the future")
        if moment < table.created:
            raise Refused(f"Table did not exist at {moment}", "notFound")
        return next((name for until, name in table.past if moment < until), table.name)

    def execute(self, sql: str, cursor: Any) -> list[tuple[Any, ...]]:
        """Run a statement of BigQuery's; return its rows."""
        tree = parsed(sql)
        with self._lock:
            if isinstance(tree, exp.Create):
                self._create(tree, cursor)
            elif isinstance(tree, exp.Drop):
                self._drop(tree)
            elif isinstance(tree, exp.Insert):
                self._insert(tree, cursor)
            elif isinstance(tree, exp.Query):
                return list(cursor.execute(duckdb_sql(tree, self.relation)).fetchall())
            else:
                raise Refused(f"this stand-in has no {type(tree).__name__}")
        return []

    def _create(self, tree: exp.Create, cursor: Any) -> None:
        if tree.kind == "SCHEMA":
            self.create_dataset(tree.this.db or tree.this.name)
            return
        schema = tree.this if isinstance(tree.this, exp.Schema) else None
        key = self._named(schema.this if schema else tree.this)
        columns = [one for one in schema.expressions if isinstance(one, exp.ColumnDef)] if schema else []
        fields = [field_of(column) for column in columns]
        select = tree.expression.unnest() if tree.expression is not None else None
        sql = duckdb_sql(select, self.relation) if select is not None else ""
        if sql and not fields:
            found = cursor.execute(f"DESCRIBE SELECT * FROM ({sql}) AS q").fetchall()
            fields = [answered_field(name, type_) for name, type_, *_ in found]
        if sql and tree.kind != "VIEW":
            cursor.execute(f"CREATE OR REPLACE TEMP TABLE created AS {sql}")
        if tree.args.get("replace"):
            self.drop(key)
        if tree.kind == "VIEW":
            name = f"{quoted(key[1])}.{quoted(key[2])}"
            cursor.execute(f"CREATE VIEW {name} AS {sql}")
            self.all[key] = Table(name, fields, "VIEW")
            return
        table = self.create(key, fields)
        if sql:
            cursor.execute(f"INSERT INTO {table.name} SELECT * FROM created")

    def _drop(self, tree: exp.Drop) -> None:
        (named,) = tree.args["tables"]
        if not self.drop(self._named(named)) and not tree.args.get("exists"):
            raise Refused(f"Not found: {named.sql()}", "notFound")

    def _insert(self, tree: exp.Insert, cursor: Any) -> None:
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        table = self.found(self._named(target))
        past = f"past.t{next(self._numbers)}"
        cursor.execute(f"CREATE TABLE {past} AS FROM {table.name}")
        table.past.append((datetime.now(UTC), past))
        values = duckdb_sql(tree.expression, self.relation)
        cursor.execute(f"INSERT INTO {table.name} {values}")

    def _named(self, table: exp.Expr) -> Key:
        return table.catalog or PROJECT, table.db, table.name
