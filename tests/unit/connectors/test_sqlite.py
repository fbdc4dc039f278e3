"""SQLite as a source: a value that does not fit its column is an error, snapshots hold, no lock stays."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dvt.connectors.sqlite import checked
from dvt.core.errors import (
    BadOutput,
    Cancelled,
    DiskFull,
    FileLocked,
    FileUnreadable,
    TableNotFound,
    ValueLost,
)
from dvt.core.ports.connectors import CanLoad, Job
from dvt.drivers import sqlite as driver
from dvt.testing.background import BackgroundCall
from dvt.testing.connectors import Bench
from tests.databases.embedded import SQLite
from tests.unit.connectors.waiting import under_way

pytestmark = pytest.mark.slow

Make = Callable[..., Bench]
_COUNTING = "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c)"
_ENDLESS = f"{_COUNTING} SELECT CAST(max(i) AS INTEGER) AS n FROM c"


def rows(bench: Bench, name: str, *where: str) -> list[tuple[str | None, ...]]:
    """Return a table's rows, filtered in SQLite."""
    table = bench.describe(bench.database.table(name))
    return bench.rows(bench.read(bench.extraction(table, where=where))[0])


def stages(bench: Bench, name: str) -> dict[str, str]:
    return {column.name: str(column.stage) for column in bench.describe(bench.database.table(name)).columns}


@contextmanager
def writing(path: Path, *statements: str) -> Iterator[subprocess.Popen[bytes]]:
    """Yield another process that has run the statements and not committed."""
    code = (
        f"import sqlite3, time; c = sqlite3.connect({str(path)!r}, isolation_level=None, timeout=1)\n"
        f"for statement in {statements!r}: c.execute(statement)\n"
        "print('there', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_sqlite_is_a_source_only(lite: SQLite, bench_of: Make) -> None:
    assert not isinstance(bench_of(lite).connector, CanLoad)


@pytest.mark.parametrize("where", [(), ('"a" = 1',), ('"b" = 10',), ('"a" < 0', '"b" > 100')])
def test_a_filter_neither_hides_nor_shows_a_misfit(
    lite: SQLite, bench_of: Make, where: tuple[str, ...]
) -> None:
    lite.execute(
        "CREATE TABLE t (a INTEGER, b INTEGER, c DATE)",
        "INSERT INTO t VALUES (1, 10, '2024-01-01'), (2, 20, '2024-13-01'), (NULL, NULL, NULL)",
    )
    with pytest.raises(ValueLost, match=r"column c: holds 2024-13-01"):
        rows(bench_of(lite), "t", *where)
    lite.execute("UPDATE t SET c = NULL", "UPDATE t SET a = 'two' WHERE a = 2")
    with pytest.raises(ValueLost, match=r"column a \(INTEGER\): holds the text 'two', which is no BIGINT"):
        rows(bench_of(lite), "t", *where)


def test_a_filter_keeps_its_rows_where_all_values_fit(lite: SQLite, bench_of: Make) -> None:
    lite.execute(
        "CREATE TABLE t (a INTEGER, d DECIMAL(10,2), e DATE, s TEXT, ts TIMESTAMP)",
        "INSERT INTO t VALUES (1, 1.5, '2024-01-01', 'x', '2024-01-01 10:00:00'), (2, 2, NULL, 'y', NULL)",
    )
    assert rows(bench_of(lite), "t", '"a" = 2') == [("2", "2.00", None, "y", None)]


def test_columns_that_sqlite_itself_holds_to_their_type_are_filtered_by_index(
    lite: SQLite, bench_of: Make
) -> None:
    lite.execute(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)", "CREATE TABLE s (a INT, b TEXT) STRICT"
    )
    bench = bench_of(lite)
    for name, columns, where in (("t", ["id"], '"id" = 5'), ("s", ["a", "b"], '"a" = 5')):
        extraction = bench.extraction(bench.describe(lite.table(name)), columns, where=[where])
        assert "typeof" not in checked(extraction)[0].rpartition("WHERE")[2]


def test_an_integer_primary_key_that_is_not_the_rowid_is_checked(lite: SQLite, bench_of: Make) -> None:
    lite.execute("CREATE TABLE t (id INTEGER PRIMARY KEY DESC)", "INSERT INTO t VALUES ('abc')")
    with pytest.raises(ValueLost, match="'abc'"):
        rows(bench_of(lite), "t", '"id" = 5')


def test_tables_views_and_generated_columns_are_read(lite: SQLite, bench_of: Make) -> None:
    lite.execute(
        'CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2) VIRTUAL, "We""ird {0} col" TEXT)',
        "INSERT INTO t (a, \"We\"\"ird {0} col\") VALUES (1, 'w'), (4, 'x')",
        "CREATE VIEW v AS SELECT count(*) AS n, avg(a) AS mean, max(a) AS most, group_concat(a) AS s FROM t",
        "CREATE TABLE w (k TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID",
        "INSERT INTO w VALUES ('k', 1)",
    )
    bench = bench_of(lite)
    assert rows(bench, "T") == [("1", "2", "w"), ("4", "8", "x")]
    assert stages(bench, "v") == {"n": "BIGINT", "mean": "DOUBLE", "most": "BIGINT", "s": "VARCHAR"}
    assert rows(bench, "v") == [("2", "2.5", "4", "1,4")]
    assert rows(bench, "w") == [("k", "1")]
    assert not bench.describe(lite.table("v")).scannable
    assert bench.describe(lite.table("t")).rows == 2
    with pytest.raises(TableNotFound, match="known: t, v, w"):
        bench.describe(lite.table("nothing"))


def test_a_misfit_names_a_column_with_any_name(lite: SQLite, bench_of: Make) -> None:
    lite.execute('CREATE TABLE t ("it\'s {0}" DATE)', "INSERT INTO t VALUES ('zz')")
    with pytest.raises(ValueLost, match=r"column it's \{0\}: holds zz"):
        rows(bench_of(lite), "t")


def test_a_database_in_utf16_is_read(tmp_path: Path, bench_of: Make) -> None:
    other = SQLite(tmp_path / "utf16.db")
    with closing(sqlite3.connect(other.path)) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16le'")
        connection.execute("CREATE TABLE t (s TEXT)")
        connection.execute("INSERT INTO t VALUES ('é😀')")
        connection.commit()
    assert rows(bench_of(other), "t") == [("é😀",)]


def test_a_path_with_odd_characters_is_a_path(tmp_path: Path, bench_of: Make) -> None:
    odd = SQLite(tmp_path / "a b?c#d%41'e.db")
    odd.execute("CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1)")
    assert rows(bench_of(odd), "t") == [("1",)]


def test_in_wal_mode_a_snapshot_does_not_show_later_writes(lite: SQLite, bench_of: Make) -> None:
    lite.execute("CREATE TABLE a (i INTEGER)", "CREATE TABLE b (i INTEGER)", "INSERT INTO a VALUES (1)")
    bench = bench_of(lite)
    queries = [bench.extraction(bench.describe(lite.table(name))) for name in "aba"]
    counts: list[int] = []
    with bench.connector.snapshot() as snapshot:
        for query in queries:
            snapshot.extract([Job(query, bench.sink())], lambda _, dataset: counts.append(dataset.rows))
            lite.execute("INSERT INTO a VALUES (2)", "INSERT INTO b VALUES (2)")
    assert counts == [1, 0, 1]
    assert [dataset.rows for dataset in bench.read(*queries)] == [4, 3, 4]


def test_without_wal_writers_wait_for_no_longer_than_an_extraction(lite: SQLite, bench_of: Make) -> None:
    with closing(sqlite3.connect(lite.path)) as connection:
        connection.execute("PRAGMA journal_mode = delete")
        connection.execute("CREATE TABLE a (i INTEGER)")
        connection.commit()
        bench = bench_of(lite)
        query = bench.extraction(bench.describe(lite.table("a")))
        counts: list[int] = []

        def write_meanwhile(*_: object) -> None:
            with closing(sqlite3.connect(lite.path, timeout=0)) as other:
                other.execute("INSERT INTO a VALUES (9)")
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    other.commit()

        with bench.connector.snapshot() as snapshot:
            snapshot.extract([Job(query, bench.sink())], write_meanwhile)
            connection.execute("INSERT INTO a VALUES (1)")
            connection.commit()
            snapshot.extract([Job(query, bench.sink())], lambda _, dataset: counts.append(dataset.rows))
    assert counts == [1]


def test_nothing_private_stays_behind(lite: SQLite, bench_of: Make) -> None:
    lite.fill(lite.table("t"), 1000)
    bench = bench_of(lite)
    bench.read_table(lite.table("t"))
    assert {path.suffix for path in bench.staged()} == {".parquet", ".json"}


def test_a_failure_discards_what_is_not_committed_and_others_go_on(lite: SQLite, bench_of: Make) -> None:
    lite.execute(
        "CREATE TABLE bad (a INTEGER)", "INSERT INTO bad VALUES ('x')", "CREATE TABLE good (a INTEGER)"
    )
    bench = bench_of(lite)
    bad, good = (bench.extraction(bench.describe(lite.table(name))) for name in ("bad", "good"))
    with bench.connector.snapshot() as snapshot:
        with pytest.raises(ValueLost):
            snapshot.extract(
                [Job(query, bench.sink()) for query in (bad, good)], lambda *_: pytest.fail("finished")
            )
        assert not list((bench.folder / "staging").glob("dataset-*"))
        counts: list[int] = []
        snapshot.extract([Job(good, bench.sink())], lambda _, dataset: counts.append(dataset.rows))
    assert counts == [0]


@pytest.mark.parametrize("operation", ["describe", "extract"])
def test_it_is_cancelled_before_the_first_row(lite: SQLite, bench_of: Make, operation: str) -> None:
    lite.execute("CREATE TABLE t (n INTEGER)")
    bench = bench_of(lite)
    query = bench.extraction(bench.describe(lite.table("t")))
    lite.execute("DROP TABLE t", f"CREATE VIEW t AS {_ENDLESS}")
    act = (
        (lambda: bench.describe(lite.table("t"))) if operation == "describe" else (lambda: bench.read(query))
    )
    reading = BackgroundCall(act)
    under_way(bench)
    bench.connector.cancel()
    assert isinstance(reading.finish(), Cancelled)
    assert not bench.staged()


def test_after_a_cancel_the_same_snapshot_reads_again(lite: SQLite, bench_of: Make) -> None:
    lite.execute("CREATE TABLE t (n INTEGER)", f"CREATE VIEW slow AS {_ENDLESS}")
    bench = bench_of(lite)
    table = bench.describe(lite.table("t"))
    quick = bench.extraction(table)
    with bench.connector.snapshot() as snapshot:
        slow = Job(bench.extraction(type(table)(ref=lite.table("slow"), columns=table.columns)), bench.sink())
        reading = BackgroundCall(lambda: snapshot.extract([slow], lambda *_: None))
        under_way(bench)
        bench.connector.cancel()
        assert isinstance(reading.finish(), Cancelled)
        counts: list[int] = []
        snapshot.extract([Job(quick, bench.sink())], lambda _, dataset: counts.append(dataset.rows))
    assert counts == [0]


def test_a_writer_that_does_not_let_go_is_named(
    tmp_path: Path, bench_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LOCK_TIMEOUT", 0.5)
    path = tmp_path / "locked.db"
    with writing(path, "CREATE TABLE t (a INTEGER)", "BEGIN EXCLUSIVE") as process:
        bench = bench_of(SQLite(path))
        for act in (
            lambda: bench.describe(SQLite(path).table("t")),
            lambda: bench.connector.snapshot().__enter__(),
        ):
            with pytest.raises(
                FileLocked, match=f"PID {process.pid}" if sys.platform == "linux" else "locked"
            ):
                act()


def test_a_writer_that_lets_go_is_waited_for(tmp_path: Path, bench_of: Make) -> None:
    path = tmp_path / "locked.db"
    with writing(path, "CREATE TABLE t (a INTEGER)", "BEGIN EXCLUSIVE") as process:
        bench = bench_of(SQLite(path))
        looking = BackgroundCall(lambda: bench.describe(SQLite(path).table("t")))
        time.sleep(0.5)
        process.kill()
        assert looking.finish() is None


def test_a_full_disk_names_the_scratch_folder(
    lite: SQLite, bench_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lite.fill(lite.table("t"), 10_000)
    attach = driver.Reader.attach

    def small(self: driver.Reader, scratch: Path) -> None:
        attach(self, scratch)
        self._db.execute(f"PRAGMA {driver.PRIVATE_SCHEMA}.max_page_count = 20")

    monkeypatch.setattr(driver.Reader, "attach", small)
    bench = bench_of(lite)
    with pytest.raises(DiskFull, match="scratch"):
        bench.read_table(lite.table("t"))
    assert not [path for path in bench.staged() if path.suffix == ".parquet"]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: None, "is not there"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(b"hello" * 1000), "is not an SQLite database"),
    ],
)
def test_a_file_that_is_no_database_is_told(
    tmp_path: Path, bench_of: Make, make: Callable[[Path], None], problem: str
) -> None:
    path = tmp_path / "no.db"
    make(path)
    with pytest.raises(FileUnreadable, match=problem):
        bench_of(SQLite(path)).describe(SQLite(path).table("t"))


def test_a_damaged_file_is_told(lite: SQLite, bench_of: Make) -> None:
    lite.fill(lite.table("t"), 5000)
    bench = bench_of(lite)
    query = bench.extraction(bench.describe(lite.table("t")))
    lite.execute("PRAGMA wal_checkpoint(truncate)")
    data = bytearray(lite.path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40_000] = b"\xff" * 40_000
    lite.path.write_bytes(data)
    with pytest.raises(FileUnreadable, match="is damaged"):
        bench.read(query)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_wal_database_where_nobody_can_write_is_read(lite: SQLite, bench_of: Make) -> None:
    lite.execute("CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1)", "PRAGMA wal_checkpoint(truncate)")
    lite.path.chmod(0o444)
    lite.path.parent.chmod(0o555)
    try:
        assert rows(bench_of(lite), "t") == [("1",)]
    finally:
        lite.path.parent.chmod(0o755)


@pytest.mark.parametrize(
    ("key", "value", "message"), [("path", None, "path is missing"), ("pasword", "x", "pasword")]
)
def test_wrong_keys_are_named(
    lite: SQLite, bench_of: Make, key: str, value: str | None, message: str
) -> None:
    with pytest.raises(BadOutput, match=message):
        bench_of(lite, **{key: value})
