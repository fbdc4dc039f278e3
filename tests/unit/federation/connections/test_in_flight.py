"""Transfers under way: which connections are busy, and which transfers a node may stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from dvt.core.errors import ConnectionLost
from dvt.federation.connections.in_flight import InFlight
from tests.unit.federation.connections.conftest import LIMIT, Halt

NODE, OTHER = object(), object()


class Cancels:
    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None
        self.while_stopping: Callable[[], object] = lambda: None

    def cancel(self) -> None:
        self.count += 1
        self.while_stopping()
        if self.error:
            raise self.error


@pytest.fixture
def connector() -> Cancels:
    return Cancels()


@pytest.fixture
def in_flight(connector) -> InFlight:
    return InFlight("pg", connector)


def test_a_connection_is_busy_while_it_extracts_or_loads_even_if_that_fails(in_flight):
    def fail() -> None:
        assert in_flight.busy
        raise ConnectionLost("pg", "reading", "on purpose")

    for work in (in_flight.extracting(NODE), in_flight.loading(), in_flight.describing()):
        assert not in_flight.busy
        with pytest.raises(ConnectionLost), work:
            fail()
    assert not in_flight.busy


def test_a_node_that_has_not_begun_stops_no_other(in_flight, connector):
    with in_flight.extracting(OTHER):
        in_flight.cancel_own(NODE)
    assert connector.count == 0


def test_no_extraction_begins_while_a_nodes_queries_are_stopped(in_flight, connector, threads):
    """A query that began then would be stopped too: a connector stops all queries under way."""
    connector.while_stopping = halt = Halt()
    stopped, beginnings = threading.Event(), []

    def extract() -> None:
        with in_flight.extracting(NODE):
            assert stopped.wait(LIMIT)

    def extract_other() -> None:
        with in_flight.extracting(OTHER):
            beginnings.append("during the cancel" if not stopped.is_set() else "after it")

    threads.start(extract)
    while not in_flight.busy:
        time.sleep(0.001)
    threads.start(lambda: in_flight.cancel_own(NODE))
    halt.reached()
    threads.start(extract_other)
    time.sleep(0.05)
    assert beginnings == []
    stopped.set()
    halt.release()
    threads.finish()
    assert beginnings == ["after it"]


def test_a_node_stops_its_own_groups_unless_another_extracts_too(in_flight, connector, threads):
    ours, others = threading.Barrier(3, timeout=LIMIT), threading.Event()
    third, one_left = threading.Event(), threading.Event()

    def extract(node: object, until: threading.Event) -> None:
        with in_flight.extracting(node):
            ours.wait()
            assert until.wait(LIMIT)
        one_left.set()

    threads.start(lambda: extract(OTHER, third))
    threads.start(lambda: extract(NODE, others))
    ours.wait()
    in_flight.cancel_own(NODE)
    assert connector.count == 0
    third.set()
    assert one_left.wait(LIMIT)
    in_flight.cancel_own(NODE)
    assert connector.count == 1
    others.set()
    threads.finish()
    in_flight.cancel_own(NODE)
    assert connector.count == 1


def test_a_node_stops_nothing_while_another_loads(in_flight, connector):
    with in_flight.loading(), in_flight.extracting(NODE):
        in_flight.cancel_own(NODE)
    assert connector.count == 0


def test_a_cancel_that_fails_stops_nobody_from_exiting(in_flight, connector):
    connector.error = ConnectionLost("pg", "cancelling", "on purpose")
    in_flight.cancel()
    assert connector.count == 1
