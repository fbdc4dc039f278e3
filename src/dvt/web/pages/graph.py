"""Lays out the graph of an operation's nodes: in layers from left to right, with few crossings.

The layers are those of the longest paths, and the order within a layer is by the mean place of the neighbours
(Sugiyama's method). An edge over several layers gets a place in each, so that it does not cross boxes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from statistics import fmean

from dvt.core.operation_record import NodeRecord

WIDTH, HEIGHT = 196, 40
"""Pixels of a box."""
_ACROSS, _DOWN, _THIN = 76, 14, 14
"""Pixels between layers, between boxes, and of an edge's place in a layer."""
_MARGIN = 8
_PASSES = 6
MOST = 250
"""Nodes that are drawn at once: more cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node, drawn. Pixels from the left and the top."""

    id: str
    label: str
    node: NodeRecord | None
    """None: it is read, and is none of the operation's nodes."""
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """That one node reads another, drawn."""

    upper: str
    lower: str
    path: str
    """As SVG writes paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What is drawn. Pixels."""

    boxes: Sequence[Box] = ()
    edges: Sequence[Edge] = ()
    width: float = 0
    height: float = 0
    left_out: int = 0
    """Nodes that are not drawn, since there are too many."""


def graph(nodes: Sequence[NodeRecord], around: str = "") -> Graph:
    """Lay out nodes and what they read; `around`: only this node, and what is at most two steps away."""
    readers = {node.unique_id: set(node.dependencies) for node in nodes}
    wanted = _near(around, readers) if around else readers.keys() | set().union(*readers.values())
    if len(wanted) > MOST:
        return Graph(left_out=len(wanted))
    reads = {name: sorted(readers.get(name, set()) & wanted) for name in sorted(wanted)}
    layers = _layers(reads)
    if not layers:
        return Graph()
    layout = _Layout(reads, layers)
    return layout.drawn({node.unique_id: node for node in nodes})


def _near(around: str, readers: Mapping[str, set[str]]) -> set[str]:
    read_by: dict[str, set[str]] = defaultdict(set)
    for name, reads in readers.items():
        for read in reads:
            read_by[read].add(name)
    near = {around}
    for steps in (readers, read_by):
        edge = {around}
        for _ in range(2):
            edge = set().union(*(steps.get(name, set()) for name in edge))
            near |= edge
    return near


def _layers(reads: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the layer of each node; empty for a circle, which no operation of dbt has."""
    layers: dict[str, int] = {}
    try:
        for name in TopologicalSorter(reads).static_order():
            layers[name] = 1 + max((layers[read] for read in reads.get(name, ())), default=-1)
    except CycleError:
        return {}
    return layers


_Place = tuple[str, str, int]
"""A node and two empty values, or an edge's two nodes and the layer."""


@dataclass(slots=True)
class _Layout:
    reads: Mapping[str, Sequence[str]]
    layers: Mapping[str, int]
    order: list[list[_Place]] = field(init=False)
    chains: dict[tuple[str, str], list[_Place]] = field(init=False)
    """Edge → the places that it goes through, from the upper node to the lower one."""

    def __post_init__(self) -> None:
        self.order = [[] for _ in range(1 + max(self.layers.values()))]
        for name, layer in self.layers.items():
            self.order[layer].append((name, "", 0))
        self.chains = {}
        for lower, uppers in self.reads.items():
            for upper in uppers:
                between = range(self.layers[upper] + 1, self.layers[lower])
                passed = [(upper, lower, layer) for layer in between]
                for place in passed:
                    self.order[place[2]].append(place)
                self.chains[upper, lower] = [(upper, "", 0), *passed, (lower, "", 0)]
        self._uncross()

    def _uncross(self) -> None:
        before: dict[_Place, list[_Place]] = defaultdict(list)
        after: dict[_Place, list[_Place]] = defaultdict(list)
        for chain in self.chains.values():
            for upper, lower in pairwise(chain):
                before[lower].append(upper)
                after[upper].append(lower)
        for turn in range(_PASSES):
            neighbours, layers = (before, self.order[1:]) if turn % 2 == 0 else (after, self.order[-2::-1])
            for layer in layers:
                self._sort(layer, neighbours)

    def _sort(self, layer: list[_Place], neighbours: Mapping[_Place, Sequence[_Place]]) -> None:
        at = {
            place: index / max(1, len(others) - 1)
            for others in self.order
            for index, place in enumerate(others)
        }
        layer.sort(key=lambda place: fmean([at[of] for of in neighbours.get(place, ())] or [at[place]]))

    def drawn(self, nodes: Mapping[str, NodeRecord]) -> Graph:
        heights = [sum(map(_height, layer)) for layer in self.order]
        tallest = max(heights)
        at: dict[_Place, tuple[float, float]] = {}
        for number, layer in enumerate(self.order):
            y = _MARGIN + (tallest - heights[number]) / 2
            for place in layer:
                at[place] = (_MARGIN + number * (WIDTH + _ACROSS), y)
                y += _height(place)
        boxes = [
            Box(id=name, label=_label(name, nodes.get(name)), node=nodes.get(name), x=x, y=y)
            for (name, lower, _), (x, y) in at.items()
            if not lower
        ]
        edges = [
            Edge(upper=upper, lower=lower, path=_path([at[place] for place in chain]))
            for (upper, lower), chain in self.chains.items()
        ]
        width = 2 * _MARGIN + len(self.order) * (WIDTH + _ACROSS) - _ACROSS
        return Graph(boxes=boxes, edges=edges, width=width, height=2 * _MARGIN + tallest - _DOWN)


def _height(place: _Place) -> int:
    return _THIN if place[1] else HEIGHT + _DOWN


def _label(name: str, node: NodeRecord | None) -> str:
    return node.name if node is not None else ".".join(name.split(".")[2:]) or name


def _path(places: Sequence[tuple[float, float]]) -> str:
    """Return a smooth line from the right side of the first box to the left side of the last one."""
    (x, y), *between, (end_x, end_y) = places
    points = [(x + WIDTH, y + HEIGHT / 2)]
    for place_x, place_y in between:
        middle = place_y + _THIN / 2
        points += [(place_x, middle), (place_x + WIDTH, middle)]
    points.append((end_x, end_y + HEIGHT / 2))
    return f"M{points[0][0]:g} {points[0][1]:g}" + "".join(_curves(points))


def _curves(points: Sequence[tuple[float, float]]) -> Iterable[str]:
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (x + to_x) / 2
        yield f"C{half:g} {y:g} {half:g} {to_y:g} {to_x:g} {to_y:g}"
