"""Database, schema, alias and relation name of every node, as its own target says them.

dbt computes names while parsing, with the default target. Recomputing them is idempotent and cheap, so it
is done at every invocation, whatever a partially parsed manifest holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt.adapters.factory import get_relation_class_by_name
from dbt.node_types import NodeType
from dbt.parser.base import RelationUpdate

from dvt.core.errors import DvtError

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session


_GIVEN = "dvt_names_given"
"""On a manifest: the default target its names were computed for, and the nodes that have other names."""


class TargetNames:
    """Names on one target."""

    def __init__(self, config: Any, manifest: Any) -> None:
        self._config = config
        self._relation = get_relation_class_by_name(config.credentials.type)
        self._updates = {
            component: RelationUpdate(config, manifest, component)
            for component in ("database", "schema", "alias")
        }

    def give(self, node: Any) -> None:
        """Set a node's names, from its config as dbt does when it parses it."""
        if node.resource_type == NodeType.Test and not node.is_relational:
            self._places(node)
            return
        self._places(node)
        self._updates["alias"](node, node.config.get("alias"))
        if node.resource_type == NodeType.Snapshot:
            node.database = node.config.target_database or node.database
            node.schema = node.config.target_schema or node.schema
        if node.is_relational and not node.is_ephemeral_model:
            node.relation_name = str(self._relation.create_from(self._config, node))
        else:
            node.relation_name = None

    def _places(self, node: Any) -> None:
        self._updates["database"](node, node.config.get("database"))
        self._updates["schema"](node, node.config.get("schema"))

    def give_source(self, source: Any) -> None:
        """A source that does not name its database lives in that of its connection."""
        if not source.unrendered_database:
            source.database = self._config.credentials.database
        source.relation_name = str(self._relation.create_from(self._config, source))


def recompute(session: Session, manifest: Any) -> None:
    """Give every node on another target than the manifest was parsed for the names it has there."""
    given: dict[str, TargetNames | None] = {}
    moved = _moved_before(session, manifest)
    for unique_id, node in manifest.nodes.items():
        target = session.output_of(unique_id)
        if target != session.default or moved is None or unique_id in moved:
            names = _names(session, manifest, target, given)
            if names is not None:
                names.give(node)
    for unique_id, source in manifest.sources.items():
        connection = session.output_of(unique_id)
        if connection != session.default or moved is None or unique_id in moved:
            names = _names(session, manifest, connection, given)
            if names is not None:
                names.give_source(source)
            elif not source.unrendered_database:
                source.database = None
    elsewhere = {
        uid for uid in (*manifest.nodes, *manifest.sources) if session.output_of(uid) != session.default
    }
    setattr(manifest, _GIVEN, (session.default, elsewhere | (moved or set())))


def _moved_before(session: Session, manifest: Any) -> set[str] | None:
    """What an earlier invocation with this manifest gave other names; None for: maybe everything."""
    default, moved = getattr(manifest, _GIVEN, (session.default, set()))
    return set(moved) if default == session.default else None


def _names(
    session: Session, manifest: Any, target: str, given: dict[str, TargetNames | None]
) -> TargetNames | None:
    """None where dbt has no adapter for the output, or it is not installed: nobody may need it."""
    if target not in given:
        given[target] = None
        if session.outputs.can_be_target(target):
            try:
                given[target] = TargetNames(session.targets.config(target), manifest)
            except DvtError:
                return None
    return given[target]
