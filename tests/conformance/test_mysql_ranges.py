"""Large tables of MariaDB that are read in ranges of their key, by statements that see one state."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from dvt.connectors.mysql import ranges
from dvt.core.errors import ConnectionLost
from dvt.core.queries import Split
from dvt.core.reports import Notice
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from tests.databases.mariadb import SCHEMA, MariaDB

pytestmark = pytest.mark.slow

ROWS = 120_000
_FAR = 10**15
"""The key of every second row is moved by this much, so that half of the keys' range has no row."""


@pytest.fixture
def server(databases: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> MariaDB:
    """Return a server with a table of skewed keys, which counts as large."""
    monkeypatch.setattr(ranges, "_MIN_BYTES", 2**20)
    server: MariaDB = databases("mariadb")
    server.fill(server.table("skewed"), ROWS)
    server.execute(
        "alter table skewed modify n bigint",
        f"update skewed set n = n + {_FAR} where n > {ROWS // 4}",
        "alter table skewed add primary key (n)",
        f"insert into skewed values (-{_FAR}, '0')",
        f"update skewed set word = '0' where n in (1, {ROWS + _FAR})",
        "analyze table skewed",
    )
    return server


@pytest.fixture
def bench(server: MariaDB, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(server, tmp_path, limit=5, consistent_reads="lock")
    yield bench
    bench.close()


def _count(server: MariaDB, done: threading.Event) -> None:
    """Count up in rows of the first and of the last range, in one transaction each time."""
    with closing(server.owner(autocommit=False)) as connection, connection.cursor() as cursor:
        while not done.wait(0.001):
            for key in (-_FAR, ROWS + _FAR):
                cursor.execute(f"update skewed set word = word + 1 where n = {key}")
            connection.commit()


def test_all_ranges_see_one_state_and_have_every_row_once(server: MariaDB, bench: Bench) -> None:
    query = bench.extraction(bench.describe(server.table("skewed")))
    done = threading.Event()
    writer = threading.Thread(target=_count, args=(server, done))
    writer.start()
    seen = set()
    try:
        for _ in range(3):
            (dataset,) = bench.read(query)
            assert len(dataset.keys) == 4
            assert bench.connector.splits([query]) == [Split(ranges=4, by="its key `n`")]
            assert dataset.rows == ROWS + 1
            parts = [parquet.read_metadata(path).num_rows for path in bench.files(dataset)]
            assert min(parts) > ROWS / 20, parts
            ends = f"c0 IN (-{_FAR}, {ROWS + _FAR})"
            sql = f"SELECT count(DISTINCT c0), min(c1::INT), max(c1::INT) FROM t WHERE {ends}"
            keys, lowest, highest = bench.first_row(sql, dataset)
            assert (keys, lowest) == (2, highest)
            seen.add(highest)
    finally:
        done.set()
        writer.join()
    assert len(seen) > 1, "nothing was written meanwhile"
    assert bench.first_row("SELECT count(DISTINCT c0) FROM t", dataset) == (ROWS + 1,)


def test_queries_of_one_table_share_the_statements_that_may_run_at_once(
    server: MariaDB, tmp_path: Path
) -> None:
    bench = Bench(server, tmp_path, limit=9, consistent_reads="lock")
    try:
        table = bench.describe(server.table("skewed"))
        queries = [bench.extraction(table, where=(where,)) for where in ("word < '5'", "word >= '5'")]
        datasets = bench.read(*queries)
        assert sum(dataset.rows for dataset in datasets) == ROWS + 1
        assert [len(dataset.keys) for dataset in datasets] == [2, 2]
        assert [split.ranges for split in bench.connector.splits(queries)] == [2, 2]
    finally:
        bench.close()


def test_without_a_lock_or_its_grant_one_statement_reads_the_table(server: MariaDB, tmp_path: Path) -> None:
    server.execute(
        "create or replace user unlocked@'127.0.0.1' identified by 'x'",
        f"grant select on {SCHEMA}.* to unlocked@'127.0.0.1'",
    )
    notices: list[Notice] = []
    for settings in (
        {"consistent_reads": "off"},
        {"consistent_reads": "lock", "user": "unlocked", "password": "x"},
    ):
        bench = Bench(server, tmp_path / settings["consistent_reads"], limit=5, **settings)
        bench.connector._server.warn = notices.append
        try:
            query = bench.extraction(bench.describe(server.table("skewed")))
            (told,) = bench.connector.splits([query])
            assert ("`consistent_reads: lock`" in told.why) == (settings["consistent_reads"] == "off")
            (dataset,) = bench.read(query)
            assert (dataset.rows, len(dataset.keys)) == (ROWS + 1, 1)
        finally:
            bench.close()
    assert [notice.code for notice in notices] == ["DVT034"]
    assert "is read over one connection" in notices[0].message


def test_a_range_that_is_lost_fails_the_extraction_whole(server: MariaDB, bench: Bench) -> None:
    """No other statement can see the state again in which the lost one began."""
    where = f"CASE WHEN n = {ROWS + _FAR} THEN SLEEP(20) = 0 ELSE TRUE END"
    query = bench.extraction(bench.describe(server.table("skewed")), where=(where,))
    call = BackgroundCall(lambda: bench.read(query))
    sleeping = "select id from information_schema.processlist where state = 'User sleep'"
    assert wait_until(lambda: bool(server.execute(sleeping)))
    ((number,),) = server.execute(sleeping)
    server.execute(f"kill connection {number}")
    assert isinstance(call.finish(), ConnectionLost)
    assert bench.staged() == []


def test_why_one_statement_reads_a_table_is_told(
    server: MariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def why(folder: str, limit: int = 5) -> str:
        bench = Bench(server, tmp_path / folder, limit=limit, consistent_reads="lock")
        try:
            (told,) = bench.connector.splits([bench.extraction(bench.describe(server.table("skewed")))])
        finally:
            bench.close()
        assert told.ranges == 1
        return told.why

    assert "there is one connection for it" in why("narrow", limit=2)
    monkeypatch.setattr(ranges, "_MIN_BYTES", 2**40)
    assert "the table is small (" in why("small")
    server.execute("alter table skewed drop primary key")
    assert "no table of InnoDB with a primary key" in why("keyless")
