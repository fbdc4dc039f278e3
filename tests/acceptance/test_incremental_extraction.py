"""Incremental extraction from servers: after any change, what is staged is what the table has."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from dvt.core.errors import BadExtraction, ColumnNotFound
from dvt.core.extraction import Extraction, Incremental
from dvt.drivers.duckdb import FILES
from tests.acceptance.changing_tables import (
    HASH,
    WATERMARK,
    ServerWorkspace,
    Writer,
    as_in_the_table,
    fill,
    once,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

ROUNDS = int(os.environ.get("DVT_TEST_INCREMENTAL", "10"))


@pytest.fixture(params=["postgres", "mariadb"])
def workspace(
    tmp_path: Any, request: pytest.FixtureRequest, databases: Callable[[str], Any]
) -> Iterator[ServerWorkspace]:
    yield ServerWorkspace.of(tmp_path, databases(request.param))
    FILES.close()


@pytest.mark.parametrize("strategy", ["hash", "watermark"])
def test_staging_is_what_the_table_has_after_any_changes(workspace: ServerWorkspace, strategy: str) -> None:
    extraction = HASH if strategy == "hash" else WATERMARK
    writer = Writer(workspace, seed=len(strategy))
    workspace.execute(*writer.insert(200))
    notes = set()
    for number in range(ROUNDS):
        for _ in range(writer.random.randint(0, 2)):
            writer.write()
        rows, note = once(workspace, extraction)
        assert rows == as_in_the_table(workspace), f"round {number}: {note}"
        notes.add(note)
    assert any("changed" in note or "new" in note or "deleted" in note for note in notes), notes


@pytest.mark.parametrize("strategy", ["hash", "watermark"])
def test_what_is_staged_while_others_write_is_one_state_of_the_table(
    workspace: ServerWorkspace, strategy: str
) -> None:
    """Each transaction moves a part of one row's number to another row, and replaces a row by another."""
    extraction = HASH if strategy == "hash" else WATERMARK
    writer = Writer(workspace, seed=7)
    start = "timestamp '2026-01-01 00:00:00'"
    rows = ", ".join(f"({number}, 100, 'x', {start})" for number in range(400))
    workspace.execute(f"INSERT INTO facts (id, n, a, changed) VALUES {rows}")
    stop = threading.Event()

    def write() -> None:
        with closing(workspace.server.owner()) as connection, connection.cursor() as cursor:
            new = 400
            while not stop.is_set():
                one, other = writer.random.sample(range(new - 300, new), 2)
                cursor.execute("BEGIN")
                cursor.execute(f"UPDATE facts SET n = n - 1, changed = {writer.moment()} WHERE id = {one}")
                moved = f"n = n + 1, changed = {writer.moment()}"
                cursor.execute(f"UPDATE facts SET {moved} WHERE id = {other}")
                cursor.execute(
                    f"INSERT INTO facts (id, n, a, changed) SELECT {new}, n, 'y', {writer.moment()}"
                    f" FROM facts WHERE id = {new - 400}"
                )
                cursor.execute(f"DELETE FROM facts WHERE id = {new - 400}")
                cursor.execute("COMMIT")
                new += 1
                stop.wait(0.005)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        states = [once(workspace, extraction) for _ in range(max(ROUNDS // 2, 3))]
    finally:
        stop.set()
        thread.join()
    for staged, note in states:
        assert (len(staged), sum(row[4] for row in staged)) == (400, 40_000), note
    assert once(workspace, extraction)[0] == as_in_the_table(workspace)


def test_the_run_says_what_has_changed_and_moves_that_alone(workspace: ServerWorkspace) -> None:
    fill(workspace, 100)
    assert once(workspace)[1] == ""
    assert once(workspace)[1] == "unchanged: reused"
    workspace.execute(
        "UPDATE facts SET a = 'z' WHERE id < 5",
        "DELETE FROM facts WHERE id > 97",
        "INSERT INTO facts (id) VALUES (500)",
    )
    rows, note = once(workspace)
    assert note == "1 new, 5 changed, 2 deleted"
    assert rows == as_in_the_table(workspace)
    assert once(workspace, full_refresh=True)[1] == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = 'a', b = NULL, c = 'b'", "a = 'a', b = 'b', c = NULL"),
        ("a = 'a|b', b = 'c', c = NULL", "a = 'a', b = 'b|c', c = NULL"),
        ("a = 'V1:a', b = '', c = ''", "a = '', b = 'V1:a', c = ''"),
        ("a = NULL, b = 'N', c = ''", "a = 'N', b = NULL, c = ''"),
        ("a = '', b = NULL, c = 'x'", "a = NULL, b = '', c = 'x'"),
        ("a = 'a', b = 'a', c = NULL", "a = 'a ', b = 'a', c = NULL"),
        ("a = 'a', b = 'b', c = ''", "a = 'b', b = 'a', c = ''"),
        ("a = 'a', b = 'a', c = 'a'", "a = 'b', b = 'b', c = 'b'"),
        ("d = 3.0000000000000004", "d = 3"),
    ],
)
def test_rows_whose_values_joined_are_the_same_text_differ(
    workspace: ServerWorkspace, before: str, after: str
) -> None:
    fill(workspace)
    workspace.execute(f"UPDATE facts SET {before} WHERE id = 1")
    once(workspace)
    workspace.execute(f"UPDATE facts SET {after} WHERE id = 1")
    rows, note = once(workspace)
    assert note == "1 changed"
    assert rows == as_in_the_table(workspace)


def test_a_changed_schema_means_full(workspace: ServerWorkspace) -> None:
    fill(workspace)
    once(workspace)
    workspace.execute("ALTER TABLE facts ADD COLUMN more int DEFAULT 7")
    assert once(workspace)[1] == ""
    assert once(workspace)[1] == "unchanged: reused"
    workspace.create(order=("n", "c", "d", "b", "a"))  # as a column that is moved
    fill(workspace)
    rows, note = once(workspace)
    assert note == ""
    assert rows == as_in_the_table(workspace)


def test_rows_of_a_table_without_a_key_are_told_apart_by_all_their_values(workspace: ServerWorkspace) -> None:
    workspace.create(key="")
    fill(workspace, 20)
    workspace.execute("INSERT INTO facts SELECT * FROM facts", "INSERT INTO facts SELECT * FROM facts")
    once(workspace)
    changes = {
        "UPDATE facts SET a = 'z' WHERE id = 1": "4 new, 4 deleted",
        "DELETE FROM facts WHERE id = 2": "4 deleted",
        "INSERT INTO facts SELECT * FROM facts WHERE id < 2": "8 new",
        "UPDATE facts SET id = 5 WHERE id = 4": "4 new, 4 deleted",
        "UPDATE facts SET id = NULL WHERE id = 6": "4 new, 4 deleted",
        "DELETE FROM facts WHERE id > 2 OR id IS NULL": "68 deleted",
    }
    for change, told in changes.items():
        workspace.execute(change)
        rows, note = once(workspace)
        assert rows == as_in_the_table(workspace), change
        assert note == told, change


def test_a_table_without_a_key_is_what_it_is_after_any_changes(workspace: ServerWorkspace) -> None:
    workspace.create(key="")
    writer = Writer(workspace, seed=1)
    workspace.execute(*writer.insert(100))
    notes = set()
    for number in range(ROUNDS):
        writer.write()
        if number % 3 == 0:
            workspace.execute(f"INSERT INTO facts SELECT * FROM facts WHERE id % 10 = {number % 10}")
        rows, note = once(workspace)
        assert rows == as_in_the_table(workspace), f"round {number}: {note}"
        notes.add(note)
    assert any("new" in note or "deleted" in note for note in notes), notes


def test_a_table_without_a_key_has_no_use_for_a_watermark(workspace: ServerWorkspace) -> None:
    workspace.create(key="")
    fill(workspace)
    once(workspace, WATERMARK)
    workspace.execute("UPDATE facts SET a = 'z' WHERE id = 1")
    rows, note = once(workspace, WATERMARK)
    assert note == "extracted in full: the table has no primary key"
    assert rows == as_in_the_table(workspace)


def test_a_unique_index_tells_rows_apart_where_there_is_no_primary_key(workspace: ServerWorkspace) -> None:
    """Keys that only their collation makes differ from other keys are found, changed and deleted."""
    blind = " COLLATE utf8mb4_general_ci" if workspace.is_mariadb else ' COLLATE "dvt_blind"'
    if not workspace.is_mariadb:
        workspace.execute(
            "DROP COLLATION IF EXISTS dvt_blind",
            "CREATE COLLATION dvt_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        )
    workspace.create(key=f"k varchar(9){blind} NOT NULL, UNIQUE (k)")
    workspace.execute("INSERT INTO facts (id, k) VALUES (1, 'a'), (2, 'B'), (3, 'c'), (4, 'd'), (5, 'ü')")
    once(workspace)
    workspace.execute(
        "UPDATE facts SET k = 'A' WHERE id = 1",
        "UPDATE facts SET a = 'z' WHERE k = 'b'",
        "DELETE FROM facts WHERE k = 'C'",
        "UPDATE facts SET a = NULL, b = 'b' WHERE k = 'Ü'",
    )
    rows, note = once(workspace)
    assert note == "1 new, 2 changed, 2 deleted"
    assert rows == as_in_the_table(workspace)
    assert once(workspace)[1] == "unchanged: reused"
    workspace.execute("DROP TABLE facts")
    if not workspace.is_mariadb:
        workspace.execute("DROP COLLATION dvt_blind")


def test_rows_kept_by_another_key_are_extracted_in_full(workspace: ServerWorkspace) -> None:
    """What was kept by two columns has several rows for one of them, where hashes are of a third."""
    workspace.create(key="k int NOT NULL, l int NOT NULL")
    drop = " ON facts" if workspace.is_mariadb else ""
    extraction = replace(HASH, incremental=Incremental(hash_columns=("a",)))
    workspace.execute(
        "CREATE UNIQUE INDEX i ON facts (k, l)",
        "INSERT INTO facts (id, k, l, a) VALUES (1, 1, 1, 'x'), (2, 1, 2, 'x'), (3, 2, 1, 'x')",
    )
    once(workspace, extraction)
    assert once(workspace, extraction)[1] == "unchanged: reused"
    workspace.execute("DELETE FROM facts WHERE id = 2", "CREATE UNIQUE INDEX j ON facts (k)")
    rows, note = once(workspace, extraction)
    assert note == ""
    assert rows == as_in_the_table(workspace)
    workspace.execute(f"DROP INDEX j{drop}", "UPDATE facts SET a = 'y' WHERE id = 1")
    rows, note = once(workspace, extraction)
    assert note == "1 changed, 1 deleted", "since what was kept by two columns is still there"
    assert rows == as_in_the_table(workspace)
    workspace.execute(f"DROP INDEX i{drop}", "INSERT INTO facts SELECT * FROM facts WHERE id = 1")
    rows, note = once(workspace, extraction)
    assert note == "", "since no key tells rows apart any more"
    assert rows == as_in_the_table(workspace)


def test_rows_that_were_kept_twice_by_a_key_are_extracted_in_full(workspace: ServerWorkspace) -> None:
    """By their hashes nothing has changed, since these are of a column that both had the same."""
    workspace.create(key="")
    workspace.execute("INSERT INTO facts (id, n, a) VALUES (1, 1, 'x'), (2, 1, 'x'), (3, 2, 'x')")
    extraction = replace(HASH, incremental=Incremental(primary_key=("n",), hash_columns=("a",)))
    once(workspace, extraction)
    workspace.execute("DELETE FROM facts WHERE id = 2")
    rows, note = once(workspace, extraction)
    assert note == "extracted in full: what was kept does not fit"
    assert rows == as_in_the_table(workspace)


def test_a_key_that_several_rows_have_is_no_key(workspace: ServerWorkspace) -> None:
    workspace.create(key="")
    fill(workspace)
    extraction = replace(HASH, incremental=Incremental(primary_key=("a",)))
    once(workspace, extraction)
    workspace.execute("UPDATE facts SET c = 'z' WHERE id = 1")
    rows, note = once(workspace, extraction)
    assert note == "extracted in full: rows share a key"
    assert rows == as_in_the_table(workspace)


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3", "utf8mb4", "latin1 COLLATE latin1_bin"])
def test_rows_are_found_by_keys_of_any_character_set(tmp_path: Any, mariadb: Any, charset: str) -> None:
    """MariaDB answers `(id, a) IN (…)` with no row if `a` is of another one than the values."""
    workspace = ServerWorkspace.of(tmp_path, mariadb)
    workspace.execute(
        f"ALTER TABLE facts MODIFY a varchar(40) CHARACTER SET {charset}",
        "ALTER TABLE facts DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)",
    )
    workspace.execute(
        "INSERT INTO facts (id, a) SELECT seq, elt(1 + seq % 4, 'ü', 'A', 'a ', '') FROM seq_1_to_100"
    )
    once(workspace)
    workspace.execute("UPDATE facts SET b = 'changed' WHERE id BETWEEN 10 AND 29")
    rows, note = once(workspace)
    assert note == "20 changed"
    assert rows == as_in_the_table(workspace)
    FILES.close()


def test_many_changes_are_extracted_in_full(workspace: ServerWorkspace) -> None:
    fill(workspace, 200)
    extraction = replace(HASH, incremental=Incremental(batch_size=2))
    once(workspace, extraction)
    workspace.execute("UPDATE facts SET a = 'z'")
    rows, note = once(workspace, extraction)
    assert note == "extracted in full: 200 changed"
    assert rows == as_in_the_table(workspace)


def test_only_the_hashed_columns_count_if_some_are_named(workspace: ServerWorkspace) -> None:
    fill(workspace)
    extraction = replace(HASH, incremental=Incremental(hash_columns=("a",)))
    once(workspace, extraction)
    workspace.execute("UPDATE facts SET b = 'z' WHERE id = 1")
    assert once(workspace, extraction)[1] == "unchanged: reused"
    workspace.execute("UPDATE facts SET a = 'z' WHERE id = 1")
    rows, note = once(workspace, extraction)
    assert note == "1 changed"
    assert rows == as_in_the_table(workspace)


@pytest.mark.parametrize(
    ("incremental", "error", "text"),
    [
        (Incremental(primary_key=("no",)), ColumnNotFound, "no column 'no'"),
        (Incremental(hash_columns=("no",)), ColumnNotFound, "no column 'no'"),
        (replace(WATERMARK.incremental, watermark="no"), ColumnNotFound, "no column 'no'"),
        (replace(WATERMARK.incremental, watermark="a"), BadExtraction, "neither a whole number nor a date"),
        (replace(WATERMARK.incremental, overlap=5), BadExtraction, "overlap: is a number"),
        (replace(WATERMARK.incremental, watermark="id"), BadExtraction, "overlap: is a time"),
    ],
)
def test_a_config_that_does_not_fit_the_table_is_an_error(
    workspace: ServerWorkspace, incremental: Incremental, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        once(workspace, replace(HASH, incremental=incremental))


def test_numbers_whose_texts_are_rounded_differ(tmp_path: Any, postgres: Any) -> None:
    """Hashes are of texts, and PostgreSQL may be set to round those; dvt's sessions are set not to."""
    workspace = ServerWorkspace.of(tmp_path, postgres)
    fill(workspace)
    workspace.execute("UPDATE facts SET d = 3.0000000000000004 WHERE id = 1")
    workspace.execute("ALTER DATABASE shop SET extra_float_digits = 0")
    try:
        once(workspace)
        workspace.execute("UPDATE facts SET d = 3 WHERE id = 1")
        rows, note = once(workspace)
    finally:
        workspace.execute("ALTER DATABASE shop RESET extra_float_digits")
    assert note == "1 changed"
    assert rows == as_in_the_table(workspace)
    FILES.close()


def test_deleted_rows_stay_where_the_user_says_that_there_are_none(workspace: ServerWorkspace) -> None:
    extraction = replace(
        WATERMARK, incremental=replace(WATERMARK.incremental or Incremental(), deletes=False)
    )
    fill(workspace, 30)
    once(workspace, extraction)
    workspace.execute("DELETE FROM facts WHERE id = 3")
    rows, note = once(workspace, extraction)
    assert (len(rows), note) == (30, "unchanged: reused")
    workspace.execute(
        "INSERT INTO facts (id, changed) VALUES (3, timestamp '2026-01-03 00:00:00')",
        "UPDATE facts SET a = 'z', changed = timestamp '2026-01-03 00:00:00' WHERE id = 4",
    )
    rows, note = once(workspace, extraction)
    assert note == "2 changed"
    assert rows == as_in_the_table(workspace)


def test_a_table_with_columns_that_are_named_as_dvts_own_is_like_any_other(
    workspace: ServerWorkspace,
) -> None:
    names = ("dvt_hash", "dvt_rows", "dvt_file", "dvt_row", "file_index", "file_row_number", "filename")
    columns = ", ".join(f"{name} int" for name in names)
    workspace.execute(
        "DROP TABLE facts",
        f"CREATE TABLE facts (id int PRIMARY KEY, changed timestamp NULL, {columns})",
        *(
            f"INSERT INTO facts VALUES ({n}, timestamp '2026-01-01 00:00:00', {', '.join([str(n % 2)] * 7)})"
            for n in range(40)
        ),
    )
    sql = f"SELECT id, {', '.join(names)} FROM {{src.facts}}"
    for number, extraction in enumerate((HASH, WATERMARK, HASH, WATERMARK)):
        workspace.execute(
            f"UPDATE facts SET file_row_number = 7, dvt_hash = {number},"
            f" changed = timestamp '2026-01-02 00:00:00' + interval '{number}' hour WHERE id IN (5, 33)",
            f"DELETE FROM facts WHERE id = {number}",
        )
        rows, _ = once(workspace, extraction, sql)
        assert rows == once(workspace, Extraction(), sql)[0], number
    assert once(workspace, HASH, sql)[1] == "2 changed, 1 deleted"
