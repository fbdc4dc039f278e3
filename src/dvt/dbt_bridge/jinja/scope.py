"""Holds the state that the parts of a federated node's Jinja context share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dbt.adapters.base.relation import BaseRelation

from dvt.dbt_bridge.jinja.relations import mark, name_of

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session


@dataclass(frozen=True, slots=True)
class Scope:
    """The node's target and dialect, and the relations that its Jinja has named."""

    session: Session
    node: str
    """The unique id of the node whose Jinja runs."""
    target: str
    """The target of the node, or of the node that it is inlined into."""
    dialect: str
    """SQLGlot's name of the SQL's dialect, in which names are quoted."""
    marked: dict[str, Any] = field(default_factory=dict)
    """The marked relations by the text they render as."""

    def mark(self, relation: BaseRelation, unique_id: str, output: str) -> Any:
        """Return the marked relation, and keep it for the queries that name it."""
        by_output = self._is_by_output(relation, output)
        target: Any = self.session.targets.adapter(self.target).Relation
        marked = mark(relation, unique_id, output, self.dialect, by_output=by_output, target=target)
        self.marked[marked.sql_text] = marked
        self.session.named.setdefault(self.node, set()).add(unique_id)
        return marked

    def _is_by_output(self, relation: BaseRelation, output: str) -> bool:
        """True if the relation's own name would not tell it from others."""
        if not self.session.outputs.can_be_target(output):
            return True  # its database is nobody's word but dbt's
        name = tuple(part.casefold() for part in name_of(relation, output, by_output=False))
        return output != self.target and name in self.session.ambiguous
