"""Tables and views: a name without quotes in the project is one in upper case, as the databases take it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from dbt.adapters.base.relation import BaseRelation, EventTimeFilter
from dbt.adapters.contracts.relation import Policy, RelationType

from dvt.core.names import folded

LONGEST_NAME = 128
"""The most characters that a name may have, in HSQLDB and Derby; H2 takes longer ones."""


@dataclass
class JdbcIncludePolicy(Policy):
    """Names have no database: the schema is the highest level."""

    database: bool = False
    schema: bool = True
    identifier: bool = True


@dataclass
class JdbcQuotePolicy(Policy):
    """Names of the project are without quotes, unless it says so."""

    database: bool = False
    schema: bool = False
    identifier: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class JdbcRelation(BaseRelation):
    """A table or view. Its path is as the database keeps it; as SQL it always has quotes."""

    include_policy: JdbcIncludePolicy = field(default_factory=JdbcIncludePolicy)
    quote_policy: JdbcQuotePolicy = field(default_factory=JdbcQuotePolicy)
    renameable_relations: Any = field(default_factory=lambda: frozenset({RelationType.Table}))
    replaceable_relations: Any = field(default_factory=lambda: frozenset({RelationType.View}))

    require_alias: bool = False
    """Derby alone needs a name for a subquery; a second one, after the project's own, would be an error."""
    path_is_exact: ClassVar[bool] = True
    """Whether the path has the names as the database keeps them, whatever their quoting is."""

    def __post_init__(self) -> None:
        schema, name = self.path.schema, self.path.identifier
        if self.type != RelationType.CTE:
            schema = schema if schema is None or self.quote_policy.schema else folded(schema)
            name = name if name is None or self.quote_policy.identifier else folded(name)
        if (schema, name, None) != (self.path.schema, self.path.identifier, self.path.database):
            object.__setattr__(self, "path", self.path.replace(database=None, schema=schema, identifier=name))

    @classmethod
    def create(cls, database: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Create a relation; a `database`, which may even be Jinja's Undefined, is ignored."""
        del database
        return super().create(None, *args, **kwargs)

    def quoted(self, identifier: str) -> str:
        """Quote an identifier."""
        return '"' + identifier.replace('"', '""') + '"'

    @staticmethod
    def add_ephemeral_prefix(name: str) -> str:
        """Name a common table expression: names without quotes begin with a letter in HSQLDB."""
        return f"dbt__cte__{name}"

    def render(self) -> str:
        """Return the quoted name; that of a common table expression as it stands."""
        if self.type == RelationType.CTE:
            return str(self.path.identifier)
        parts = [self.path.schema if self.include_policy.schema else None]
        parts.append(self.path.identifier if self.include_policy.identifier else None)
        return ".".join(self.quoted(part) for part in parts if part)

    def render_limited(self) -> str:
        """Return the name, within a subquery if dbt reads few rows or none, as for --empty."""
        rendered = self.render()
        if self.limit is None:
            return rendered
        rows = f"fetch first {self.limit} rows only" if self.limit else "where 1 = 0"
        return f"(select * from {rendered} {rows}){self._render_limited_alias()}"

    def _render_subquery_alias(self, namespace: str) -> str:
        return " " + self.quoted(f"dbt_{namespace}_subq_{self.table}") if self.require_alias else ""

    def with_suffix(self, suffix: str) -> Any:
        """Return a relation of the same schema whose name is this one's with `suffix`."""
        return self.incorporate(path={"identifier": self.identifier + suffix})

    def relation_max_name_length(self) -> int:
        """Return the most characters that a name may have."""
        return LONGEST_NAME

    def _render_event_time_filtered(self, event_time_filter: EventTimeFilter) -> str:
        return " and ".join(_bounds(event_time_filter))


def _bounds(event_time: EventTimeFilter) -> Iterator[str]:
    for operator, bound in ((">=", event_time.start), ("<", event_time.end)):
        if bound is not None:
            yield f"{event_time.field_name} {operator} '{utc_text(bound)}'"


def utc_text(timestamp: datetime) -> str:
    """Write a timestamp as text in UTC."""
    utc = timestamp if timestamp.tzinfo is None else timestamp.astimezone(UTC)
    return utc.strftime("%Y-%m-%d %H:%M:%S.%f")
