"""Files as tables: which files a table is, how values are kept, and errors that name file and line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dvt.core.errors import (
    BadOutput,
    Cancelled,
    DvtError,
    FileInDoubt,
    FileUnreadable,
    TableNotFound,
    ValueLost,
)
from dvt.core.names import TableRef
from dvt.testing.background import BackgroundCall
from dvt.testing.connectors import Bench
from tests.databases.embedded import Folder
from tests.unit.connectors.waiting import under_way

pytestmark = pytest.mark.slow

Make = Callable[..., Bench]


def at(name: str, location: str | None = None) -> TableRef:
    options = () if location is None else (("external_location", location),)
    return TableRef(
        connection="files", database="any", schema="shop", identifier=name, options=options, label=location
    )


def rows(bench: Bench, ref: TableRef, *where: str) -> list[tuple[str | None, ...]]:
    return bench.rows(bench.read(bench.extraction(bench.describe(ref), where=where))[0])


def write(path: Path, select: str, options: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    target = str(path).replace("'", "''")
    duckdb.execute(f"COPY ({select}) TO '{target}' {options}")
    return path


@pytest.mark.parametrize(
    "ref",
    [
        at("one"),
        at("many"),
        at("x", "one.parquet"),
        at("x", "many/*/*.parquet"),
        at("many", "{name}/**/*.parquet"),
        at("one", "{identifier}.parquet"),
    ],
    ids=str,
)
def test_a_table_is_a_file_a_folder_or_a_location(lake: Folder, bench_of: Make, ref: TableRef) -> None:
    write(lake.root / "one.parquet", "SELECT 1 AS i UNION ALL SELECT 2")
    write(lake.root / "many" / "a" / "x.parquet", "SELECT 1 AS i")
    write(lake.root / "many" / "b" / "y.parquet", "SELECT 2 AS i")
    bench = bench_of(lake)
    assert rows(bench, ref) == [("1",), ("2",)]
    assert rows(bench, ref, '"i" = 2') == [("2",)]
    assert bench.describe(ref).rows == 2


def test_a_path_with_odd_characters_is_a_path(tmp_path: Path, bench_of: Make) -> None:
    root = tmp_path / "la[k]e * it's"
    write(root / "t.parquet", "SELECT 1 AS i")
    write(root / "f" / "t.parquet", "SELECT 1 AS i")
    bench = bench_of(Folder(root))
    assert rows(bench, at("t")) == rows(bench, at("f")) == rows(bench, at("x", "f/*.parquet")) == [("1",)]


def test_a_location_may_be_anywhere_on_this_machine(lake: Folder, bench_of: Make, tmp_path: Path) -> None:
    file = write(tmp_path / "elsewhere" / "t.parquet", "SELECT 1 AS i")
    assert rows(bench_of(lake), at("x", str(file))) == [("1",)]


def test_folders_of_hive_partitions_give_their_columns(lake: Folder, bench_of: Make) -> None:
    for format_ in ("parquet", "csv"):
        write(lake.root / "p" / "y=2024" / f"x.{format_}", "SELECT 'a' AS s")
        write(lake.root / "p" / "y=2025" / f"x.{format_}", "SELECT 'b' AS s")
        bench = bench_of(lake, format=format_)
        assert rows(bench, at("p"), '"y" = 2025') == [("b", "2025")]


def test_empty_text_in_a_csv_is_not_null(lake: Folder, bench_of: Make) -> None:
    write(lake.root / "t.csv", "SELECT 1 AS i, '' AS s UNION ALL SELECT 2, NULL UNION ALL SELECT 3, 'x'")
    assert rows(bench_of(lake, format="csv"), at("t")) == [("1", ""), ("2", None), ("3", "x")]


def test_options_say_how_a_csv_is_read(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.csv").write_text("a;b\n1,5;007\nn/a;008\n")
    options = {"delimiter": ";", "decimal_separator": ",", "nullstr": "n/a", "types": {"b": "VARCHAR"}}
    assert rows(bench_of(lake, format="csv", options=options), at("t")) == [("1.5", "007"), (None, "008")]


def test_json_keeps_its_structure(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.json").write_text('{"a": 1, "b": {"c": [1, 2]}}\n{"a": null, "b": {"c": []}}\n')
    assert rows(bench_of(lake, format="json"), at("t")) == [("1", "{'c': [1, 2]}"), (None, "{'c': []}")]


def test_values_fit_a_given_type_if_they_mean_one_of_its_values(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.csv").write_text("a,b,c\n007,+5,1\n 8 ,7.0,0\n")
    given = {"a": "int", "b": "DECIMAL(9, 1)", "c": "bool"}
    assert rows(bench_of(lake, format="csv", options={"types": given}), at("t")) == [
        ("7", "5.0", "true"),
        ("8", "7.0", "false"),
    ]
    (lake.root / "t.json").write_text('{"a": "007", "b": 5, "c": true}\n')
    assert rows(bench_of(lake, format="json", options={"types": given}), at("t")) == [("7", "5.0", "true")]


def test_names_that_differ_in_case_only_are_numbered(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.csv").write_text("a,A\n1,2\n")
    bench = bench_of(lake, format="csv")
    assert [column.name for column in bench.describe(at("t")).columns] == ["a", "A_1"]
    assert rows(bench, at("t")) == [("1", "2")]


def test_json_of_several_kinds_stays_json(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.json").write_text('{"a": 1}\n{"a": "x"}\n{"a": [true, null]}\n')
    bench = bench_of(lake, format="json")
    assert rows(bench, at("t")) == [('"x"',), ("1",), ("[true,null]",)]


def test_a_double_that_is_asked_for_is_the_nearest_one(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.json").write_text('{"a": 0.12345678901234567890123, "b": 0.12345678901234567890123}\n')
    given = {"a": "double", "b": "float"}
    assert (
        rows(bench_of(lake, format="json", options={"types": given}), at("t"))[0][0] == "0.12345678901234568"
    )
    with pytest.raises(ValueLost, match=r"column b: .*more digits"):
        bench_of(lake, format="json", options={"types": {"a": "double"}}).describe(at("t"))


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_rows_that_were_counted_are_told(lake: Folder, bench_of: Make, format_: str) -> None:
    write(lake.root / f"t.{format_}", "SELECT i FROM range(30) t(i)")
    assert bench_of(lake, format=format_).describe(at("t")).rows == 30


@pytest.mark.parametrize(
    "text", ['{"id": 1, "ID": 2}', '{"id": 1}\n{"Id": 2}', '{"id": 1, "Id_1": 3}\n{"Id": 2}']
)
def test_json_keys_that_differ_in_letter_case_are_an_error(lake: Folder, bench_of: Make, text: str) -> None:
    (lake.root / "t.json").write_text(text + "\n")
    with pytest.raises(FileInDoubt, match=r"t\.json: the keys 'id' and 'I[dD]' differ in letter case alone"):
        bench_of(lake, format="json").describe(at("t"))
    assert rows(bench_of(lake, format="json", options={"columns": {"id": "BIGINT"}}), at("t"))[0] == ("1",)


def test_json_fields_that_differ_in_letter_case_are_an_error(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.json").write_text('{"o": {"a": 1, "A": 2}}\n')
    with pytest.raises(FileInDoubt, match=r"two keys of one object are 'A' but for their letter case"):
        bench_of(lake, format="json").describe(at("t"))
    as_json = bench_of(lake, format="json", options={"maximum_depth": 1})
    assert rows(as_json, at("t")) == [('{"a":1,"A":2}',)]


def test_a_json_key_that_looks_like_a_renamed_key_is_read(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.json").write_text('{"id": 1, "ID_1": 2, "id_2": 3}\n')
    assert rows(bench_of(lake, format="json"), at("t")) == [("1", "2", "3")]


def test_fields_of_parquet_files_go_by_name(lake: Folder, bench_of: Make) -> None:
    write(lake.root / "t" / "1.parquet", "SELECT {'a': 1, 'b': 2} AS s")
    write(lake.root / "t" / "2.parquet", "SELECT {'b': 4, 'a': 3} AS s")
    assert sorted(rows(bench_of(lake), at("t"))) == [("{'a': 1, 'b': 2}",), ("{'a': 3, 'b': 4}",)]


def test_json_without_objects_is_one_column(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.json").write_text('1\n"x"\n')
    assert rows(bench_of(lake, format="json"), at("t")) == [('"x"',), ("1",)]


def test_json_records_of_too_many_keys_are_maps_as_in_duckdb(lake: Folder, bench_of: Make) -> None:
    bench = bench_of(lake, format="json")
    (lake.root / "t.json").write_text("".join(f'{{"k{n}": {n}, "j{n}": 0}}\n' for n in range(200)) + "{}\n")
    assert {("{k7=7, j7=0}",), ("{}",)} < set(rows(bench, at("t")))
    (lake.root / "u.json").write_text("".join(f'{{"json": {{"k{n}": {n}}}}}\n' for n in range(200)))
    assert ("{k7=7}",) in rows(bench, at("u"))


def test_files_with_other_delimiters_are_one_table(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t").mkdir()
    (lake.root / "t" / "1.csv").write_text("a,b\n1,x\n")
    (lake.root / "t" / "2.csv").write_text("b;a\ny;2\n")
    (lake.root / "t" / "3.tsv").write_text("a\tb\n3\tz\n")
    assert rows(bench_of(lake, format="csv"), at("t")) == [("1", "x"), ("2", "y"), ("3", "z")]


def test_a_filter_does_not_hide_a_value_that_does_not_fit(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.csv").write_text("a,b\n" + "1,2\n" * 50 + "3,x\n")
    bench = bench_of(lake, format="csv", options={"sample_size": 10})
    table = bench.describe(at("t"))
    with pytest.raises(ValueLost, match=r"line 52, column b: 'x' is no BIGINT"):
        bench.read(bench.extraction(table, where=['"a" = 1']))
    assert len(bench.rows(bench.read(bench.extraction(table, ["a"], where=['"a" = 1']))[0])) == 50


def test_names_of_folders_keep_their_zeros(lake: Folder, bench_of: Make) -> None:
    for code in ("007", "8"):
        (lake.root / "t" / f"code={code}" / "day=2024-01-01").mkdir(parents=True)
        (lake.root / "t" / f"code={code}" / "day=2024-01-01" / "x.csv").write_text("a\n1\n")
    bench = bench_of(lake, format="csv")
    assert [column.native for column in bench.describe(at("t")).columns] == ["BIGINT", "VARCHAR", "DATE"]
    assert rows(bench, at("t")) == [("1", "007", "2024-01-01"), ("1", "8", "2024-01-01")]


def test_folders_with_other_partitions_are_an_error(lake: Folder, bench_of: Make) -> None:
    write(lake.root / "t" / "y=2024" / "1.parquet", "SELECT 1 AS a")
    write(lake.root / "t" / "2.parquet", "SELECT 2 AS a")
    with pytest.raises(FileInDoubt, match=r"y=2024/1\.parquet: its folders give the columns y"):
        bench_of(lake).describe(at("t"))
    assert rows(bench_of(lake, options={"hive_partitioning": False}), at("t")) == [("1",), ("2",)]


def test_a_partition_may_begin_with_an_underscore(lake: Folder, bench_of: Make) -> None:
    write(lake.root / "t" / "_part=1" / "1.parquet", "SELECT 1 AS a")
    write(lake.root / "t" / "_old" / "1.parquet", "SELECT 2 AS a")
    assert rows(bench_of(lake), at("t")) == [("1", "1")]


def test_a_location_may_name_a_hidden_file(lake: Folder, bench_of: Make) -> None:
    write(lake.root / "_raw" / "1.parquet", "SELECT 1 AS a")
    write(lake.root / "_raw" / "_2.parquet", "SELECT 2 AS a")
    assert rows(bench_of(lake), at("x", "_raw/*.parquet")) == [("1",)]
    assert rows(bench_of(lake), at("x", "_raw/_2.parquet")) == [("2",)]


def test_nanoseconds_that_are_cut_are_a_loss(lake: Folder, bench_of: Make) -> None:
    zoned = pa.timestamp("ns", tz="UTC")
    pq.write_table(
        pa.table({"a": pa.array([1], zoned), "b": pa.array([1], pa.timestamp("ns"))}), lake.root / "t.parquet"
    )
    columns = bench_of(lake).describe(at("t")).columns
    assert [(column.name, bool(column.loses)) for column in columns] == [("a", True), ("b", False)]


def test_what_was_found_out_is_told(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.csv").write_text("a;b\n1;x\n")
    assert bench_of(lake, format="csv").describe(at("t")).reading == (
        "1 file of CSV: header in line 1, delimiter ';', quote \""
    )


def test_all_rows_decide_by_option(lake: Folder, bench_of: Make) -> None:
    (lake.root / "t.csv").write_text("a\n" + "1\n" * 25_000 + "x\n")
    assert (
        bench_of(lake, format="csv", options={"sample_size": -1}).describe(at("t")).columns[0].native
        == "VARCHAR"
    )
    assert bench_of(lake, format="csv").describe(at("t")).columns[0].native == "BIGINT"


def _csv_type(folder: Path) -> str:
    lines = "".join(f"{i},n\n" for i in range(30_000))
    (folder / "t.csv").write_text(f"id,s\n{lines}oops,n\n")
    return r"t\.csv, line 30002, column id: .*oops"


def _csv_columns(folder: Path) -> str:
    lines = "".join(f"{i},n\n" for i in range(30_000))
    (folder / "t.csv").write_text(f"id,s\n{lines}1,2,3\n")
    return r"t\.csv, line 30002: Expected Number of Columns: 2 Found: 3"


def _csv_bytes(folder: Path) -> str:
    (folder / "t.csv").write_bytes(b"a,b\n1,\xff\xfe\n")
    return r"t\.csv, line \d: .*utf-8"


def _json_value(folder: Path) -> str:
    (folder / "t.json").write_text('{"a": 1}\n' * 30_000 + '{"a": "oops"}\n')
    return r't\.json, line 30001, column a: .*"oops"'


def _json_text(folder: Path) -> str:
    (folder / "t.json").write_text('{"a": 1}\n{"a":\n')
    return r"t\.json, line \d: "


def _parquet_schemas(folder: Path) -> str:
    write(folder / "t" / "1.parquet", "SELECT 1 AS a")
    write(folder / "t" / "2.parquet", "SELECT 'x' AS a")
    return r"2\.parquet: column a is VARCHAR, and in .*1\.parquet it is INTEGER"


@pytest.mark.parametrize(
    "spoil",
    [_csv_type, _csv_columns, _csv_bytes, _json_value, _json_text, _parquet_schemas],
    ids=lambda function: function.__name__,
)
def test_what_cannot_be_read_names_file_and_line(
    lake: Folder, bench_of: Make, spoil: Callable[[Path], str]
) -> None:
    message = spoil(lake.root)
    format_ = spoil.__name__.split("_")[1]
    bench = bench_of(lake, format=format_)
    with pytest.raises((ValueLost, FileInDoubt), match=message):
        rows(bench, at("t"))
    assert not bench.staged()


@pytest.mark.parametrize("content", [b"x", b"hello" * 100])
def test_a_file_that_is_not_parquet_is_an_error(lake: Folder, bench_of: Make, content: bytes) -> None:
    (lake.root / "t.parquet").write_bytes(content)
    with pytest.raises(FileUnreadable, match=r"t\.parquet cannot be read"):
        bench_of(lake).describe(at("t"))


def test_a_missing_table_or_folder_is_named(lake: Folder, bench_of: Make) -> None:
    write(lake.root / "orders.parquet", "SELECT 1 AS i")
    bench = bench_of(lake)
    with pytest.raises(TableNotFound, match="did you mean 'orders'"):
        bench.describe(at("order"))
    with pytest.raises(TableNotFound, match=r"nope/\*\.csv(.|\n)+begin patterns"):
        bench.describe(at("x", "nope/*.csv"))
    (lake.root / "people.csv").write_text("id\n1\n")
    with pytest.raises(TableNotFound, match=r"people\.csv is there: set `format: csv` on the output"):
        bench.describe(at("people"))
    with pytest.raises(FileUnreadable, match="not a folder"):
        bench_of(replace(lake, root=lake.root / "nope")).describe(at("x"))
    (lake.root / "orders").mkdir()
    with pytest.raises(FileUnreadable, match="remove one"):
        bench.describe(at("orders"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"path": None}, "path is missing"),
        ({"path": "s3://bucket/x"}, "folder of this machine"),
        ({"format": "xls"}, "one of: csv, json, parquet"),
        ({"pasword": "x"}, "pasword"),
        ({"format": "csv", "options": {"ignore_errors": True}}, "ignore_errors"),
    ],
)
def test_wrong_keys_are_named(lake: Folder, bench_of: Make, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadOutput, match=message):
        bench_of(lake, **settings)


@pytest.mark.parametrize("location", ["s3://bucket/x.parquet", "read_parquet('x')"])
def test_a_location_that_is_not_a_path_is_refused(lake: Folder, bench_of: Make, location: str) -> None:
    with pytest.raises(BadOutput, match="not a path"):
        bench_of(lake).describe(at("x", location))


def test_a_file_that_changed_since_it_was_described_does_not_change_types(
    lake: Folder, bench_of: Make
) -> None:
    write(lake.root / "t.csv", "SELECT 1 AS i")
    bench = bench_of(lake, format="csv")
    query = bench.extraction(bench.describe(at("t")))
    write(lake.root / "t.csv", "SELECT 'x' AS i")
    with pytest.raises(ValueLost, match="column i"):
        bench.read(query)


def test_a_query_over_files_is_cancelled(lake: Folder, bench_of: Make) -> None:
    write(lake.root / "t.parquet", "SELECT i FROM range(5000000) t(i)")
    bench = bench_of(lake)
    table = bench.describe(at("t"))
    query = bench.extraction(
        table, where=['(SELECT count(*) FROM range(100000000000) r(j) WHERE hash(j) = "i") = 0']
    )
    reading = BackgroundCall(lambda: bench.read(query))
    under_way(bench)
    bench.connector.cancel()
    assert isinstance(reading.finish(), Cancelled)
    assert not bench.staged()


def test_a_column_that_went_away_is_named(lake: Folder, bench_of: Make) -> None:
    write(lake.root / "t.parquet", "SELECT 1 AS a, 2 AS b")
    bench = bench_of(lake)
    query = bench.extraction(bench.describe(at("t")))
    write(lake.root / "t.parquet", "SELECT 1 AS a")
    with pytest.raises(DvtError, match='"b"'):
        bench.read(query)
