"""Real databases for tests: the interface of a database, and the registry.

An entry of `DATABASES` is a function without arguments that gives a context manager: the database
runs (or its file exists) for as long as the `with` lasts. The fixtures of tests/conftest.py open each
at most once per test run, when the first test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from dvt.core.names import TableRef

DATABASES: dict[str, str] = {
    "postgres": "tests.databases.postgres:postgres",
    "mariadb": "tests.databases.mariadb:mariadb",
    "sqlite": "tests.databases.embedded:sqlite_file",
    "duckdb": "tests.databases.embedded:duckdb_file",
    "files": "tests.databases.embedded:folder_of_files",
}
"""Name → function that opens the database; the conformance tests run on all of them."""


@dataclass(frozen=True, slots=True)
class Case:
    """A value of a database's type matrix, and the staged value that an extraction must give."""

    type: str
    """Native type, as in CREATE TABLE."""
    literal: str
    """The value, in the database's SQL."""
    stage: str = ""
    """DuckDB type of the staged column."""
    text: str | None = None
    """The staged value, as DuckDB casts it to VARCHAR; None for NULL."""
    loses: bool = False
    """Whether the described column names a loss (DVT002)."""
    error: bool = False
    """Whether the extraction stops with ValueLost (DVT134) instead."""

    @property
    def id(self) -> str:
        """Return the case's name in test ids, cut to 60 characters."""
        return f"{self.type}={self.literal}"[:60]


@dataclass(frozen=True, slots=True)
class Written:
    """A staged value, and the stored value that a load must give."""

    stage: str
    """DuckDB type of the staged column."""
    literal: str
    """The value, in DuckDB's SQL."""
    native: str = ""
    """Type of the column in the stage table, as the database spells it in its catalog."""
    text: str | None = None
    """The value in the stage table, as the database casts it to text; None for NULL."""
    loses: bool = False
    """Whether `CanLoad.columns` names a loss (DVT002)."""
    error: bool = False
    """Whether `fill` stops with ValueLost (DVT134) instead."""

    @property
    def id(self) -> str:
        """Return the case's name in test ids, cut to 60 characters."""
        return f"{self.stage}={self.literal}"[:60]


class Database(Protocol):
    """One real database, with a schema of the tests' own in it."""

    name: str
    """Key in `DATABASES`, and the connection's name in the tests."""
    types: Sequence[Case]
    """Cases of extractions."""
    written: Sequence[Written]
    """Cases of loads; empty for a database that is a source only."""
    secrets: Sequence[str]
    """Passwords, which must never appear in any output."""

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """Return the output's keys, as in profiles.yml, `type` included."""

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the owner, each committed; return the rows of the last statement."""

    def table(self, identifier: str) -> TableRef:
        """Return dvt's name of a table in the tests' schema."""

    def quoted(self, ref: TableRef) -> str:
        """Write a table's name in the database's SQL."""

    def name_of(self, column: str) -> str:
        """Quote a column's name for the database's SQL."""

    def fill(self, ref: TableRef, rows: int) -> None:
        """Make a table of `rows` rows: n (64-bit, 1…rows), word (text, about 100 bytes)."""

    def type_of(self, ref: TableRef, column: str) -> str:
        """Return a column's type as the catalog spells it; only for a database that can be a target."""

    def as_text(self, ref: TableRef) -> list[tuple[str | None, ...]]:
        """Return every row of a table, each value cast to text by the database itself."""


class Server(Database, Protocol):
    """A database that runs in processes of its own, and can be killed."""

    def sleeping(self, seconds: int) -> str:
        """Return the SQL of an integer expression that takes this long to compute."""

    def running(self) -> list[str]:
        """Return the running statements of dvt's user."""

    def connections(self) -> int:
        """Return the number of open connections of dvt's user."""

    def cut(self) -> None:
        """End every connection of dvt's user, from another connection."""


def load(name: str) -> Callable[[], AbstractContextManager[Any]]:
    """Import the function that opens the database of this name."""
    module, _, attribute = DATABASES[name].partition(":")
    opener: Callable[[], AbstractContextManager[Any]] = getattr(import_module(module), attribute)
    return opener
