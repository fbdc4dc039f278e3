"""PostgreSQL's side of a proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg2

from dvt.federation.plan.proven.classes import QUOTIENT
from tests.proofs.engine import Rows
from tests.proofs.tables import TABLES
from tests.proofs.values import VALUES

_TYPES: Mapping[str, str] = {
    "decimal": "numeric(10,2)",
    "quotient": "numeric",
    "float": "real",
    "double": "double precision",
    "json": "jsonb",
}
"""Class → PostgreSQL's type, where it has another name."""
_CLASSES: Mapping[str, str] = {
    "numeric": "decimal", "real": "float", "double precision": "double", "character varying": "text",
    "character": "text", "jsonb": "json", "bytea": "blob", "name": "text", "unknown": "text",
    "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
    "time without time zone": "time", "time with time zone": "timetz", "bit varying": "bit",
}  # fmt: skip
"""PostgreSQL's type → class, where it has another name."""


class Postgres:
    """A connection to the server."""

    dialect = "postgres"
    Error = psycopg2.Error
    values = VALUES
    fixed_scales = False
    in_group = 3
    zone = "America/New_York"
    tables = TABLES

    def __init__(self, connection: Any) -> None:
        self._cursor = connection.cursor()
        self._lists: dict[int, bool] = {}
        self._cursor.execute(f"SET TIME ZONE '{self.zone}'; SET statement_timeout = '5s'")

    def add(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[str | None]]) -> None:
        """Make a table; `columns` are classes by name."""
        types = ", ".join(f"{column} {_type(class_)}" for column, class_ in columns.items())
        self._cursor.execute(f"CREATE TEMP TABLE {name} ({types})")
        marks = ", ".join(f"%s::{_type(class_)}" for class_ in columns.values())
        values = [self._cursor.mogrify(f"({marks})", row).decode() for row in rows]
        self._cursor.execute(f"INSERT INTO {name} VALUES {', '.join(values)}")

    def run(self, sql: str) -> Rows:
        """Run a query; all values as text."""
        self._cursor.execute(f"SELECT * FROM ({sql}) AS answer LIMIT 0")
        outputs = [f"c{place}" for place in range(len(self._cursor.description))]
        lists = [self._is_list(column.type_code) for column in self._cursor.description]
        shown = ", ".join(
            f"to_json({output})::text" if is_list else f"{output}::text"
            for output, is_list in zip(outputs, lists, strict=True)
        )
        self._cursor.execute(f"SELECT {shown} FROM ({sql}) AS answer({', '.join(outputs)})")
        rows: Rows = self._cursor.fetchall()
        return rows

    def _is_list(self, oid: int) -> bool:
        if oid not in self._lists:
            self._cursor.execute(f"SELECT typcategory = 'A' FROM pg_type WHERE oid = {oid}")
            ((self._lists[oid],),) = self._cursor.fetchall()
        return self._lists[oid]

    def classes(self, sql: str) -> list[str]:
        """Return the classes of a query's outputs."""
        self._cursor.execute(f"SELECT * FROM ({sql}) AS answer LIMIT 0")
        oids = [column.type_code for column in self._cursor.description]
        self._cursor.execute("SELECT " + ", ".join(f"format_type({oid}, NULL)" for oid in oids))
        (names,) = self._cursor.fetchall()
        return [_class(name) for name in names]

    def is_same(self, class_: str, engine: str) -> bool:
        """Return whether the engine's class is the server's."""
        return class_.replace(QUOTIENT, "decimal") == engine.replace(QUOTIENT, "decimal")


def _type(class_: str) -> str:
    return _TYPES.get(class_, class_)


def _class(name: str) -> str:
    if name.endswith("[]"):
        return f"{_class(name.removesuffix('[]'))}[]"
    return _CLASSES.get(name, name)
