"""Makes the federation's request from a compiled federated node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from dvt.core.errors import SameName, SelfReference
from dvt.core.estimates import ExtractLimits
from dvt.core.names import TableRef, stage_name
from dvt.core.places import Place
from dvt.core.relation_names import places_in
from dvt.core.requests import Input, NodeRequest, Pushdown, TextComparison, Translate
from dvt.dbt_bridge.jinja.contexts import FederatedRef, FederatedSource
from dvt.dbt_bridge.jinja.hooks import other_output
from dvt.dbt_bridge.jinja.inputs import input_of
from dvt.dbt_bridge.jinja.relations import parts_of, table_ref
from dvt.dbt_bridge.jinja.scope import Scope
from dvt.dbt_bridge.nodes.contract import contract_of
from dvt.dbt_bridge.nodes.own_session import in_own_session, own_pre_hooks
from dvt.dbt_bridge.outputs import dialects
from dvt.dbt_bridge.outputs.hook_connections import hooks_of
from dvt.resolution.placement import FEDERABLE

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dvt.dbt_bridge.session import Session


_DATABASES = frozenset({str(Place.TARGET), str(Place.SOURCE)})
"""Values of `compute` that name no engine: dbt checks contracts there, as it does natively."""
_NAMING = re.compile(r"\b(?:ref|source)\s*\(([^()]*)")
"""Matches Jinja that names a relation; its group has the arguments."""
_TEXT = re.compile(r"""(?<=['"])[^'"]+(?=['"])""")
"""Matches a text among arguments."""


def node_request(
    session: Session, node: Any, manifest: Manifest, run: str, limit: int | None = None
) -> NodeRequest:
    """Return a compiled node's request to the federation.

    `run` is the run's id. `limit` is the highest number of rows that are wanted; None: all.
    """
    target = session.output_of(node.unique_id)
    config, kind = session.targets.config(target), session.outputs.types[target]
    tested = getattr(node, "tested_node_unique_id", None)
    model: Any = node if session.manifest is None or not tested else session.manifest.nodes[tested]
    placement = session.placement(model.unique_id)
    dialect = dialects.of_node(model, kind, session.engine_dialect)
    relations = session.targets.adapter(target).Relation
    table = table_ref(relations.create_from(config, node), target, dialects.of_type(kind))
    if node.resource_type not in {"model", "snapshot"}:  # a test has a schema only if it stores its failures
        schema = relations.create(database=config.credentials.database, schema=config.credentials.schema)
        table = table_ref(schema, target, dialects.of_type(kind))
    batch = node.batch.id if getattr(node, "batch", None) else ""
    inputs = _inputs(Scope(session, node.unique_id, target, dialect), node, config, manifest, table)
    compute = _compute(node, placement.compute if placement else None)
    only_on_target, not_in_engine = _only_on_target(node), _not_in_engine(node)
    may_be_in_engine = not only_on_target and not not_in_engine and compute not in _DATABASES
    return NodeRequest(
        unique_id=node.unique_id,
        name=node.name,
        file=node.original_file_path,
        sql=node.compiled_code,
        dialect=dialect,
        inputs=inputs,
        stage=TableRef(
            connection=target,
            database=table.database,
            schema=table.schema,
            identifier=stage_name(run, node.unique_id, batch),
        ),
        pushdown=_pushdown(node),
        extract_limits=ExtractLimits(
            rows=node.config.get("max_extract_rows"), bytes=node.config.get("max_extract_bytes")
        ),
        translate=Translate(node.config.get("translate") or Translate.PROVEN),
        comparing=_text_comparison(node),
        contract=contract_of(
            node, session.targets.adapter(target), config, manifest, partial(session.engine_dialect, model)
        )
        if may_be_in_engine
        else None,
        compute=compute,
        hooked=frozenset(_hooked(node, inputs, target)),
        changes_this=bool(list(own_pre_hooks(node, target))),
        only_on_target=only_on_target,
        not_in_engine=not_in_engine,
        in_own_session=in_own_session(node, target, manifest) if dialect == dialects.of_type(kind) else "",
        limit=limit,
        bucket=session.bucket_of(node),
        raw=_raw(node, config),
    )


def _compute(node: Any, compute: str | None) -> str | None:
    """Return where the node is to be computed: a unit test's rows are in its text, so no source has them."""
    is_unit_test = node.resource_type == "unit_test"
    return str(Place.TARGET) if is_unit_test and compute == Place.SOURCE else compute


def _not_in_engine(node: Any) -> str:
    """Return why no engine can compute the node; empty if one can."""
    return "an engine makes no snapshots" if node.resource_type == "snapshot" else ""


def _only_on_target(node: Any) -> str:
    """Return why only its own target can compute the node; empty if there are other places."""
    if node.resource_type == "model" and node.config.materialized not in FEDERABLE:
        return f"materialization {node.config.materialized!r} consists of statements of its target"
    return ""


def _hooked(node: Any, inputs: Mapping[str, Input], target: str) -> Iterator[str]:
    """Yield the relations elsewhere that the node's hooks may name, if they name any."""
    hooks = [hook.get("sql") or "" for hook in hooks_of(node) if other_output(hook, target) is None]
    calls = [set(_TEXT.findall(arguments)) for sql in hooks for arguments in _NAMING.findall(sql)]
    for unique_id, read in inputs.items():
        names = set(unique_id.split(".")[2:])  # of a source also its table, of a model also its version
        if read.table.connection != target and any(not texts or texts & names for texts in calls):
            yield unique_id


def _raw(node: Any, config: Any) -> str:
    """Return the text of a node's file; what dbt keeps of it where that is another file, as in packages."""
    if node.resource_type == "test" and node.original_file_path.endswith((".yml", ".yaml")):
        return ""
    file = FilePath(config.project_root) / node.original_file_path
    try:
        text = file.read_text(encoding="utf-8") if node.package_name == config.project_name else ""
    except OSError:
        text = ""
    return text if node.raw_code in text else str(node.raw_code)


def _inputs(scope: Scope, node: Any, config: Any, manifest: Manifest, table: TableRef) -> Mapping[str, Input]:
    """Return the relations that the SQL may name, by unique id; `table` is the node's own."""
    parents = {
        parent.unique_id: _input(scope, node, config, manifest, parent)
        for parent in _reads(scope, node, manifest)
    }
    this = _this(scope, node, config, table)
    if this.name in [parent.name for parent in parents.values()]:
        return _by_name(node, parents)
    named = places_in(node.compiled_code, scope.dialect, {this.unique_id: this.name})
    if named and node.resource_type == "model" and node.config.materialized != "incremental":
        raise SelfReference(node.name)
    return _by_name(node, {**parents, this.unique_id: this})


def _this(scope: Scope, node: Any, config: Any, table: TableRef) -> Input:
    relation = scope.session.targets.adapter(scope.target).Relation.create_from(config, node)
    name = parts_of(scope.mark(relation, node.unique_id, scope.target))
    return Input(table=table, unique_id=node.unique_id, name=name, this=True)


def _by_name(node: Any, inputs: Mapping[str, Input]) -> dict[str, Input]:
    """Return the inputs without a second one of the same table, which may be a model and a source.

    Two tables of one name are refused: deferral, for one, may give a table another's name.
    """
    by_name: dict[tuple[str, ...], Input] = {}
    for parent in inputs.values():
        other = by_name.setdefault(tuple(part.casefold() for part in parent.name), parent)
        if other.table != parent.table:
            raise SameName(node.name, ".".join(parent.name), (str(other.table), str(parent.table)))
    return {parent.unique_id: parent for parent in by_name.values()}


def _reads(scope: Scope, node: Any, manifest: Manifest) -> Iterator[Any]:
    """Yield the nodes that the node reads, directly or through ephemeral models inlined into it.

    dbt notes what it sees when it parses; what stands below `is_incremental()` alone, only compiling names.
    """
    named = scope.session.named
    visited: set[str] = {node.unique_id}
    pending = [*node.depends_on.nodes, *named.get(node.unique_id, ())]
    while pending:
        unique_id = pending.pop()
        parent: Any = manifest.nodes.get(unique_id) or manifest.sources.get(unique_id)
        if parent is None or unique_id in visited:
            continue
        visited.add(unique_id)
        if parent.is_ephemeral_model:
            pending += [*parent.depends_on.nodes, *named.get(unique_id, ())]
        else:
            yield parent


def _input(scope: Scope, node: Any, config: Any, manifest: Manifest, parent: Any) -> Input:
    resolver_class = partial(FederatedRef if parent.resource_type != "source" else FederatedSource, scope)
    resolver = resolver_class(None, node, config, manifest)
    return input_of(scope.session, resolver.relation_of(parent), parent)


def _pushdown(node: Any) -> Pushdown:
    value = node.config.get("pushdown")
    # YAML reads a bare `off` as False.
    return Pushdown({None: "auto", False: "off"}.get(value, value))


def _text_comparison(node: Any) -> TextComparison:
    """Return how the model compares text; the name of a collation is a config of its table, not of this."""
    value = node.config.get("collation")
    return (
        TextComparison(value)
        if value in (TextComparison.SOURCE, TextComparison.ENGINE)
        else TextComparison.UNSET
    )
