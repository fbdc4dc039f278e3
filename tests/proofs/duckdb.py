"""DuckDB's side of a proof: DuckDB itself, where another engine computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from dvt.core.types import Kind, StageType
from dvt.federation.plan.proven.classes import dialect_classes
from tests.proofs.engine import STAGE_TYPES, Rows
from tests.proofs.tables import TABLES
from tests.proofs.values import VALUES


class DuckDB:
    """A connection to a file of DuckDB's."""

    dialect = "duckdb"
    Error = duckdb.Error
    values = VALUES
    fixed_scales = True
    in_group = 3
    zone = "America/New_York"
    tables = TABLES

    def __init__(self, connection: Any) -> None:
        self._cursor = connection
        self._cursor.execute(f"SET SESSION TimeZone = '{self.zone}'")

    def add(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[str | None]]) -> None:
        """Make a table; `columns` are classes by name."""
        types = {column: STAGE_TYPES.get(class_, class_.upper()) for column, class_ in columns.items()}
        self._cursor.execute(
            f"CREATE TEMP TABLE {name} ({', '.join(f'{column} {type_}' for column, type_ in types.items())})"
        )
        marks = ", ".join(f"CAST(? AS {type_})" for type_ in types.values())
        if rows:
            values = [[_written(value) for value in row] for row in rows]
            self._cursor.executemany(f"INSERT INTO {name} VALUES ({marks})", values)

    def run(self, sql: str) -> Rows:
        """Run a query; all values as text."""
        described = self._described(sql)
        outputs = [f"c{place}" for place in range(len(described))]
        shown = ", ".join(
            f"CAST({'to_json' if type_.kind is Kind.LIST else ''}({output}) AS VARCHAR)"
            for output, type_ in zip(outputs, described, strict=True)
        )
        rows: Rows = self._cursor.execute(
            f"SELECT {shown} FROM ({sql}) AS answer({', '.join(outputs)})"
        ).fetchall()
        return rows

    def classes(self, sql: str) -> list[str]:
        """Return the classes of a query's outputs."""
        known = dialect_classes(self.dialect)
        types = self._described(sql)
        return [class_.name if (class_ := known.of_stage(type_)) else str(type_) for type_ in types]

    def is_same(self, class_: str, engine: str) -> bool:
        """Return whether the engine's class is the server's."""
        return class_ == engine

    def _described(self, sql: str) -> list[StageType]:
        described = self._cursor.execute(f"DESCRIBE ({sql})").fetchall()
        return [StageType.parse(row[1]) for row in described]


def _written(value: str | None) -> str | None:
    """Return a moment before the year 1 as DuckDB spells it."""
    if value is None or not value.endswith(" BC"):
        return value
    day, *time = value.removesuffix(" BC").split(" ")
    return " ".join((f"{day} (BC)", *time))
