"""Loads into MySQL and MariaDB: hostile values, lost values, refused files, cancels, cuts, memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import Cancelled, ConnectionLost, ValueLost
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.core.ports.staging import Dataset
from dvt.core.tables import StageColumn
from dvt.core.types import (
    BIGINT,
    BLOB,
    DATE,
    DOUBLE,
    FLOAT,
    INTERVAL,
    TIME,
    TIMESTAMP,
    UBIGINT,
    VARCHAR,
    decimal,
)
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from tests.conformance.measure import measure
from tests.conformance.mysql_loads import (
    BOTH_TRANSFERS,
    global_setting,
    is_gone,
    open_bench,
    prepare_load,
    subfolder,
)
from tests.databases.mariadb import USER, MariaDB
from tests.databases.proxy import proxy
from tests.local_bucket import files

pytestmark = pytest.mark.slow

_HOSTILE_PIECES = (
    *("NULL", "null", "\\N", "\\", '"', "'", '""', "''", ",", ";", "\n", "\r", "\r\n", "\t", "\0", "\x1a"),
    *(
        " ",
        "a",
        "é",
        "😀",
        "\U0010ffff",
        "\u2028",
        "\ufeff",
        "%s",
        "{0}",
        "@v1",
        "--",
        "/*",
        "*/",
        "#",
        "),(",
    ),
)


@pytest.fixture
def server(databases: Callable[[str], Any]) -> MariaDB:
    server: MariaDB = databases("mariadb")
    return server


@pytest.fixture
def bench(server: MariaDB, tmp_path: Path) -> Iterator[Bench]:
    with open_bench(server, tmp_path) as bench:
        yield bench


@pytest.fixture
def transfer(request: pytest.FixtureRequest, server: MariaDB) -> Iterator[str]:
    """Send rows as a file, or make the server refuse files, so that they are sent by INSERT."""
    with global_setting(server, "local_infile", int(request.param == "file")):
        yield request.param


# --- values -----------------------------------------------------------------------------------


@BOTH_TRANSFERS
def test_hostile_values_are_loaded_byte_for_byte(server: MariaDB, bench: Bench, transfer: str) -> None:
    rng = random.Random(20)
    count = 20_000
    texts = [
        None if rng.random() < 0.1 else "".join(rng.choices(_HOSTILE_PIECES, k=rng.randrange(5)))
        for _ in range(count)
    ]
    blobs = [None if rng.random() < 0.1 else rng.randbytes(rng.randrange(9)) for _ in range(count)]
    cursor = bench.instance.cursor()
    cursor.execute("CREATE TABLE hostile (i BIGINT, a VARCHAR, b BLOB, c VARCHAR)")
    cursor.execute(
        "INSERT INTO hostile SELECT unnest(range(len($1))), unnest($1), unnest($2::BLOB[]), unnest($3)",
        [texts, blobs, texts[::-1]],
    )
    columns = [
        StageColumn("a`,'\"\\", VARCHAR),
        StageColumn("i", BIGINT),
        StageColumn("br{0}ace", BLOB),
        StageColumn("% c", VARCHAR),
    ]
    sql = """SELECT a AS "a`,'""\\", i, b AS "br{0}ace", c AS "% c" FROM hostile"""
    load, dataset = prepare_load(bench, f"dvt_hostile_{transfer}", sql, columns)
    assert bench.connector.fill(load, dataset) == count
    stored = server.execute(
        "select i, hex(`a``,'\"\\`), hex(`br{0}ace`), hex(`% c`) "
        f"from {server.quoted(load.stage)} order by i"
    )

    def to_hex(value: str | bytes | None) -> str | None:
        value = value.encode() if isinstance(value, str) else value
        return None if value is None else value.hex().upper()

    expected = [(i, to_hex(texts[i]), to_hex(blobs[i]), to_hex(texts[-1 - i])) for i in range(count)]
    assert stored == expected
    assert bool(bench.connector.capabilities.loads_slowly) == (transfer == "inserts")


@BOTH_TRANSFERS
def test_a_single_column_of_hostile_values_keeps_every_row(
    server: MariaDB, bench: Bench, transfer: str
) -> None:
    """An empty text that is alone on its line must be a row."""
    texts = [None, "", "NULL", "\n", "", None, '"', "\\", "a\n", "\n\n", ""]
    cursor = bench.instance.cursor()
    cursor.execute("CREATE TABLE single AS SELECT unnest($1::VARCHAR[]) AS a", [texts])
    load, dataset = prepare_load(
        bench, f"dvt_single_{transfer}", "SELECT a FROM single", [StageColumn("a", VARCHAR)]
    )
    assert bench.connector.fill(load, dataset) == len(texts)
    assert sorted(server.as_text(load.stage), key=str) == sorted([(text,) for text in texts], key=str)


@BOTH_TRANSFERS
def test_numbers_and_times_read_back_equal_those_loaded(server: MariaDB, bench: Bench, transfer: str) -> None:
    columns = [
        StageColumn("d", DOUBLE),
        StageColumn("f", FLOAT),
        StageColumn("n", decimal(38, 20)),
        StageColumn("u", UBIGINT),
        StageColumn("t", TIMESTAMP),
        StageColumn("day", DATE),
        StageColumn("at", TIME),
    ]
    sql = (
        "SELECT hash(i)::DOUBLE / (hash(i + 1)::DOUBLE + 1) * pow(10, (i % 600) - 300) AS d, "
        "(hash(i)::DOUBLE / 1e19 * pow(10, (i % 70) - 35))::FLOAT AS f, "
        "CAST(hash(i) % 1000000000000000000 || '.' || hash(i + 1) AS DECIMAL(38,20)) AS n, hash(i) AS u, "
        "TIMESTAMP '0001-01-01' + to_microseconds((hash(i) % 315537897599999999)::BIGINT) AS t, "
        "DATE '0001-01-01' + (hash(i) % 3652058)::INTEGER AS day, "
        "TIME '00:00:00' + to_microseconds((hash(i) % 86400000000)::BIGINT) AS \"at\" FROM range(20000) r(i)"
    )
    load, dataset = prepare_load(bench, f"dvt_numbers_{transfer}", sql, columns)
    assert bench.connector.fill(load, dataset) == 20_000
    read_back = bench.read_table(load.stage)
    # TIME is read as an INTERVAL.
    assert [column.type for column in read_back.columns] == [
        *(column.type for column in columns[:-1]),
        INTERVAL,
    ]
    paths = [files(staged) for staged in (dataset, read_back)]
    queries = (
        f'SELECT d, f, n, u, t, day, "at"::VARCHAR FROM read_parquet({paths[0]})',
        f"SELECT c0, c1, c2, c3, c4, c5, c6::INTERVAL::VARCHAR FROM read_parquet({paths[1]})",
    )
    cursor = bench.instance.cursor()
    for first, second in (queries, queries[::-1]):
        assert cursor.execute(f"{first} EXCEPT ALL {second}").fetchmany(3) == []


@BOTH_TRANSFERS
def test_nan_stops_the_load_or_becomes_null(server: MariaDB, tmp_path: Path, transfer: str) -> None:
    columns = [StageColumn("d", DOUBLE), StageColumn("f", FLOAT)]
    sql = "SELECT unnest(['1.5', 'nan', 'inf', NULL])::DOUBLE AS d, '-inf'::FLOAT AS f"
    with open_bench(server, tmp_path) as bench:
        load, dataset = prepare_load(bench, "dvt_nan", sql, columns)
        with pytest.raises(ValueLost, match=r"dvt_nan, column [df]: holds") as caught:
            bench.connector.fill(load, dataset)
        assert "nan" in caught.value.hint
        assert is_gone(bench, load.stage)
    for null in ("null", None):
        with open_bench(server, subfolder(tmp_path, str(null)), nan=null) as bench:
            load, dataset = prepare_load(bench, "dvt_nan", sql, columns)
            assert bench.connector.fill(load, dataset) == 4
            assert server.as_text(load.stage) == [("1.5", None), (None, None), (None, None), (None, None)]


def test_a_stage_table_holds_any_text_whatever_its_schemas_character_set(
    server: MariaDB, bench: Bench
) -> None:
    for name, options, collation in (
        ("latin", "character set latin1", "utf8mb4_general_ci"),
        ("own", "character set utf8mb4 collate utf8mb4_unicode_ci", "utf8mb4_unicode_ci"),
    ):
        server.execute(
            f"create or replace database {name} {options}", f"grant all on {name}.* to '{USER}'@'127.0.0.1'"
        )
        ref = TableRef(connection="mariadb", schema=name, identifier="dvt_text")
        columns = [StageColumn("a", VARCHAR)]
        load = Load(stage=ref, columns=bench.connector.columns(columns))
        assert bench.connector.fill(load, bench.stage("SELECT '😀' AS a", columns)) == 1
        assert server.as_text(ref) == [("😀",)]
        ((table_collation,),) = server.execute(
            f"select table_collation from information_schema.tables where table_schema = '{name}'"
        )
        assert table_collation == collation


# --- files that are refused -------------------------------------------------------------------


def test_many_rows_are_loaded_where_files_are_refused(server: MariaDB, bench: Bench) -> None:
    columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
    sql = (
        "SELECT i AS a, repeat(chr((97 + i % 26)::INTEGER), (i % 100)::INTEGER) AS b FROM range(300000) r(i)"
    )
    load, dataset = prepare_load(bench, "dvt_inserted", sql, columns)
    with global_setting(server, "local_infile", 0):
        assert bench.connector.fill(load, dataset) == 300_000
    assert "local_infile" in bench.connector.capabilities.loads_slowly
    read_back = bench.read_table(load.stage)
    assert bench.first_row("SELECT count(DISTINCT c0), sum(c0), sum(length(c1)) FROM t", read_back) == (
        300_000,
        44999850000,
        14850000,
    )


def test_insert_statements_stay_within_max_allowed_packet(server: MariaDB, tmp_path: Path) -> None:
    columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
    with (
        global_setting(server, "local_infile", 0),
        global_setting(server, "max_allowed_packet", 1 << 20),
        open_bench(server, tmp_path) as bench,
    ):
        sql = "SELECT i AS a, repeat('x', 700000) AS b FROM range(9) r(i)"
        load, dataset = prepare_load(bench, "dvt_wide", sql, columns)
        assert bench.connector.fill(load, dataset) == 9
        load, dataset = prepare_load(bench, "dvt_wide", sql.replace("700000", "1100000"), columns)
        with pytest.raises(ValueLost, match="max_allowed_packet"):
            bench.connector.fill(load, dataset)
        assert is_gone(bench, load.stage)


def test_memory_does_not_grow_where_files_are_refused(server: MariaDB, bench: Bench) -> None:
    columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
    peaks = []
    with global_setting(server, "local_infile", 0):
        for rows in (50_000, 1_000_000):
            sql = f"SELECT i AS a, md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS b FROM range({rows}) r(i)"
            load, dataset = prepare_load(bench, "dvt_grown", sql, columns)
            measurement = measure(server, bench.folder, (load, dataset))
            assert measurement.rows == rows
            peaks.append(measurement.megabytes)
    assert peaks[1] < 512, peaks
    assert peaks[1] - peaks[0] < 128, peaks


# --- cancelled and broken loads ---------------------------------------------------------------


def _prepare_many_rows(bench: Bench, name: str) -> tuple[Load, Dataset]:
    columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
    sql = "SELECT i AS a, md5(i::VARCHAR) AS b FROM range(3000000) r(i)"
    return prepare_load(bench, name, sql, columns)


@BOTH_TRANSFERS
def test_a_load_is_cancelled_while_its_rows_are_sent(server: MariaDB, bench: Bench, transfer: str) -> None:
    load, dataset = _prepare_many_rows(bench, f"dvt_cancelled_{transfer}")
    load_thread = BackgroundCall(lambda: bench.connector.fill(load, dataset))
    statement = "LOAD DATA" if transfer == "file" else "INSERT INTO"
    assert wait_until(lambda: any(statement in query for query in server.running())), load_thread.error
    bench.connector.cancel()
    assert isinstance(load_thread.finish(), Cancelled)
    assert is_gone(bench, load.stage)
    assert bench.connector.fill(load, dataset) == 3_000_000, "the connector still works"


def test_a_load_is_cancelled_while_the_server_waits_for_a_lock(server: MariaDB, bench: Bench) -> None:
    load, dataset = _prepare_many_rows(bench, "dvt_waiting")
    with closing(server.owner()) as owner, owner.cursor() as cursor:
        cursor.execute("flush tables with read lock")
        load_thread = BackgroundCall(lambda: bench.connector.fill(load, dataset))
        assert wait_until(lambda: any("CREATE TABLE" in query for query in server.running()))
        bench.connector.cancel()
        assert isinstance(load_thread.finish(), Cancelled)
    assert is_gone(bench, load.stage)


def test_a_load_that_waits_for_a_connection_is_cancelled(server: MariaDB, tmp_path: Path) -> None:
    with open_bench(server, tmp_path, limit=1) as bench:
        loads = [_prepare_many_rows(bench, f"dvt_limited_{number}") for number in range(2)]
        load_threads = [BackgroundCall(lambda load=load: bench.connector.fill(*load)) for load in loads]
        assert wait_until(lambda: any("LOAD DATA" in query for query in server.running()))
        assert server.connections() == 1
        bench.connector.cancel()
        assert [type(thread.finish()) for thread in load_threads] == [Cancelled, Cancelled]
        assert all(is_gone(bench, load.stage) for load, _ in loads)


@BOTH_TRANSFERS
def test_a_network_that_breaks_during_a_load_leaves_no_table(
    server: MariaDB, tmp_path: Path, transfer: str
) -> None:
    with proxy(server.port) as network, open_bench(server, tmp_path, port=network.port) as bench:
        load, dataset = _prepare_many_rows(bench, f"dvt_network_{transfer}")
        load_thread = BackgroundCall(lambda: bench.connector.fill(load, dataset))
        statement = "LOAD DATA" if transfer == "file" else "INSERT INTO"
        assert wait_until(lambda: any(statement in query for query in server.running())), load_thread.error
        network.cut()
        error = load_thread.finish()
        assert isinstance(error, ConnectionLost), error
        assert not [secret for secret in server.secrets if secret in f"{error!r} {error.__cause__!r}"]
        assert is_gone(bench, load.stage)
