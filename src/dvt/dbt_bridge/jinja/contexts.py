"""Makes the Jinja context of a federated node.

`ref`, `source` and `this` return relations that render as markers; introspection queries the output that a
relation is on. All else (config, var, target, graph, dispatch, macros) is dbt's, for the node's target.
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
    """Return the context to compile a federated node, or an ephemeral model that is inlined into it.

    `config` is that of the federated node's target.
    """
    scope = Scope(session, node.unique_id, str(config.target_name), dialect)
    context = FederatedContext(node, config, manifest, FederatedProvider(scope), None)
    context.scope = scope
    variables: dict[str, Any] = context.to_dict()
    if isinstance(node, GenericTestNode):
        add_rendered_test_kwargs(variables, node)
    return variables


def fixture_context(scope: Scope, node: Any, config: Any, manifest: Manifest, wrapper: Any) -> dict[str, Any]:
    """Return `this` and `adapter` for a unit test's given rows: those of the table that the rows replace."""
    replaced = _replaced(scope.session, node)
    resolver = FederatedSource if replaced.resource_type == "source" else FederatedRef
    return {
        "this": resolver(scope, wrapper, replaced, config, manifest).relation_of(replaced),
        "adapter": FixtureDatabaseWrapper.over(scope, wrapper),
    }


def _replaced(session: Session, node: Any) -> Any:
    """Return the source, model, seed or snapshot that a unit test gives rows for."""
    manifest: Any = session.manifest
    if getattr(node, "source_name", None):
        return manifest.source_lookup.find(f"{node.source_name}.{node.name}", None, manifest)
    return manifest.ref_lookup.find(node.name, node.package_name, getattr(node, "version", None), manifest)


class PlainDatabaseWrapper:
    """Replaces dbt's database wrapper for an output without a dbt adapter: it has dbt's plain relations."""

    Relation = BaseRelation


class FederatedRef(RuntimeRefResolver):
    """Implements `ref()`: dbt's own checks, then a marked relation of the output that the node is on."""

    def __init__(self, scope: Scope, *args: Any) -> None:
        super().__init__(*args)
        self.scope = scope

    def create_relation(self, target_model: Any) -> Any:
        """Return a marked relation; for an ephemeral model dbt's own, which dbt's compiler inlines."""
        if target_model.is_ephemeral_model:
            return super().create_relation(target_model)
        return self.relation_of(target_model)

    def relation_of(self, target_model: Any) -> Any:
        """Return the marked relation of a model, seed or snapshot, with --defer and limits applied."""
        output, resolver = _resolver_on_output(self, RuntimeRefResolver, target_model)
        with self._connected(output, target_model):
            relation = resolver.create_relation(target_model)
        return self.scope.mark(relation, target_model.unique_id, output)

    @contextmanager
    def _connected(self, output: str, target_model: Any) -> Iterator[None]:
        """Connect to another output within the block if dbt will look there for a deferred relation."""
        defers = getattr(target_model, "defer_relation", None) and self.config.args.defer
        if not defers or output == self.scope.target:
            yield
            return
        with self.scope.session.targets.adapter(output).connection_named(f"dvt defer on {output}"):
            yield


class FederatedSource(RuntimeSourceResolver):
    """Implements `source()`: a marked relation of the output that the source is on."""

    def __init__(self, scope: Scope, *args: Any) -> None:
        super().__init__(*args)
        self.scope = scope

    def resolve(self, source_name: str, table_name: str) -> Any:
        """Return a marked relation; raise dbt's own error if there is no such source."""
        source = self.manifest.resolve_source(
            source_name, table_name, self.current_project, self.model.package_name
        )
        if source is None or isinstance(source, Disabled):
            return super().resolve(source_name, table_name)
        return self.relation_of(source)

    def relation_of(self, target_source: Any) -> Any:
        """Return the marked relation of a source's table, with limits applied."""
        output, resolver = _resolver_on_output(self, RuntimeSourceResolver, target_source)
        relation = resolver.resolve(target_source.source_name, target_source.name)
        return self.scope.mark(relation, target_source.unique_id, output)


def _resolver_on_output(resolver: Any, kind: type[Any], parent: Any) -> tuple[str, Any]:
    """Return the output that `parent` is on, and dbt's resolver of class `kind` for models on that output."""
    session = resolver.scope.session
    output = session.output_of(parent.unique_id)
    if not session.outputs.can_be_target(output):
        return output, kind(PlainDatabaseWrapper(), resolver.model, resolver.config, resolver.manifest)
    wrapper = RuntimeDatabaseWrapper(session.targets.adapter(output), None)
    return output, kind(wrapper, resolver.model, session.targets.config(output), resolver.manifest)


class FederatedProvider(RuntimeProvider):
    """Provides the federated `ref`, `source` and `adapter` to dbt's context."""

    def __init__(self, scope: Scope) -> None:
        self.DatabaseWrapper = partial(FederatedDatabaseWrapper, scope)
        self.ref = partial(FederatedRef, scope)
        self.source = partial(FederatedSource, scope)


class FederatedContext(ModelContext):
    """Extends dbt's model context by a `this` that renders as a marker."""

    scope: Scope

    @contextproperty()
    def this(self) -> Any:
        """The marked relation of the model's own table, which has the last run's rows."""
        if self.model.resource_type == NodeType.Operation:
            return None
        relation = self.db_wrapper.Relation.create_from(self.config, self.model)
        return self.scope.mark(relation, self.model.unique_id, self.scope.target)
