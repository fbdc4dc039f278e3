"""Models over files: doubt stops the model, in words that say what to do, and the rest is exact."""

from __future__ import annotations

import gzip
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow


@pytest.fixture
def lake(duck_shop: Project) -> Project:
    """A project with an output of CSV files, and a model of each table of `tables`."""
    (duck_shop.root / "lake").mkdir()
    files = {"type": "files", "path": str(duck_shop.root / "lake"), "format": "csv"}
    duck_shop.outputs = {**duck_shop.outputs, "lake": files}
    duck_shop.write("profiles.yml", {"shop": {"target": duck_shop.target, "outputs": duck_shop.outputs}})
    return duck_shop


def tables(project: Project, **locations: str) -> None:
    """Declare tables of the lake by their locations, and write a model of each."""
    declared = [
        {"name": name, "config": {"external_location": location}} for name, location in locations.items()
    ]
    source = {"name": "lake", "config": {"connection": "lake"}, "tables": declared}
    project.write("models/lake.yml", {"version": 2, "sources": [source]})
    for name in locations:
        project.model(f"m_{name}", f"select * from {{{{ source('lake', '{name}') }}}}", materialized="table")


def parquet(project: Project, path: str, select: str) -> None:
    file = project.root / "lake" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"COPY ({select}) TO '{file}' (FORMAT parquet)")


def test_late_values_stop_the_model_or_are_exact(lake: Project) -> None:
    rows = "".join(f"{number},3,2\n" for number in range(20_600))
    lake.write("lake/sizes.csv", f"id,height,code\n{rows}20600,2.125,2\n")
    lake.write("lake/codes.csv", f"id,height,code\n{rows}20600,3,02\n")
    lake.write("lake/flags.jsonl", '{"flag": false}\n' * 20_600 + '{"flag": 0}\n')
    tables(lake, sizes="sizes.csv", codes="codes.csv", flags="flags.jsonl")
    assert not lake.dvt("run", "--select", "m_sizes", "m_codes", "m_flags")
    messages = lake.messages()
    assert "codes.csv, line 20602, column code: '02' is no BIGINT" in messages
    assert "flags.jsonl, line 20601, column flag: '0' is no BOOLEAN" in messages
    assert "types: { code: VARCHAR }" in messages
    assert lake.rows("house", "select height from m_sizes where id = 20600") == [(Decimal("2.125"),)]


def test_no_row_and_no_header_vanishes(lake: Project) -> None:
    lake.write("lake/grown.csv", "city,pop\n" + "Oslo,1\n" * 40 + "Rome,2,it\n" * 400)
    lake.write("lake/remarks.csv", "remark\nnone\nlate | damaged\n")
    tables(lake, grown="grown.csv", remarks="remarks.csv")
    assert not lake.dvt("run", "--select", "m_grown", "m_remarks")
    assert "grown.csv, line 42: Expected Number of Columns: 2 Found: 3" in lake.messages()
    assert lake.rows("house", "select remark from m_remarks order by 1") == [("late | damaged",), ("none",)]


def test_the_readers_own_sentence_is_shown_with_a_way_out(lake: Project) -> None:
    (lake.root / "lake" / "ends.csv").write_bytes(b"a,b\n1,2\r\n3,4\n")
    tables(lake, ends="ends.csv")
    assert not lake.dvt("run", "--select", "m_ends")
    assert "invalid state" in lake.messages()
    assert "`new_line`" in lake.messages()
    assert "`encoding`" in lake.messages()


def test_hidden_files_are_no_data(lake: Project) -> None:
    parquet(lake, "sums/a.parquet", "SELECT 1 AS n")
    for hidden in ("sums/._a.parquet", "sums/_SUCCESS.parquet", "sums/.tmp/b.parquet", "sums/_new/c.parquet"):
        parquet(lake, hidden, "SELECT 2 AS n")
    tables(lake, sums="sums/**/*.parquet")
    assert lake.dvt("run", "--select", "m_sums"), lake.messages()
    assert lake.rows("house", "select * from m_sums") == [(1,)]


def test_no_file_decides_for_the_others(lake: Project) -> None:
    parquet(lake, "temps/1.parquet", "SELECT 7::INTEGER AS t, DATE '2024-05-01' AS at")
    parquet(lake, "temps/2.parquet", "SELECT 7.25::DOUBLE AS t, TIMESTAMP '2024-05-02 06:30:00' AS at")
    parquet(lake, "trips/1.parquet", "SELECT 1 AS id")
    parquet(lake, "trips/2.parquet", "SELECT 2 AS id, 'x' AS mode")
    tables(lake, temps="temps/*.parquet", trips="trips/*.parquet")
    assert not lake.dvt("run", "--select", "m_temps", "m_trips")
    assert [float(t) for (t,) in lake.rows("house", "select t from m_temps order by t")] == [7.0, 7.25]
    messages = lake.messages()
    assert "trips/2.parquet: it has the column mode, which " in messages
    assert "trips/1.parquet has not" in messages
    assert "union_by_name: true" in messages


def test_explain_shows_how_files_are_read(lake: Project, capsys: Any) -> None:
    (lake.root / "lake" / "packed.csv.gz").write_bytes(gzip.compress(b"zip;n\n00501;1\n"))
    tables(lake, packed="packed.csv.gz")
    assert lake.dvt("explain", "--select", "m_packed")
    printed = capsys.readouterr().out
    assert "files: 1 file of CSV: header in line 1, delimiter ';', quote \"" in printed
    assert "columns: zip VARCHAR, n BIGINT" in printed


def test_explain_warns_as_a_run_of_files_that_are_read_at_different_moments(
    lake: Project, capsys: Any
) -> None:
    lake.write("lake/cities.csv", "city,pop\nOslo,1\n")
    lake.write("lake/remarks.csv", "city,remark\nOslo,none\n")
    tables(lake, cities="cities.csv", remarks="remarks.csv")
    source = "{{{{ source('lake', '{}') }}}}".format
    joined = f"select remark from {source('cities')} join {source('remarks')} using (city)"
    lake.model("joined", joined, materialized="table")
    warning = "tables of connection 'lake' are read at slightly different moments"
    for command in ("explain", "run"):
        assert lake.dvt(command, "--select", "joined")
        assert warning in capsys.readouterr().out
    assert lake.dvt("explain", "--select", "m_cities")
    assert "DVT020" not in capsys.readouterr().out
