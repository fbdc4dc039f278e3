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
_HASH = 8


def shortened(name: str, suffix: str = "") -> str:
    """The name with its suffix; one that is too long ends in a hash of all of it instead."""
    if len(name) + len(suffix) <= LONGEST_NAME:
        return name + suffix
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH]
    return f"{name[: LONGEST_NAME - len(suffix) - _HASH - 1]}_{digest}{suffix}"


@dataclass
class MySQLIncludePolicy(Policy):
    """There is no level above the schema."""

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
        # dbt names the tables of test failures itself, and may pass 64 characters. A `database` can only
        # come from a project's own macro, and would make one table two.
        name = self.path.identifier
        if name is not None and self.type != RelationType.CTE:
            name = shortened(name)
        if (name, None) != (self.path.identifier, self.path.database):
            object.__setattr__(self, "path", self.path.replace(database=None, identifier=name))

    @classmethod
    def create(cls, database: Any = None, *args: Any, **kwargs: Any) -> Any:
        """A relation; a `database`, which may even be Jinja's Undefined, says nothing."""
        del database
        return super().create(None, *args, **kwargs)

    def quoted(self, identifier: str) -> str:
        """A name exactly as it is."""
        return "`" + identifier.replace("`", "``") + "`"

    def with_suffix(self, suffix: str) -> Any:
        """The relation beside this one whose name ends in `suffix`."""
        return self.incorporate(path={"identifier": shortened(self.identifier, suffix)})

    def relation_max_name_length(self) -> int:
        """In characters."""
        return LONGEST_NAME

    def _render_event_time_filtered(self, event_time_filter: EventTimeFilter) -> str:
        return " and ".join(_bounds(event_time_filter))


def _bounds(asked: EventTimeFilter) -> Iterator[str]:
    for operator, moment in ((">=", asked.start), ("<", asked.end)):
        if moment is not None:
            yield f"{asked.field_name} {operator} '{utc_text(moment)}'"


def utc_text(moment: datetime) -> str:
    """An instant as a literal of our sessions, whose zone is UTC."""
    there = moment if moment.tzinfo is None else moment.astimezone(UTC)
    return there.strftime("%Y-%m-%d %H:%M:%S.%f")
