"""Bad input is one clear error with code, names and hint, without a traceback; targets stay as they were."""

from __future__ import annotations

import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.acceptance.project import CommandResult, Project

pytestmark = pytest.mark.slow

COMMAND_TIMEOUT = 120
"""Seconds that a command may take. Starting Python and parsing take 5, on a busy machine 40 and more;
a command that waits for something that does not come takes longer than 120."""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Return a project: customers in SQLite, orders in a DuckDB, and a DuckDB warehouse with an old mart."""
    crm = sqlite3.connect(tmp_path / "crm.sqlite")
    with crm:
        crm.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
        crm.execute("INSERT INTO customers VALUES (1, 'Ann'), (2, 'Bo')")
    crm.close()
    with duckdb.connect(str(tmp_path / "orders.duckdb")) as orders:
        orders.execute(
            "CREATE TABLE orders AS SELECT 1 AS id, 1 AS customer_id, 9.50::DECIMAL(9,2) AS amount"
        )
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as warehouse:
        warehouse.execute("CREATE TABLE mart AS SELECT 'old' AS was")
    project = Project(
        tmp_path,
        {
            "warehouse": {"type": "duckdb", "path": "warehouse.duckdb"},
            "orders": {"type": "duckdb", "path": "orders.duckdb"},
            "crm": {"type": "sqlite", "path": "crm.sqlite"},
        },
        default="warehouse",
    )
    project.source("crm", "crm", ["customers"], schema="main")
    project.source("sales", "orders", ["orders"], schema="main")
    project.model(
        "mart",
        "SELECT c.name, o.amount FROM {{ source('crm', 'customers') }} c "
        "JOIN {{ source('sales', 'orders') }} o ON o.customer_id = c.id",
        materialized="table",
        dialect="duckdb",
    )
    return project


def assert_fails(
    project: Project, *args: str, code: str, names: tuple[str, ...], hint: bool = True
) -> CommandResult:
    """Assert that a command fails in time, with this code and these names, and without a traceback."""
    started = time.monotonic()
    result = project.dvt(*(args or ("run",)), timeout=250)
    seconds = time.monotonic() - started
    assert result.code in {1, 2}, result.output
    assert "Traceback" not in result.output, result.output
    assert code in result.output, result.output
    for name in names:
        assert name in result.output, result.output
    assert not hint or "hint:" in result.output, result.output
    assert seconds < COMMAND_TIMEOUT, f"{seconds:.1f} s\n{result.output}"
    return result


def assert_mart_is_old(project: Project) -> None:
    """Assert that the target holds what it held before, and nothing else."""
    with duckdb.connect(str(project.root / "warehouse.duckdb"), read_only=True) as warehouse:
        tables = warehouse.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        assert tables == [("mart",)]
        assert warehouse.execute("FROM mart").fetchall() == [("old",)]


def test_the_unbroken_project_builds_its_mart(shop: Project) -> None:
    result = shop.dvt("run").ok()
    assert "\x1b[" not in result.output, "NO_COLOR is set"
    with duckdb.connect(str(shop.root / "warehouse.duckdb"), read_only=True) as warehouse:
        rows = warehouse.execute("SELECT name, amount::VARCHAR FROM mart").fetchall()
    assert rows == [("Ann", "9.50")]


def _unknown_connection(shop: Project) -> None:
    shop.source("crm", "crmm", ["customers"], schema="main")


def _no_connection(shop: Project) -> None:
    shop.file("models/source_more.yml", "sources: [{name: more, tables: [{name: t}]}]")


def _conflicting(shop: Project) -> None:
    shop.file(
        "models/source_more.yml",
        "sources: [{name: more, config: {connection: crm, meta: {connection: orders}}, tables: [{name: t}]}]",
    )


def _unknown_target(shop: Project) -> None:
    shop.model("lost", "SELECT 1 AS one", target="warehous")


def _source_only_target(shop: Project) -> None:
    shop.model("lost", "SELECT 1 AS one", target="crm")


def _unknown_compute(shop: Project) -> None:
    shop.model("lost", "SELECT 1 AS one", compute="big")


def _self_reference(shop: Project) -> None:
    shop.model("lost", "SELECT * FROM {{ this }} UNION ALL SELECT id FROM {{ source('crm', 'customers') }}")


def _broken_computes(shop: Project) -> None:
    shop.file(
        "computes.yml", "shop:\n  target: duckdb\n  computes:\n    duckdb: {type: duckdb, memry: 1GB}\n"
    )


def _unknown_dialect(shop: Project) -> None:
    shop.model("lost", "SELECT 1 AS one", dialect="klingon")


def _no_such_table(shop: Project) -> None:
    shop.source("crm", "crm", ["customers", "clients"], schema="main")
    shop.model("lost", "SELECT * FROM {{ source('crm', 'clients') }}", materialized="table")


def _no_such_column(shop: Project) -> None:
    shop.model("lost", "SELECT c.nmae FROM {{ source('crm', 'customers') }} c", materialized="table")


def _unparsable(shop: Project) -> None:
    sql = "SELECT FROM WHERE {{ source('crm', 'customers') }} ("
    shop.model("lost", sql, materialized="table", compute="duckdb")


def _names_clash(shop: Project) -> None:
    sql = "SELECT id AS one, name AS One FROM {{ source('crm', 'customers') }}"
    shop.model("lost", sql, materialized="table", dialect="duckdb", compute="duckdb")


def _no_adapter(shop: Project) -> None:
    text = (shop.root / "profiles.yml").read_text()
    shop.file("profiles.yml", text + "    cloud: {type: databricks, host: a, schema: u}\n")
    shop.model("lost", "SELECT 1 AS one", target="cloud")


def _no_file(shop: Project) -> None:
    (shop.root / "crm.sqlite").unlink()


@pytest.mark.parametrize(
    ("break_project", "code", "names"),
    [
        (_unknown_connection, "DVT110", ("crmm", "did you mean 'crm'", "source_crm.yml")),
        (_no_connection, "DVT102", ("more", "source_more.yml", "warehouse")),
        (_conflicting, "DVT103", ("more", "crm", "orders")),
        (_unknown_target, "DVT116", ("lost", "lost.sql", "did you mean 'warehouse'")),
        (_source_only_target, "DVT117", ("lost", "crm", "orders, warehouse")),
        (_unknown_compute, "DVT101", ("lost", "big", "duckdb")),
        (_self_reference, "DVT106", ("lost", "lost.sql", "incremental")),
        (_broken_computes, "DVT100", ("computes.yml", "line 4", "memry")),
        (_unknown_dialect, "DVT118", ("lost", "klingon", "duckdb")),
        (_no_such_table, "DVT120", ("lost", "clients", "crm")),
        (_no_such_column, "DVT121", ("lost", "nmae", "did you mean 'name'")),
        (_unparsable, "DVT122", ("lost", "lost.sql", "line")),
        (_names_clash, "DVT124", ("lost", "one", "One")),
        (_no_adapter, "DVT115", ("databricks", "pip install 'dvt-engine[databricks]'")),
        (_no_file, "DVT138", ("crm", "crm.sqlite")),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_a_broken_project_is_one_clear_error_and_its_target_stays(
    shop: Project, break_project: Callable[[Project], None], code: str, names: tuple[str, ...]
) -> None:
    break_project(shop)
    select = ("--select", "lost") if (shop.root / "models" / "lost.sql").exists() else ()
    assert_fails(shop, "run", *select, code=code, names=names)
    assert_mart_is_old(shop)


def test_the_error_of_a_snapshot_that_names_an_engine_has_three_ways_out(shop: Project) -> None:
    shop.file(
        "snapshots/people.sql",
        "{% snapshot people %}{{ config(unique_key='id', strategy='check', check_cols='all', "
        "target_schema='main') }} SELECT * FROM {{ source('crm', 'customers') }}{% endsnapshot %}",
    )
    assert_fails(
        shop, "snapshot", "--compute", "duckdb", code="DVT104", names=("people", "(1)", "(2)", "(3)")
    )
    assert_mart_is_old(shop)


def test_the_error_of_a_test_that_may_not_be_federated_names_both_outputs(shop: Project) -> None:
    shop.file(
        "tests/both.sql",
        "{{ config(federate=false) }} "
        "SELECT 1 FROM {{ source('crm', 'customers') }} c, {{ source('sales', 'orders') }} o WHERE false",
    )
    assert_fails(shop, "test", code="DVT105", names=("both", "customers on crm", "orders on orders"))


def test_an_ephemeral_that_needs_federation_must_name_its_target(shop: Project) -> None:
    shop.model(
        "joined",
        "SELECT c.id FROM {{ source('crm', 'customers') }} c "
        "JOIN {{ source('sales', 'orders') }} o USING (id)",
        materialized="ephemeral",
    )
    shop.model("lost", "SELECT * FROM {{ ref('joined') }}", materialized="table")
    assert_fails(shop, "run", "--select", "lost", code="DVT111", names=("joined", "target='NAME'"))


def test_a_changed_type_is_refused_where_the_table_is_kept(shop: Project) -> None:
    head = {"materialized": "table", "publish": "keep", "dialect": "duckdb"}
    shop.model("kept", "SELECT id, name FROM {{ source('crm', 'customers') }}", **head)
    shop.dvt("run", "--select", "kept").ok()
    shop.model("kept", "SELECT name AS id, name FROM {{ source('crm', 'customers') }}", **head)
    assert_fails(shop, "run", "--select", "kept", code="DVT107", names=("kept", "id", "--full-refresh"))
    shop.dvt("run", "--select", "kept", "--full-refresh").ok()


def test_a_lost_column_is_refused_in_an_incremental_model(shop: Project) -> None:
    head = {"materialized": "incremental", "dialect": "duckdb"}
    shop.model("grown", "SELECT id, name FROM {{ source('crm', 'customers') }}", **head)
    shop.dvt("run", "--select", "grown").ok()
    shop.model("grown", "SELECT id FROM {{ source('crm', 'customers') }}", **head)
    assert_fails(shop, "run", "--select", "grown", code="DVT107", names=("grown", "name"))
    shop.dvt("run", "--select", "grown", "--full-refresh").ok()


def test_the_error_of_a_locked_file_names_the_locking_process(shop: Project) -> None:
    script = (
        "import duckdb, sys; c = duckdb.connect('orders.duckdb'); print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=shop.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        assert_fails(shop, code="DVT136", names=("orders.duckdb", str(holder.pid)))
    finally:
        holder.kill()
        holder.communicate()
    assert_mart_is_old(shop)


def test_the_error_of_a_newer_duckdbs_file_names_the_file(shop: Project) -> None:
    path = shop.root / "orders.duckdb"
    content = bytearray(path.read_bytes())
    # The file begins with a checksum of 8 bytes, "DUCK", and the storage version, which is 999 in DuckDB 2.0.
    assert content[8:12] == b"DUCK"
    content[12:20] = (999).to_bytes(8, "little")
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", content[8:4096]):
        checksum ^= word * 0xBF58476D1CE4E5B9 % 2**64
    content[:8] = checksum.to_bytes(8, "little")
    path.write_bytes(content)
    assert_fails(shop, code="DVT137", names=("orders.duckdb",))
    assert_mart_is_old(shop)


def test_an_unneeded_output_is_never_connected_to(shop: Project) -> None:
    text = (shop.root / "profiles.yml").read_text()
    output = "    gone: {type: postgres, host: 127.0.0.1, port: 1, user: u, pass: p, dbname: d, schema: s}\n"
    shop.file("profiles.yml", text + output)
    shop.model("elsewhere", "SELECT 1 AS one", target="gone")
    shop.dvt("run", "--select", "mart").ok()
