"""Tokens of tables: equal while the rows are the same, and never equal for others; and what is no token."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from dvt.core.names import TableRef
from dvt.core.ports.connectors import HasTokens
from dvt.drivers import stamps
from dvt.drivers.duckdb import FILES
from dvt.testing.connectors import Bench
from tests.databases.embedded import SQLite
from tests.databases.postgres import PostgreSQL, postgres

pytestmark = pytest.mark.slow

GRAIN = 0.15
"""Seconds after which a file that was written is old enough to have a token."""


def token(bench: Bench, ref: TableRef) -> str | None:
    with bench.connector.snapshot() as snapshot:
        assert isinstance(snapshot, HasTokens)
        return snapshot.token(ref)


def _wait_for(server: PostgreSQL) -> None:
    """Wait until a server that has lost all connections takes them again."""
    for _ in range(600):
        try:
            server.execute("SELECT 1")
        except psycopg2.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError


class TestPostgres:
    """PostgreSQL's token is the snapshot's list of transactions."""

    @pytest.fixture
    def bench(self, tmp_path, postgres):
        bench = Bench(postgres, tmp_path)
        postgres.execute(
            "DROP TABLE IF EXISTS facts CASCADE", "CREATE TABLE facts (id int PRIMARY KEY, v int)"
        )
        postgres.execute("INSERT INTO facts VALUES (1, 1), (2, 2)")
        yield bench
        bench.close()

    @pytest.fixture
    def ref(self, postgres):
        return postgres.table("facts")

    def test_it_stays_while_nothing_is_written(self, bench, ref, postgres):
        first = token(bench, ref)
        postgres.execute("SELECT count(*) FROM facts")
        postgres.execute("CHECKPOINT")
        assert first is not None
        assert token(bench, ref) == first

    @pytest.mark.parametrize(
        "change",
        [
            "INSERT INTO facts VALUES (3, 3)",
            "UPDATE facts SET v = v + 1 WHERE id = 1",
            "UPDATE facts SET id = 9 WHERE id = 1",
            "DELETE FROM facts WHERE id = 1",
            "TRUNCATE facts; INSERT INTO facts VALUES (1, 8), (2, 9)",
            "ALTER TABLE facts ALTER v TYPE bigint",
            "BEGIN; DROP TABLE facts; CREATE TABLE facts AS SELECT 1 AS id, 5 AS v; COMMIT",
        ],
    )
    def test_it_is_another_after_a_change(self, bench, ref, postgres, change):
        first = token(bench, ref)
        postgres.execute(change)
        assert token(bench, ref) != first

    def test_it_is_another_after_a_change_that_was_under_way(self, bench, ref, postgres):
        with closing(postgres.owner()) as connection, connection.cursor() as cursor:
            cursor.execute("BEGIN; UPDATE facts SET v = 7")
            first = token(bench, ref)
            assert token(bench, ref) == first
            cursor.execute("COMMIT")
        assert token(bench, ref) != first

    def test_it_is_that_of_the_snapshot_and_not_of_now(self, bench, ref, postgres):
        with bench.connector.snapshot() as snapshot:
            first = snapshot.token(ref)
            postgres.execute("UPDATE facts SET v = 7")
            assert snapshot.token(ref) == first
        assert token(bench, ref) != first

    def test_it_is_another_after_the_crash_of_one_process(self, tmp_path):
        """The server loses what was not on the disk, and gives the numbers of lost transactions to others."""
        with postgres() as server, closing(Bench(server, tmp_path)) as bench:
            server.execute("CREATE TABLE facts (id int)", "CHECKPOINT", "INSERT INTO facts VALUES (1)")
            first = token(bench, server.table("facts"))
            with closing(server.owner()) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                os.kill(cursor.fetchone()[0], signal.SIGKILL)
            bench.close()
            _wait_for(server)
            server.execute("INSERT INTO facts VALUES (2)")
            with closing(Bench(server, tmp_path)) as again:
                assert token(again, server.table("facts")) != first
            assert first is not None

    @pytest.mark.parametrize(
        "statements",
        [
            ["CREATE UNLOGGED TABLE untold (id int)"],
            ["CREATE VIEW untold AS SELECT now() AS moment"],
            ["CREATE TABLE untold (id int)", "ALTER TABLE untold ENABLE ROW LEVEL SECURITY"],
            ["CREATE TABLE untold (id int)", "CREATE TABLE untold_child () INHERITS (untold)"],
            ["CREATE TABLE untold (id int) PARTITION BY RANGE (id)"],
        ],
    )
    def test_what_may_change_otherwise_has_none(self, bench, postgres, statements):
        kind = "VIEW" if "VIEW" in statements[0] else "TABLE"
        postgres.execute(*statements)
        try:
            assert token(bench, postgres.table("untold")) is None
        finally:
            postgres.execute(f"DROP {kind} untold CASCADE")

    def test_the_servers_statistics_are_no_token(self, postgres, bench):
        """A reader of pg_stat_user_tables may see the figures from before a change that it already sees."""
        counters = "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 'facts'"
        with closing(postgres.owner()) as connection, connection.cursor() as cursor:
            cursor.execute("SET stats_fetch_consistency = snapshot; BEGIN")
            cursor.execute(counters)
            before = cursor.fetchall()
            postgres.execute("UPDATE facts SET v = v + 1")
            cursor.execute("SELECT sum(v) FROM facts")
            assert cursor.fetchall() == [(5,)]
            cursor.execute(counters)
            assert cursor.fetchall() == before


class TestSQLite:
    """SQLite's token is size and times of the file."""

    @pytest.fixture
    def path(self, tmp_path) -> Path:
        path = tmp_path / "crm.sqlite"
        execute(
            path, "CREATE TABLE facts (id INTEGER PRIMARY KEY, v INTEGER)", "INSERT INTO facts VALUES (1, 1)"
        )
        time.sleep(GRAIN)
        return path

    @pytest.fixture
    def bench(self, tmp_path, path):
        bench = Bench(SQLite(path), tmp_path)
        yield bench
        bench.close()

    @pytest.fixture
    def ref(self, bench):
        return TableRef(connection=bench.database.name, identifier="facts")

    def test_it_stays_while_nothing_is_written(self, bench, ref, path):
        first = token(bench, ref)
        execute(path, "SELECT * FROM facts")
        assert first is not None
        assert token(bench, ref) == first

    @pytest.mark.parametrize("mode", ["DELETE", "TRUNCATE", "PERSIST", "WAL"])
    def test_it_is_another_after_a_change(self, bench, ref, path, mode):
        execute(path, f"PRAGMA journal_mode = {mode}")
        time.sleep(GRAIN)
        first = token(bench, ref)
        execute(path, "UPDATE facts SET v = 2")
        assert first is not None
        assert token(bench, ref) != first
        time.sleep(GRAIN)
        assert token(bench, ref) not in {None, first}

    def test_there_is_none_while_the_log_has_changes(self, bench, ref, path):
        """The file is the same then: a program that has it open writes to the log."""
        execute(path, "PRAGMA journal_mode = WAL")
        time.sleep(GRAIN)
        first = token(bench, ref)
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("UPDATE facts SET v = 2")
            time.sleep(GRAIN)
            assert token(bench, ref) is None
        time.sleep(GRAIN)
        assert token(bench, ref) != first


class TestDuckDB:
    """DuckDB's token is size and times of the file and its log."""

    @pytest.fixture
    def shop(self, tmp_path):
        from dvt.connectors import CONNECTORS
        from dvt.core.ports.connectors import ConnectorContext
        from dvt.drivers.duckdb import MemoryInstance

        path = tmp_path / "crm.duckdb"
        with duckdb.connect(str(path)) as db:
            db.execute("CREATE TABLE facts AS SELECT 1 AS id, 1 AS v")
        time.sleep(GRAIN)
        instance = MemoryInstance(threads=1)
        context = ConnectorContext(duckdb=instance, project_dir=tmp_path, scratch=tmp_path / "scratch")
        connector = CONNECTORS.load("duckdb")("crm", {"type": "duckdb", "path": str(path)}, context)
        yield connector, path
        FILES.close()
        instance.close()

    def token(self, connector: Any, table: str = "facts") -> str | None:
        with connector.snapshot() as snapshot:
            found: str | None = snapshot.token(TableRef(connection="crm", schema="main", identifier=table))
            return found

    def test_it_stays_while_nothing_is_written_and_changes_with_the_file(self, shop):
        connector, path = shop
        first = self.token(connector)
        assert first is not None
        assert self.token(connector) == first
        FILES.close()
        with duckdb.connect(str(path)) as db:
            assert db.execute("SELECT v FROM facts").fetchall() == [(1,)]
        assert self.token(connector) == first
        FILES.close()
        with duckdb.connect(str(path)) as db:
            db.execute("UPDATE facts SET v = 2")
        time.sleep(GRAIN)
        assert self.token(connector) not in {None, first}

    def test_a_change_of_this_process_is_seen_before_it_is_in_the_file(self, shop):
        connector, path = shop
        first = self.token(connector)
        cursor = FILES.connect(str(path))
        cursor.execute("UPDATE facts SET v = 2")
        time.sleep(GRAIN)
        assert self.token(connector) not in {None, first}, "the log counts"
        cursor.close()

    def test_a_transaction_that_began_before_a_change_has_none_after_it(self, shop):
        connector, path = shop
        ref = TableRef(connection="crm", schema="main", identifier="facts")
        with connector.snapshot() as snapshot:
            assert snapshot.token(ref) is not None
            cursor = FILES.connect(str(path))
            cursor.execute("INSERT INTO facts VALUES (2, 2)")
            time.sleep(GRAIN)
            assert snapshot.token(ref) is None
            cursor.close()

    def test_an_attached_database_has_none(self, shop, tmp_path):
        connector, path = shop
        with duckdb.connect(str(tmp_path / "side.duckdb")) as db:
            db.execute("CREATE TABLE facts AS SELECT 1 AS id")
        cursor = FILES.connect(str(path))
        cursor.execute(f"ATTACH '{tmp_path}/side.duckdb' AS side")
        cursor.close()
        side = TableRef(connection="crm", database="side", schema="main", identifier="facts")
        with connector.snapshot() as snapshot:
            assert snapshot.token(side) is None


class TestStamps:
    """Stamps of files, on which the tokens of files rest."""

    def test_a_file_of_now_or_of_the_future_has_none(self, tmp_path, monkeypatch):
        file = tmp_path / "a.csv"
        file.write_text("a\n1\n")
        assert stamps.stamp(file) is None
        written = file.stat().st_ctime_ns
        monkeypatch.setattr(stamps.time, "time_ns", lambda: written + 200_000_000)
        first = stamps.stamp(file)
        assert first is not None
        monkeypatch.setattr(stamps.time, "time_ns", lambda: written - 3600 * 10**9)
        assert stamps.stamp(file) is None, "a clock that was moved back may show this time again"

    def test_a_file_of_the_same_size_and_time_of_change_has_another(self, tmp_path):
        """As after `cp -p` or `touch -d`: only the kernel's time tells."""
        import os

        file = tmp_path / "a.csv"
        file.write_text("a\n1\n")
        os.utime(file, ns=(10**18, 10**18))
        time.sleep(GRAIN)
        first = stamps.stamp(file)
        file.write_text("a\n2\n")
        os.utime(file, ns=(10**18, 10**18))
        time.sleep(GRAIN)
        assert first is not None
        assert stamps.stamp(file) not in {None, first}

    def test_a_file_system_without_fractions_needs_longer(self, tmp_path, monkeypatch):
        class Coarse:
            st_ino, st_size = 1, 4
            st_mtime_ns = st_ctime_ns = 1_700_000_000 * 10**9

        monkeypatch.setattr(Path, "stat", lambda _self, **_: Coarse)
        monkeypatch.setattr(stamps.time, "time_ns", lambda: Coarse.st_mtime_ns + 10**9)
        assert stamps.stamp(tmp_path) is None
        monkeypatch.setattr(stamps.time, "time_ns", lambda: Coarse.st_mtime_ns + 3 * 10**9)
        assert stamps.stamp(tmp_path) is not None


def test_mariadb_has_no_token(mariadb, tmp_path):
    """UPDATE_TIME is in seconds: the second of two changes within one leaves it as it was."""
    bench = Bench(mariadb, tmp_path)
    with bench.connector.snapshot() as snapshot:
        assert not isinstance(snapshot, HasTokens)
    bench.close()
    ref = mariadb.table("facts")
    name = mariadb.quoted(ref)
    when = (
        "SELECT UPDATE_TIME FROM information_schema.TABLES"
        f" WHERE TABLE_NAME = 'facts' AND TABLE_SCHEMA = '{ref.schema}'"
    )
    for _ in range(20):  # until two changes fall into one second
        mariadb.execute(f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} (v INT) ENGINE=InnoDB")
        first = mariadb.execute(f"INSERT INTO {name} VALUES (1)", when)
        second = mariadb.execute(f"UPDATE {name} SET v = 2", when)
        if first == second:
            return
    pytest.fail("no two changes fell into one second")


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement).fetchall()
