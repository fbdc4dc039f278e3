"""What only reading over JDBC does: its Java process, its drivers, names in any letter case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dvt.core.errors import BadOutput, Cancelled, DvtError, TableNotFound, ValueLost
from dvt.core.names import TableRef
from dvt.core.ports.connectors import Job
from dvt.drivers.jdbc import Bridge, Session, Stoppable, parse
from dvt.testing.background import BackgroundCall, wait_until
from dvt.testing.connectors import Bench
from dvt.testing.databases import Database
from tests.databases.jars import jar
from tests.databases.java_servers import PASSWORD
from tests.databases.jdbc import over_jdbc
from tests.databases.ports import free_port
from tests.databases.proxy import silent_port

pytestmark = pytest.mark.slow

MYSQL = "com.mysql:mysql-connector-j:9.3.0"
DUCKDB = "org.duckdb:duckdb_jdbc:1.3.1.0"
SECRET = "wr0ng-s3cret"
_HOLDING = """
import sys, time
from pathlib import Path
from dvt.drivers.jdbc import Bridge, Session, parse
settings = parse("h2", {"url": "jdbc:h2:mem:held", "jar": sys.argv[1]}, Path())
session = Session(Bridge("h2", settings, Path(), lambda: Path(sys.argv[2])), "h2", settings)
print("ready", flush=True)
time.sleep(120)
"""


@pytest.fixture
def h2(databases):
    return databases("jdbc")


@pytest.fixture
def bench_of(tmp_path):
    benches: list[Bench] = []

    def make(database, **settings) -> Bench:
        folder = tmp_path / f"bench-{len(benches)}"
        folder.mkdir()
        benches.append(Bench(database, folder, **settings))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


class Unknown(Database):
    """A database without a name of its own in dvt; its driver runs it within Java."""

    name = "unknown"
    schema = "main"

    def __init__(self, settings):
        self._settings = settings
        parsed = parse("unknown", settings, Path())
        self._bridge = Bridge("unknown", parsed, Path(), lambda: Path(tempfile.mkdtemp()))
        self._session = None

    def settings(self, **more):
        return self._settings | more

    def execute(self, *statements):
        """Run statements, and let go of the file, which one process has at a time."""
        session = Session(self._bridge, "unknown", parse("unknown", self._settings, Path()))
        for statement in statements:
            session.execute(statement, "setting up a test")
        session.close()
        self.close()
        return []

    def fill(self, ref, rows):
        self.execute(f"create table {self.quoted(ref)} as select range as n from range({rows})")

    def sleeping(self, seconds):
        return str(seconds)

    def close(self):
        self._bridge.close()


def error_of(bench: Bench) -> DvtError:
    with pytest.raises(DvtError) as caught:
        bench.describe(bench.database.table("any"))
    return caught.value


def texts(error: BaseException | None) -> str:
    """The texts of an error and of what caused it."""
    found = []
    while error is not None:
        found.append(f"{error!r} {error} {vars(error)}")
        error = error.__cause__ or error.__context__
    return "\n".join(found)


def java_processes(folder: Path) -> list[int]:
    """Processes of Java whose arguments are in this folder."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command and "java" in command.partition("\0")[0]:
            pids.append(int(process.name))
    return pids


# --- names --------------------------------------------------------------------------------------


def test_names_are_found_in_another_letter_case_if_only_one_is_alike(h2, bench_of):
    h2.execute("drop table if exists shop.cased", "create table shop.cased (id integer)")
    ref = TableRef(connection="h2", schema="shop", identifier="cased")
    bench = bench_of(h2)
    h2.execute("insert into shop.cased values (7)")
    assert bench.rows(bench.read_table(ref)) == [("7",)]
    h2.execute('create table shop."cased" (other integer)')
    assert [column.name for column in bench.describe(ref).columns] == ["OTHER"]
    h2.execute('drop table shop."cased"')


def test_a_schema_that_is_not_there_is_named_with_those_that_are(h2, bench_of):
    with pytest.raises(TableNotFound) as caught:
        bench_of(h2).describe(TableRef(connection="h2", schema="shopp", identifier="orders"))
    assert "shopp" in str(caught.value)
    assert "SHOP" in caught.value.hint


def test_the_key_of_a_table_is_described(h2, bench_of):
    h2.execute("drop table if exists shop.keyed")
    h2.execute("create table shop.keyed (a integer, b integer, c integer, primary key (c, a))")
    assert bench_of(h2).describe(h2.table("KEYED")).key == ("C", "A")


def test_no_more_rows_arrive_than_a_query_asks_for(h2, bench_of):
    bench = bench_of(h2)
    query = bench.extraction(bench.describe(bench.filled("limited", 1000)))
    (dataset,) = bench.read(replace(query, limit=10))
    assert dataset.rows == 10


# --- errors -------------------------------------------------------------------------------------


def test_the_error_of_a_wrong_password_shows_no_secret(postgres, bench_of):
    error = error_of(bench_of(over_jdbc(postgres), password=SECRET))
    assert error.code == "DVT131"
    assert SECRET not in texts(error)


def test_a_password_in_the_url_is_shown_by_no_error(postgres, bench_of):
    server = over_jdbc(postgres)
    url = f"{server.settings()['url']}?password={SECRET}&user=x"
    error = error_of(bench_of(server, url=url, user=None, password=None))
    assert error.code == "DVT131"
    assert SECRET not in texts(error)
    error = error_of(bench_of(server, url=f"jdbc:nobody://h/d?password={SECRET}"))
    assert error.code == "DVT225"
    assert SECRET not in texts(error)


def test_a_server_that_is_down_or_silent_is_a_clear_error(postgres, bench_of):
    server, port = over_jdbc(postgres), free_port()
    down = error_of(bench_of(server, url=f"jdbc:postgresql://127.0.0.1:{port}/shop"))
    assert (down.code, str(port) in str(down)) == ("DVT130", True)
    with silent_port() as silent:
        url = f"jdbc:postgresql://127.0.0.1:{silent}/shop"
        assert error_of(bench_of(server, url=url, connect_timeout=2)).code == "DVT130"


def test_a_jar_without_the_driver_is_named(h2, bench_of):
    error = error_of(bench_of(h2, driver="com.nobody.Driver"))
    assert error.code == "DVT225"
    assert "com.nobody.Driver" in str(error)
    with pytest.raises(BadOutput, match=r"no-such\.jar"):
        bench_of(h2, jar="no-such.jar")


def test_a_missing_java_is_explained(h2, bench_of, monkeypatch):
    bench = bench_of(h2)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    error = error_of(bench)
    assert error.code == "DVT226"
    assert "openjdk" in error.hint


def test_an_option_that_java_refuses_is_shown(h2, bench_of):
    error = error_of(bench_of(h2, java_options="-XX:NoSuchOption"))
    assert error.code == "DVT227"
    assert "NoSuchOption" in str(error)


def test_a_heap_that_is_too_small_is_explained(h2, bench_of):
    bench = bench_of(h2, memory="16m", fetch_size=1)
    ref = h2.table("wide_rows")
    bench.create(ref, [("v", "clob")], ["space(30000000)"])
    with pytest.raises(DvtError) as caught:
        bench.read_table(ref)
    assert caught.value.code == "DVT227"
    assert "memory: 16m" in str(caught.value)
    assert "memory" in caught.value.hint


@pytest.fixture
def unknown(tmp_path):
    """An output of a database that dvt knows nothing of, by its driver: DuckDB's, for a new file."""
    settings = {"type": "jdbc", "url": f"jdbc:duckdb:{tmp_path}/x", "jar": str(jar(DUCKDB)), "schema": "main"}
    server = Unknown(settings)
    yield server
    server.close()


def test_an_unknown_database_is_read_and_nothing_is_pushed_to_it(unknown, bench_of):
    unknown.execute(
        "create table t as select 1 as a, 'x' as b, 1.25::decimal(38, 2) as c, date '2024-02-29' as d"
    )
    bench = bench_of(unknown)
    table = bench.describe(unknown.table("t"))
    assert not any(column.exact for column in table.columns)
    assert bench.rows(bench.read_table(table.ref)) == [("1", "x", "1.25", "2024-02-29")]


@pytest.mark.parametrize(
    "value", ["date '1582-10-24'", "date '-4713-01-01'", "timestamp '0001-01-01 00:00:00'"]
)
def test_an_old_date_of_an_unknown_database_stops_the_run(unknown, bench_of, value):
    unknown.execute(f"create table t as select {value} as v")
    with pytest.raises(ValueLost, match="column v"):
        bench_of(unknown).read_table(unknown.table("t"))


# --- the process --------------------------------------------------------------------------------


def test_no_password_is_on_a_command_line(h2, bench_of):
    bench = bench_of(h2)
    bench.read_table(bench.filled("shown", 1))
    (pid,) = java_processes(bench.folder)
    for file in ("cmdline", "environ"):
        assert PASSWORD not in Path(f"/proc/{pid}/{file}").read_bytes().decode(errors="replace")
    bench.connector.close()
    assert java_processes(bench.folder) == []


def test_a_java_process_that_is_killed_is_one_clear_error_and_the_next_read_starts_another(h2, bench_of):
    bench = bench_of(h2)
    ref = bench.filled("killed", 1)
    query = bench.slow(ref, 60)
    reading = BackgroundCall(lambda: bench.read(query))
    assert wait_until(lambda: java_processes(bench.folder))
    time.sleep(0.5)
    os.kill(java_processes(bench.folder)[0], signal.SIGKILL)
    error = reading.finish()
    assert isinstance(error, DvtError)
    assert error.code == "DVT227", error
    assert bench.staged() == []
    assert bench.read_table(ref).rows == 1


def test_java_ends_when_the_process_that_started_it_is_killed(h2, tmp_path):
    jar = str(h2.settings()["jar"][0])
    command = [sys.executable, "-c", _HOLDING, jar, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        assert len(java_processes(tmp_path)) == 1
        holder.kill()
    assert wait_until(lambda: not java_processes(tmp_path))


def test_a_consumer_that_fails_amid_rows_leaves_the_session_usable(h2, bench_of):
    bench = bench_of(h2)
    table = bench.describe(bench.filled("abandoned", 50_000))
    datasets = []
    bad = bench.extraction(table)
    number = replace(bad.columns[0].column, unpack="CAST({0} AS TINYINT)")
    broken = replace(bad, columns=(replace(bad.columns[0], column=number), bad.columns[1]))
    with bench.connector.snapshot() as snapshot:
        with pytest.raises(DvtError, match="out of range"):
            snapshot.extract([Job(broken, bench.sink())], lambda *_: None)
        snapshot.extract([Job(bench.extraction(table), bench.sink())], lambda _, d: datasets.append(d))
    assert [dataset.rows for dataset in datasets] == [50_000]


def test_a_query_that_was_read_to_its_end_is_never_cancelled(h2, bench_of, monkeypatch):
    bench, asked, cancel = bench_of(h2), [], Session.cancel

    def noted(session):
        asked.append(session)
        return cancel(session)

    monkeypatch.setattr(Session, "cancel", noted)
    query = bench.extraction(bench.describe(bench.filled("read_often", 3)))
    assert [dataset.rows for dataset in bench.read(*[query] * 100)] == [3] * 100
    assert asked == []


def test_a_statement_of_a_load_is_stopped_while_the_server_runs_it(h2, bench_of):
    session = bench_of(h2).connector._server.connect()
    endless = "select count(*) as n from system_range(1, 6000000000) where sqrt(x) < 0"
    request = Stoppable(session, session.updating(f"create table shop.endless as {endless}"), "working")
    working = BackgroundCall(request.number)
    assert not request.has_ended(0.5)
    assert isinstance(working.stop_by(request.stop), Cancelled)
    assert request.has_ended()
    request.end()
    following = Stoppable(session, session.updating("create table shop.ended (n integer)"), "working")
    assert following.number() == 0
    session.execute("drop table shop.ended", "ending a test")
    session.close()


def test_what_a_driver_repeats_of_its_url_is_masked(unknown, bench_of):
    error = error_of(bench_of(unknown, url=f"jdbc:duckdb:;threads={SECRET}"))
    assert error.code == "DVT130"
    assert "***" in str(error)
    assert SECRET not in texts(error)


@pytest.mark.parametrize(
    ("native", "literal", "text"),
    [
        ("tinyint(1)", "2", "2"),
        ("bigint unsigned", "18446744073709551615", "18446744073709551615"),
        ("year", "2024", "2024"),
        ("datetime(6)", "'2024-03-10 02:30:00.123456'", "2024-03-10 02:30:00.123456"),
        ("varchar(20)", "'ab😀é '", "ab😀é "),
        ("date", "'0000-00-00'", None),
        ("time", "'-800:00:00'", None),
    ],
)
def test_mysqls_own_driver_reads_values_as_they_are_or_stops(mariadb, bench_of, native, literal, text):
    server = over_jdbc(mariadb, url=f"jdbc:mysql://127.0.0.1:{mariadb.port}/shop", jar=str(jar(MYSQL)))
    bench = bench_of(server)
    ref = server.table("by_mysqls_driver")
    bench.create(ref, [("v", native)], [literal])
    if text is None:
        with pytest.raises(ValueLost, match="column v"):
            bench.read_table(ref)
    else:
        assert bench.rows(bench.read_table(ref)) == [(text,)]
