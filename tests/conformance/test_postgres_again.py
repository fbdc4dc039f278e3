"""Parts of an extraction that are lost: read again in the same snapshot of PostgreSQL, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dvt.buckets.filesystem import FilesystemBucket
from dvt.core.errors import ConnectionLost
from dvt.core.ports.connectors import Job
from dvt.core.ports.staging import Location
from dvt.core.reports import Notice
from dvt.staging.parquet import ParquetSink
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from tests.databases.postgres import USER, PostgreSQL
from tests.databases.proxy import proxy

pytestmark = pytest.mark.slow

ROWS = 600_000
WAITS = "CASE WHEN n = 300000 THEN pg_advisory_lock_shared(7) IS NOT NULL ELSE true END"
"""A condition that holds for all rows, and waits in the middle of one piece for as long as the test wants."""
_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory'"
_READERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    f" AND usename = '{USER}' AND query LIKE '%pg_advisory_lock_shared(7)%'"
)


class Reading:
    """A large table, and a thread that reads it whole in a snapshot of its first state."""

    def __init__(self, postgres: PostgreSQL, bench: Bench) -> None:
        self.postgres, self.bench = postgres, bench
        self.ref = postgres.table("again")
        self.name = postgres.quoted(self.ref)
        postgres.fill(self.ref, ROWS)
        self.notices: list[Notice] = []
        bench.connector._server.warn = self.notices.append
        self.query = bench.extraction(bench.describe(self.ref), where=(WAITS,))
        self.datasets: list[Any] = []
        self._lock = postgres.owner()
        self._lock.cursor().execute("SELECT pg_advisory_lock(7)")

    def let_go(self) -> None:
        """Let the condition hold without waiting."""
        self._lock.close()

    def waits(self) -> None:
        """Wait until a connection is in the middle of its piece."""
        assert wait_until(lambda: bool(self.postgres.execute(_WAITING)))

    def read(self, sink: ParquetSink | None = None) -> None:
        with self.bench.connector.snapshot() as snapshot:
            job = Job(self.query, sink or self.bench.sink())
            snapshot.extract([job], lambda _, dataset: self.datasets.append(dataset))

    def lose(self) -> None:
        """End the connection that is in the middle of its piece."""
        self.waits()
        self.postgres.execute(f"SELECT pg_terminate_backend(pid) FROM ({_WAITING}) AS waiting")

    def lose_those_that_have_read(self) -> None:
        """End the connections that have all rows of their piece; return when they are gone."""
        idle = f"{_READERS} AND state = 'idle in transaction'"
        assert self.postgres.execute(idle)
        assert wait_until(lambda: not self.postgres.execute(idle))

    def check(self) -> None:
        """Check that every row arrived once, as it was at first."""
        (dataset,) = self.datasets
        sql = "SELECT count(*), count(DISTINCT c0), sum(c0), count_if(c1 = 'new') FROM t"
        assert self.bench.first_row(sql, dataset) == (ROWS, ROWS, ROWS * (ROWS + 1) // 2, 0)
        assert dataset.rows == ROWS


class AfterFirstPart(FilesystemBucket):
    """Does something once a part is written, and before anything else is."""

    def __init__(self, bucket: FilesystemBucket, action: Callable[[], None]) -> None:
        self.__dict__.update(vars(bucket))
        self._action = action
        self._first = threading.Lock()

    @contextmanager
    def writing(self, consumer: str, key: str) -> Iterator[str]:
        with super().writing(consumer, key) as uri:
            yield uri
        if self._first.acquire(blocking=False):
            self._action()


@pytest.fixture
def reading(postgres: PostgreSQL, tmp_path: Path) -> Iterator[Reading]:
    bench = Bench(postgres, tmp_path)
    reading = Reading(postgres, bench)
    yield reading
    reading.let_go()
    bench.close()


def test_a_range_that_is_lost_twice_is_read_again_in_the_same_snapshot(reading: Reading) -> None:
    call = BackgroundCall(reading.read)
    reading.waits()
    reading.postgres.execute(
        f"UPDATE {reading.name} SET word = 'new'", f"DELETE FROM {reading.name} WHERE n % 3 = 0"
    )
    reading.lose()
    reading.lose()
    reading.waits()
    reading.let_go()
    assert call.finish() is None
    reading.check()
    assert [notice.code for notice in reading.notices] == ["DVT033", "DVT033"]
    assert "in the same snapshot" in reading.notices[0].message
    assert (len(reading.datasets[0].keys) > 1) == (reading.postgres.ranges > 1)


def test_a_range_that_is_lost_once_it_is_written_is_not_there_twice(reading: Reading) -> None:
    reading.let_go()
    # Settings of a query are taken back after it, over the connection that is lost by then.
    reading.query = replace(reading.query, settings=(("extra_float_digits", "3"),))
    bucket = AfterFirstPart(reading.bench.bucket, reading.lose_those_that_have_read)
    reading.read(ParquetSink(Location(bucket, "lost")))
    reading.check()
    assert "DVT033" in {notice.code for notice in reading.notices}
    assert len(reading.bench.staged()) > len(reading.datasets[0].keys) + 1, "no part was lost"


def test_a_range_whose_network_breaks_amid_its_rows_is_read_again(
    postgres: PostgreSQL, tmp_path: Path
) -> None:
    """The server knows nothing of it: the other readers and the snapshot go on."""
    with proxy(int(postgres.settings()["port"])) as network:
        bench = Bench(postgres, tmp_path, port=network.port)
        reading = Reading(postgres, bench)
        reading.let_go()
        for bytes_ in (5_000_000, 30_000_000):
            network.cut_one_after(bytes_)
            reading.read()
            reading.check()
            reading.datasets.clear()
        bench.close()
    assert [notice.code for notice in reading.notices] == ["DVT033", "DVT033"]


def test_a_table_that_was_rewritten_meanwhile_is_an_error(reading: Reading) -> None:
    call = BackgroundCall(reading.read)
    reading.waits()
    rewriting = threading.Thread(target=reading.postgres.execute, args=(f"VACUUM FULL {reading.name}",))
    rewriting.start()
    waits = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'VACUUM FULL%' AND wait_event_type = 'Lock'"
    assert wait_until(lambda: bool(reading.postgres.execute(waits)))
    reading.postgres.execute(_READERS)
    error = call.finish()
    assert isinstance(error, ConnectionLost)
    assert "rewritten or emptied" in error.message
    rewriting.join(60)
    assert reading.datasets == []
    assert reading.bench.staged() == []


def test_without_its_snapshot_nothing_is_read_again(reading: Reading) -> None:
    call = BackgroundCall(reading.read)
    reading.waits()
    reading.postgres.cut()
    assert isinstance(call.finish(), ConnectionLost)
    assert (reading.datasets, reading.notices) == ([], [])


def test_a_server_that_takes_fewer_connections_is_read_over_those(reading: Reading) -> None:
    postgres = reading.postgres
    reading.let_go()
    postgres.execute(f'ALTER ROLE "{USER}" CONNECTION LIMIT 2')
    try:
        reading.read()
    finally:
        postgres.execute(f'ALTER ROLE "{USER}" CONNECTION LIMIT -1')
    reading.check()
    assert {notice.code for notice in reading.notices} <= {"DVT033", "DVT034"}
    assert bool(reading.notices) == (postgres.ranges > 1)
