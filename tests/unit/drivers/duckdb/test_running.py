"""Stopping ends running queries, before their first row too, and does not affect later ones."""

from __future__ import annotations

import threading
import time

import duckdb
import pytest

from dvt.core.errors import Cancelled
from dvt.drivers.duckdb.running import RunningQueries
from tests.unit.drivers.duckdb.test_files import ENDLESS


def test_a_query_is_stopped_before_its_first_row() -> None:
    running, ended = RunningQueries(), []

    def work() -> None:
        cursor = duckdb.connect()
        with running.batch() as batch, running.query(batch, cursor.interrupt, "reading"):
            try:
                cursor.execute(ENDLESS).fetchall()
            except duckdb.InterruptException as error:
                ended.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(running._queries) < len(threads):
        time.sleep(0.01)
    running.cancel()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 4


def test_an_interrupt_that_comes_too_early_is_repeated() -> None:
    running, interrupts = RunningQueries(), []
    entered, third = threading.Event(), threading.Event()

    def interrupt() -> None:
        interrupts.append(1)
        if len(interrupts) > 2:
            third.set()

    def work() -> None:
        with running.batch() as batch, running.query(batch, interrupt, "reading"):
            entered.set()
            third.wait(30)

    thread = threading.Thread(target=work)
    thread.start()
    assert entered.wait(30)
    running.cancel()
    thread.join(30)
    assert len(interrupts) > 2


def test_no_further_query_of_a_stopped_batch_begins() -> None:
    running = RunningQueries()
    with running.batch() as batch:
        running.cancel()
        with pytest.raises(Cancelled), running.query(batch, lambda: None, "reading"):
            pytest.fail("it began")


def test_a_batch_that_comes_later_runs() -> None:
    running, interrupts = RunningQueries(), []
    running.cancel()
    with running.batch() as batch, running.query(batch, lambda: interrupts.append(1), "reading"):
        assert [batch_of_query for batch_of_query, _ in running._queries.values()] == [batch]
        assert not batch.stopped
    assert interrupts == []
