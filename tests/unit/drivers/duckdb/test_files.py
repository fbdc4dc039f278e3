"""dbt and dvt share one handle per database and process; closing it waits for no query."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dvt.core.errors import FileLocked, FileTooNew, FileUnreadable
from dvt.drivers.duckdb import translate
from dvt.drivers.duckdb.files import DatabaseFiles, OtherConfiguration

ENDLESS = "SELECT count(*) FROM range(1000000000000) t(i) WHERE hash(i) = 3"


@pytest.fixture
def files() -> Iterator[DatabaseFiles]:
    files = DatabaseFiles()
    yield files
    files.close()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "wh.duckdb")


def opens_elsewhere(path: str) -> bool:
    """Return whether another process can open the file."""
    script = f"import duckdb; duckdb.connect({path!r})"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0


@contextmanager
def held_elsewhere(path: str) -> Iterator[int]:
    """Yield the id of another process that has the file open."""
    code = f"import duckdb, time; c = duckdb.connect({path!r}); print('open', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def test_all_share_one_handle_by_links_too(files: DatabaseFiles, path: str, tmp_path: Path) -> None:
    link = tmp_path / "link.duckdb"
    link.symlink_to(path)
    first, second = files.connect(path), files.connect(str(link))
    first.execute("CREATE TABLE t AS SELECT 1 AS i")
    assert second.execute("SELECT i FROM t").fetchall() == [(1,)]
    files.close(path)
    assert opens_elsewhere(path)


def test_a_session_setting_stays_with_its_cursor(files: DatabaseFiles, path: str) -> None:
    own, dbts = files.connect(path), files.connect(path)
    before = dbts.execute("SELECT current_setting('TimeZone')").fetchone()
    own.execute("SET SESSION TimeZone = 'Asia/Tokyo'")
    assert dbts.execute("SELECT current_setting('TimeZone')").fetchone() == before


def test_an_uncommitted_change_stays_with_its_cursor(files: DatabaseFiles, path: str) -> None:
    first, second = files.connect(path), files.connect(path)
    first.execute("BEGIN; CREATE TABLE t AS SELECT 1 AS i")
    with pytest.raises(duckdb.CatalogException):
        second.execute("SELECT * FROM t")


@pytest.mark.parametrize(
    "second", [None, {"threads": 1}, {"THREADS": "1", "autoload_known_extensions": "true"}]
)
def test_the_same_configuration_is_the_same_however_it_is_written(
    files: DatabaseFiles, path: str, second: dict[str, Any] | None
) -> None:
    first = files.connect(path, {"threads": "1"})
    first.execute("CREATE TABLE t AS SELECT 1 AS i")
    assert files.connect(path, second).execute("FROM t").fetchall() == [(1,)]
    assert first.execute("SELECT current_setting('threads')").fetchone() == (1,)


def test_another_configuration_is_refused_while_it_is_open(files: DatabaseFiles, path: str) -> None:
    files.connect(path, {"threads": "1"})
    with pytest.raises(OtherConfiguration):
        files.connect(path, {"threads": "2"})
    files.close(path)
    files.connect(path, {"threads": "2"})


def test_a_database_in_memory_belongs_to_its_output(files: DatabaseFiles) -> None:
    files.connect(":memory:", name="a").execute("CREATE TABLE t AS SELECT 1 AS i")
    assert files.connect(":memory:", name="a").execute("FROM t").fetchall() == [(1,)]
    with pytest.raises(duckdb.CatalogException):
        files.connect(":memory:", name="b").execute("FROM t")


def test_dbt_and_dvt_each_prepare_a_file_once(files: DatabaseFiles, path: str) -> None:
    prepared: list[str] = []
    for owner in ("dbt", "dvt", "dbt", "dvt"):
        files.connect(path, prepare=lambda _, owner=owner: prepared.append(owner), by=owner)
    assert prepared == ["dbt", "dvt"]


def test_what_could_not_be_prepared_does_not_stay_open(files: DatabaseFiles, path: str) -> None:
    def fail(cursor: Any) -> None:
        cursor.execute("ATTACH '/nowhere/x.duckdb'")

    for _ in range(2):
        with pytest.raises(duckdb.IOException):
            files.connect(path, prepare=fail, by="dvt")
    assert opens_elsewhere(path)


def test_closing_lets_other_processes_in_though_cursors_are_open(files: DatabaseFiles, path: str) -> None:
    cursor = files.connect(path)
    assert not opens_elsewhere(path)
    files.close(path)
    assert opens_elsewhere(path)
    with pytest.raises(duckdb.ConnectionException):
        cursor.execute("SELECT 1")


def test_closing_does_not_wait_for_a_query(files: DatabaseFiles, path: str) -> None:
    cursor = files.connect(path)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            cursor.execute(ENDLESS).fetchall()
        except duckdb.Error as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    time.sleep(0.3)
    started = time.monotonic()
    files.close()
    assert time.monotonic() - started < 30
    thread.join(30)
    assert failed


def test_a_handle_that_broke_is_opened_again(files: DatabaseFiles, path: str) -> None:
    files.connect(path).execute("CREATE TABLE t AS SELECT 1 AS i")
    next(iter(files._open.values())).root.close()
    assert files.connect(path).execute("FROM t").fetchall() == [(1,)]


def test_a_file_that_another_process_holds_names_that_process(files: DatabaseFiles, path: str) -> None:
    with held_elsewhere(path) as pid, pytest.raises(duckdb.IOException) as caught:
        files.connect(path)
    error = translate(caught.value, connection="wh", doing="reading")
    assert isinstance(error, FileLocked)
    assert error.path == os.path.realpath(path)
    assert f"PID {pid}" in error.message


def checksum(block: bytes) -> int:
    """Return DuckDB's checksum of a block."""
    total = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        total ^= word * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    return total


def with_header(path: str, block: int, at: int, number: int) -> None:
    """Write a number into one of the file's headers, as another version of DuckDB would."""
    data = bytearray(Path(path).read_bytes())
    struct.pack_into("<Q", data, block + at, number)
    struct.pack_into("<Q", data, block, checksum(bytes(data[block + 8 : block + 4096])))
    Path(path).write_bytes(data)


@pytest.mark.parametrize(
    ("headers", "at", "number", "expected"),
    [
        ((0,), 12, 99, FileTooNew),
        ((4096, 8192), 56, 99, FileTooNew),
        ((0,), 12, 10, FileUnreadable),
    ],
    ids=["version", "storage version", "too old"],
)
def test_a_file_of_another_version_is_an_error_that_names_it(
    path: str, headers: tuple[int, ...], at: int, number: int, expected: type
) -> None:
    with closing(duckdb.connect(path, config={"storage_compatibility_version": "v1.5.0"})) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS i")
    for block in headers:
        with_header(path, block, at, number)
    with pytest.raises(duckdb.Error) as caught:
        duckdb.connect(path)
    error = translate(caught.value, connection="wh", doing="opening", path=path)
    assert type(error) is expected, caught.value
    assert path in error.message
