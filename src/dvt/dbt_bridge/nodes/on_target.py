"""Runs a node on its own target, over copies of the tables that it reads on other databases.

dbt does everything as for a native node. Only the names of the copied tables differ from the node's own
text, which is what stays in the manifest and the results.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dbt.artifacts.schemas.results import NodeStatus
from dbt.context.providers import RuntimeRefResolver, RuntimeSourceResolver
from dbt_common.exceptions import DbtRuntimeError

from dvt.core.names import TableRef
from dvt.core.places import RESERVED, Place
from dvt.core.ports.bridge import Copies, Federator
from dvt.core.requests import NodeRequest
from dvt.dbt_bridge.jinja.overriding import override
from dvt.dbt_bridge.nodes.publish import build_no_view, stage_relation
from dvt.dbt_bridge.nodes.target_errors import UsersWords
from dvt.dbt_bridge.nodes.transactions import cancel_if_client_dies, commit_open, rollback_open

if TYPE_CHECKING:
    from dvt.dbt_bridge.session import Session

_schema_lock = threading.Lock()
"""Held while a schema is created: PostgreSQL's `create schema if not exists` fails in concurrent sessions."""


def place_of(session: Session, federator: Federator, request: NodeRequest) -> Place:
    """Return the place that computes the node, and record it; where an engine is named, none is weighed."""
    names_engine = request.compute is not None and request.compute not in RESERVED
    is_given = names_engine and not request.only_on_target
    place = Place.ENGINE if is_given else federator.choose(request).place
    session.recorder.is_computed(request.unique_id, place.value)
    return place


def make_schema(adapter: Any, stage: TableRef) -> None:
    """Create the schema of a stage table; dbt creates none for commands that build nothing."""
    schema = adapter.Relation.create(database=stage.database, schema=stage.schema)
    with _schema_lock:
        if not adapter.check_schema_exists(schema.database, schema.schema):
            adapter.create_schema(schema)
        commit_open(adapter)


def stand_in(node: Any, copies: Copies) -> Any:
    """Return a copy of the node that dbt runs instead: its SQL names the copies.

    A view is built as a table, because the copies do not outlive the run.
    """
    copied = copy.copy(node)
    copied.config = copy.copy(node.config)
    build_no_view(copied.config)
    copied.compiled_code = copies.sql
    copied.extra_ctes, copied.extra_ctes_injected = [], True
    return copied


def run(adapter: Any, node: Any, execute: Callable[[Any], Any], words: UsersWords) -> Any:
    """Return dbt's result of a node; afterwards its connection holds no lock on a copy.

    An error is worded in the user's names.
    """
    succeeded = False
    try:
        cancel_if_client_dies(adapter)
        result = execute(node)
    except DbtRuntimeError as error:
        error.msg = words.of(error.msg)
        raise
    else:
        succeeded = getattr(result, "status", NodeStatus.Success) == NodeStatus.Success
    finally:
        (commit_open if succeeded else rollback_open)(adapter)
    return result


def name_copies(context: Any, adapter: Any, copies: Copies) -> None:
    """Make `ref` and `source` in a node's context, where hooks are rendered, return the copies."""
    relations = {unique_id: stage_relation(adapter, table) for unique_id, table in copies.tables.items()}

    def naming(kind: type[_CopyRef | _CopySource]) -> Callable[[Any], Any]:
        return lambda resolver: kind(
            relations, resolver.db_wrapper, resolver.model, resolver.config, resolver.manifest
        )

    override(context, "ref", naming(_CopyRef))
    override(context, "source", naming(_CopySource))


class _CopyRef(RuntimeRefResolver):
    """`ref`, for which a copy stands for the table that is copied."""

    def __init__(self, relations: Mapping[str, Any], *args: Any) -> None:
        super().__init__(*args)
        self._relations = relations

    def create_relation(self, target_model: Any) -> Any:
        """Return the copy; for other models dbt's own relation."""
        return self._relations.get(target_model.unique_id) or super().create_relation(target_model)


class _CopySource(RuntimeSourceResolver):
    """`source`, for which a copy stands for the table that is copied."""

    def __init__(self, relations: Mapping[str, Any], *args: Any) -> None:
        super().__init__(*args)
        self._relations = relations

    def resolve(self, source_name: str, table_name: str) -> Any:
        """Return the copy; for other sources dbt's own relation."""
        relation = super().resolve(source_name, table_name)
        source: Any = self.manifest.resolve_source(
            source_name, table_name, self.current_project, self.model.package_name
        )
        return self._relations.get(source.unique_id, relation)
