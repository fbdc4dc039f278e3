"""What only PostgreSQL's connector promises, on the real server."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import ConnectionLost, DvtError, QueryFailed, ValueLost
from dvt.core.plan import Load
from dvt.core.ports.connectors import Job
from dvt.core.tables import StageColumn
from dvt.core.types import INTEGER, VARCHAR
from dvt.testing.background import BackgroundCall
from dvt.testing.connectors import Bench
from tests.databases.postgres import USER, PostgreSQL

pytestmark = pytest.mark.slow


@pytest.fixture
def make(postgres: PostgreSQL, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def one(**words: Any) -> Bench:
        made.append(Bench(postgres, tmp_path / str(len(made)), **words))
        return made[-1]

    yield one
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    return make()


def test_a_large_table_is_read_in_pieces_that_are_the_whole(postgres: PostgreSQL, bench: Bench) -> None:
    ref = postgres.table("pieces")
    postgres.fill(ref, 600_000)
    postgres.execute(f"delete from {postgres.quoted(ref)} where n % 3 = 0")
    table = bench.describe(ref)
    dataset, filtered = bench.read(
        bench.extraction(table), bench.extraction(table, ["n"], where=("n > 599000 or n < 10",))
    )
    assert len(dataset.keys) > 1
    assert bench.first_row("SELECT count(*), count(DISTINCT c0) FROM t", dataset) == (400_000, 400_000)
    ((expected,),) = postgres.execute("select count(*) from pieces where n > 599000 or n < 10")
    assert filtered.rows == expected


def test_rows_that_are_rewritten_meanwhile_arrive_once_and_as_they_were(
    postgres: PostgreSQL, bench: Bench
) -> None:
    ref = postgres.table("moved")
    postgres.fill(ref, 400_000)
    table = bench.describe(ref)
    with bench.connector.snapshot() as snapshot:
        postgres.execute(f"update {postgres.quoted(ref)} set word = 'new' where n <= 200000")
        found: list[Any] = []
        snapshot.extract([Job(bench.extraction(table), bench.sink())], lambda _, one: found.append(one))
    assert bench.first_row("SELECT count(*), count(DISTINCT c0), min(length(c1)) FROM t", found[0]) == (
        400_000,
        400_000,
        96,
    )


def test_what_an_index_answers_is_asked_once(postgres: PostgreSQL, bench: Bench) -> None:
    ref = postgres.table("indexed")
    postgres.fill(ref, 600_000)
    postgres.execute(f"create index on {postgres.quoted(ref)} (n)", f"analyze {postgres.quoted(ref)}")
    (dataset,) = bench.read(bench.extraction(bench.describe(ref), where=("n = 77",)))
    assert (dataset.rows, len(dataset.keys)) == (1, 1)


def test_a_view_and_a_partitioned_table_are_read_whole(postgres: PostgreSQL, bench: Bench) -> None:
    postgres.execute(
        "drop view if exists seen", "create view seen as select 1 as a union all select 2",
        "drop table if exists parted", "create table parted (a int) partition by list (a)",
        "create table parted_1 partition of parted for values in (1)",
        "create table parted_2 partition of parted default", "insert into parted values (1), (2), (3)",
    )  # fmt: skip
    for name, rows in (("seen", 2), ("parted", 3)):
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
    """Else a run would wait for itself, when dbt swaps a table that a federated model has read."""
    ref = postgres.table("swapped")
    postgres.fill(ref, 600_000)
    table = bench.describe(ref)
    with bench.connector.snapshot() as snapshot:
        snapshot.extract([Job(bench.extraction(table), bench.sink())], lambda *_: None)
        postgres.execute(
            "set lock_timeout = '20s'; alter table swapped rename to swapped_away", "drop table swapped_away"
        )
        left = postgres.execute("select to_regclass('swapped'), to_regclass('swapped_away')")
    assert left == [(None, None)]


def test_an_idle_snapshot_outlives_the_server_s_patience(postgres: PostgreSQL, bench: Bench) -> None:
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


def test_dropping_a_table_that_somebody_reads_does_not_wait_for_ever(
    postgres: PostgreSQL, bench: Bench
) -> None:
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


def test_the_user_s_role_is_taken(postgres: PostgreSQL, make: Callable[..., Bench]) -> None:
    postgres.execute(
        "do $$ begin create role keeper; exception when duplicate_object then null; end $$",
        f'grant keeper to "{USER}"', "drop table if exists kept", "create table kept as select 1 as a",
        f'revoke all on kept from "{USER}"', "grant select on kept to keeper",
        "grant usage, create on schema shop to keeper", f'alter role "{USER}" noinherit',
    )  # fmt: skip
    try:
        ref = postgres.table("kept")
        with pytest.raises(DvtError, match="permission denied"):
            make().read_table(ref)
        bench = make(role="keeper")
        assert bench.read_table(ref).rows == 1
        reading = BackgroundCall(lambda: bench.read(bench.slow(ref, 60)))
        while not any("pg_sleep" in one and "EXPLAIN" not in one for one in postgres.running()):
            time.sleep(0.02)
        started = time.monotonic()
        bench.connector.cancel()
        reading.finish()
        assert time.monotonic() - started < 30, "whoever logs in may stop what the role does"
        load = Load(
            stage=postgres.table("dvt_kept"), columns=bench.connector.columns([StageColumn("a", INTEGER)])
        )
        bench.connector.fill(load, bench.stage("SELECT 1 AS a", [StageColumn("a", INTEGER)]))
        owner = postgres.execute("select tableowner from pg_tables where tablename = 'dvt_kept'")
        assert owner == [("keeper",)]
        bench.connector.drop(load.stage)
    finally:
        postgres.execute(f'alter role "{USER}" inherit')


def test_one_granted_column_is_enough(postgres: PostgreSQL, bench: Bench) -> None:
    ref = postgres.table("granted")
    postgres.fill(ref, 600_000)
    postgres.execute(f'revoke all on granted from "{USER}"', f'grant select (n) on granted to "{USER}"')
    table = bench.describe(ref)
    (dataset,) = bench.read(bench.extraction(table, ["n"]))
    assert dataset.rows == 600_000


def test_a_null_byte_in_a_text_is_named(postgres: PostgreSQL, bench: Bench) -> None:
    columns = [StageColumn("good", VARCHAR), StageColumn("bad one", VARCHAR)]
    load = Load(stage=postgres.table("dvt_null"), columns=bench.connector.columns(columns))
    dataset = bench.stage("SELECT 'x' AS good, 'a' || chr(0) AS \"bad one\"", columns)
    with pytest.raises(ValueLost, match="bad one"):
        bench.connector.fill(load, dataset)


def test_encryption_that_is_asked_for_is_not_done_without(
    postgres: PostgreSQL, make: Callable[..., Bench]
) -> None:
    """This server has no certificate: neither the preflight nor the scanner may go on in the clear."""
    with pytest.raises(DvtError, match="SSL"):
        make(sslmode="require").describe(postgres.table("any"))


def test_ctrl_c_stops_what_is_under_way(postgres: PostgreSQL, bench: Bench) -> None:
    ref = postgres.table("interrupted")
    postgres.fill(ref, 1)
    slow = bench.slow(ref, 60)

    def press() -> None:
        while not any("pg_sleep" in one and "EXPLAIN" not in one for one in postgres.running()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        bench.read(slow)
    assert time.monotonic() - started < 30
    deadline = time.monotonic() + 30
    while postgres.running():
        assert time.monotonic() < deadline
    assert bench.staged() == []
