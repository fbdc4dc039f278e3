"""The engine's side of a proof: a model is planned as in a run, and computed by DuckDB over the values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import duckdb

from dvt.core.names import TableRef
from dvt.core.plan import FederationPlan, LoadColumn
from dvt.core.queries import TablePlace
from dvt.core.requests import Input, NodeRequest, TextComparison, Translate
from dvt.core.tables import Column, Table
from dvt.core.types import Kind, StageType
from dvt.drivers.duckdb import MemoryInstance
from dvt.drivers.duckdb.collations import define_functions
from dvt.federation.plan import PlanContext, make_plan, parse_model
from dvt.federation.plan.parse import Parsed
from dvt.federation.plan.proven.classes import SESSION_TEXT
from dvt.federation.plan.proven.table import ProofTable
from tests.databases.engines import default_engine
from tests.proofs.rows import Row

STAGE_TYPES: Mapping[str, str] = {
    "decimal": "DECIMAL(10,2)",
    "quotient": "DECIMAL(38,20)",
    "text": "VARCHAR",
    "text[]": "VARCHAR[]",
    "float": "FLOAT",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "unsigned": "UBIGINT",
    "collated": "VARCHAR",
    SESSION_TEXT: "VARCHAR",
    "enum": "VARCHAR",
    "year": "SMALLINT",
    "bit": "UTINYINT",
    "small": "INTEGER",
    "duration": "INTERVAL",
}
"""Class → type of its values in staging, where it has another name."""
_NATIVES = {"enum": "enum", "year": "year", "bit": "bit", "duration": "time"}
"""Class → the database's own type, by which it is known."""
_NOW = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)

Rows = list[tuple[Any, ...]]
_Errors = type[Exception] | tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True)
class Try:
    """A plan over the rows of one table of values."""

    plan: FederationPlan
    unit: str
    """Column that numbers what is computed at once: `id` of a row, `g` of a group."""
    last: int
    """Number of units."""
    by_rows: bool = False
    """True if each row has a value, though an error is one of all rows of a group: windows."""


def tried(run: Callable[[str], Rows], error_type: _Errors, unit: str, last: int) -> Iterator[tuple[str, Any]]:
    """Yield the value or the error of each row; halves what fails until a single unit is left."""
    ranges = [(0, last)]
    while ranges:
        start, end = ranges.pop()
        try:
            rows = run(f"WHERE {unit} >= {start} AND {unit} < {end}")
        except error_type as error:
            if end - start == 1:
                yield f"{unit} {start}", error
            else:
                middle = (start + end) // 2
                ranges += [(start, middle), (middle, end)]
            continue
        for row in rows:
            yield f"{unit} {row[0]}", row[-1]


class Engine:
    """DuckDB with tables of values."""

    dialect_of_engine = "duckdb"
    errors: tuple[type[Exception], ...] = (duckdb.Error, UnicodeDecodeError)
    """Errors of the engine; the second is that of its client, for a text that is none."""
    batch = 1
    """Rows that are tried at once."""

    def __init__(self, dialect: str, proven: Mapping[str, str], zone: str) -> None:
        """`zone`: the time zone of the sessions."""
        self.dialect = dialect
        self.zone = zone
        self.proofs = ProofTable(results=proven)
        self._db = duckdb.connect()
        self._db.execute(f"SET GLOBAL TimeZone = '{zone}'; SET memory_limit = '500MB'; SET threads = 1")
        self._instance = MemoryInstance(memory_limit="1GB", threads=1, spill=None)
        self._engine = default_engine(self._instance)
        self._tables: dict[str, Table] = {}

    def add(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[str | None]]) -> None:
        """Make a table; `columns` are classes by name."""
        types = {column: STAGE_TYPES.get(class_, class_.upper()) for column, class_ in columns.items()}
        self._db.execute(
            f"CREATE TABLE {name} ({', '.join(f'{key} {type_}' for key, type_ in types.items())})"
        )
        lists = [
            [_as_duckdb(value, class_) for value, class_ in zip(row, columns.values(), strict=True)]
            for row in rows
        ]
        casts = ", ".join(f"CAST({key} AS {type_})" for key, type_ in types.items())
        values = ", ".join(f"({', '.join(map(_literal, row))})" for row in lists)
        if lists:
            self._db.execute(
                f"INSERT INTO {name} SELECT {casts} FROM (VALUES {values}) AS v({', '.join(types)})"
            )
        connection = "elsewhere" if SESSION_TEXT in columns.values() else "source"
        ref = TableRef(connection=connection, schema="main", identifier=name)
        self._tables[name] = Table(
            ref=ref,
            columns=tuple(
                Column(
                    name=key,
                    native=_NATIVES.get(columns[key], type_.lower()),
                    stage=StageType.parse(type_),
                    exact=True,
                    collation="utf8mb4_unicode_ci" if columns[key] == "collated" else None,
                    ranked=columns[key] == "enum",
                )
                for key, type_ in types.items()
            ),
        )

    def parse(self, sql: str, tables: Sequence[str]) -> Parsed:
        """Parse a model that names these tables."""
        inputs = {
            f"model.proof.{name}": Input(
                table=self._tables[name].ref, unique_id=f"model.proof.{name}", name=("main", name)
            )
            for name in tables
        }
        return parse_model(
            NodeRequest(
                unique_id="model.proof.it", name="it", file="it.sql", sql=sql, dialect=self.dialect,
                inputs=inputs, stage=TableRef(connection="target", schema="main", identifier="it"),
                translate=Translate.BEST_EFFORT, comparing=TextComparison.SOURCE,
            )
        )  # fmt: skip

    def described(self, parsed: Parsed) -> dict[str, Table]:
        """Return the tables that a model reads, by unique id."""
        return {key: self._tables[read.table.identifier] for key, read in parsed.inputs.items()}

    def context(self) -> PlanContext:
        """Return the context in which models are planned."""
        return PlanContext(
            dialects={"source": self.dialect, "target": self.dialect, "elsewhere": "duckdb"},
            bind=self._engine.bind,
            narrowed=self._engine.narrowed,
            evaluate=partial(self._engine.evaluate, time_zone=self.zone),
            load=lambda columns: tuple(
                LoadColumn(name=column.name, stage=column.type, native=str(column.type)) for column in columns
            ),
            started_at=_NOW,
            time_zone=self.zone,
            engine=self._engine.dialect,
            collations=self._engine.collations,
            proofs=lambda engine, dialect: self.proofs,
        )

    def plan(self, parsed: Parsed) -> FederationPlan:
        """Plan a model as a run does."""
        return make_plan(parsed, self.described(parsed), self.context())

    def run(self, plan: FederationPlan, where: str) -> Rows:
        """Compute the plan's transform over the rows that `where` leaves; all values as text."""
        names = [table.name for table in plan.transform.tables]
        sql = plan.transform.sql
        pieces = [sql] if isinstance(sql, str) else list(sql)
        text = "".join(
            f"(SELECT * FROM {names[piece.number]} {where})" if isinstance(piece, TablePlace) else str(piece)
            for piece in pieces
        )
        outputs = [f"c{place}" for place in range(len(plan.transform.columns))]
        with self._db.cursor() as cursor:
            cursor.execute(f"SET TimeZone = '{self.zone}'")
            define_functions(cursor, plan.transform.functions)
            shown = ", ".join(
                f"CAST({'to_json' if column.type.kind is Kind.LIST else ''}({output}) AS VARCHAR)"
                for output, column in zip(outputs, plan.transform.columns, strict=True)
            )
            return cursor.execute(f"SELECT {shown} FROM ({text}) AS answer({', '.join(outputs)})").fetchall()

    def can(self, row: Row) -> bool:
        """Return whether the engine has columns of all the row's classes."""
        del row
        return True

    def has(self, class_: str, value: str | None) -> bool:
        """Return whether the engine has a value of a class; what it lacks is an error when it is read."""
        del class_, value
        return True

    def answers(self, tries: Sequence[Try]) -> list[dict[str, Any]]:
        """Compute plans; return the value or the error of each unit."""
        return [dict(tried(partial(self.run, one.plan), self.errors, one.unit, one.last)) for one in tries]

    def arguments(self, name: str, key: str) -> str:
        """Return the values of a row of a table, for people."""
        unit, _, number = key.partition(" ")
        if unit != "id":
            return f"group {number}"
        names = [column.name for column in self._tables[name].columns[2:]]
        texts = ", ".join(f"CAST({column} AS VARCHAR)" for column in ("id", *names))
        (values,) = self._db.execute(f"SELECT {texts} FROM {name} WHERE id = {number}").fetchall()
        return ", ".join(f"{name} = {value}" for name, value in zip(names, values[1:], strict=True))

    def close(self) -> None:
        """Release both instances."""
        self._engine.close()
        self._instance.close()
        self._db.close()


def _literal(value: str | None) -> str:
    return "CAST(NULL AS VARCHAR)" if value is None else "'" + value.replace("'", "''") + "'"


def _as_duckdb(value: str | None, class_: str) -> str | None:
    if value is None:
        return None
    if class_.endswith("[]"):
        return value.replace("{", "[").replace("}", "]").replace('""', "''")
    if class_ in ("date", "timestamp") and value.endswith(" BC"):
        day, *time = value.removesuffix(" BC").split(" ")
        return " ".join((f"{day} (BC)", *time))
    return value
