"""Promises of PostgreSQL's connector alone, on a real server."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dvt.connectors.postgres.readers import Readers
from dvt.core.errors import Cancelled, ConnectionLost, DvtError, QueryFailed, ValueLost
from dvt.core.extraction import Extraction
from dvt.core.plan import Load
from dvt.core.ports.connectors import Job
from dvt.core.tables import StageColumn
from dvt.core.types import INTEGER, VARCHAR
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from tests.databases.postgres import RANGES_SINCE, USER, PostgreSQL, version

pytestmark = pytest.mark.slow
IN_RANGES = pytest.mark.skipif(version() < RANGES_SINCE, reason="it reads no range without what is before it")


@pytest.fixture
def make_bench(postgres: PostgreSQL, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def make(**settings: Any) -> Bench:
        benches.append(Bench(postgres, tmp_path / str(len(benches)), **settings))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


@IN_RANGES
def test_a_large_table_is_read_whole_in_several_pieces(postgres: PostgreSQL, bench: Bench) -> None:
    ref = postgres.table("pieces")
    postgres.fill(ref, 600_000)
    postgres.execute(f"delete from {postgres.quoted(ref)} where n % 3 = 0")
    table = bench.describe(ref)
    dataset, filtered = bench.read(
        bench.extraction(table), bench.extraction(table, ["n"], where=("n > 599000 or n < 10",))
    )
    assert len(dataset.keys) > 1
    (told,) = bench.connector.splits([bench.extraction(table)])
    assert (told.ranges, told.why) == (len(dataset.keys), "")
    assert "pages" in told.by
    assert bench.first_row("SELECT count(*), count(DISTINCT c0) FROM t", dataset) == (400_000, 400_000)
    ((expected,),) = postgres.execute("select count(*) from pieces where n > 599000 or n < 10")
    assert filtered.rows == expected


@IN_RANGES
def test_a_large_table_is_read_over_no_more_connections_than_its_config_allows(
    postgres: PostgreSQL, make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each connection waits at its first piece for the other one."""
    ref = postgres.table("pieces")
    postgres.fill(ref, 600_000)
    bench = make_bench(limit=8)
    query = bench.extraction(bench.describe(ref))
    (whole,) = bench.read(replace(query, extraction=Extraction(max_parallel=1)))
    assert (len(whole.keys), whole.rows) == (1, 600_000)
    readers, both = set[Any](), threading.Barrier(2)
    copy = Readers._copy

    def counted(self: Any, reader: Any, *args: Any) -> None:
        if reader.backend not in readers:
            readers.add(reader.backend)
            both.wait(60)
        copy(self, reader, *args)

    monkeypatch.setattr(Readers, "_copy", counted)
    (pieces,) = bench.read(replace(query, extraction=Extraction(max_parallel=2)))
    assert len(pieces.keys) > 1
    assert pieces.rows == 600_000
    assert len(readers) == 2


def test_rows_rewritten_during_a_snapshot_arrive_once_with_their_old_values(
    postgres: PostgreSQL, bench: Bench
) -> None:
    ref = postgres.table("moved")
    postgres.fill(ref, 400_000)
    table = bench.describe(ref)
    with bench.connector.snapshot() as snapshot:
        postgres.execute(f"update {postgres.quoted(ref)} set word = 'new' where n <= 200000")
        datasets: list[Any] = []
        job = Job(bench.extraction(table), bench.sink())
        snapshot.extract([job], lambda _, dataset: datasets.append(dataset))
    assert bench.first_row("SELECT count(*), count(DISTINCT c0), min(length(c1)) FROM t", datasets[0]) == (
        400_000,
        400_000,
        96,
    )


def test_a_query_that_an_index_answers_is_not_split(postgres: PostgreSQL, bench: Bench) -> None:
    ref = postgres.table("indexed")
    postgres.fill(ref, 600_000)
    postgres.execute(f"create index on {postgres.quoted(ref)} (n)", f"analyze {postgres.quoted(ref)}")
    query = bench.extraction(bench.describe(ref), where=("n = 77",))
    (dataset,), (told,) = bench.read(query), bench.connector.splits([query])
    assert (dataset.rows, len(dataset.keys), told.ranges) == (1, 1, 1)
    assert told.why


@IN_RANGES
def test_why_a_table_is_read_by_one_statement_is_told(
    postgres: PostgreSQL, make_bench: Callable[..., Bench]
) -> None:
    for name in ("little", "gone"):
        postgres.fill(postgres.table(name), 1000)
    for limit, why in ((4, "the table is small ("), (2, "one connection reads it")):
        bench = make_bench(limit=limit)
        (told,) = bench.connector.splits([bench.extraction(bench.describe(postgres.table("little")))])
        assert (told.ranges, told.why[: len(why)]) == (1, why)
    gone = bench.extraction(bench.describe(postgres.table("gone")))
    postgres.execute("drop table gone")
    assert make_bench().connector.splits([gone]) == [None], "extracting it says what is wrong"


def test_a_view_and_a_partitioned_table_are_read_whole(postgres: PostgreSQL, bench: Bench) -> None:
    postgres.execute(
        "drop view if exists a_view", "create view a_view as select 1 as a union all select 2",
        "drop table if exists parted", "create table parted (a int) partition by list (a)",
        "create table parted_1 partition of parted for values in (1)",
        "create table parted_2 partition of parted default", "insert into parted values (1), (2), (3)",
    )  # fmt: skip
    for name, rows in (("a_view", 2), ("parted", 3)):
        table = bench.describe(postgres.table(name))
        assert not table.scannable
        assert bench.read(bench.extraction(table))[0].rows == rows


def test_the_loss_of_the_snapshot_is_one_clear_error(postgres: PostgreSQL, bench: Bench) -> None:
    ref = postgres.table("held")
    postgres.fill(ref, 10)
    extraction = bench.extraction(bench.describe(ref))
    with bench.connector.snapshot() as snapshot:
        postgres.cut()
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                snapshot.extract([Job(extraction, bench.sink())], lambda *_: None)
    assert bench.read(extraction)[0].rows == 10


def test_an_idle_snapshot_keeps_no_locks(postgres: PostgreSQL, bench: Bench) -> None:
    """With locks a run would wait for itself, when dbt swaps a table that a federated model has read."""
    ref = postgres.table("swapped")
    postgres.fill(ref, 600_000)
    table = bench.describe(ref)
    with bench.connector.snapshot() as snapshot:
        snapshot.extract([Job(bench.extraction(table), bench.sink())], lambda *_: None)
        postgres.execute(
            "set lock_timeout = '20s'; alter table swapped rename to swapped_away", "drop table swapped_away"
        )
        names = postgres.execute("select to_regclass('swapped'), to_regclass('swapped_away')")
    assert names == [(None, None)]


def test_an_idle_snapshot_outlives_the_servers_idle_timeout(postgres: PostgreSQL, bench: Bench) -> None:
    postgres.execute(f"""alter role "{USER}" set idle_in_transaction_session_timeout = '300ms'""")
    try:
        ref = postgres.table("patient")
        postgres.fill(ref, 10)
        extraction = bench.extraction(bench.describe(ref))
        rows: list[int] = []
        with bench.connector.snapshot() as snapshot:
            time.sleep(0.8)
            snapshot.extract([Job(extraction, bench.sink())], lambda _, dataset: rows.append(dataset.rows))
        assert rows == [10]
    finally:
        postgres.execute(f'alter role "{USER}" reset idle_in_transaction_session_timeout')


def test_dropping_a_table_that_is_being_read_is_given_up(postgres: PostgreSQL, bench: Bench) -> None:
    load = Load(
        stage=postgres.table("dvt_read"), columns=bench.connector.columns([StageColumn("a", INTEGER)])
    )
    bench.connector.fill(load, bench.stage("SELECT 1 AS a", [StageColumn("a", INTEGER)]))
    with closing(postgres.owner()) as reader:
        reader.autocommit = False
        reader.cursor().execute("select * from dvt_read")
        started = time.monotonic()
        with pytest.raises(QueryFailed, match="lock"):
            bench.connector.drop(load.stage)
        assert 3 < time.monotonic() - started < 60
    bench.connector.drop(load.stage)


def test_reads_cancels_and_loads_use_the_configured_role(
    postgres: PostgreSQL, make_bench: Callable[..., Bench]
) -> None:
    postgres.execute(
        "do $$ begin create role keeper; exception when duplicate_object then null; end $$",
        f'alter role "{USER}" noinherit', f'grant keeper to "{USER}"',
        "drop table if exists of_role", "create table of_role as select 1 as a",
        f'revoke all on of_role from "{USER}"', "grant select on of_role to keeper",
        "grant usage, create on schema shop to keeper",
    )  # fmt: skip
    try:
        ref = postgres.table("of_role")
        with pytest.raises(DvtError, match="permission denied"):
            make_bench().read_table(ref)
        bench = make_bench(role="keeper")
        assert bench.read_table(ref).rows == 1
        read_thread = BackgroundCall(lambda: bench.read(bench.slow(ref, 240)))
        assert wait_until(lambda: is_sleeping(postgres))
        bench.connector.cancel()
        assert isinstance(read_thread.finish(), Cancelled), "the login user may cancel the role's query"
        load = Load(
            stage=postgres.table("dvt_of_role"), columns=bench.connector.columns([StageColumn("a", INTEGER)])
        )
        bench.connector.fill(load, bench.stage("SELECT 1 AS a", [StageColumn("a", INTEGER)]))
        owner = postgres.execute("select tableowner from pg_tables where tablename = 'dvt_of_role'")
        assert owner == [("keeper",)]
        bench.connector.drop(load.stage)
    finally:
        postgres.execute(f'alter role "{USER}" inherit')


def test_a_table_with_one_granted_column_is_readable(postgres: PostgreSQL, bench: Bench) -> None:
    ref = postgres.table("granted")
    postgres.fill(ref, 600_000)
    postgres.execute(f'revoke all on granted from "{USER}"', f'grant select (n) on granted to "{USER}"')
    table = bench.describe(ref)
    (dataset,) = bench.read(bench.extraction(table, ["n"]))
    assert dataset.rows == 600_000


def test_the_error_of_a_null_byte_names_its_column(postgres: PostgreSQL, bench: Bench) -> None:
    columns = [StageColumn("good", VARCHAR), StageColumn("bad one", VARCHAR)]
    load = Load(stage=postgres.table("dvt_null"), columns=bench.connector.columns(columns))
    dataset = bench.stage("SELECT 'x' AS good, 'a' || chr(0) AS \"bad one\"", columns)
    with pytest.raises(ValueLost, match="bad one"):
        bench.connector.fill(load, dataset)


def test_required_encryption_is_never_replaced_by_a_plain_connection(
    postgres: PostgreSQL, make_bench: Callable[..., Bench]
) -> None:
    """The tests' server has no certificate: preflight and scanner must not connect in plain text."""
    with pytest.raises(DvtError, match="SSL"):
        make_bench(sslmode="require").describe(postgres.table("any"))


def is_sleeping(postgres: PostgreSQL) -> bool:
    """Return whether the slow query of a bench is running."""
    return any("pg_sleep" in query and "EXPLAIN" not in query for query in postgres.running())


def test_ctrl_c_stops_the_running_extraction(postgres: PostgreSQL, bench: Bench) -> None:
    ref = postgres.table("interrupted")
    postgres.fill(ref, 1)
    slow = bench.slow(ref, 240)

    def interrupt_once_running() -> None:
        assert wait_until(lambda: is_sleeping(postgres))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt_once_running, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        bench.read(slow)
    assert time.monotonic() - started < 180
    assert wait_until(lambda: not postgres.running())
    assert bench.staged() == []
