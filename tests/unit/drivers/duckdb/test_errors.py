"""DuckDB's errors become errors of dvt that say what to do, and none shows a secret."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from dvt.core import errors as ours
from dvt.drivers.duckdb import errors


def failure(sql: str, **config: str) -> Exception:
    with duckdb.connect(config=dict(config)) as connection, pytest.raises(duckdb.Error) as caught:
        connection.execute(sql).fetchall()
    return caught.value


def translated(error: BaseException) -> ours.DvtError:
    return errors.translate(error, connection="wh", doing="reading t", path="/x/wh.duckdb")


def test_a_value_that_cannot_be_converted_is_value_lost() -> None:
    error = translated(failure("SELECT CAST('abc' AS INTEGER)"))
    assert isinstance(error, ours.ValueLost)
    assert "'abc'" in error.message
    assert "LINE" not in error.message
    assert isinstance(translated(failure("SELECT 9223372036854775807 + 1")), ours.ValueLost)


def test_a_refusal_of_dvt_keeps_place_problem_and_hint() -> None:
    stop = errors.refusal("lite.o'brien.a", "'holds ' || typeof(1)", "cast it")
    error = translated(failure(f"SELECT CASE WHEN true THEN {stop} END"))
    assert isinstance(error, ours.ValueLost)
    assert (error.where, error.hint) == ("lite.o'brien.a", "cast it")
    assert error.message == "lite.o'brien.a: holds INTEGER"


def test_a_full_disk_names_the_file() -> None:
    error = translated(failure("COPY (SELECT 1) TO '/dev/full' (FORMAT parquet)"))
    assert isinstance(error, ours.DiskFull)
    assert error.place == "/dev/full"


def test_too_little_memory_names_the_settings_that_help() -> None:
    query = "SELECT count(*) FROM (SELECT DISTINCT hash(i), i FROM range(10000000) t(i))"
    error = translated(failure(query, memory_limit="20MB", temp_directory=""))
    assert isinstance(error, ours.OutOfMemory)
    assert "memory_limit" in error.hint


def test_an_interrupt_is_a_cancel() -> None:
    with duckdb.connect() as connection:
        over = threading.Event()

        def interrupt() -> None:  # repeatedly: DuckDB forgets an interrupt that comes before its query
            while not over.wait(0.1):
                connection.interrupt()

        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(duckdb.InterruptException) as caught:
            connection.execute("SELECT count(*) FROM range(1000000000000) t(i) WHERE hash(i) = 3").fetchall()
        over.set()
        interrupting.join()
    assert isinstance(translated(caught.value), ours.Cancelled)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"hello" * 5000, "not a valid DuckDB"), (None, "is not there, nor is its folder")],
)
def test_a_file_that_is_no_database_is_unreadable(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / ("wh.duckdb" if content else "absent/wh.duckdb")
    if content:
        file.write_bytes(content)
    with pytest.raises(duckdb.Error) as caught:
        duckdb.connect(str(file))
    error = translated(caught.value)
    assert isinstance(error, ours.FileUnreadable)
    assert error.path == str(file)
    assert problem in error.message


def _statement_with_password() -> Exception:
    return failure("CREATE SECRET s (TYPE postgres, PASSWORD 'hunter2' oops)")


def _binder_with_url() -> Exception:
    return duckdb.BinderException("Binder Error: cannot attach postgres://me:hunter2@db/x")


def _io_with_dsn() -> Exception:
    return duckdb.IOException("IO Error: unable to connect with host=db password=hunter2")


def _any_other_kind() -> Exception:
    return duckdb.InvalidInputException("Invalid Input Error: odd text hunter2")


@pytest.mark.parametrize(
    "make",
    [_statement_with_password, _binder_with_url, _io_with_dsn, _any_other_kind],
    ids=lambda f: f.__name__,
)
def test_no_text_that_could_carry_credentials_gets_through(make: Callable[[], Exception]) -> None:
    error = translated(make())
    assert "hunter2" not in str(error)
    assert "hunter2" not in repr(error)


def test_an_error_about_a_name_shows_the_name() -> None:
    error = translated(failure("SELECT nocol FROM (SELECT 1 AS a)"))
    assert isinstance(error, ours.QueryFailed)
    assert "nocol" in error.message
