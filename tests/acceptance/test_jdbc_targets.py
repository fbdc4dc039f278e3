"""Models on databases that only JDBC reaches, by the command."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from random import Random
from signal import SIGINT
from time import monotonic, sleep
from typing import Any

import pytest

from tests.acceptance.project import Project
from tests.databases.java_servers import PASSWORD

pytestmark = pytest.mark.slow

LONG = pytest.mark.long
EVERY = ["jdbc", pytest.param("hsqldb", marks=LONG), pytest.param("derby", marks=LONG)]
"""The databases: H2 by its name among the tests' databases."""
ORDERS = """\
id,customer,amount,ordered_on,paid
1,ann,10.5,2025-01-01,true
2,"it's; ""odd"" -- \\",0.25,2025-02-28,true
3,ann,,,false
"""
PAID = """
select id, customer, cast(amount as decimal(12, 2)) as amount, ordered_on
from {{ ref('orders') }}
where paid = true and id / {{ var('divisor', 1) }} > 0 -- a comment
"""
TOTALS = "select customer, sum(amount) as total from {{ ref('paid') }} group by customer"
GROWN = """
select id, amount from {{ ref('orders') }}
{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}
"""
TESTS = """
models:
  - name: paid
    columns:
      - name: id
        data_tests: [unique, not_null, {relationships: {arguments: {to: ref('orders'), field: id}}}]
      - name: customer
        data_tests: [{accepted_values: {arguments: {values: [ann]}, config: {severity: warn}}}]
"""


RENAMED_AWAY = {
    "jdbc": 'alter table "MARTS"."PAID" rename to "PAID__DBT_BACKUP"',
    "hsqldb": 'alter table "MARTS"."PAID" rename to "PAID__DBT_BACKUP"',
    "derby": 'rename table "MARTS"."PAID" to "PAID__DBT_BACKUP"',
}


def _project(server: Any, root: Path) -> Project:
    output = server.settings(schema="marts")
    project = Project(root, {"erp": output}, "erp")
    project.file("seeds/orders.csv", ORDERS)
    project.model("paid", PAID, materialized="table")
    project.model("totals", TOTALS, materialized="view")
    project.model("grown", GROWN, materialized="incremental")
    project.file("models/tests.yml", TESTS)
    return project


def _forget(server: Any) -> None:
    """Drop what an earlier test has built."""
    for kind, name in (("view", "TOTALS"), ("table", "PAID"), ("table", "GROWN"), ("table", "ORDERS")):
        server.try_execute(f'drop {kind} "MARTS"."{name}"')


@pytest.mark.parametrize("name", EVERY)
def test_models_are_built_and_stay_if_a_run_fails(databases: Any, tmp_path: Path, name: str):
    server = databases(name)
    _forget(server)
    project = _project(server, tmp_path / "shop")
    built = project.dvt("build").ok()
    assert {built.statuses()[node] for node in ("orders", "paid", "totals", "grown")} == {"success"}
    assert built.statuses()["unique_paid_id"] == "pass"
    assert "WARN=1" in built.output
    odd = 'it\'s; "odd" -- \\'
    paid = "select id, customer, amount, ordered_on from marts.paid order by id"
    rows = [(id_, customer, amount) for id_, customer, amount, _ in server.rows(paid)]
    assert rows == [(1, "ann", Decimal("10.50")), (2, odd, Decimal("0.25"))]
    assert str(server.rows(paid)[1][3]).startswith("2025-02-28")

    # As a run leaves it that is killed between the two renames.
    server.execute('drop view "MARTS"."TOTALS"', RENAMED_AWAY[name])
    project.file("seeds/orders.csv", ORDERS + "4,bob,7,2025-03-01,true\n")
    failed = project.dvt("build", "--exclude", "totals", "--vars", "divisor: 0")
    assert failed.statuses()["paid"] == "error"
    assert [row[0] for row in server.rows(paid)] == [1, 2]
    assert server.rows("select count(*) from marts.grown") == [(4,)]
    assert PASSWORD not in failed.output


@pytest.mark.long
@pytest.mark.parametrize("name", ["jdbc", "hsqldb", "derby"])
def test_a_table_is_replaced_under_a_view_of_another_run(databases: Any, tmp_path: Path, name: str):
    server = databases(name)
    _forget(server)
    project = _project(server, tmp_path / "shop")
    project.dvt("build").ok()
    project.model("paid", PAID.replace("12, 2", "14, 2"), materialized="table")
    project.dvt("run", "--select", "paid").ok()
    assert server.rows("select count(*) from marts.paid") == [(2,)]
    project.dvt("run", "--select", "totals").ok()
    assert len(server.rows("select customer, total from marts.totals")) == 2
    for changed, kind in (("view", "paid"), ("table", "totals"), ("view", "totals"), ("table", "paid")):
        project.model(kind, PAID if kind == "paid" else TOTALS, materialized=changed)
        project.dvt("run", "--select", "paid", "totals").ok()
        assert len(server.rows("select customer, total from marts.totals")) == 2


@pytest.mark.long
@pytest.mark.parametrize("name", ["jdbc", "hsqldb", "derby"])
def test_the_catalog_shows_columns_and_their_types(databases: Any, tmp_path: Path, name: str):
    server = databases(name)
    _forget(server)
    project = _project(server, tmp_path / "shop")
    project.dvt("build").ok()
    project.dvt("docs", "generate").ok()
    catalog = json.loads((project.root / "target" / "catalog.json").read_text())
    paid = catalog["nodes"]["model.shop.paid"]
    assert paid["metadata"]["schema"] == "MARTS"
    types = {column: facts["type"] for column, facts in paid["columns"].items()}
    assert types["ID"] == "BIGINT"
    assert types["AMOUNT"] in {"NUMERIC(12,2)", "DECIMAL(12,2)"}
    assert "VIEW" in catalog["nodes"]["model.shop.totals"]["metadata"]["type"]


@pytest.mark.long
@pytest.mark.parametrize("name", ["jdbc", "hsqldb"])
def test_a_snapshot_keeps_what_was(databases: Any, tmp_path: Path, name: str):
    server = databases(name)
    _forget(server)
    server.try_execute('drop table "MARTS"."KEPT"')
    project = _project(server, tmp_path / "shop")
    config = "config(unique_key='id', strategy='check', check_cols=['amount'], hard_deletes='invalidate')"
    sql = "select id, amount from {{ ref('orders') }}"
    project.file("snapshots/kept.sql", f"{{% snapshot kept %}}{{{{ {config} }}}} {sql} {{% endsnapshot %}}")
    project.dvt("seed").ok()
    project.dvt("snapshot").ok()
    lines = ORDERS.replace("0.25", "0.75").splitlines()[:3]
    project.file("seeds/orders.csv", "\n".join([*lines, "5,eve,1,,true"]) + "\n")
    project.dvt("seed").ok()
    project.dvt("snapshot").ok()
    kept = "select id, amount, case when dbt_valid_to is null then 1 else 0 end from marts.kept"
    assert sorted(server.rows(kept), key=str) == [
        (1, 10.5, 1),
        (2, 0.25, 0),
        (2, 0.75, 1),
        (3, None, 0),
        (5, 1.0, 1),
    ]


@pytest.mark.long
def test_what_derby_lacks_is_refused_with_a_way_out(databases: Any, tmp_path: Path):
    server = databases("derby")
    _forget(server)
    project = _project(server, tmp_path / "shop")
    project.model("inlined", "select id from {{ ref('orders') }}", materialized="ephemeral")
    project.model("reader", "select id from {{ ref('inlined') }}", materialized="table")
    snapshot = (
        "{{ config(unique_key='id', strategy='check', check_cols='all') }} select id from {{ ref('orders') }}"
    )
    project.file("snapshots/kept.sql", f"{{% snapshot kept %}}{snapshot}{{% endsnapshot %}}")
    project.model("granted", "select id from {{ ref('orders') }}", grants={"select": ["a"]})
    result = project.dvt("build", "--select", "orders", "reader", "kept", "granted")
    statuses = result.statuses()
    assert {statuses[name] for name in ("reader", "kept", "granted")} == {"error"}
    assert result.output.count("DVT277") >= 3
    assert "make an ephemeral model that is read a view, or a table" in result.output


@pytest.mark.long
@pytest.mark.parametrize("name", ["jdbc", "hsqldb", "derby"])
def test_a_contract_gives_the_types_and_refuses_rows(databases: Any, tmp_path: Path, name: str):
    server = databases(name)
    _forget(server)
    project = _project(server, tmp_path / "shop")
    contract = """
models:
  - name: paid
    config: {contract: {enforced: true}}
    columns:
      - {name: id, data_type: bigint, constraints: [{type: not_null}, {type: primary_key}]}
      - {name: customer, data_type: varchar(100)}
      - {name: amount, data_type: "decimal(14, 3)", constraints: [{type: check, expression: amount < 20}]}
      - {name: ordered_on, data_type: TYPE}
"""
    text = PAID.replace("customer,", "cast(customer as varchar(100)) as customer,")
    project.model("paid", text, materialized="table")
    project.file("models/tests.yml", contract.replace("TYPE", "date"))
    if name == "derby":
        assert "DVT277" in project.dvt("build").output
        contract = contract.replace(", constraints: [{type: check, expression: amount < 20}]", "")
        project.file("models/tests.yml", contract.replace("TYPE", "date"))
    project.dvt("build").ok()
    columns = {column.name: column for column in server.session.declared(None, "MARTS", "PAID")}
    assert columns["AMOUNT"].precision == 14
    project.file("seeds/orders.csv", ORDERS + "2,bob,27,2025-03-01,true\n")
    failed = project.dvt("build", "--select", "orders", "paid")
    assert failed.statuses()["paid"] == "error"
    assert server.rows("select count(*) from marts.paid") == [(2,)]
    project.file("models/tests.yml", contract.replace("TYPE", "timestamp"))
    assert "contract" in project.dvt("run", "--select", "paid").output


@pytest.mark.long
def test_a_killed_run_leaves_the_old_table_or_the_new_one(databases: Any, tmp_path: Path):
    server = databases("jdbc")
    server.try_execute("drop table marts.big cascade")
    project = Project(tmp_path / "shop", {"erp": server.settings(schema="marts")}, "erp")
    big = "select {{ var('version') }} as version, x from system_range(1, 400000)"
    project.model("big", big, materialized="table")
    project.dvt("run", "--vars", "version: 0").ok()
    random = Random(7)
    for version in range(1, 5):
        process = project.start("run", "--vars", f"version: {version}")
        sleep(random.uniform(1.5, 4.5))
        process.kill()
        process.communicate()
        project.dvt("run", "--vars", "version: 1 / 0")  # gives back what was renamed away, and fails
        rows = server.rows("select min(version), max(version), count(*) from marts.big")
        assert rows in ([(version - 1, version - 1, 400_000)], [(version, version, 400_000)])
        project.dvt("run", "--select", "big", "--vars", f"version: {version}").ok()
    left = [row[2] for row in server.session.tables(None, "MARTS", None) if "DBT" in row[2]]
    assert left == []


@pytest.mark.long
@pytest.mark.parametrize("name", ["jdbc", "hsqldb"])  # Derby's client cannot cancel
def test_ctrl_c_stops_the_statement(databases: Any, tmp_path: Path, name: str):
    server = databases(name)
    _forget(server)
    project = _project(server, tmp_path / "shop")
    project.dvt("seed").ok()
    project.model(
        "slow", f"select id, {server.sleeping(600)} as n from {{{{ ref('orders') }}}}", materialized="table"
    )
    process = project.start("run", "--select", "slow")
    sleep(12)
    began = monotonic()
    process.send_signal(SIGINT)
    result = project.finish(process, 60)
    assert monotonic() - began < 45
    assert result.code != 0


@pytest.mark.long
@pytest.mark.parametrize("name", ["jdbc", "hsqldb", "derby"])
def test_four_threads_build_side_by_side(databases: Any, tmp_path: Path, name: str):
    server = databases(name)
    server.try_execute('drop table "WIDE"."ORDERS"')
    project = Project(tmp_path / "shop", {"erp": server.settings(schema="wide", threads=4)}, "erp")
    project.file("seeds/orders.csv", ORDERS)
    for number in range(8):
        project.model(f"t{number}", "select id, amount from {{ ref('orders') }}", materialized="table")
        project.model(f"v{number}", f"select id from {{{{ ref('t{number}') }}}}", materialized="view")
        grown = f"select id from {{{{ ref('t{number}') }}}} where id > 0"
        project.model(f"i{number}", grown, materialized="incremental", unique_key="id")
    for _ in range(3):
        built = project.dvt("build").ok()
        assert set(built.statuses().values()) == {"success"}
    assert server.rows("select count(*) from wide.i7") == [(3,)]
