"""The cache of descriptions, with writes and other nodes in between."""

from __future__ import annotations

import threading

import pytest

from dvt.federation.connections.tables import TableCache
from tests.unit.federation.connections.conftest import LIMIT, A, B, Halt


@pytest.fixture
def tables(source, writes):
    return TableCache(source, writes)


def test_a_table_is_described_again_once_it_was_written(tables, source, writes):
    tables.describe([A.ref, B.ref])
    writes.add(A.ref)
    assert tables.describe([A.ref, B.ref]) == {A.ref: A, B.ref: B}
    assert source.described == [A.ref, B.ref, A.ref]


def test_a_table_that_is_asked_for_twice_at_once_is_described_once(tables, source):
    assert tables.describe([A.ref, A.ref]) == {A.ref: A}
    assert source.described == [A.ref]


def test_a_description_that_a_write_overtook_is_not_cached(tables, source, writes):
    source.while_describing = lambda: writes.add(A.ref)
    tables.describe([A.ref, B.ref])
    source.while_describing = lambda: None
    tables.describe([A.ref, B.ref])
    assert source.described == [A.ref, B.ref, A.ref]


def test_nodes_that_need_a_table_at_the_same_time_ask_once(tables, source, threads):
    first_asks, second_comes, second_asks = threading.Event(), threading.Event(), threading.Event()

    def describing() -> None:
        if first_asks.is_set():
            second_asks.set()
            return
        first_asks.set()
        assert second_comes.wait(LIMIT)
        assert not second_asks.wait(0.2)

    def second() -> None:
        assert first_asks.wait(LIMIT)
        second_comes.set()
        tables.describe([A.ref])

    source.while_describing = describing
    threads.start(lambda: tables.describe([A.ref]))
    threads.start(second)
    threads.finish()
    assert source.described == [A.ref]


def test_a_write_is_logged_while_the_database_describes(tables, source, writes, threads):
    source.while_describing = halt = Halt()
    threads.start(lambda: tables.describe([A.ref]))
    halt.reached()
    writes.add(A.ref)
    halt.release()
    threads.finish()
    tables.describe([A.ref])
    assert source.described == [A.ref, A.ref]
