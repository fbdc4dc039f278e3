"""What the parts of a federated node's Jinja context share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dbt.adapters.base.relation import BaseRelation

from dvt.dbt_bridge.jinja.relations import mark

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session


@dataclass(frozen=True, slots=True)
class Scope:
    """What all parts of one federated context share."""

    session: Session
    home: str
    """The output on which the node, or the one it is inlined into, is built."""
    dialect: str
    """SQLGlot name of the SQL's dialect: its quoting is the markers'."""
    given: dict[str, Any] = field(default_factory=dict)
    """The marked relations handed out, by the text they render as."""

    def mark(self, relation: BaseRelation, unique_id: str, output: str) -> Any:
        """The relation as a marker, remembered for the queries that name it."""
        marked = mark(relation, unique_id, output, self.dialect)
        self.given[marked.shown] = marked
        return marked
