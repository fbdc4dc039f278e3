"""Implements `docs generate` over several targets: reads the catalog of each for the nodes that are on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dbt.adapters.base.relation import BaseRelation
from dbt_common.exceptions import DbtBaseException

from dvt.core.errors import DvtError, TableNotFound
from dvt.core.names import TableRef
from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.outputs import dialects
from dvt.dbt_bridge.project.manifest import part_of
from dvt.dbt_bridge.session import Session
from dvt.resolution.output_types import output_type

_TARGET = "dvt_target"
"""Column that dvt adds to the catalog's rows: the target that a row is from."""


def get_adapter(original: Callable[..., Any], session: Session, config: Any) -> AllTargets:
    """Return an object that has the adapter's methods and reads all targets."""
    del original, config
    return AllTargets(session)


def catalog_init(original: Callable[..., Any], self: Any, columns: Collection[dict[str, Any]]) -> None:
    """Make the catalog as dbt does; if its rows name their target, also a catalog for each target."""
    original(self, columns)
    by_target: dict[str, list[dict[str, Any]]] = {}
    for row in columns:
        if _TARGET in row:
            by_target.setdefault(str(row[_TARGET]), []).append(row)
    self.by_target = {target: type(self)(_without_target(rows)) for target, rows in by_target.items()}


def make_unique_id_map(
    original: Callable[..., Any], session: Session, self: Any, manifest: Any, selected_node_ids: Any = None
) -> Any:
    """Map tables to nodes, for each target by itself: a table is never a node of another target."""
    nodes: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for target, part in self.by_target.items():
        nodes_there, sources_there = original(part, part_of(session, manifest, target), selected_node_ids)
        nodes |= nodes_there
        sources |= sources_there
    return nodes, sources


class AllTargets:
    """Has the methods of an adapter that `docs generate` uses, for all targets of nodes and sources."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.config = session.config
        self.Relation = _Relations(session)

    def connection_named(self, name: str) -> AbstractContextManager[None]:
        """Open no connection: `get_filtered_catalog` connects to one target after the other."""
        del name
        return nullcontext()

    def get_filtered_catalog(
        self, relation_configs: Iterable[Any], used_schemas: Collection[Any], relations: Any = None
    ) -> tuple[Rows, list[BaseException]]:
        """Return the catalogs of all targets as one table, and the errors of targets that cannot be read.

        `relations` are the relations to read, with their targets; None for all.
        """
        del used_schemas
        by_target: dict[str, list[Any]] = {}
        for node in relation_configs:
            by_target.setdefault(self._session.output_of(node.unique_id), []).append(node)
        rows, exceptions = Rows(), []
        for target, nodes in sorted(by_target.items()):
            selected = relations
            if relations is not None:
                selected = {relation for output, relation in relations if output == target}
            if selected == set():
                continue
            try:
                if self._session.outputs.can_be_target(target):
                    table, errors = self._read(target, nodes, selected)
                else:
                    table, errors = described(self._session, target, nodes, selected)
            except DbtBaseException as error:
                exceptions.append(error)
                continue
            rows.add(target, table)
            exceptions += errors
        return rows, exceptions

    def _read(self, target: str, nodes: list[Any], selected: Any) -> tuple[Any, list[BaseException]]:
        """Return a target's catalog; `selected` are its relations to read, None for all."""
        schemas = frozenset({(node.database, node.schema) for node in nodes})
        with as_dbt_errors():
            adapter = self._session.targets.adapter(target)
        with adapter.connection_named("generate_catalog"):
            answer: tuple[Any, list[BaseException]] = adapter.get_filtered_catalog(nodes, schemas, selected)
        return answer


def described(
    session: Session, output: str, sources: list[Any], selected: set[Any] | None
) -> tuple[Described, list[BaseException]]:
    """Return the catalog of an output without a dbt adapter, as its connector describes the tables.

    A table that is not there is left out, as dbt's adapters do. `selected` has ids of sources; None for all.
    """
    table, errors = Described(), []
    for source in sources:
        if selected is not None and source.unique_id not in selected:
            continue
        try:
            columns = session.federator().describe(_table_ref(session, output, source)).columns
        except TableNotFound:
            continue
        except DvtError as error:
            errors.append(error)
            continue
        for index, column in enumerate(columns, start=1):
            name = (source.database, source.schema, source.identifier)
            kind = column.native or str(column.stage)
            table.rows.append((*name, "BASE TABLE", None, None, column.name, index, kind, None))
    return table, list(errors)


def _table_ref(session: Session, output: str, source: Any) -> TableRef:
    from dvt.dbt_bridge.jinja.inputs import options_of  # a plain dbt run needs no SQLGlot
    from dvt.dbt_bridge.jinja.relations import table_ref

    kind = session.outputs.types[output]
    relation = BaseRelation.create(schema=source.schema, identifier=source.identifier)
    with as_dbt_errors():
        options = options_of(source, output_type(kind), session.outputs.output(output))
    return table_ref(relation, output, dialects.of_type(kind), options)


@dataclass(slots=True)
class Described:
    """A catalog as dbt's adapters return it: rows with the columns that dbt reads."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    column_names: ClassVar[tuple[str, ...]] = (
        *("table_database", "table_schema", "table_name", "table_type", "table_comment", "table_owner"),
        *("column_name", "column_index", "column_type", "column_comment"),
    )

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)


class _Relations:
    """Creates each node's relation by the adapter of the node's target."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create_from(self, config: Any, node: Any) -> tuple[str, Any]:
        """Return the node's target and relation; its id instead for an output without a dbt adapter."""
        del config
        target = self._session.output_of(node.unique_id)
        if not self._session.outputs.can_be_target(target):
            return target, node.unique_id
        with as_dbt_errors():
            adapter = self._session.targets.adapter(target)
        return target, adapter.Relation.create_from(adapter.config, node)


class Rows:
    """Several targets' catalogs as one table, with the attributes that dbt reads: rows and column names."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self.column_names: tuple[str, ...] = (_TARGET,)

    def add(self, target: str, table: Any) -> None:
        """Append a target's table."""
        self.column_names = tuple(dict.fromkeys((*self.column_names, *table.column_names)))
        for row in table:
            self._rows.append({_TARGET: target, **dict(zip(table.column_names, row, strict=True))})

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for row in self._rows:
            yield tuple(row.get(name) for name in self.column_names)


def _without_target(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != _TARGET} for row in rows]
