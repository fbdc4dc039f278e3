"""What is under way: who is busy, and who may be stopped."""

from __future__ import annotations

import threading

import pytest

from dvt.core.errors import ConnectionLost
from dvt.federation.connections.in_flight import InFlight
from tests.unit.federation.connections.conftest import LIMIT


class Cancels:
    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None

    def cancel(self) -> None:
        self.count += 1
        if self.error:
            raise self.error


@pytest.fixture
def connector() -> Cancels:
    return Cancels()


@pytest.fixture
def in_flight(connector) -> InFlight:
    return InFlight("pg", connector)


def test_a_connection_is_busy_while_it_extracts_or_loads_and_after_failures_no_more(in_flight):
    def fail() -> None:
        assert in_flight.busy
        raise ConnectionLost("pg", "reading", "on purpose")

    for moving in (in_flight.extracting, in_flight.loading):
        assert not in_flight.busy
        with pytest.raises(ConnectionLost), moving():
            fail()
    assert not in_flight.busy


def test_a_node_stops_its_own_groups_unless_another_extracts_too(in_flight, connector, threads):
    ours, others = threading.Barrier(3, timeout=LIMIT), threading.Event()
    third, left = threading.Event(), threading.Event()

    def extract(until: threading.Event) -> None:
        with in_flight.extracting():
            ours.wait()
            assert until.wait(LIMIT)
        left.set()

    threads.start(lambda: extract(third))
    threads.start(lambda: extract(others))
    ours.wait()
    in_flight.cancel_own(1)
    assert connector.count == 0
    third.set()
    assert left.wait(LIMIT)
    in_flight.cancel_own(1)
    assert connector.count == 1
    others.set()
    threads.finish()
    in_flight.cancel_own(1)
    assert connector.count == 1


def test_a_node_stops_nothing_while_another_loads(in_flight, connector):
    with in_flight.loading(), in_flight.extracting():
        in_flight.cancel_own(1)
    assert connector.count == 0


def test_a_cancel_that_fails_stops_nobody_from_exiting(in_flight, connector):
    connector.error = ConnectionLost("pg", "cancelling", "on purpose")
    in_flight.cancel()
    assert connector.count == 1
