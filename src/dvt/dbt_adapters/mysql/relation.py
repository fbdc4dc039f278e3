"""Tables and views: `schema`.`identifier`, names of at most 64 characters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dbt.adapters.base.relation import BaseRelation, EventTimeFilter
from dbt.adapters.contracts.relation import Policy, RelationType

LONGEST_NAME = 64
"""The most characters that a name may have."""
_HASH = 8
"""Characters of the hash in a shortened name."""


def shortened(name: str, suffix: str = "") -> str:
    """Return the name with its suffix; if too long, the name's end is replaced by a hash of all of it."""
    if len(name) + len(suffix) <= LONGEST_NAME:
        return name + suffix
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH]
    return f"{name[: LONGEST_NAME - len(suffix) - _HASH - 1]}_{digest}{suffix}"


@dataclass
class MySQLIncludePolicy(Policy):
    """Names have no database: the schema is the highest level."""

    database: bool = False
    schema: bool = True
    identifier: bool = True


@dataclass(frozen=True, eq=False, repr=False)
class MySQLRelation(BaseRelation):
    """A table or view."""

    quote_character: str = "`"
    include_policy: Policy = field(default_factory=MySQLIncludePolicy)
    renameable_relations: Any = field(
        default_factory=lambda: frozenset({RelationType.View, RelationType.Table})
    )
    replaceable_relations: Any = field(default_factory=lambda: frozenset({RelationType.View}))

    def __post_init__(self) -> None:
        # dbt's names for the tables of test failures may exceed 64 characters. A `database` can only come
        # from a project's macro, and would make one table look like two.
        name = self.path.identifier
        if name is not None and self.type != RelationType.CTE:
            name = shortened(name)
        if (name, None) != (self.path.identifier, self.path.database):
            object.__setattr__(self, "path", self.path.replace(database=None, identifier=name))

    @classmethod
    def create(cls, database: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Create a relation; a `database`, which may even be Jinja's Undefined, is ignored."""
        del database
        return super().create(None, *args, **kwargs)

    def quoted(self, identifier: str) -> str:
        """Quote an identifier."""
        return "`" + identifier.replace("`", "``") + "`"

    def with_suffix(self, suffix: str) -> Any:
        """Return a relation of the same schema whose name is this one's with `suffix`."""
        return self.incorporate(path={"identifier": shortened(self.identifier, suffix)})

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
    """Write a timestamp as text for dbt's sessions, whose time zone is UTC."""
    utc = timestamp if timestamp.tzinfo is None else timestamp.astimezone(UTC)
    return utc.strftime("%Y-%m-%d %H:%M:%S.%f")
