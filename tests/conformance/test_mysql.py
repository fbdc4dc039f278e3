"""Promises of the MySQL and MariaDB connector alone: zero dates, pinned sessions, TLS, read locks."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from dvt.core.errors import ConnectFailed, DvtError, LoginRefused, QueryFailed, ValueLost
from dvt.core.names import TableRef
from dvt.core.plan import Load
from dvt.core.tables import StageColumn
from dvt.core.types import BIGINT, VARCHAR
from dvt.testing.background import wait_until
from dvt.testing.connectors import Bench
from tests.conformance.mysql_loads import global_setting
from tests.databases.mariadb import SCHEMA, USER, MariaDB, mariadb

pytestmark = pytest.mark.slow


@pytest.fixture
def server(databases: Callable[[str], Any]) -> MariaDB:
    server: MariaDB = databases("mariadb")
    return server


@contextmanager
def open_bench(server: MariaDB, folder: Path, **settings: Any) -> Iterator[Bench]:
    bench = Bench(server, folder, **settings)
    try:
        yield bench
    finally:
        bench.close()


@pytest.fixture
def bench(server: MariaDB, tmp_path: Path) -> Iterator[Bench]:
    with open_bench(server, tmp_path) as bench:
        yield bench


# --- values -----------------------------------------------------------------------------------


def test_zero_dates_become_null_only_where_an_option_allows_it(bench: Bench) -> None:
    ref = bench.database.table("zero_dates")
    columns = [("d", "date not null"), ("t", "datetime(6)"), ("i", "timestamp null")]
    zero_dates = ["'0000-00-00'", "'2024-00-10 00:00:00'", "'0000-00-00 00:00:00'"]
    dates = ["'2024-02-29'", "'2024-02-29 01:02:03.000004'", "'2024-02-29 01:02:03'"]
    bench.create(ref, columns, zero_dates, dates, ["'2024-02-29'", "null", "null"])
    extraction = bench.extraction(bench.describe(ref))
    with pytest.raises(ValueLost):
        bench.read(extraction)
    lenient = bench.describe(replace(ref, options=(("zero_dates", "null"),)))
    assert [column.nulls_exact for column in lenient.columns] == [False] * 3
    (dataset,) = bench.read(bench.extraction(lenient))
    assert bench.rows(dataset) == [
        ("2024-02-29", "2024-02-29 01:02:03.000004", "2024-02-29 01:02:03+00"),
        ("2024-02-29", None, None),
        (None, None, None),
    ]


def test_views_are_read_and_described_as_not_scannable(bench: Bench) -> None:
    ref = bench.database.table("of_a_view")
    bench.create(ref, [("a", "integer")], ["1"], ["2"])
    bench.database.execute(f"create or replace view {SCHEMA}.a_view as select a + 1 as b from of_a_view")
    table = bench.describe(bench.database.table("a_view"))
    assert (table.scannable, table.rows, [column.native for column in table.columns]) == (
        False,
        None,
        ["bigint(12)"],
    )
    assert bench.rows(bench.read_table(table.ref)) == [("2",), ("3",)]


def test_estimates_of_rows_and_bytes_come_from_the_server(bench: Bench) -> None:
    ref = bench.database.table("estimated")
    bench.database.fill(ref, 10_000)
    table = bench.describe(ref)
    assert table.scannable
    assert table.rows == pytest.approx(10_000, rel=0.2)
    assert (table.bytes or 0) > 10_000 * 96


def test_invisible_columns_stay_invisible(bench: Bench) -> None:
    ref = bench.database.table("hiding")
    bench.create(ref, [("a", "integer"), ("b", "integer invisible default 2")])
    assert [column.name for column in bench.describe(ref).columns] == ["a"]


def test_names_of_64_characters_with_backticks_are_read(bench: Bench) -> None:
    name = "`x` " + "y" * 60
    ref = bench.database.table(name)
    bench.create(ref, [(name, "integer")], ["7"])
    assert bench.rows(bench.read_table(ref)) == [("7",)]


def test_a_table_of_another_schema_of_the_server_is_read(bench: Bench) -> None:
    bench.database.execute(
        "create or replace database `other one`",
        "create table `other one`.t as select 5 as a",
        f"grant select on `other one`.* to '{USER}'@'127.0.0.1'",
    )
    ref = TableRef(connection="mariadb", schema="other one", identifier="t")
    assert bench.rows(bench.read_table(ref)) == [("5",)]


def test_the_session_pins_its_settings_whatever_the_servers_are(bench: Bench) -> None:
    ((mode, zone),) = bench.database.execute("select @@global.sql_mode, @@global.time_zone")
    assert "PAD_CHAR_TO_FULL_LENGTH" in mode
    assert zone == "-05:00"
    ref = bench.database.table("pinned")
    bench.create(ref, [("c", "char(5)"), ("i", "timestamp")], ["'a'", "'2024-06-01 10:00:00'"])
    assert bench.rows(bench.read_table(ref)) == [("a", "2024-06-01 10:00:00+00")]


def test_a_servers_limit_of_rows_leaves_none_out(bench: Bench, server: MariaDB) -> None:
    ref = bench.database.table("many")
    bench.create(ref, [("a", "int")], *[[str(number)] for number in range(9)])
    with global_setting(server, "sql_select_limit", 3):
        (dataset,) = bench.read(bench.extraction(bench.describe(ref)))
    assert dataset.rows == 9


def test_the_error_of_a_failed_query_quotes_the_server(bench: Bench) -> None:
    ref = bench.database.table("told")
    bench.create(ref, [("a", "integer")], ["1"])
    extraction = bench.extraction(bench.describe(ref), where=("no_such_function(1)",))
    with pytest.raises(QueryFailed, match="no_such_function"):
        bench.read(extraction)


# --- reads under a lock -----------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 4])
def test_with_a_lock_several_tables_are_read_as_of_one_moment(
    server: MariaDB, tmp_path: Path, limit: int
) -> None:
    with concurrent_writer(server) as refs:
        assert _differences_read(server, tmp_path, refs, limit=limit, consistent_reads="lock") == {0}


def test_without_a_lock_tables_differ_and_no_snapshot_is_promised(server: MariaDB, tmp_path: Path) -> None:
    with concurrent_writer(server) as refs:
        assert _differences_read(server, tmp_path, refs, limit=1, consistent_reads="off") != {0}


def test_the_lock_is_released_before_all_rows_are_read(server: MariaDB, tmp_path: Path) -> None:
    server.fill(server.table("huge"), 1_500_000)
    server.execute("create or replace table tiny as select 1 as n, 'a' as word")
    with open_bench(server, tmp_path, consistent_reads="lock") as bench:
        refs = [server.table("huge"), server.table("tiny")]
        described = bench.connector.describe(refs)
        extractions = [bench.extraction(described[ref]) for ref in refs]
        read_thread = threading.Thread(target=bench.read, args=tuple(extractions))
        read_thread.start()
        assert wait_until(lambda: any("from `shop`.`huge`" in query.lower() for query in server.running()))
        server.execute("insert into tiny values (2, 'b')")
        assert read_thread.is_alive(), "the table was read before the lock was released"
        read_thread.join()


def test_the_error_of_a_refused_lock_hints_at_the_missing_grant(server: MariaDB, tmp_path: Path) -> None:
    server.execute(
        "create or replace table locked_1 (a int)",
        "create or replace table locked_2 (a int)",
        "create or replace user unlocked@'127.0.0.1' identified by 'x'",
        f"grant select on {SCHEMA}.* to unlocked@'127.0.0.1'",
    )
    settings = {"user": "unlocked", "password": "x", "consistent_reads": "lock"}
    with open_bench(server, tmp_path, **settings) as bench:
        refs = [server.table("locked_1"), server.table("locked_2")]
        described = bench.connector.describe(refs)
        with pytest.raises(QueryFailed, match="consistent_reads: lock") as caught:
            bench.read(*(bench.extraction(described[ref]) for ref in refs))
        assert "grant" in caught.value.hint


@contextmanager
def concurrent_writer(server: MariaDB) -> Iterator[tuple[TableRef, TableRef]]:
    """Count up in two tables, in one transaction each time, for as long as the `with` lasts."""
    server.fill(server.table("left_count"), 100_000)
    server.execute(
        "alter table left_count add primary key (n)",
        "create or replace table right_count (n int primary key, word text)",
        "insert into right_count values (1, '')",
        "update left_count set word = '0' where n = 1",
        "update right_count set word = '0'",
    )
    done = threading.Event()

    def write() -> None:
        with closing(server.owner(autocommit=False)) as connection, connection.cursor() as cursor:
            while not done.wait(0.001):
                for name in ("left_count", "right_count"):
                    cursor.execute(f"update {name} set word = word + 1 where n = 1")
                connection.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield server.table("left_count"), server.table("right_count")
    finally:
        done.set()
        writer.join()


def _differences_read(
    server: MariaDB, folder: Path, refs: tuple[TableRef, TableRef], limit: int, **settings: Any
) -> set[int]:
    counts, differences = set(), set()
    with open_bench(server, folder, limit=limit, **settings) as bench:
        assert bench.connector.capabilities.snapshot == (settings["consistent_reads"] == "lock")
        described = bench.connector.describe(refs)
        for _ in range(4):
            datasets = bench.read(*(bench.extraction(described[ref]) for ref in refs))
            left, right = (
                bench.first_row("SELECT c1::INT FROM t WHERE c0 = 1", dataset)[0] for dataset in datasets
            )
            counts.add(left)
            differences.add(left - right)
    assert len(counts) > 1, "nothing was written meanwhile"
    return differences


# --- TLS --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two authorities; the first signs a server's, another server's and a client's certificate."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("good", "other"):
        _openssl(
            folder, f"req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 2", name
        )
    names = {"server": "IP:127.0.0.1", "elsewhere": "DNS:db.example", "client": "DNS:client"}
    for name, subject in names.items():
        (folder / f"{name}.ext").write_text(f"subjectAltName={subject}")
        _openssl(folder, f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr", name)
        _openssl(
            folder,
            f"x509 -req -in {name}.csr -CA good.pem -CAkey good.key -CAcreateserial -out {name}.pem "
            f"-days 2 -extfile {name}.ext",
        )
    return folder


def _openssl(folder: Path, arguments: str, subject: str = "") -> None:
    command = ["openssl", *arguments.split(), *(["-subj", f"/CN={subject}"] if subject else [])]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _encrypted(folder: Path, certificate: str, *options: str) -> Any:
    files = {"ca": "good.pem", "cert": f"{certificate}.pem", "key": f"{certificate}.key"}
    return mariadb(*(f"--ssl-{key}={folder / file}" for key, file in files.items()), *options)


def _read_error(server: MariaDB, folder: Path, **settings: Any) -> DvtError | None:
    """Return the error of read_thread a table with these settings, None if it is read."""
    server.execute("create or replace table t (a int)")
    with open_bench(server, Path(mkdtemp(dir=folder)), **settings) as bench:
        try:
            bench.read_table(server.table("t"))
        except DvtError as error:
            return error
    return None


def test_the_servers_certificate_is_verified(tls: Path, tmp_path: Path) -> None:
    with _encrypted(tls, "server") as server:
        assert _read_error(server, tmp_path, ssl_ca=str(tls / "good.pem")) is None
        assert _read_error(server, tmp_path) is None
        error = _read_error(server, tmp_path, ssl_ca=str(tls / "other.pem"))
        assert isinstance(error, ConnectFailed)
        assert "certificate was refused" in str(error)
        server.execute(f"alter user '{USER}'@'127.0.0.1' require x509")
        assert isinstance(_read_error(server, tmp_path, ssl_ca=str(tls / "good.pem")), LoginRefused)
        client_certificate = {"ssl_cert": str(tls / "client.pem"), "ssl_key": str(tls / "client.key")}
        assert _read_error(server, tmp_path, ssl_ca=str(tls / "good.pem"), **client_certificate) is None
        server.execute(f"alter user '{USER}'@'127.0.0.1' require ssl")
        assert isinstance(_read_error(server, tmp_path, ssl_disabled=True), LoginRefused)
        assert _read_error(server, tmp_path, ssl_disabled=False) is None


def test_rows_are_loaded_over_tls(tls: Path, tmp_path: Path) -> None:
    with (
        _encrypted(tls, "server", "--require-secure-transport") as server,
        open_bench(server, tmp_path, ssl_ca=str(tls / "good.pem")) as bench,
    ):
        columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
        dataset = bench.stage("SELECT i AS a, md5(i::VARCHAR) AS b FROM range(200000) r(i)", columns)
        for number, files in enumerate((1, 0)):
            server.execute(f"set global local_infile = {files}")
            ref = server.table(f"dvt_tls_{number}")
            assert bench.connector.fill(Load(stage=ref, columns=bench.connector.columns(columns)), dataset)
            sums = server.execute(f"select count(*), sum(a) from {server.quoted(ref)}")
            assert sums == [(200_000, 19999900000)]


def test_another_servers_certificate_is_refused_by_client_and_scanner(tls: Path, tmp_path: Path) -> None:
    from dvt.drivers.duckdb import MemoryInstance
    from dvt.drivers.mysql import Scanner, parse

    # The scanner's library does not verify the name of 127.0.0.1; 127.0.0.2 is this machine too.
    with _encrypted(tls, "elsewhere", "--bind-address=127.0.0.2") as server:
        error = _read_error(server, tmp_path, host="127.0.0.2", ssl_ca=str(tls / "good.pem"))
        assert isinstance(error, ConnectFailed)
        assert "certificate was refused" in str(error)
        run = MemoryInstance(threads=1, memory_limit="256MiB")
        for ssl_ca, connects in ((str(tls / "good.pem"), False), (None, True)):
            settings = server.settings(host="127.0.0.2", ssl_ca=ssl_ca)
            scanner = Scanner("mariadb", parse("mariadb", settings, tmp_path), run)
            try:
                with scanner.cursor() as cursor:
                    cursor.execute(f"FROM {scanner.relation('SELECT 1 AS a')}").fetchall()
            except ConnectFailed:
                assert not connects
            else:
                assert connects
            scanner.close()
        run.close()


def test_a_server_without_tls_is_refused_where_tls_is_required(
    server: MariaDB, tls: Path, tmp_path: Path
) -> None:
    for settings in ({"ssl_ca": str(tls / "good.pem")}, {"ssl_disabled": False}):
        error = _read_error(server, tmp_path, **settings)
        assert isinstance(error, ConnectFailed)
        assert "SSL is required" in str(error)
