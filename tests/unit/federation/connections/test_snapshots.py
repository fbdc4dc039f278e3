"""The run's snapshot, with writes, failures and other readers in between."""

from __future__ import annotations

import threading

import pytest

from dvt.core.errors import Cancelled, ConnectionLost, QueryFailed, ValueLost
from dvt.federation.connections.snapshots import RunSnapshot
from tests.unit.federation.connections.conftest import LIMIT, VIEW, A, B, Halt


@pytest.fixture
def snapshot(source, writes):
    return RunSnapshot(source, writes)


def test_nodes_that_read_at_the_same_time_share_one_snapshot(snapshot, source, threads):
    together, idled = threading.Barrier(8, timeout=LIMIT), []
    another_begins = threading.Event()

    def beginning() -> None:
        if source.snapshot_count > 1:
            another_begins.set()
        assert not another_begins.wait(0.2)

    source.while_beginning = beginning

    def read() -> None:
        with snapshot.reading() as reading:
            together.wait()
            idled.append(reading.idled)

    for _ in range(8):
        threads.start(read)
    threads.finish()
    assert source.snapshot_count == 1
    assert sorted(idled) == [False] + [True] * 7


def test_a_query_is_settled_when_all_its_tables_are_settled(snapshot, writes):
    writes.add(A.ref)
    assert snapshot.is_settled([A, B])
    with snapshot.reading():
        assert snapshot.is_settled([A, B])
        writes.add(A.ref)
        assert not snapshot.is_settled([B, A])
        assert not snapshot.is_settled([VIEW])
        assert snapshot.is_settled([B])


def test_a_write_is_logged_while_a_snapshot_begins_and_is_not_in_it(snapshot, source, writes, threads):
    source.while_beginning = halt = Halt()

    def read() -> None:
        with snapshot.reading():
            pass

    threads.start(read)
    halt.reached()
    writes.add(A.ref)
    assert not snapshot.is_settled([A])
    assert snapshot.is_settled([B])
    halt.release()
    threads.finish()
    assert not snapshot.is_settled([A])
    assert source.snapshot_count == 1


def test_a_write_of_unknown_extent_while_a_snapshot_begins_makes_it_begin_again(
    snapshot, source, writes, threads
):
    source.while_beginning = halt = Halt()
    readings = []

    def read() -> None:
        with snapshot.reading() as reading:
            readings.append((reading.snapshot, snapshot.is_settled([A, B, VIEW]), list(source.open)))

    threads.start(read)
    halt.reached()
    writes.add(None)
    snapshot.retire()
    halt.release()
    threads.finish()
    assert readings == [(2, True, [2])]


def test_a_retired_snapshot_closes_when_its_last_reader_leaves(snapshot, source, threads):
    both_read, first_left = threading.Barrier(3, timeout=LIMIT), threading.Event()
    retired, second_leaves = threading.Event(), threading.Event()

    def read(leave: threading.Event, left: threading.Event) -> None:
        with snapshot.reading():
            both_read.wait()
            assert leave.wait(LIMIT)
        left.set()

    threads.start(lambda: read(retired, first_left))
    threads.start(lambda: read(second_leaves, threading.Event()))
    both_read.wait()
    snapshot.retire()
    retired.set()
    assert first_left.wait(LIMIT)
    assert source.open == [1]
    with snapshot.reading() as reading:
        assert (reading.snapshot, reading.idled) == (2, False)
    second_leaves.set()
    threads.finish()
    assert source.open == [2]


def test_a_readers_failure_leaves_the_snapshot_to_its_other_readers(snapshot, source):
    with snapshot.reading():
        with pytest.raises(ConnectionLost), snapshot.reading():
            raise ConnectionLost("pg", "reading", "on purpose")
        assert source.open == [1]
    assert source.open == []


@pytest.mark.parametrize(
    "error",
    [
        Cancelled("reading"),
        QueryFailed("pg", "reading", "permission denied"),
        ValueLost("t", "NaN", "cast it"),
    ],
)
def test_a_query_that_fails_leaves_the_snapshot_to_the_next_reader(snapshot, source, error):
    with pytest.raises(type(error)), snapshot.reading():
        raise error
    with snapshot.reading() as reading:
        assert reading.snapshot == 1
    assert source.snapshot_count == 1


def test_a_failure_in_a_retired_snapshot_leaves_the_next_alone(snapshot, source):
    def fail() -> None:
        snapshot.retire()
        with snapshot.reading():
            pass
        raise ConnectionLost("pg", "reading", "on purpose")

    with pytest.raises(ConnectionLost), snapshot.reading():
        fail()
    assert source.open == [2]


def test_closing_does_not_wait_for_readers(snapshot, source):
    with snapshot.reading():
        snapshot.close()
        assert source.open == []
    snapshot.close()
    assert source.open == []
