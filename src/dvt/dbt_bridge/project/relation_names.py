"""Sets the database, schema, alias and relation name of every node on its own target.

dbt computes these names while parsing, for the default target. Recomputing them is idempotent and cheap, so
it is done in every invocation, whatever names a partially parsed manifest holds.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.factory import get_relation_class_by_name
from dbt.node_types import NodeType
from dbt.parser.base import RelationUpdate

from dvt.core.errors import DvtError

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session


_GIVEN = "dvt_names_given"
"""Attribute of a manifest: the default target of its names, and the ids renamed for other targets."""


class TargetNames:
    """Computes the names of nodes and sources on one target."""

    def __init__(self, config: Any, manifest: Any) -> None:
        self._config = config
        self._relation = get_relation_class_by_name(config.credentials.type)
        self._updates = {
            component: RelationUpdate(config, manifest, component)
            for component in ("database", "schema", "alias")
        }

    def set_names(self, node: Any) -> None:
        """Set a node's names from its config, as dbt does when it parses the node."""
        if node.resource_type == NodeType.Test and not node.is_relational:
            self._set_schema(node)
            return
        self._set_schema(node)
        self._updates["alias"](node, node.config.get("alias"))
        if node.resource_type == NodeType.Snapshot:
            node.database = node.config.target_database or node.database
            node.schema = node.config.target_schema or node.schema
        if node.is_relational and not node.is_ephemeral_model:
            node.relation_name = str(self._relation.create_from(self._config, node))
        else:
            node.relation_name = None

    def _set_schema(self, node: Any) -> None:
        self._updates["database"](node, node.config.get("database"))
        self._updates["schema"](node, node.config.get("schema"))

    def set_source_names(self, source: Any) -> None:
        """Set a source's names; its database defaults to that of its connection."""
        if not source.unrendered_database:
            source.database = self._config.credentials.database
        source.relation_name = str(self._relation.create_from(self._config, source))


def recompute(session: Session, manifest: Any) -> None:
    """Set the names of all nodes and sources that are not on the target that the manifest was parsed for."""
    by_target: dict[str, TargetNames | None] = {}
    renamed = _renamed_before(session, manifest)
    for unique_id, node in manifest.nodes.items():
        target = session.output_of(unique_id)
        if target != session.default or renamed is None or unique_id in renamed:
            names = _names(session, manifest, target, by_target)
            if names is not None:
                names.set_names(node)
    for unique_id, source in manifest.sources.items():
        connection = session.output_of(unique_id)
        if connection != session.default or renamed is None or unique_id in renamed:
            if session.outputs.can_be_target(connection):
                _set_source_names(source, _names(session, manifest, connection, by_target))
            else:
                _set_output_as_database(source, connection)
    session.ambiguous = _ambiguous(session, manifest)
    elsewhere = {
        uid for uid in (*manifest.nodes, *manifest.sources) if session.output_of(uid) != session.default
    }
    setattr(manifest, _GIVEN, (session.default, elsewhere | (renamed or set())))


def _set_source_names(source: Any, names: TargetNames | None) -> None:
    """Set a source's names; without an adapter for them, remove the default target's database."""
    if names is not None:
        names.set_source_names(source)
    elif not source.unrendered_database:
        source.database = None


def _set_output_as_database(source: Any, output: str) -> None:
    """Set the names of a source that dbt has no adapter for: its output's name is its database.

    Compiled SQL names it so too.
    """
    source.database = source.unrendered_database or output
    policy = {"database": True, "schema": True, "identifier": True}
    path = {"database": source.database, "schema": source.schema, "identifier": source.identifier}
    source.relation_name = str(BaseRelation.create(**path, quote_policy=policy))


def _ambiguous(session: Session, manifest: Any) -> frozenset[tuple[str, ...]]:
    """Return the names that tables of several outputs have; a name without its database is another name."""
    outputs: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for uid, read in (*manifest.nodes.items(), *manifest.sources.items()):
        parts = [read.database, read.schema, read.identifier]
        name = tuple(part.casefold() for part in parts if part)
        for shorter in (name, name[1:]):
            outputs[shorter].add(session.output_of(uid))
    return frozenset(name for name, having in outputs.items() if len(having) > 1)


def _renamed_before(session: Session, manifest: Any) -> set[str] | None:
    """Return the ids that an earlier invocation renamed in this manifest; None if it may be all of them."""
    default, renamed = getattr(manifest, _GIVEN, (session.default, set()))
    return set(renamed) if default == session.default else None


def _names(
    session: Session, manifest: Any, target: str, by_target: dict[str, TargetNames | None]
) -> TargetNames | None:
    """Return the names on a target, cached in `by_target`; None if dbt has no adapter for it installed.

    That is no error yet: the run may not need the target's nodes.
    """
    if target not in by_target:
        by_target[target] = None
        if session.outputs.can_be_target(target):
            try:
                by_target[target] = TargetNames(session.targets.config(target), manifest)
            except DvtError:
                return None
    return by_target[target]
