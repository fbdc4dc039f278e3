"""The graph of a run's nodes: every edge goes to the right, no boxes overlap, and few edges cross."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvt.core.operation_record import NodeRecord
from dvt.web.pages.graph import HEIGHT, MOST, WIDTH, Graph, _layers, _Layout, graph


def node(name: str, *reads: str) -> NodeRecord:
    return NodeRecord(unique_id=name, name=name, resource_type="model", dependencies=reads)


@st.composite
def dags(draw: st.DrawFn) -> list[NodeRecord]:
    count = draw(st.integers(0, 14))
    return [
        node(f"n{at}", *(f"n{of}" for of in draw(st.sets(st.integers(0, at - 1), max_size=4))))
        if at
        else node("n0")
        for at in range(count)
    ]


def boxes(drawn: Graph) -> dict[str, tuple[float, float]]:
    return {box.id: (box.x, box.y) for box in drawn.boxes}


@given(dags())
@settings(max_examples=150, deadline=None)
def test_every_node_is_drawn_once_and_right_of_what_it_reads(nodes: list[NodeRecord]):
    drawn = graph(nodes)
    at = boxes(drawn)
    assert sorted(at) == sorted(of.unique_id for of in nodes)
    assert len(drawn.boxes) == len(nodes)
    for of in nodes:
        assert all(at[read][0] + WIDTH < at[of.unique_id][0] for read in of.dependencies)
    assert {(edge.upper, edge.lower) for edge in drawn.edges} == {
        (read, of.unique_id) for of in nodes for read in of.dependencies
    }


@given(dags())
@settings(max_examples=150, deadline=None)
def test_boxes_do_not_overlap_and_are_within_the_picture(nodes: list[NodeRecord]):
    drawn = graph(nodes)
    for (x, y), (other_x, other_y) in combinations(boxes(drawn).values(), 2):
        assert abs(x - other_x) >= WIDTH or abs(y - other_y) >= HEIGHT
    for x, y in boxes(drawn).values():
        assert 0 <= x <= drawn.width - WIDTH
        assert 0 <= y <= drawn.height - HEIGHT


def crossings(nodes: list[NodeRecord]) -> int:
    """Return how many lines cross, between one layer and the next."""
    reads = {of.unique_id: sorted(of.dependencies) for of in nodes}
    layout = _Layout(reads, _layers(reads))
    at = {place: (number, index) for number, of in enumerate(layout.order) for index, place in enumerate(of)}
    lines = [(at[upper], at[lower]) for chain in layout.chains.values() for upper, lower in pairwise(chain)]
    return sum(
        upper[0] == other[0] and (upper[1] - other[1]) * (lower[1] - end[1]) < 0
        for (upper, lower), (other, end) in combinations(lines, 2)
    )


def test_edges_cross_less_than_in_the_order_in_which_nodes_could_run(monkeypatch: pytest.MonkeyPatch):
    chance = random.Random(7)
    many = [
        [
            node(f"n{at}", *{f"n{chance.randrange(at)}" for _ in range(2)}) if at else node("n0")
            for at in range(30)
        ]
        for _ in range(10)
    ]
    uncrossed = sum(map(crossings, many))
    monkeypatch.setattr(_Layout, "_uncross", lambda _self: None)
    assert uncrossed < 0.5 * sum(map(crossings, many))


def test_what_is_read_and_not_built_is_drawn_as_outside():
    drawn = graph([node("model.shop.joined", "source.shop.crm.people")])
    outside = next(box for box in drawn.boxes if box.node is None)
    assert (outside.id, outside.label) == ("source.shop.crm.people", "crm.people")


def test_around_a_node_only_its_neighbours_are_drawn():
    chain = [node("n0"), *(node(f"n{at}", f"n{at - 1}") for at in range(1, 10))]
    assert sorted(boxes(graph(chain, "n5"))) == ["n3", "n4", "n5", "n6", "n7"]


def test_too_many_nodes_are_not_drawn_but_counted():
    many = [node(f"n{at}") for at in range(MOST + 1)]
    assert graph(many) == Graph(left_out=MOST + 1)
    assert boxes(graph(many, "n7")).keys() == {"n7"}


def test_a_circle_is_not_drawn():
    assert graph([node("a", "b"), node("b", "a")]) == Graph()
