"""Two PostgreSQL outputs with other credentials beside DuckDB files, with either as the default."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_bridge.federated.project import Project

pytestmark = pytest.mark.slow

OTHER = {"user": "second", "pass": "0ther-s3cret", "dbname": "second", "schema": "public"}


@pytest.fixture
def server(postgres: Any) -> Any:
    """Return the server, with a second database that belongs to a second user."""
    roles = postgres.execute("select 1 from pg_roles where rolname = 'second'")
    if not roles:
        postgres.execute(f"create role second login password '{OTHER['pass']}'")
        postgres.execute("create database second owner second template template0")
    with closing(postgres.owner("second")) as connection, connection.cursor() as cursor:
        cursor.execute("drop schema public cascade; create schema public authorization second")
    return postgres


@pytest.fixture(params=["pg", "house"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, server: Any) -> Iterator[Project]:
    outputs = {
        "pg": server.settings(schema="native"),
        "pg2": server.settings(**OTHER),
        "house": {"type": "duckdb", "path": "house.duckdb", "schema": "main"},
        "barn": {"type": "duckdb", "path": "barn.duckdb", "schema": "main"},
    }
    project = Project(tmp_path, outputs, request.param)
    project.write("models/sources.yml", {"version": 2})
    yield project
    server.execute("drop schema if exists native cascade")
    project.forget()


def test_every_materialization_is_built_on_every_output_whatever_the_default(shop: Project) -> None:
    shop.write("seeds/s.csv", "id,name\n1,Ada\n2,Bo\n")
    seeds = {"seeds": {"shop": {"+target": "pg2"}}}
    shop.write("dbt_project.yml", {"name": "shop", "profile": "shop", **seeds})
    names = []
    for output in ("pg", "pg2", "house", "barn"):
        base, rest = f"base_{output}", {"target": output}
        shop.model(
            base, "select 1 as id, '{{ target.user or target.name }}' as who, 1.5::numeric(9,2) as x", **rest
        )
        table = {
            "materialized": "table",
            "post_hook": "create table {{ this.schema }}.{{ this.name }}_hooked as select 1 as one",
        }
        if output.startswith("pg"):
            table["indexes"] = [{"columns": ["id"]}]
        shop.model(f"table_{output}", f"select * from {{{{ ref('{base}') }}}}", **rest, **table)
        incremental = {
            "materialized": "incremental",
            "unique_key": "id",
            "incremental_strategy": "delete+insert",
        }
        shop.model(f"inc_{output}", f"select * from {{{{ ref('{base}') }}}}", **rest, **incremental)
        names += [base, f"table_{output}", f"inc_{output}"]
        snapshot = {"unique_key": "id", "strategy": "check", "check_cols": "all", **rest}
        content = [{"name": f"snap_{output}", "relation": f"ref('{base}')", "config": snapshot}]
        shop.write(f"snapshots/{output}.yml", {"snapshots": content})
    tests = [{"name": name, "columns": [{"name": "id", "data_tests": ["unique"]}]} for name in names]
    shop.write("models/tests.yml", {"models": tests})
    assert shop.dvt("build", "--threads", "4"), shop.messages()
    for output in ("pg", "pg2", "house", "barn"):
        shop.run_sql(output, f"drop table {shop.outputs[output]['schema']}.table_{output}_hooked")
    assert shop.dvt("run", "--threads", "4"), shop.messages()
    for output, settings in shop.outputs.items():
        schema = settings["schema"]
        users = shop.rows(output, f"select who from {schema}.inc_{output}")
        assert users == [(settings.get("user", output),)]
        assert len(shop.rows(output, f"select * from {schema}.snap_{output}")) == 1
    assert shop.rows("pg2", "select name from public.s order by id") == [("Ada",), ("Bo",)]


def test_a_catalog_holds_the_nodes_of_every_output(shop: Project) -> None:
    for output in ("pg", "pg2", "house"):
        shop.model(f"on_{output}", "select 1 as one", target=output, alias="same")
    assert shop.dvt("run"), shop.messages()
    assert shop.dvt("docs", "generate"), shop.messages()
    nodes = json.loads((shop.root / "target/catalog.json").read_text())["nodes"]
    assert {name: node["metadata"]["database"] for name, node in nodes.items()} == {
        "model.shop.on_pg": "shop",
        "model.shop.on_pg2": "second",
        "model.shop.on_house": "house",
    }


def test_a_refused_login_shows_no_password_and_fails_no_other_output(shop: Project) -> None:
    broken = {**shop.outputs["pg2"], "pass": "wr0ng-s3cret"}
    profile = {"target": shop.target, "outputs": {**shop.outputs, "pg2": broken}}
    shop.write("profiles.yml", {"shop": profile})
    shop.model("a", "select 1 as one", target="barn", materialized="table")
    shop.model("b", "select 1 as one", target="pg2")
    assert shop.dvt("run", "--select", "a"), shop.messages()
    assert not shop.dvt("run")
    logs = (shop.root / "logs/dbt.log").read_text() + shop.messages()
    assert "wr0ng-s3cret" not in logs
    assert "pl4nted" not in logs
