"""Staged files are read by their own paths, whatever characters these have."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from dvt.core.errors import StagingDamaged, StagingUnusable
from dvt.core.tables import StageColumn
from dvt.core.types import INTEGER, StageType
from dvt.drivers.duckdb.staging import check, scan, scan_with_positions, write
from tests.local_bucket import local_sink

pytestmark = pytest.mark.slow

COLUMNS = (StageColumn("i", INTEGER),)
OTHERS = ("ab", "aab", "a", "axb", "[", "]")
"""Names that patterns in `ODD` match."""
ODD = ("a*b", "a?b", "[ab]", "[!x]", "[", "]", "a[", "**", "{a,b}", "a\\b", "100%", "ü?")


@pytest.fixture
def cursor():
    with closing(duckdb.connect()) as connection:
        yield connection


def staged(cursor, folder, prefix, number):
    sink = local_sink(folder, prefix)
    return sink.commit(COLUMNS, write(cursor, f"SELECT {number}::INTEGER AS i", sink))


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("at", ["{0}", "run/{0}/k", "run/{0}/{0}"])
def test_a_dataset_in_a_folder_with_an_odd_name_holds_its_own_rows(tmp_path, cursor, name, at):
    for number, other in enumerate(set(OTHERS) - {name}):
        staged(cursor, tmp_path / "staging", at.format(other), number)
    dataset = staged(cursor, tmp_path / "staging", at.format(name), 99)
    assert cursor.execute(scan(dataset)).fetchall() == [(99,)]
    check(cursor, "t", dataset)


@pytest.mark.parametrize("name", ODD)
def test_a_bucket_in_a_folder_with_an_odd_name_is_like_any_other(tmp_path, cursor, name):
    for number, other in enumerate(set(OTHERS) - {name}):
        staged(cursor, tmp_path / other, "run", number)
    dataset = staged(cursor, tmp_path / name, "run", 99)
    assert cursor.execute(scan(dataset)).fetchall() == [(99,)]
    check(cursor, "t", dataset)


def test_a_file_that_its_writer_gave_an_odd_name_is_read_alone(tmp_path, cursor):
    sink = local_sink(tmp_path, "run")
    with sink.location.bucket.writing("duckdb", "run/answer") as uri:
        cursor.execute(f"COPY (SELECT 1::INTEGER AS i) TO '{uri}' (FORMAT parquet)")
    with sink.location.bucket.writing("duckdb", "run/a[n]s*?") as uri:
        cursor.execute(f"COPY (SELECT 99::INTEGER AS i) TO '{uri}' (FORMAT parquet)")
    dataset = sink.commit(COLUMNS, 1, ["run/a[n]s*?"])
    assert cursor.execute(scan(dataset)).fetchall() == [(99,)]
    with pytest.raises(StagingDamaged):
        check(cursor, "t", replace(dataset, rows=2))


def test_a_path_that_cannot_be_spelled_for_duckdb_is_refused(tmp_path, cursor):
    dataset = staged(cursor, tmp_path, "a\\b*", 99)
    with pytest.raises(StagingUnusable, match="no path with a backslash"):
        scan(dataset)


@pytest.mark.parametrize(
    "value",
    [
        "['red', 'green', 'blue', 'black']",
        "['\\xAA'::BLOB, '\\xBB'::BLOB, '\\xCC'::BLOB]",
        "[['a', 'b'], ['c', 'd', 'e']]",
        "{'x': ['a', 'b', 'c', 'd', 'e', 'f']}",
        "MAP {'a': 'b'}",
    ],
)
def test_few_different_texts_in_lists_are_written(tmp_path, cursor, value):
    (type_,) = cursor.execute(f"SELECT typeof({value})").fetchone()
    columns = (StageColumn("v", StageType.parse(type_)),)
    sink = local_sink(tmp_path, "run")
    select = f"SELECT {value} AS v FROM range(3)"
    dataset = sink.commit(columns, write(cursor, select, sink, columns))
    assert cursor.execute(scan(dataset)).fetchall() == cursor.execute(select).fetchall()


@pytest.mark.parametrize("type_", ["DOUBLE", "FLOAT", "DOUBLE[]", "STRUCT(d DOUBLE)", "MAP(VARCHAR, FLOAT)"])
def test_zeros_of_both_signs_stay_what_they_are(tmp_path, cursor, type_):
    """A dictionary of DuckDB's has one of them for both."""
    zero = {"DOUBLE[]": "[{}]", "STRUCT(d DOUBLE)": "{{'d': {}}}", "MAP(VARCHAR, FLOAT)": "MAP {{'d': {}}}"}
    texts = [zero.get(type_, "{}").format(f"'{text}'::DOUBLE") for text in ("-0.0", "0.0")]
    values = f"CASE WHEN i % 50 = 7 THEN {texts[0]} ELSE {texts[1]} END"
    columns = (StageColumn("v", StageType.parse(type_)),)
    sink = local_sink(tmp_path, "run")
    select = f"SELECT CAST({values} AS {type_}) AS v FROM range(200) AS t(i)"
    dataset = sink.commit(columns, write(cursor, select, sink, columns))
    rows = cursor.execute(scan(dataset)).fetchall()
    assert sum("-0.0" in str(row) for row in rows) == 4


def with_deletes(cursor, folder, deleted):
    """A dataset of the numbers from 0 to 9 in three files, of which some are deleted."""
    sink = local_sink(folder, "run")
    for start, end in ((0, 4), (4, 5), (5, 10)):
        write(cursor, f"SELECT i::INTEGER AS i FROM range({start}, {end}) AS t(i)", sink)
    whole = sink.commit(COLUMNS, 10)
    positions = f"SELECT dvt_file, dvt_row FROM ({scan_with_positions(whole)}) WHERE i IN {deleted}"
    others = local_sink(folder, "run")
    key = others.part()
    count = write(cursor, positions, others, key=key)
    return replace(whole, rows=10 - count, deletes=key)


def test_deleted_rows_are_not_read(tmp_path, cursor):
    dataset = with_deletes(cursor, tmp_path, (0, 4, 7))
    assert sorted(cursor.execute(scan(dataset)).fetchall()) == [(i,) for i in (1, 2, 3, 5, 6, 8, 9)]
    assert cursor.execute(f"SELECT i FROM ({scan(dataset)}) WHERE i IN (4, 5)").fetchall() == [(5,)]
    check(cursor, "t", dataset)
    with pytest.raises(StagingDamaged, match="should hold 10 rows but holds 7"):
        check(cursor, "t", replace(dataset, rows=10))


def test_positions_count_rows_that_are_deleted(tmp_path, cursor):
    dataset = with_deletes(cursor, tmp_path, (0, 4, 7))
    positions = cursor.execute(f"SELECT dvt_file, dvt_row FROM ({scan_with_positions(dataset)}) WHERE i = 8")
    assert positions.fetchall() == [(2, 3)]


def test_a_file_that_is_gone_has_no_rows(tmp_path, cursor):
    dataset = with_deletes(cursor, tmp_path, (0, 4, 7))
    for key in (dataset.deletes, dataset.keys[1]):
        Path(dataset.at.bucket.uri_for("duckdb", key)).unlink()
        with pytest.raises(StagingDamaged, match="should hold 7 rows but holds 0"):
            check(cursor, "t", dataset)
