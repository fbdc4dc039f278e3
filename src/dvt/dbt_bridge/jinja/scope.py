"""Holds the state that the parts of a federated node's Jinja context share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dbt.adapters.base.relation import BaseRelation

from dvt.dbt_bridge.jinja.relations import mark

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session


@dataclass(frozen=True, slots=True)
class Scope:
    """The node's target and dialect, and the relations that its Jinja has named."""

    session: Session
    target: str
    """The target of the node, or of the node that it is inlined into."""
    dialect: str
    """SQLGlot's name of the SQL's dialect, in which markers are quoted."""
    marked: dict[str, Any] = field(default_factory=dict)
    """The marked relations by the text they render as."""

    def mark(self, relation: BaseRelation, unique_id: str, output: str) -> Any:
        """Return the marked relation, and keep it for the queries that name it."""
        marked = mark(relation, unique_id, output, self.dialect)
        self.marked[marked.marker_text] = marked
        return marked
