"""From a compiled federated node to what the federation needs to know of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from dbt.adapters.duckdb.utils import SourceConfig

from dvt.core.errors import SelfReference
from dvt.core.names import MARKER, TableRef, stage_name
from dvt.core.requests import Input, NodeRequest, Pushdown, TextComparison
from dvt.dbt_bridge.jinja.contexts import FederatedRef, FederatedSource
from dvt.dbt_bridge.jinja.relations import marker, table_ref, unmarked
from dvt.dbt_bridge.jinja.scope import Scope
from dvt.dbt_bridge.nodes.contract import contract_of
from dvt.dbt_bridge.outputs import dialects
from dvt.resolution.output_types import LOCATION, OutputType, output_type

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session


_UNSAID = object()
_NAMED = re.compile(rf"""["`]{MARKER}([^"`]+)["`]\.""")
"""The unique id in a marker."""


def node_request(session: Session, node: Any, manifest: Manifest, run: str) -> NodeRequest:
    """What a compiled node asks of the federation."""
    placement = session.placement(node.unique_id)
    home = session.output_of(node.unique_id)
    config, kind = session.targets.config(home), session.outputs.types[home]
    tested = getattr(node, "tested_node_unique_id", None)
    written: Any = node if session.manifest is None or not tested else session.manifest.nodes[tested]
    dialect = dialects.of_node(written, kind, session.engine_dialect)
    relations = session.targets.adapter(home).Relation
    target = table_ref(relations.create_from(config, node), home, dialects.of_type(kind))
    if node.resource_type != "model":  # a test has a schema only when it stores its failures
        own = relations.create(database=config.credentials.database, schema=config.credentials.schema)
        target = table_ref(own, home, dialects.of_type(kind))
    batch = node.batch.id if getattr(node, "batch", None) else ""
    return NodeRequest(
        unique_id=node.unique_id,
        name=node.name,
        file=node.original_file_path,
        sql=node.compiled_code,
        dialect=dialect,
        inputs=_inputs(Scope(session, home, dialect), node, config, manifest, target),
        stage=TableRef(
            connection=home,
            database=target.database,
            schema=target.schema,
            identifier=stage_name(run, node.unique_id, batch),
        ),
        pushdown=_pushdown(node),
        comparing=_comparing(node),
        contract=contract_of(
            node, session.targets.adapter(home), config, manifest, partial(session.engine_dialect, written)
        ),
        compute=placement.compute if placement else None,
    )


def _inputs(
    scope: Scope, node: Any, config: Any, manifest: Manifest, target: TableRef
) -> Mapping[str, Input]:
    """The relations whose markers the SQL holds, by marker schema."""
    inputs: dict[str, Input] = {}
    if marker(scope.dialect, node.unique_id) in node.compiled_code:
        if node.resource_type == "model" and node.config.materialized != "incremental":
            raise SelfReference(node.name)
        inputs[f"{MARKER}{node.unique_id}"] = Input(table=target, unique_id=node.unique_id, this=True)
    for read in _reads(node, manifest):
        if marker(scope.dialect, read.unique_id) in node.compiled_code and read is not node:
            inputs[f"{MARKER}{read.unique_id}"] = _input(scope, node, config, manifest, read)
    return inputs


def _reads(node: Any, manifest: Manifest) -> Iterator[Any]:
    """What the node reads, through the ephemeral models that are inlined into it.

    A source that only `is_incremental()` lets it read is in the SQL alone: dbt notes what parsing sees.
    """
    seen: set[str] = {node.unique_id}
    named = _NAMED.findall(node.compiled_code)
    pending = [*node.depends_on.nodes, *(unique_id for unique_id in named if unique_id in manifest.sources)]
    while pending:
        unique_id = pending.pop()
        read: Any = manifest.nodes.get(unique_id) or manifest.sources.get(unique_id)
        if read is None or unique_id in seen:
            continue
        seen.add(unique_id)
        if read.is_ephemeral_model:
            pending.extend(read.depends_on.nodes)
        else:
            yield read


def _input(scope: Scope, node: Any, config: Any, manifest: Manifest, read: Any) -> Input:
    output = scope.session.output_of(read.unique_id)
    kind = scope.session.outputs.types[output]
    resolver = partial(FederatedRef if read.resource_type != "source" else FederatedSource, scope)
    made = resolver(None, node, config, manifest)
    relation = made.relation_of(read)
    options = _options(read, output_type(kind), scope.session.outputs.output(output))
    named = _named(read, unmarked(relation), kind)
    return Input(
        table=table_ref(named, output, dialects.of_type(kind), options, _text(read, LOCATION)),
        unique_id=read.unique_id,
    )


def _options(read: Any, kind: OutputType, output: Mapping[str, Any]) -> dict[str, str]:
    """What the project says of how a table is read, in its connector's words; the usual way goes unsaid."""
    options = {
        name: _choice(read, output, name, values[0]) if values else _text(read, name)
        for name, values in kind.read_options.items()
    }
    return {name: value for name, value in options.items() if value is not None}


def _named(read: Any, relation: Any, kind: str) -> Any:
    """Where there is no dbt adapter, `database` holds only if the project says it."""
    if not output_type(kind).can_be_target and not read.unrendered_database:
        return relation.incorporate(path={"database": None})
    return relation


def _text(read: Any, option: str) -> str | None:
    """A source's word on an option, its placeholders filled in as dbt-duckdb does."""
    if read.resource_type != "source":
        return None
    config = SourceConfig.create_from_source(read)
    text = config.get(option)
    return None if text is None else str(text).format_map(config.as_dict())


def _choice(read: Any, output: Mapping[str, Any], option: str, usual: str) -> str | None:
    """The value of an option: the source's word, else its connection's; None for the usual one."""
    for place in (read.config, read.meta, output):
        value = place.get(option, _UNSAID)
        if value is not _UNSAID:
            # YAML reads a bare `null` as None, which here means what it looks like.
            text = "null" if value is None else str(value)
            return None if text == usual else text
    return None


def _pushdown(node: Any) -> Pushdown:
    said = node.config.get("pushdown")
    return Pushdown({None: "auto", False: "off"}.get(said, said))


def _comparing(node: Any) -> TextComparison:
    """How text is compared; a collation's own name is the target table's, and says nothing of that."""
    said = node.config.get("collation")
    return (
        TextComparison(said)
        if said in (TextComparison.SOURCE, TextComparison.ENGINE)
        else TextComparison.UNSAID
    )
