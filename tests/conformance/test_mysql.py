"""What is MySQL's and MariaDB's alone: zero dates, pinned sessions, TLS, reads under a lock."""

from __future__ import annotations

import subprocess
import threading
import time
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
from dvt.testing.connectors import Bench
from tests.databases.mariadb import SCHEMA, USER, MariaDB, mariadb

pytestmark = pytest.mark.slow


@pytest.fixture
def server(databases: Callable[[str], Any]) -> MariaDB:
    found: MariaDB = databases("mariadb")
    return found


@contextmanager
def benched(server: MariaDB, folder: Path, **words: Any) -> Iterator[Bench]:
    bench = Bench(server, folder, **words)
    try:
        yield bench
    finally:
        bench.close()


@pytest.fixture
def bench(server: MariaDB, tmp_path: Path) -> Iterator[Bench]:
    with benched(server, tmp_path) as one:
        yield one


# --- values -----------------------------------------------------------------------------------


def test_zero_dates_become_null_where_they_may(bench: Bench) -> None:
    ref = bench.database.table("zero_dates")
    columns = [("d", "date not null"), ("t", "datetime(6)"), ("i", "timestamp null")]
    zeros = ["'0000-00-00'", "'2024-00-10 00:00:00'", "'0000-00-00 00:00:00'"]
    days = ["'2024-02-29'", "'2024-02-29 01:02:03.000004'", "'2024-02-29 01:02:03'"]
    bench.create(ref, columns, zeros, days, ["'2024-02-29'", "null", "null"])
    extraction = bench.extraction(bench.describe(ref))
    with pytest.raises(ValueLost):
        bench.read(extraction)
    lenient = bench.describe(replace(ref, options=(("zero_dates", "null"),)))
    assert [column.nulls_exact for column in lenient.columns] == [False] * 3
    (found,) = bench.read(bench.extraction(lenient))
    assert bench.rows(found) == [
        ("2024-02-29", "2024-02-29 01:02:03.000004", "2024-02-29 01:02:03+00"),
        ("2024-02-29", None, None),
        (None, None, None),
    ]


def test_views_are_read_and_said_to_be_no_tables(bench: Bench) -> None:
    ref = bench.database.table("of_a_view")
    bench.create(ref, [("a", "integer")], ["1"], ["2"])
    bench.database.execute(f"create or replace view {SCHEMA}.a_view as select a + 1 as b from of_a_view")
    table = bench.describe(bench.database.table("a_view"))
    assert (table.scannable, table.rows, [one.native for one in table.columns]) == (
        False,
        None,
        ["bigint(12)"],
    )
    assert bench.rows(bench.read_table(table.ref)) == [("2",), ("3",)]


def test_estimates_come_from_the_server(bench: Bench) -> None:
    ref = bench.database.table("estimated")
    bench.database.fill(ref, 10_000)
    table = bench.describe(ref)
    assert table.scannable
    assert table.rows == pytest.approx(10_000, rel=0.2)
    assert (table.bytes or 0) > 10_000 * 96


def test_columns_that_the_server_hides_from_select_star_stay_hidden(bench: Bench) -> None:
    ref = bench.database.table("hiding")
    bench.create(ref, [("a", "integer"), ("b", "integer invisible default 2")])
    assert [one.name for one in bench.describe(ref).columns] == ["a"]


def test_names_with_backticks_of_64_characters(bench: Bench) -> None:
    name = "`x` " + "y" * 60
    ref = bench.database.table(name)
    bench.create(ref, [(name, "integer")], ["7"])
    assert bench.rows(bench.read_table(ref)) == [("7",)]


def test_another_schema_of_the_server_is_read_too(bench: Bench) -> None:
    bench.database.execute(
        "create or replace database `other one`",
        "create table `other one`.t as select 5 as a",
        f"grant select on `other one`.* to '{USER}'@'127.0.0.1'",
    )
    ref = TableRef(connection="mariadb", schema="other one", identifier="t")
    assert bench.rows(bench.read_table(ref)) == [("5",)]


def test_the_session_is_pinned_whatever_the_server_is_set_to(bench: Bench) -> None:
    ((mode, zone),) = bench.database.execute("select @@global.sql_mode, @@global.time_zone")
    assert "PAD_CHAR_TO_FULL_LENGTH" in mode
    assert zone == "-05:00"
    ref = bench.database.table("pinned")
    bench.create(ref, [("c", "char(5)"), ("i", "timestamp")], ["'a'", "'2024-06-01 10:00:00'"])
    assert bench.rows(bench.read_table(ref)) == [("a", "2024-06-01 10:00:00+00")]


def test_the_server_s_own_words_are_told(bench: Bench) -> None:
    ref = bench.database.table("told")
    bench.create(ref, [("a", "integer")], ["1"])
    wrong = bench.extraction(bench.describe(ref), where=("no_such_function(1)",))
    with pytest.raises(QueryFailed, match="no_such_function"):
        bench.read(wrong)


# --- reads under a lock -----------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 4])
def test_under_a_lock_several_tables_are_read_at_one_moment(
    server: MariaDB, tmp_path: Path, limit: int
) -> None:
    with writing(server) as writes:
        assert _differences(server, tmp_path, writes, limit=limit, consistent_reads="lock") == {0}


def test_without_a_lock_they_are_not_and_nobody_says_so(server: MariaDB, tmp_path: Path) -> None:
    with writing(server) as writes:
        assert _differences(server, tmp_path, writes, limit=1, consistent_reads="off") != {0}


def test_the_lock_is_let_go_before_all_rows_are_read(server: MariaDB, tmp_path: Path) -> None:
    server.fill(server.table("huge"), 1_500_000)
    server.execute("create or replace table tiny as select 1 as n, 'a' as word")
    with benched(server, tmp_path, consistent_reads="lock") as bench:
        refs = [server.table("huge"), server.table("tiny")]
        described = bench.connector.describe(refs)
        extractions = [bench.extraction(described[ref]) for ref in refs]
        reading = threading.Thread(target=bench.read, args=tuple(extractions))
        reading.start()
        while not any("from `shop`.`huge`" in said.lower() for said in server.running()):
            time.sleep(0.005)
        server.execute("insert into tiny values (2, 'b')")
        assert reading.is_alive(), "the table was read before the lock was let go"
        reading.join()


def test_a_lock_that_is_not_granted_says_what_is_missing(server: MariaDB, tmp_path: Path) -> None:
    server.execute(
        "create or replace table locked_1 (a int)",
        "create or replace table locked_2 (a int)",
        "create or replace user unlocked@'127.0.0.1' identified by 'x'",
        f"grant select on {SCHEMA}.* to unlocked@'127.0.0.1'",
    )
    words = {"user": "unlocked", "password": "x", "consistent_reads": "lock"}
    with benched(server, tmp_path, **words) as bench:
        refs = [server.table("locked_1"), server.table("locked_2")]
        described = bench.connector.describe(refs)
        with pytest.raises(QueryFailed, match="consistent_reads: lock") as caught:
            bench.read(*(bench.extraction(described[ref]) for ref in refs))
        assert "grant" in caught.value.hint


@contextmanager
def writing(server: MariaDB) -> Iterator[tuple[TableRef, TableRef]]:
    """Somebody counts in two tables at once, all the time."""
    server.fill(server.table("left_count"), 100_000)
    server.execute(
        "alter table left_count add primary key (n)",
        "create or replace table right_count (n int primary key, word text)",
        "insert into right_count values (1, '')",
        "update left_count set word = '0' where n = 1",
        "update right_count set word = '0'",
    )
    over = threading.Event()

    def write() -> None:
        with closing(server.owner(autocommit=False)) as connection, connection.cursor() as cursor:
            while not over.wait(0.001):
                for name in ("left_count", "right_count"):
                    cursor.execute(f"update {name} set word = word + 1 where n = 1")
                connection.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield server.table("left_count"), server.table("right_count")
    finally:
        over.set()
        writer.join()


def _differences(
    server: MariaDB, folder: Path, refs: tuple[TableRef, TableRef], limit: int, **words: Any
) -> set[int]:
    found = set()
    with benched(server, folder, limit=limit, **words) as bench:
        assert bench.connector.capabilities.snapshot == (words["consistent_reads"] == "lock")
        described = bench.connector.describe(refs)
        for _ in range(4):
            datasets = bench.read(*(bench.extraction(described[ref]) for ref in refs))
            one, other = (bench.first_row("SELECT c1::INT FROM t WHERE c0 = 1", each)[0] for each in datasets)
            found.add(one - other)
    return found


# --- TLS --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities; the first has signed a server's certificate, another server's, and a client's."""
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


def _openssl(folder: Path, words: str, subject: str = "") -> None:
    command = ["openssl", *words.split(), *(["-subj", f"/CN={subject}"] if subject else [])]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _encrypted(folder: Path, certificate: str, *more: str) -> Any:
    files = {"ca": "good.pem", "cert": f"{certificate}.pem", "key": f"{certificate}.key"}
    return mariadb(*(f"--ssl-{key}={folder / file}" for key, file in files.items()), *more)


def _connects(server: MariaDB, folder: Path, **words: Any) -> DvtError | None:
    """What comes of reading one table with these settings."""
    server.execute("create or replace table t (a int)")
    with benched(server, Path(mkdtemp(dir=folder)), **words) as bench:
        try:
            bench.read_table(server.table("t"))
        except DvtError as error:
            return error
    return None


def test_the_server_s_certificate_is_verified(tls: Path, tmp_path: Path) -> None:
    with _encrypted(tls, "server") as server:
        assert _connects(server, tmp_path, ssl_ca=str(tls / "good.pem")) is None
        assert _connects(server, tmp_path) is None
        wrong = _connects(server, tmp_path, ssl_ca=str(tls / "other.pem"))
        assert isinstance(wrong, ConnectFailed)
        assert "certificate was refused" in str(wrong)
        server.execute(f"alter user '{USER}'@'127.0.0.1' require x509")
        assert isinstance(_connects(server, tmp_path, ssl_ca=str(tls / "good.pem")), LoginRefused)
        client = {"ssl_cert": str(tls / "client.pem"), "ssl_key": str(tls / "client.key")}
        assert _connects(server, tmp_path, ssl_ca=str(tls / "good.pem"), **client) is None
        server.execute(f"alter user '{USER}'@'127.0.0.1' require ssl")
        assert isinstance(_connects(server, tmp_path, ssl_disabled=True), LoginRefused)
        assert _connects(server, tmp_path, ssl_disabled=False) is None


def test_rows_are_loaded_over_tls(tls: Path, tmp_path: Path) -> None:
    with (
        _encrypted(tls, "server", "--require-secure-transport") as server,
        benched(server, tmp_path, ssl_ca=str(tls / "good.pem")) as bench,
    ):
        columns = [StageColumn("a", BIGINT), StageColumn("b", VARCHAR)]
        dataset = bench.stage("SELECT i AS a, md5(i::VARCHAR) AS b FROM range(200000) r(i)", columns)
        for number, files in enumerate((1, 0)):
            server.execute(f"set global local_infile = {files}")
            ref = server.table(f"dvt_tls_{number}")
            assert bench.connector.fill(Load(stage=ref, columns=bench.connector.columns(columns)), dataset)
            found = server.execute(f"select count(*), sum(a) from {server.quoted(ref)}")
            assert found == [(200_000, 19999900000)]


def test_a_certificate_of_another_server_is_refused_on_both_ways(tls: Path, tmp_path: Path) -> None:
    from dvt.drivers.duckdb import MemoryInstance
    from dvt.drivers.mysql import Scanner, parse

    # The scanner's library verifies no name of 127.0.0.1; this is another address of this machine.
    with _encrypted(tls, "elsewhere", "--bind-address=127.0.0.2") as server:
        words = {"host": "127.0.0.2", "ssl_ca": str(tls / "good.pem")}
        error = _connects(server, tmp_path, **words)
        assert isinstance(error, ConnectFailed)
        assert "certificate was refused" in str(error)
        run = MemoryInstance(threads=1, memory_limit="256MiB")
        for ssl_ca, reached in ((str(tls / "good.pem"), False), (None, True)):
            settings = server.settings(host="127.0.0.2", ssl_ca=ssl_ca)
            scanner = Scanner("mariadb", parse("mariadb", settings, tmp_path), run)
            try:
                with scanner.cursor() as cursor:
                    cursor.execute(f"FROM {scanner.relation('SELECT 1 AS a')}").fetchall()
            except ConnectFailed:
                assert not reached
            else:
                assert reached
            scanner.close()
        run.close()


def test_a_server_without_tls_is_no_server_for_who_asks_for_it(
    server: MariaDB, tls: Path, tmp_path: Path
) -> None:
    for words in ({"ssl_ca": str(tls / "good.pem")}, {"ssl_disabled": False}):
        error = _connects(server, tmp_path, **words)
        assert isinstance(error, ConnectFailed)
        assert "SSL is required" in str(error)
