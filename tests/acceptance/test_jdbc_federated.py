"""Models on databases that only JDBC reaches that read another database, by the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from dvt.testing.background import wait_until
from tests.acceptance.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.long]

EVERY = ["jdbc", "hsqldb", "derby"]
HOSTILE = """
CREATE TABLE customers AS SELECT * FROM (VALUES
  (1, 'it''s \\ "odd" 😀 {x} ; -- ' || chr(10), TRUE, DATE '1582-10-04', 1234567890123456789.12, 0.1::DOUBLE,
   TIMESTAMP '1969-12-31 23:59:59.999999'),
  (2, '', FALSE, DATE '0001-01-01', -0.01, 1e300, TIMESTAMP '2038-01-19 03:14:08'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, 'NULL', TRUE, DATE '9999-12-31', 0, -0.5, TIMESTAMP '2024-02-29 00:00:00')
) t(id, name, ok, born, total, ratio, seen)
"""
TABLES = ("THERE", "GROWN", "NATIVE", "BIG", "KEPT")


@pytest.fixture(params=EVERY)
def server(request: pytest.FixtureRequest, databases: Any) -> Any:
    """Return a database without the tables of earlier tests."""
    running = databases(request.param)
    for name in TABLES:
        for kind in ("view", "table"):
            running.try_execute(f'drop {kind} "FED"."{name}"')
    return running


@pytest.fixture
def project(server: Any, tmp_path: Path) -> Project:
    """Return a project that builds on the database, and on DuckDB."""
    crm = {"type": "duckdb", "path": str(tmp_path / "crm.duckdb")}
    with duckdb.connect(crm["path"]) as connection:
        connection.execute(HOSTILE)
    mart = {"type": "duckdb", "path": str(tmp_path / "mart.duckdb")}
    outputs = {"erp": server.settings(schema="fed"), "crm": crm, "mart": mart}
    project = Project(tmp_path / "project", outputs, "erp")
    project.source("crm", "crm", ["customers"], schema="main")
    return project


def _change(project: Project, statement: str) -> None:
    with duckdb.connect(project.outputs["crm"]["path"]) as crm:
        crm.execute(statement)


def _stage_tables(server: Any) -> list[str]:
    return [row[2] for row in server.session.tables(None, "FED", None) if row[2].startswith("dvt_2")]


def test_hostile_values_go_there_and_back(project: Project, server: Any):
    sql = "select * from {{ source('crm', 'customers') }}"
    project.model("there", sql, materialized="table", dialect="compute")
    project.model("native", "select id from {{ ref('there') }} where ok = true", materialized="view")
    project.model("back", "select * from {{ ref('there') }}", materialized="table", target="mart")
    for _ in range(2):  # the second run replaces the table
        project.dvt("run").ok()
    assert sorted(server.rows("select id from fed.native")) == [(1,), (4,)]
    with duckdb.connect(project.outputs["mart"]["path"]) as mart:
        mart.execute(f"ATTACH '{project.outputs['crm']['path']}' AS crm")
        both = "SELECT * FROM crm.main.customers EXCEPT SELECT * FROM back"
        assert mart.execute(both).fetchall() == []
        assert mart.execute("SELECT count(*) FROM back").fetchall() == [(4,)]
    assert _stage_tables(server) == []


def test_an_incremental_model_adds_what_is_new(project: Project, server: Any):
    sql = "select id, name from {{ source('crm', 'customers') }}"
    newer = "{% if is_incremental() %} where id > (select max(id) - 1 from {{ this }}) {% endif %}"
    project.model("grown", f"{sql} {newer}", materialized="incremental", unique_key="id", dialect="compute")
    project.dvt("run").ok()
    _change(project, "UPDATE customers SET name = 'changed' WHERE id IN (1, 4)")
    _change(project, "INSERT INTO customers (id, name) VALUES (5, 'a much longer text than any before it')")
    project.dvt("run").ok()
    rows = dict(server.rows("select id, name from fed.grown"))
    assert set(rows) == {1, 2, 3, 4, 5}
    assert rows[4] == "changed"
    assert rows[1] != "changed"
    assert rows[5].startswith("a much longer")


def test_a_killed_load_leaves_the_old_table_and_nothing_for_long(project: Project, server: Any):
    sql = "select id, name from {{ source('crm', 'customers') }}"
    project.model("big", sql, materialized="table", dialect="compute")
    project.dvt("run").ok()
    _change(project, "INSERT INTO customers (id, name) SELECT i, md5(i::VARCHAR) FROM range(5, 400000) r(i)")
    process = project.start("run")
    try:
        assert wait_until(lambda: bool(_stage_tables(server)), 120)
    finally:
        process.kill()
        process.communicate()
    assert server.rows("select count(*) from fed.big") == [(4,)]
    assert len(_stage_tables(server)) == 1
    project.dvt("run").ok()
    assert server.rows("select count(*) from fed.big") == [(399_999,)]
    assert _stage_tables(server) == []


def test_a_kept_table_gets_new_rows_under_its_view(project: Project, server: Any):
    sql = "select id, name from {{ source('crm', 'customers') }}"
    project.model("kept", sql, materialized="table", dialect="compute", publish="keep")
    project.model("native", "select id from {{ ref('kept') }}", materialized="view")
    project.dvt("run").ok()
    _change(project, "DELETE FROM customers WHERE id < 3")
    project.dvt("run", "--select", "kept").ok()
    assert sorted(server.rows("select id from fed.native")) == [(3,), (4,)]
