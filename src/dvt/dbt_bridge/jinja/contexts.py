"""The Jinja context of a federated model: ref, source and this give markers, introspection goes to the owner.

Everything else (config, var, target, graph, dispatch, macros) is dbt's, for the node's own target.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from dbt.adapters.base.relation import BaseRelation
from dbt.clients.jinja import add_rendered_test_kwargs
from dbt.context.base import contextproperty
from dbt.context.providers import (
    ModelContext,
    RuntimeDatabaseWrapper,
    RuntimeProvider,
    RuntimeRefResolver,
    RuntimeSourceResolver,
)
from dbt.contracts.graph.manifest import Disabled
from dbt.contracts.graph.nodes import GenericTestNode
from dbt.node_types import NodeType

from dvt.dbt_bridge.jinja.introspect import FederatedDatabaseWrapper, FixtureDatabaseWrapper
from dvt.dbt_bridge.jinja.scope import Scope

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session


def federated_context(
    session: Session, node: Any, config: Any, manifest: Manifest, dialect: str
) -> dict[str, Any]:
    """The context a federated node is compiled in, or an ephemeral model that is inlined into one.

    `config` is that of the output the federated node is built on.
    """
    scope = Scope(session, str(config.target_name), dialect)
    context = FederatedContext(node, config, manifest, FederatedProvider(scope), None)
    context.scope = scope
    made: dict[str, Any] = context.to_dict()
    if isinstance(node, GenericTestNode):
        add_rendered_test_kwargs(made, node)
    return made


def fixture_context(scope: Scope, node: Any, config: Any, manifest: Manifest, wrapper: Any) -> dict[str, Any]:
    """What a unit test's given rows see of the table they stand in for: its columns, where it lives."""
    stood_for = _stood_for(scope.session, node)
    resolver = FederatedSource if stood_for.resource_type == "source" else FederatedRef
    return {
        "this": resolver(scope, wrapper, stood_for, config, manifest).relation_of(stood_for),
        "adapter": FixtureDatabaseWrapper.over(scope, wrapper),
    }


def _stood_for(session: Session, node: Any) -> Any:
    """The source, model, seed or snapshot that a unit test gives rows for."""
    manifest: Any = session.manifest
    if getattr(node, "source_name", None):
        return manifest.source_lookup.find(f"{node.source_name}.{node.name}", None, manifest)
    return manifest.ref_lookup.find(node.name, node.package_name, getattr(node, "version", None), manifest)


class OwnersRelations:
    """Stands in for the database wrapper of an output that no dbt adapter can open."""

    Relation = BaseRelation


class FederatedRef(RuntimeRefResolver):
    """`ref()`: dbt's own checks, then the owner's relation as a marker."""

    def __init__(self, scope: Scope, *args: Any) -> None:
        super().__init__(*args)
        self.scope = scope

    def create_relation(self, target_model: Any) -> Any:
        """A marker; an ephemeral model is inlined by dbt's compiler, as always."""
        if target_model.is_ephemeral_model:
            return super().create_relation(target_model)
        return self.relation_of(target_model)

    def relation_of(self, target_model: Any) -> Any:
        """The marked relation of a model, seed or snapshot, deferral and limits applied."""
        output, owner = _owners(self, RuntimeRefResolver, target_model)
        with self._asking(output, target_model):
            relation = owner.create_relation(target_model)
        return self.scope.mark(relation, target_model.unique_id, output)

    @contextmanager
    def _asking(self, output: str, target_model: Any) -> Iterator[None]:
        """A connection to the owner where dbt looks whether a deferred relation is there."""
        defers = getattr(target_model, "defer_relation", None) and self.config.args.defer
        if not defers or output == self.scope.home:
            yield
            return
        with self.scope.session.targets.adapter(output).connection_named(f"dvt defer on {output}"):
            yield


class FederatedSource(RuntimeSourceResolver):
    """`source()`: the owner's relation as a marker."""

    def __init__(self, scope: Scope, *args: Any) -> None:
        super().__init__(*args)
        self.scope = scope

    def resolve(self, source_name: str, table_name: str) -> Any:
        """A marker; dbt's own error when there is no such source."""
        found = self.manifest.resolve_source(
            source_name, table_name, self.current_project, self.model.package_name
        )
        if found is None or isinstance(found, Disabled):
            return super().resolve(source_name, table_name)
        return self.relation_of(found)

    def relation_of(self, target_source: Any) -> Any:
        """The marked relation of a source's table, limits applied."""
        output, owner = _owners(self, RuntimeSourceResolver, target_source)
        relation = owner.resolve(target_source.source_name, target_source.name)
        return self.scope.mark(relation, target_source.unique_id, output)


def _owners(resolver: Any, kind: type[Any], read: Any) -> tuple[str, Any]:
    """The output that `read` lives on, and dbt's own resolver as a model on that output has it."""
    session = resolver.scope.session
    output = session.output_of(read.unique_id)
    if not session.outputs.can_be_target(output):
        return output, kind(OwnersRelations(), resolver.model, resolver.config, resolver.manifest)
    wrapper = RuntimeDatabaseWrapper(session.targets.adapter(output), None)
    return output, kind(wrapper, resolver.model, session.targets.config(output), resolver.manifest)


class FederatedProvider(RuntimeProvider):
    """dbt's runtime provider with our ref, source and adapter."""

    def __init__(self, scope: Scope) -> None:
        self.DatabaseWrapper = partial(FederatedDatabaseWrapper, scope)
        self.ref = partial(FederatedRef, scope)
        self.source = partial(FederatedSource, scope)


class FederatedContext(ModelContext):
    """dbt's model context with a `this` that is a marker too."""

    scope: Scope

    @contextproperty()
    def this(self) -> Any:
        """The model's own table, as the last run left it."""
        if self.model.resource_type == NodeType.Operation:
            return None
        relation = self.db_wrapper.Relation.create_from(self.config, self.model)
        return self.scope.mark(relation, self.model.unique_id, self.scope.home)
