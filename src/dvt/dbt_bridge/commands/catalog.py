"""`docs generate` over several targets: each is asked for its relations and answers for its nodes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dbt_common.exceptions import DbtBaseException

from dvt.dbt_bridge.dbt_errors import as_dbt_errors
from dvt.dbt_bridge.project.manifest import part_of
from dvt.dbt_bridge.session import Session

_TARGET = "dvt_target"
"""A column of the catalog's rows that says which target gave them."""


def get_adapter(original: Callable[..., Any], session: Session, config: Any) -> AllTargets:
    """What stands in for the adapter and asks all targets."""
    del original, config
    return AllTargets(session)


def catalog_init(original: Callable[..., Any], self: Any, columns: Collection[dict[str, Any]]) -> None:
    """The catalog; where rows say their target also one catalog for each."""
    original(self, columns)
    by_target: dict[str, list[dict[str, Any]]] = {}
    for row in columns:
        if _TARGET in row:
            by_target.setdefault(str(row[_TARGET]), []).append(row)
    self.by_target = {target: type(self)(_without_target(rows)) for target, rows in by_target.items()}


def make_unique_id_map(
    original: Callable[..., Any], session: Session, self: Any, manifest: Any, selected_node_ids: Any = None
) -> Any:
    """Which table is which node: a table of one target is never a node of another."""
    nodes: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for target, part in self.by_target.items():
        found_nodes, found_sources = original(part, part_of(session, manifest, target), selected_node_ids)
        nodes |= found_nodes
        sources |= found_sources
    return nodes, sources


class AllTargets:
    """As much of an adapter as `docs generate` uses, over all targets that nodes and sources live on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.config = session.config
        self.Relation = _Relations(session)

    def connection_named(self, name: str) -> AbstractContextManager[None]:
        """Nothing here: every target's connection is opened when its turn comes."""
        del name
        return nullcontext()

    def get_filtered_catalog(
        self, relation_configs: Iterable[Any], used_schemas: Collection[Any], relations: Any = None
    ) -> tuple[Rows, list[BaseException]]:
        """Every target's catalog; a target that cannot answer is one exception, not the end."""
        del used_schemas
        by_target: dict[str, list[Any]] = {}
        for one in relation_configs:
            by_target.setdefault(self._session.output_of(one.unique_id), []).append(one)
        rows, exceptions = Rows(), []
        for target, configs in sorted(by_target.items()):
            wanted = None if relations is None else {one for where, one in relations if where == target}
            if not self._session.outputs.can_be_target(target) or wanted == set():
                continue
            try:
                found, failed = self._ask(target, configs, wanted)
            except DbtBaseException as error:
                exceptions.append(error)
                continue
            rows.add(target, found)
            exceptions += failed
        return rows, exceptions

    def _ask(self, target: str, configs: list[Any], wanted: Any) -> tuple[Any, list[BaseException]]:
        schemas = frozenset({(one.database, one.schema) for one in configs})
        with as_dbt_errors():
            adapter = self._session.targets.adapter(target)
        with adapter.connection_named("generate_catalog"):
            answer: tuple[Any, list[BaseException]] = adapter.get_filtered_catalog(configs, schemas, wanted)
        return answer


class _Relations:
    """Makes relations of the target that a node lives on, with the target's name beside."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create_from(self, config: Any, node: Any) -> tuple[str, Any]:
        """(target, relation)."""
        del config
        target = self._session.output_of(node.unique_id)
        if not self._session.outputs.can_be_target(target):
            return target, None
        with as_dbt_errors():
            adapter = self._session.targets.adapter(target)
        return target, adapter.Relation.create_from(adapter.config, node)


class Rows:
    """Several targets' catalog tables as one: rows and column names are all that dbt asks of it."""

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
