"""Resolves every node's output and path, before anything runs, from the manifest and the outputs' names.

A node is native if it and all that it reads are on one output; otherwise it is federated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dvt.core.error_list import ErrorList
from dvt.core.errors import (
    ConflictingConnections,
    ConnectionRequired,
    DvtError,
    EphemeralFederated,
    NotFederable,
    SelfReference,
    SnapshotFederated,
    TestFederated,
    UnknownCompute,
    UnknownConnection,
    UnknownMaterialization,
    UnknownTarget,
)
from dvt.core.places import AUTO, RESERVED, Place
from dvt.resolution.graph import Graph, Node, is_ephemeral
from dvt.resolution.output_types import not_a_target, output_type

FEDERABLE = frozenset({"table", "incremental", "view"})
"""Materializations of models that an engine can compute."""
STANDING = frozenset({"materialized_view", "dynamic_table"})
"""Materializations that read the model's inputs later, when its copies are gone."""
_READERS = frozenset({"test", "unit_test", "sql_operation", "analysis"})
"""Types of nodes that read tables and have none: they run where what they read is, if they can."""


class Path(StrEnum):
    """How a node runs."""

    NATIVE = "native"
    FEDERATED = "federated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A node's target and path, and the reason for the path."""

    unique_id: str
    target: str
    path: Path
    why: str
    elsewhere: Mapping[str, str]
    """unique_id → output of the nodes and sources that the node reads on other outputs."""
    compute: str = AUTO
    """Where it is to be computed: a word of `RESERVED`, or an entry of computes.yml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The names and types of the outputs and computes that a run can use."""

    types: Mapping[str, str]
    """Output name → type."""
    default: str
    forced: str | None = None
    """Value of --target, which overrides the models' own targets; None if it is not given."""
    computes: Collection[str] = ("duckdb",)
    computes_file: str | None = None
    compute: str | None = None
    """Value of --compute, which overrides the models' own computes; None if it is not given."""
    default_compute: str = AUTO
    """Where models are computed that do not say it."""
    require_connections: bool = False

    def can_be_targets(self) -> list[str]:
        """Return the names of the outputs that models can be built on."""
        return [name for name, kind in self.types.items() if output_type(kind).can_be_target]


class Resolver:
    """Resolves the nodes of a graph, and caches their outputs."""

    def __init__(
        self, graph: Graph, outputs: Outputs, place_of: Callable[[Node, str], str] = lambda node, _: node.file
    ) -> None:
        """Make a resolver; `place_of` returns the place of a node's setting, for errors."""
        self._graph = graph
        self._outputs = outputs
        self._place_of = place_of
        self._outputs_of: dict[str, str] = {}

    def add(self, node: Node) -> None:
        """Add a node that is not in the project, such as a query of the command line."""
        self._graph = Graph({**self._graph.nodes, node.unique_id: node})

    def __contains__(self, unique_id: object) -> bool:
        return unique_id in self._graph.nodes

    @property
    def uses_dvt(self) -> bool:
        """Whether any node configures a connection, a target or a compute."""
        return any(node.connection or node.target or node.compute for node in self._graph.nodes.values())

    def output_of(self, unique_id: str) -> str:
        """Return the output that a node is built on or a source is on."""
        if unique_id not in self._outputs_of:
            node = self._graph.nodes[unique_id]
            self._outputs_of[unique_id] = (
                self._connection(node) if node.kind == "source" else self._target(node)
            )
        return self._outputs_of[unique_id]

    def placement(self, unique_id: str) -> Placement:
        """Return the target and path of a node."""
        node = self._graph.nodes[unique_id]
        target = self.output_of(unique_id)
        elsewhere = {
            parent.unique_id: self.output_of(parent.unique_id)
            for parent in self._graph.reads(node)
            if parent.unique_id != unique_id and self.output_of(parent.unique_id) != target
        }
        if elsewhere:
            others = sorted(set(elsewhere.values()))
            why = f"lives on {target}, reads {', '.join(others)}"
            path = Path.FEDERATED
        else:
            why = f"it and all it reads live on {target}"
            path = Path.NATIVE
        return Placement(
            unique_id=unique_id,
            target=target,
            path=path,
            why=why,
            elsewhere=elsewhere,
            compute=self._compute(node),
        )

    def check(self, selected: Iterable[str] | None = None) -> None:
        """Raise all errors: names are checked for all nodes, paths for the selected ones only."""
        errors = ErrorList()
        for node in self._graph.nodes.values():
            for check in (self._check_names, self._check_compute):
                with errors.collecting():
                    check(node)
        errors.raise_all()  # a path is unknown where a name is wrong
        for unique_id in selected or ():
            if unique_id in self._graph.nodes:
                with errors.collecting():
                    self._check_path(self._graph.nodes[unique_id])
        errors.raise_all()

    def _compute(self, node: Node) -> str:
        return self._outputs.compute or node.compute or self._outputs.default_compute

    def _connection(self, source: Node) -> str:
        connections = set(source.connection.values())
        if len(connections) > 1:
            place = self._place_of(source, "connection")
            raise ConflictingConnections(source.name, place, source.connection)
        if not connections:
            return self._outputs.forced or self._outputs.default
        return connections.pop()

    def _target(self, node: Node) -> str:
        if self._outputs.forced and node.kind not in _READERS:
            return self._outputs.forced
        if node.target:
            return node.target
        nearest = self._nearest(node) if node.kind in _READERS else None
        return nearest or self._outputs.forced or self._outputs.default

    def _nearest(self, node: Node) -> str | None:
        """Return the output of all that the node reads, else of the model it tests, else of all its models.

        None if these are on several outputs, or where nothing can be built.
        """
        reads = list(self._graph.reads(node))
        tested = [parent for parent in reads if parent.unique_id == node.tests]
        models = [parent for parent in reads if parent.kind != "source"]
        for parents in (reads, tested, models):
            outputs = {self.output_of(parent.unique_id) for parent in parents}
            if len(outputs) == 1 and self._can_be_target(min(outputs)):
                return outputs.pop()
        return None

    def _can_be_target(self, output: str) -> bool:
        return output_type(self._outputs.types.get(output, "")).can_be_target

    def _check_names(self, node: Node) -> None:
        outputs = self._outputs
        where = f"{node.kind} {node.name!r}"
        if node.kind == "source":
            needed = self.uses_dvt or outputs.require_connections
            if not node.connection and needed:
                raise ConnectionRequired(node.name, self._place_of(node, "connection"), outputs.types)
            if self._connection(node) not in outputs.types:
                place = self._place_of(node, "connection")
                raise UnknownConnection(f"{where} ({place})", self._connection(node), outputs.types)
            return
        target = node.target or (None if is_ephemeral(node) else self.output_of(node.unique_id))
        if target is not None and target not in outputs.types:
            raise UnknownTarget(where, self._place_of(node, "target"), target, outputs.types)

    def _check_compute(self, node: Node) -> None:
        outputs = self._outputs
        if node.compute and node.compute not in RESERVED and node.compute not in outputs.computes:
            error = UnknownCompute(node.compute, outputs.computes, outputs.computes_file)
            raise error.about(node.name, self._place_of(node, "compute"))

    def _check_path(self, node: Node) -> None:
        if is_ephemeral(node) or node.kind not in {"model", "snapshot", "seed", *_READERS}:
            return
        target = self.output_of(node.unique_id)
        kind = self._outputs.types[target]
        if not output_type(kind).can_be_target:
            what = f"{node.kind} {node.name!r}"
            error = not_a_target(what, target, kind, self._outputs.can_be_targets())
            raise error.about(node.name, self._place_of(node, "target"))
        if node.unique_id in node.reads and node.materialized != "incremental":
            raise SelfReference(node.name).about(node.name, node.file)
        placement = self.placement(node.unique_id)
        if placement.path is Path.FEDERATED:
            self._check_federated(node, placement)

    def _check_federated(self, node: Node, placement: Placement) -> None:
        names = self._graph.nodes
        elsewhere = {names[uid].name: output for uid, output in placement.elsewhere.items()}
        error = self._not_federable(node, placement, elsewhere)
        if error is not None:
            raise error.about(node.name, node.file)
        for inlined in self._graph.inlined(node):
            self._check_inlined(inlined, placement.target)

    def _not_federable(
        self, node: Node, placement: Placement, elsewhere: Mapping[str, str]
    ) -> DvtError | None:
        on_target = placement.compute in {AUTO, Place.TARGET}
        if node.kind == "snapshot" and placement.compute not in RESERVED:
            return SnapshotFederated(node.name, placement.target, elsewhere)
        if node.kind == "test" and node.federate is False:
            there = {
                parent.name: placement.target
                for parent in self._graph.reads(node)
                if self.output_of(parent.unique_id) == placement.target
            }
            return TestFederated(node.name, {**there, **elsewhere})
        if node.language != "sql":
            what = f"{node.language} model {node.name!r}"
            return NotFederable(what, "only SQL can be federated", "read tables of its own target only")
        possible = node.materialized not in STANDING if on_target else node.materialized in FEDERABLE
        if node.kind == "model" and not possible:
            return UnknownMaterialization(node.name, node.materialized)
        return None

    def _check_inlined(self, ephemeral: Node, consumer_target: str) -> None:
        if ephemeral.target:
            return
        reads = {self.output_of(parent.unique_id) for parent in self._graph.reads(ephemeral)}
        default = self.output_of(ephemeral.unique_id)
        if reads - {consumer_target} and reads - {default}:
            raise EphemeralFederated(ephemeral.name, reads - {default}).about(ephemeral.name, ephemeral.file)
