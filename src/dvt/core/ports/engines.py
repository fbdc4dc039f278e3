"""The interface to compute engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from dvt.core.plan import Binding, Transform, TransformTable
from dvt.core.ports.connectors import Instance
from dvt.core.ports.staging import Dataset, Sink
from dvt.core.queries import Sql
from dvt.core.types import StageType

Value = tuple[StageType, str | None]
"""A type and the value's text, None for NULL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollationFunctions:
    """Names of the engine's functions that turn text into what a collation compares; empty: no function."""

    equal: str = ""
    """Gives equal values for texts that are equal."""
    order: str | None = ""
    """Gives values whose bytes sort as the texts do; None if there is no such function."""
    like: str = ""
    """Gives what LIKE compares: character by character, ASCII letters in upper case."""
    pattern: str = ""
    """As `like`, for a pattern and its escape character; in its answer the backslash escapes."""
    own: str = ""
    """The engine's own collation that is the same: a column that has it needs no functions."""
    upper: str = ""
    """UPPER as the database has it."""
    lower: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuckDBLimits:
    """Limits of the DuckDB instance that the run's sources are read through."""

    memory: str | None = None
    """E.g. `8GB`; None: half of the machine's or container's memory."""
    threads: int | None = None
    """None: as many as there are cores."""


class EngineSettings(BaseModel):
    """The keys of an entry in computes.yml, but for `type`; each engine has a subclass of its own."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, strict=True, use_attribute_docstrings=True
    )

    @property
    def spill(self) -> Path | None:
        """The user's folder for what does not fit in memory; None: a folder of the run's own."""
        return None

    @property
    def duckdb(self) -> DuckDBLimits:
        """Limits of the instance that sources are read through, where this is the default compute."""
        return DuckDBLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """What the run gives an engine beside the engine's own settings."""

    run: str
    """The run's id, [a-z0-9], to name what the engine makes elsewhere, such as a session on a cluster."""
    scratch: Path
    """Folder of this machine for the engine alone; removed when the run ends, or after it died."""
    duckdb: Instance
    """The instance that the run's sources are read through."""
    started_at: datetime
    """When the run started: what now() gives in every model of the run."""
    report: Callable[[str], None] = field(default=lambda _: None)
    """Takes sentences of how far a long query is, in the context of the thread that runs it."""
    default: bool
    """True for the run's default compute: what limits `duckdb` are this engine's settings."""
    hadoop_jars: Sequence[str] = ()
    """Jars by which Hadoop reaches the profile's buckets, in Maven's words: `group:name:{hadoop}`."""


class Engine(Protocol):
    """Runs one SELECT over staged Parquet data and stages the answer.

    Made as `Engine(name, settings, context)` when the first model asks for its entry of computes.yml, whose
    `type` names the class (`dvt.config.computes.ENGINES`, or another package's entry point `dvt.engines`).
    """

    dialect: ClassVar[str]
    """SQLGlot's name of the engine's SQL, in which a model with `dialect: compute` is written."""
    settings: ClassVar[type[EngineSettings]]
    """The model of the entry's keys."""
    collations: ClassVar[Mapping[str, CollationFunctions]]
    """Collations that the engine can compare by (`collation: source`), by name."""

    def __init__(self, name: str, settings: Any, context: EngineContext) -> None:
        """Make the engine of the entry `name`; `settings` is an instance of the class's own model."""

    def bind(self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str] = ()) -> Binding:
        """Bind `sql` on empty tables: return its outputs, and the columns of each table that it reads.

        `sql` has a TablePlace for each use of a table, by the table's index. `functions` are those of
        `collations` that it calls.
        """

    def narrowed(self, sql: Sql, tables: Sequence[TransformTable], functions: Sequence[str]) -> Sequence[str]:
        """Return the conversions of numbers that would lose digits, and that `sql` does not ask for.

        The arguments are those of `bind`. A conversion is a sentence's part: `DECIMAL(9,4) to DECIMAL(38,2)`.
        """

    def run(self, transform: Transform, datasets: Mapping[str, Dataset], sink: Sink) -> Dataset:
        """Run a transform, in which no value is open any more, and stage its answer.

        `datasets` hold the rows of its tables, by the tables' aliases; a column that a dataset lacks is
        NULL. now() and its like give `EngineContext.started_at`. Times are read and shown in
        `Transform.time_zone`.
        """

    def fetch(self, dataset: Dataset) -> tuple[Value, ...]:
        """Return a small dataset's first row, for literals."""

    def rows(self, dataset: Dataset) -> list[tuple[object, ...]]:
        """Return a small dataset's rows as Python values, in the order they were staged, to show them."""

    def keys(self, dataset: Dataset, limit: int) -> tuple[Value, ...] | None:
        """Return the distinct values of a dataset's only column, without NULL; None for more than `limit`."""

    def evaluate(self, expressions: Sequence[str], time_zone: str = "UTC") -> tuple[Value | None, ...]:
        """Evaluate constant expressions, in a time zone; None for one that fails."""

    def cancel(self) -> None:
        """Stop every query under way."""

    def close(self) -> None:
        """Release memory and spilled files."""
