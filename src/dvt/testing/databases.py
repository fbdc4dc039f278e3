"""What the suites are told of a real database: how to reach it, its SQL, and values that it holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dvt.core.names import TableRef


class Database(ABC):
    """A real database with a place of the tests' own, such as a schema. Inherit, and set `name`."""

    name: str
    """The connection's name in the tests."""
    schema: str = "shop"
    """The schema that the tests' tables are in."""
    secrets: Sequence[str] = ()
    """Passwords, which must never appear in any output."""
    impossible_names: Sequence[str] = ()
    """Names that its tables and columns cannot have."""
    ranges: int = 1
    """Number of queries by which a large table is read."""
    integer_type: str = "integer"
    """A native type that is staged as INTEGER."""
    text_type: str = "varchar(20)"
    """A native type that is staged as VARCHAR."""

    @abstractmethod
    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the output's keys, as in profiles.yml, `type` included; `more` are added or replace them."""

    @abstractmethod
    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the tests' owner, each committed; return the rows of the last one."""

    @abstractmethod
    def fill(self, ref: TableRef, rows: int) -> None:
        """Make a table of `rows` rows anew: n (64-bit, 1…rows), word (text, 96 bytes)."""

    @abstractmethod
    def sleeping(self, seconds: int) -> str:
        """Return SQL of an integer that takes at least so long to compute, before the first row."""

    def table(self, identifier: str) -> TableRef:
        """Return dvt's name of a table in the tests' schema."""
        return TableRef(connection=self.name, schema=self.schema, identifier=identifier)

    def name_of(self, column: str) -> str:
        """Quote a column's name for the database's SQL."""
        return '"' + column.replace('"', '""') + '"'

    def quoted(self, ref: TableRef) -> str:
        """Write a table's name in the database's SQL."""
        return f"{self.name_of(ref.schema or self.schema)}.{self.name_of(ref.identifier)}"

    def create(
        self, ref: TableRef, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]
    ) -> None:
        """Make a table of columns (name, native type) and rows (literals) anew."""
        name = self.quoted(ref)
        typed = ", ".join(f"{self.name_of(column)} {native}" for column, native in columns)
        inserts = [f"insert into {name} values ({', '.join(row)})" for row in rows]
        self.execute(f"drop table if exists {name}", f"create table {name} ({typed})", *inserts)


class TargetDatabase(Database):
    """A database that models can be built on, so that its connector loads stage tables."""

    @abstractmethod
    def type_of(self, ref: TableRef, column: str) -> str:
        """Return a column's type as the database's catalog spells it."""

    @abstractmethod
    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """Return every row of a table, each value cast to text by the database itself."""


class ServerDatabase(Database):
    """A database that runs in processes of its own, so that connections to it can be counted and cut."""

    @abstractmethod
    def running(self) -> list[str]:
        """Return the running statements of dvt's user."""

    @abstractmethod
    def connections(self) -> int:
        """Return the number of open connections of dvt's user."""

    @abstractmethod
    def cut(self) -> None:
        """End every connection of dvt's user, from another connection."""


@dataclass(frozen=True, slots=True)
class ReadCase:
    """A value of a database's type matrix, and how it must be staged."""

    type: str
    """Native type, as in CREATE TABLE."""
    literal: str
    """The value, in the database's SQL."""
    stage: str = ""
    """The column's type in staging, as DuckDB spells it."""
    text: str | None = None
    """The staged value, as DuckDB casts it to VARCHAR; None for NULL."""
    loses: bool = False
    """The described column says what is lost (DVT002)."""
    error: bool = False
    """The extraction stops with ValueLost (DVT134) instead."""

    @property
    def id(self) -> str:
        """The case's name in reports, cut to 60 characters."""
        return f"{self.type}={self.literal}"[:60]


@dataclass(frozen=True, slots=True)
class LoadCase:
    """A staged value, and how a load must write it into a database."""

    stage: str
    """Type of the staged column, as DuckDB spells it."""
    literal: str
    """The value, in DuckDB's SQL."""
    native: str = ""
    """Type of the column in the stage table, as the database spells it in its catalog."""
    text: str | None = None
    """The value in the stage table, as the database casts it to text; None for NULL."""
    loses: bool = False
    """`CanLoad.columns` says what is lost (DVT002)."""
    error: bool = False
    """`fill` stops with ValueLost (DVT134) instead."""

    @property
    def id(self) -> str:
        """The case's name in reports, cut to 60 characters."""
        return f"{self.stage}={self.literal}"[:60]
