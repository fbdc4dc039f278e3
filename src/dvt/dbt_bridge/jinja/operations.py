"""Makes the Jinja context of `run-operation`, whose macro may name relations of several outputs.

`ref`, `source` and `adapter` are those of a federated node on the target: what names a relation goes to the
output that the relation is on, and all else to the target, as under dbt.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dbt.context.providers import MacroContext, OperationRefResolver

from dvt.dbt_bridge.jinja.contexts import FederatedProvider, FederatedRef
from dvt.dbt_bridge.jinja.scope import Scope
from dvt.dbt_bridge.outputs import dialects

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session


class OperationRef(FederatedRef, OperationRefResolver):
    """Implements `ref()` of an operation: of any model, unless that is ephemeral."""

    def create_relation(self, target_model: Any) -> Any:
        """Return a marked relation; raise dbt's own error for an ephemeral model."""
        if target_model.is_ephemeral_model:
            return OperationRefResolver.create_relation(self, target_model)
        return self.relation_of(target_model)


class OperationProvider(FederatedProvider):
    """Provides the `ref`, `source` and `adapter` of an operation to dbt's context."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.ref = partial(OperationRef, scope)


def operation_context(
    session: Session, macro: Any, config: Any, manifest: Manifest, package: str | None
) -> dict[str, Any]:
    """Return the context of a macro that runs by itself, on the target of `config`."""
    target = str(config.target_name)
    scope = Scope(session, macro.unique_id, target, dialects.of_type(session.outputs.types[target]))
    context = MacroContext(macro, config, manifest, OperationProvider(scope), package)
    variables: dict[str, Any] = context.to_dict()
    return variables
