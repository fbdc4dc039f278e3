"""What will happen for one federated model, decided before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dvt.core.names import TableRef
from dvt.core.queries import SourceQuery, Sql, rendered
from dvt.core.reports import Notice
from dvt.core.tables import StageColumn
from dvt.core.types import StageType


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """The SELECT that the compute engine runs over the staged tables."""

    dialect: str
    """The engine's."""
    sql: Sql
    """In the engine's dialect, with a place for each value that a query was asked for."""
    columns: tuple[StageColumn, ...]
    """Outputs, with the types they are staged as."""
    functions: tuple[str, ...] = ()
    """The engine's functions for collations (`Engine.collations`) that `sql` calls."""

    @property
    def shown(self) -> str:
        """Its SQL as people read it."""
        return rendered(self.sql)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadColumn:
    """A column of a stage table on the target."""

    name: str
    stage: StageType
    """Type in the staged result."""
    native: str
    """Type in the target's DDL."""
    loses: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The new table to fill on the target."""

    stage: TableRef
    columns: tuple[LoadColumn, ...]
    definition: str = ""
    """The stage table's columns and constraints, in brackets, where a contract says them; their order may
    be another one than that of `columns`. Values arrive as they are, or the load fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationPlan:
    """Everything that will happen for one model, and nothing that has happened."""

    node: str
    file: str
    queries: tuple[SourceQuery, ...]
    """What the transform reads as tables, by alias."""
    asked: tuple[SourceQuery, ...] = ()
    """Asked for one value each, which stands in other queries or in the transform by the query's alias."""
    transform: Transform
    load: Load
    notices: tuple[Notice, ...] = ()

    def waves(self) -> Iterator[tuple[SourceQuery, ...]]:
        """The queries in the order they are sent: those of a wave need answers of earlier ones alone."""
        waiting, known = [*self.asked, *self.queries], set[str]()
        while waiting:
            wave = [one for one in waiting if all(known.issuperset(need.answers) for need in one.needs)]
            if not wave:
                raise ValueError(f"{', '.join(one.alias for one in waiting)} need what nobody answers")
            yield tuple(wave)
            known |= {one.alias for one in wave}
            waiting = [one for one in waiting if one.alias not in known]
