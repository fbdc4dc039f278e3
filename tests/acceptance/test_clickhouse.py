"""Models on ClickHouse's engine that read another database, by the command and by dbt-clickhouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from dvt.testing.background import wait_until
from tests.acceptance.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.long]

ODD = 'it\'s \\ "odd" 😀\n'
JOIN = """
select c.id, c.name, c.seen, c.total, o.word
from {{ source('crm', 'customers') }} c join {{ source('lake', 'orders') }} o on o.n = c.id
"""


@pytest.fixture
def project(databases: Any, tmp_path: Path) -> Project:
    pytest.importorskip("dbt.adapters.clickhouse")
    server = databases("clickhouse")
    server.execute(
        *(f"drop table if exists shop.{name}" for name in ("joined", "grown", "orders")),
        "create table shop.orders (n Int64, word Nullable(String)) engine = MergeTree order by n",
        "insert into shop.orders values (1, 'first'), (2, null)",
    )
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as crm:
        crm.execute(
            "CREATE TABLE customers (id BIGINT, name VARCHAR, seen TIMESTAMP, total DECIMAL(9,2), day DATE)"
        )
        row = "INSERT INTO customers VALUES (?, ?, '2024-02-29 02:30:00.000001', ?, '2024-02-29')"
        crm.executemany(row, [(1, ODD, "1234567.89"), (2, None, None), (3, "", "-0.01")])
    outputs = {"lake": server.settings(), "crm": {"type": "duckdb", "path": str(tmp_path / "crm.duckdb")}}
    project = Project(tmp_path / "project", outputs, "lake")
    project.source("crm", "crm", ["customers"], schema="main")
    project.source("lake", "lake", ["orders"], schema="shop")
    return project


def _stage_tables(server: Any) -> list[str]:
    """Return those of runs, whose names begin with a date; other tests' benches have others."""
    names = "select name from system.tables where database = 'shop' and name like 'dvt\\\\_2%'"
    return [name for (name,) in server.texts(names)]


def _change(project: Project, statement: str) -> None:
    with duckdb.connect(project.outputs["crm"]["path"]) as crm:
        crm.execute(statement)


@pytest.mark.parametrize("place", ["target", "engine"])
def test_a_model_on_clickhouse_reads_another_database(project: Project, databases: Any, place: str) -> None:
    config = {"dialect": "duckdb"} if place == "engine" else {}
    project.model("joined", JOIN, materialized="table", **config)
    server = databases("clickhouse")
    for _ in range(2):  # the second run replaces the table
        project.dvt("run").ok()
    rows = server.texts(
        "select toString(id), name, toString(seen), toString(total), word from shop.joined order by id"
    )
    assert rows == [
        ("1", ODD, "2024-02-29 02:30:00.000001", "1234567.89", "first"),
        ("2", None, "2024-02-29 02:30:00.000001", None, None),
    ]
    assert _stage_tables(server) == []


def test_an_incremental_model_on_clickhouse_adds_what_is_new(project: Project, databases: Any) -> None:
    sql = "select id, name from {{ source('crm', 'customers') }}"
    newer = "{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}"
    project.model("grown", f"{sql} {newer}", materialized="incremental")
    project.dvt("run").ok()
    _change(project, "UPDATE customers SET name = 'changed' WHERE id = 1")
    _change(project, "INSERT INTO customers (id, name) VALUES (4, 'fourth')")
    project.dvt("run").ok()
    rows = databases("clickhouse").texts("select toString(id), name from shop.grown order by id")
    assert rows == [("1", ODD), ("2", None), ("3", ""), ("4", "fourth")]


def test_a_value_that_clickhouse_cannot_hold_is_named_and_the_old_table_stays(
    project: Project, databases: Any
) -> None:
    project.model("joined", "select id, day from {{ source('crm', 'customers') }}", materialized="table")
    project.dvt("run").ok()
    _change(project, "UPDATE customers SET day = '1582-10-10' WHERE id = 2")
    result = project.dvt("run")
    assert result.statuses() == {"joined": "error"}
    assert "DVT134" in result.output
    assert "1582-10-10" in result.output
    server = databases("clickhouse")
    assert server.texts("select toString(count()) from shop.joined") == [("3",)]
    assert _stage_tables(server) == []


def test_what_a_killed_load_leaves_is_dropped_by_the_next_run(project: Project, databases: Any) -> None:
    server = databases("clickhouse")
    _change(project, "INSERT INTO customers (id, name) SELECT i, md5(i::VARCHAR) FROM range(5, 300000) r(i)")
    project.model("joined", "select id, name from {{ source('crm', 'customers') }}", materialized="table")
    process = project.start("run")
    try:
        assert wait_until(lambda: bool(_stage_tables(server)), 120)
    finally:
        process.kill()
        process.communicate()
    assert len(_stage_tables(server)) == 1
    project.dvt("run").ok()
    assert server.texts("select toString(count()) from shop.joined") == [("299998",)]
    assert _stage_tables(server) == []
