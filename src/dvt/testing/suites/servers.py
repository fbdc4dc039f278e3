"""What a connector of a server promises beyond others: few connections, none left open, clean failures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from dvt.core.errors import Cancelled, DvtError, TableNotFound
from dvt.core.extraction import Extraction
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Dataset
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from dvt.testing.databases import ServerDatabase
from dvt.testing.suites.connectors import SLOW_QUERY, ConnectorSuite
from dvt.testing.suites.loading import LoadingSuite, large_load

_CANCELLED_SOON = 30
"""Seconds after which a query that computes for `SLOW_QUERY` seconds was not stopped but ended."""


class ServerSuite(ConnectorSuite):
    """Tests of a connector of a server. The fixture `database` is a ServerDatabase."""

    def test_no_more_connections_are_opened_than_allowed(
        self, database: ServerDatabase, bench_with: Callable[..., Bench]
    ) -> None:
        bench = bench_with(limit=3)
        refs = [bench.filled(f"limited_{place}", 1) for place in range(6)]
        most = 0
        with bench.connector.snapshot() as snapshot:
            jobs = [Job(bench.slow(ref, 1), bench.sink()) for ref in refs]
            calls = [
                BackgroundCall(lambda: snapshot.extract(jobs[:3], lambda *_: None)),
                BackgroundCall(lambda: snapshot.extract(jobs[3:], lambda *_: None)),
                BackgroundCall(lambda: bench.connector.describe(refs)),
            ]
            while any(call.is_alive() for call in calls):
                most = max(most, database.connections())
            for call in calls:
                assert call.finish() is None
        assert 1 <= most <= 3

    def test_no_more_queries_read_a_table_at_once_than_its_config_allows(
        self, database: ServerDatabase, bench_with: Callable[..., Bench]
    ) -> None:
        bench = bench_with(limit=8)
        slow = [
            replace(bench.slow(bench.filled(name, 1), SLOW_QUERY), extraction=Extraction(max_parallel=limit))
            for name, limit in [("shared_by_two", 2), ("read_alone", 1)]
            for _ in range(3)
        ]
        reading = BackgroundCall(lambda: bench.read(*slow))
        assert wait_until(lambda: _slow_queries(database) >= 3)
        time.sleep(0.5)
        assert _slow_queries(database) == 3
        bench.connector.cancel()
        assert isinstance(reading.finish(), Cancelled)
        quick = bench.extraction(bench.describe(database.table("read_alone")))
        limited = [replace(quick, extraction=Extraction(max_parallel=1))] * 5
        assert [dataset.rows for dataset in bench.read(*limited)] == [1] * 5

    def test_no_connection_stays_open_after_closing(self, database: ServerDatabase, bench: Bench) -> None:
        bench.read_table(bench.filled("ended", 10))
        bench.connector.close()
        bench.connector.close()
        assert wait_until(lambda: database.connections() == 0)

    def test_the_first_failure_ends_the_others_and_leaves_nothing(
        self, database: ServerDatabase, bench: Bench
    ) -> None:
        ref = bench.filled("failing", 10)
        table = bench.describe(ref)
        wrong = bench.extraction(table, ["n"], where=(f"{database.name_of('no_such_column')} = 1",))
        jobs = [Job(bench.slow(ref, SLOW_QUERY), bench.sink()), Job(wrong, bench.sink())]
        started = time.monotonic()
        with bench.connector.snapshot() as snapshot:
            with pytest.raises(DvtError) as caught:
                snapshot.extract(jobs, lambda *_: pytest.fail("none of them can end well"))
            # One query's failure is not the snapshot's.
            later: list[Dataset] = []
            job = Job(bench.extraction(table), bench.sink())
            snapshot.extract([job], lambda _, dataset: later.append(dataset))
        assert time.monotonic() - started < _CANCELLED_SOON
        assert "no_such_column" in str(caught.value)
        assert later[0].rows == 10
        assert wait_until(lambda: not database.running())
        assert {path.parent for path in bench.staged()} == {bench.files(later[0])[0].parent}

    def test_a_cancelled_query_ends_on_the_server(self, database: ServerDatabase, bench: Bench) -> None:
        query = bench.slow(bench.filled("slow", 1), SLOW_QUERY)
        reading = BackgroundCall(lambda: bench.read(query))
        assert wait_until(lambda: _runs_slow_query(database))
        bench.connector.cancel()
        assert isinstance(reading.finish(), Cancelled)
        assert wait_until(lambda: not database.running())
        assert bench.staged() == []
        assert bench.read_table(database.table("slow")).rows == 1, "the connector works on"

    def test_a_connection_cut_amid_a_query_is_an_error_that_says_so(
        self, database: ServerDatabase, bench: Bench
    ) -> None:
        query = bench.slow(bench.filled("cut", 1), SLOW_QUERY)
        reading = BackgroundCall(lambda: bench.read(query))
        assert wait_until(lambda: _runs_slow_query(database))
        database.cut()
        error = reading.finish()
        assert isinstance(error, DvtError)
        assert error.code == "DVT132", error
        assert not [secret for secret in database.secrets if secret in _with_causes(error)]
        assert bench.staged() == []
        assert bench.read_table(database.table("cut")).rows == 1, "the connector works on"

    def test_a_cut_amid_rows_never_passes_for_their_end(self, database: ServerDatabase, bench: Bench) -> None:
        table = bench.describe(bench.filled("cut_rows", 2_000_000))
        reading = BackgroundCall(lambda: bench.read(bench.extraction(table)))
        assert wait_until(lambda: any(path.stat().st_size for path in bench.staged()))
        database.cut()
        error = reading.finish()
        if error is None:
            assert reading.answer[0].rows == 2_000_000
        else:
            assert isinstance(error, DvtError)
            assert error.code == "DVT132", error


class ServerLoadingSuite(LoadingSuite):
    """Tests of a connector that loads into a server. The fixture `database` is both kinds of Database."""

    def test_a_load_whose_connection_is_cut_leaves_no_table(
        self, database: ServerDatabase, bench: Bench
    ) -> None:
        load, dataset = large_load(bench, "dvt_cut")
        loading = BackgroundCall(lambda: bench.loader.fill(load, dataset))
        assert wait_until(database.running)
        time.sleep(0.3)
        database.cut()
        error = loading.finish()
        assert isinstance(error, DvtError)
        assert error.code == "DVT132", error
        with pytest.raises(TableNotFound):
            bench.describe(load.stage)


def _runs_slow_query(database: ServerDatabase) -> bool:
    """Whether the slow query, and not the planning of it, is under way."""
    return _slow_queries(database) > 0


def _slow_queries(database: ServerDatabase) -> int:
    words = database.sleeping(SLOW_QUERY)
    return sum(words in statement and "EXPLAIN" not in statement for statement in database.running())


def _with_causes(error: BaseException | None) -> str:
    texts = []
    while error is not None:
        texts.append(f"{error!r} {error}")
        error = error.__cause__
    return "\n".join(texts)
