"""Federated models over DuckDB and SQLite files: the right rows, read once, and nothing left behind."""

from __future__ import annotations

import importlib
import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import duckdb
import pytest

from dvt.core.errors import Cancelled, ColumnNotFound, DvtError, QueryFailed, TableNotFound
from dvt.drivers.duckdb import FILES
from dvt.testing.background import BackgroundCall
from tests.acceptance.federating import Workspace

pytestmark = pytest.mark.slow

CUSTOMERS = "CREATE TABLE customers AS SELECT i AS id, 'name ' || i AS name FROM range(1000) t(i)"
ORDERS = (
    "CREATE TABLE orders AS SELECT i AS id, i % 997 AS customer, (i * 1.37)::DECIMAL(12,2) AS amount,"
    " DATE '2024-01-01' + (i % 366)::INT AS day FROM range(50000) t(i)"
)
BY_NAME = (
    "SELECT c.name, count(*) AS n, sum(o.amount) AS total, max(o.day) AS last"
    " FROM {crm.customers} c JOIN {erp.orders} o ON o.customer = c.id"
    " WHERE o.day < DATE '2024-07-01' GROUP BY 1"
)
ENDLESS = "SELECT count(*) AS n FROM range(10000000) a(i), range(10000000) b(j) WHERE i + j < 0"


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.duckdb("crm", CUSTOMERS)
    workspace.duckdb("erp", ORDERS)
    workspace.duckdb("wh")
    yield workspace
    for output in workspace.outputs.values():
        if output["type"] == "duckdb":
            FILES.close(output["path"])


def leftovers(workspace, *targets):
    """Return what a run must not leave: staged files, records, stage tables."""
    return (
        workspace.staged(),
        workspace.records(),
        [table for name in targets for table in workspace.tables(name) if table.startswith("dvt_")],
    )


NO_LEFTOVERS = ([], [], [])


def test_a_join_over_two_databases_gives_the_rows_of_one(workspace):
    with duckdb.connect() as single:
        single.execute(CUSTOMERS)
        single.execute(ORDERS)
        expected = single.execute(
            BY_NAME.replace("{crm.customers}", "customers").replace("{erp.orders}", "orders")
            + " ORDER BY ALL"
        ).fetchall()
        [(expected_orders,)] = single.execute(
            "SELECT count(*) FROM orders WHERE day < '2024-07-01'"
        ).fetchall()
    with workspace.run() as run:
        outcome = run.model("by_name", BY_NAME, "wh")
        assert run.rows("wh", "by_name") == expected
    assert [(moved.what, moved.connection) for moved in outcome.moved if moved.what != "extract"] == [
        ("compute", "duckdb"),
        ("load", "wh"),
        ("publish", "wh"),
    ]
    assert sorted(run.reporter.extracted()) == ["crm", "erp"]
    totals = run.federator.totals
    assert (totals.extracted_rows, totals.loaded_rows) == (1000 + expected_orders, 997)
    assert totals.extracted_bytes > 0
    assert leftovers(workspace, "wh") == NO_LEFTOVERS


def test_a_source_in_sqlite_gives_the_rows_of_one_in_duckdb(workspace):
    path = workspace.root / "crm.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
        connection.executemany("INSERT INTO customers VALUES (?, ?)", [(i, f"name {i}") for i in range(1000)])
        connection.commit()
    with workspace.run() as run:
        run.model("from_duckdb", BY_NAME, "wh")
    workspace.outputs["crm"] = {"type": "sqlite", "path": str(path)}
    with workspace.run() as run:
        run.model("from_sqlite", BY_NAME, "wh")
        assert run.rows("wh", "from_sqlite") == run.rows("wh", "from_duckdb")
        assert len(run.rows("wh", "from_sqlite")) == 997


def test_eight_threads_extract_a_shared_table_once(workspace):
    with workspace.run() as run, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: run.model(f"m{number}", BY_NAME, "wh"), range(8)))
        assert sorted(run.reporter.extracted()) == ["crm", "erp"]
        assert len(run.reporter.extracted(reused=True)) == 14
        assert len({tuple(run.rows("wh", f"m{number}")) for number in range(8)}) == 1
    assert leftovers(workspace, "wh") == NO_LEFTOVERS


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_model_that_needs_less_reuses_the_runs_extraction(workspace, kind, monkeypatch):
    if kind == "sqlite":
        path = workspace.root / "crm.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
            rows = [(i, f"name {i}") for i in range(1000)]
            connection.executemany("INSERT INTO customers VALUES (?, ?)", rows)
            connection.commit()
        workspace.outputs["crm"] = {"type": "sqlite", "path": str(path)}
    sent = []
    connector = importlib.import_module(f"dvt.connectors.{kind}")
    extract = connector._DatabaseSnapshot.extract

    def record_and_extract(self, jobs, finished):
        sent.extend(job.query.shown for job in jobs)
        extract(self, jobs, finished)

    monkeypatch.setattr(connector._DatabaseSnapshot, "extract", record_and_extract)
    with workspace.run() as run:
        run.model("wide", "SELECT id, name FROM {crm.customers} WHERE id < 500", "wh")
        outcome = run.model("narrow", "SELECT name FROM {crm.customers} WHERE id < 500 AND id <> 7", "wh")
        assert len(sent) == 1
        assert [moved.reused for moved in outcome.moved if moved.what == "extract"] == [True]
        assert run.rows("wh", "narrow") == sorted((f"name {i}",) for i in range(500) if i != 7)
        run.model("more", "SELECT name FROM {crm.customers} WHERE id < 600", "wh")
        assert len(sent) == 2
        assert len(run.rows("wh", "more")) == 600
        run.federator.wrote("crm", workspace.ref("crm", "customers"))
        run.model("anew", "SELECT name FROM {crm.customers} WHERE id < 500", "wh")
        assert len(sent) == 3


def test_keep_staging_keeps_the_staged_files_of_a_run(workspace):
    with workspace.run(keep_staging=True) as run:
        run.model("by_name", BY_NAME, "wh")
    folders = {path.split("/")[1] for path in workspace.staged()}
    assert folders == {"crm", "erp", "_results"}
    assert {path.split("/")[0] for path in workspace.staged()} == {run.federator.run}
    assert workspace.records() == []
    with workspace.run():
        pass
    assert workspace.staged()


def test_an_error_names_node_and_file_and_leaves_nothing_behind(workspace):
    with workspace.run() as run:
        with pytest.raises(TableNotFound) as table:
            run.model("m", "SELECT * FROM {crm.nobody}", "wh")
        with pytest.raises(ColumnNotFound) as column:
            run.model("m", "SELECT c.nope FROM {crm.customers} c", "wh")
        assert run.reporter.extracted() == []
    assert {table.value.node, column.value.node} == {"m"}
    assert {table.value.file, column.value.file} == {"models/m.sql"}
    assert leftovers(workspace, "wh") == NO_LEFTOVERS


def test_a_failed_extraction_stops_the_others_of_its_node(workspace):
    workspace.duckdb("crm", f"CREATE VIEW endless AS {ENDLESS}")
    workspace.duckdb("erp", "CREATE VIEW broken AS SELECT error('on purpose') AS n FROM orders")
    started = time.monotonic()
    with workspace.run() as run:
        with pytest.raises(DvtError) as caught:
            run.model("m", "SELECT a.n, b.n AS b FROM {crm.endless} a, {erp.broken} b", "wh")
        assert not isinstance(caught.value, Cancelled)
        assert time.monotonic() - started < 60
        assert [file for file in workspace.staged() if not file.startswith("_leases/")] == []
    assert leftovers(workspace, "wh") == NO_LEFTOVERS


def test_cancel_stops_everything_and_nothing_begins_after_it(workspace):
    workspace.duckdb("crm", f"CREATE VIEW endless AS {ENDLESS}")
    errors: list[DvtError] = []
    with workspace.run() as run:

        def model(number):
            sql = (
                "SELECT n FROM {crm.endless}"
                if number % 2
                else f"SELECT id FROM {{crm.customers}} WHERE id < ({ENDLESS})"
            )
            with pytest.raises(Cancelled) as error:
                run.model(f"m{number}", sql, "wh")
            errors.append(error.value)

        threads = [threading.Thread(target=model, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        run.wait_for_query("crm")
        run.federator.cancel()
        for thread in threads:
            thread.join(60)
        assert not [thread for thread in threads if thread.is_alive()]
        with pytest.raises(Cancelled):
            run.model("late", BY_NAME, "wh")
        assert "erp" not in run.federator._resources.connections._used  # its tables are not even described
    assert len(errors) == 4
    assert leftovers(workspace, "wh") == NO_LEFTOVERS


def test_a_query_that_the_first_cancel_misses_is_cancelled_by_the_next(workspace, monkeypatch):
    from dvt.connectors.duckdb import DuckDBConnector

    workspace.duckdb("crm", f"CREATE VIEW endless AS {ENDLESS}")
    cancel = DuckDBConnector.cancel
    rounds = []

    def ignore_first_call(self):
        rounds.append(self)
        if len(rounds) > 1:
            cancel(self)

    monkeypatch.setattr(DuckDBConnector, "cancel", ignore_first_call)
    with workspace.run() as run:
        model = BackgroundCall(lambda: run.model("m", "SELECT n FROM {crm.endless}", "wh"))
        run.wait_for_query("crm")
        run.federator.cancel()
        model.join(60)
        was_cancelled = not model.is_alive()
        cancel(rounds[0])  # it ends the query where the second round does not come
        assert was_cancelled
        assert isinstance(model.finish(), Cancelled)
    assert len(rounds) > 1


def test_a_table_that_was_written_between_two_models_is_read_again(workspace):
    count = "SELECT count(*) AS n, max(name) AS m FROM {crm.customers}"
    with workspace.run() as run:
        run.model("before", count, "wh")
        workspace.query("crm", "UPDATE customers SET name = 'zzz' WHERE id = 5")
        run.model("unaware", count, "wh")  # another client wrote: the run still reads its snapshot
        run.federator.wrote("crm", workspace.ref("crm", "customers"))
        run.model("after", count, "wh")
        run.model("again", count, "wh")
        answers = [run.rows("wh", name)[0][1] for name in ("before", "unaware", "after", "again")]
    assert answers == ["name 999", "name 999", "zzz", "zzz"]
    assert run.reporter.extracted() == ["crm", "crm"]


def test_a_view_is_read_again_after_a_write_to_its_table(workspace):
    workspace.duckdb("crm", "CREATE VIEW shown AS SELECT max(name) AS m FROM customers")
    with workspace.run() as run:
        run.model("before", "SELECT m FROM {crm.shown}", "wh")
        workspace.query("crm", "UPDATE customers SET name = 'zzz' WHERE id = 5")
        run.federator.wrote("crm", workspace.ref("crm", "customers"))
        run.model("after", "SELECT m FROM {crm.shown}", "wh")
        assert [run.rows("wh", name) for name in ("before", "after")] == [[("name 999",)], [("zzz",)]]


def test_after_a_hook_every_table_of_its_output_is_read_again(workspace):
    count = "SELECT count(*) AS n FROM {crm.customers}"
    with workspace.run() as run:
        run.model("before", count, "wh")
        workspace.query("crm", "DELETE FROM customers WHERE id < 10")
        workspace.query("crm", "ALTER TABLE customers ADD COLUMN extra INT")
        run.federator.wrote("crm", None)
        run.model("after", "SELECT count(*) AS n, max(extra) AS e FROM {crm.customers}", "wh")
        assert [run.rows("wh", name) for name in ("before", "after")] == [[(1000,)], [(990, None)]]


def test_models_of_one_run_read_one_snapshot_of_changing_tables(workspace):
    workspace.duckdb("crm", "CREATE TABLE facts AS SELECT 1 AS v", "CREATE TABLE sums AS SELECT 1 AS v")
    with workspace.run() as run:
        run.model("first", "SELECT v FROM {crm.facts}", "wh")
        workspace.query("crm", "UPDATE facts SET v = 2")
        workspace.query("crm", "UPDATE sums SET v = 2")
        run.model("second", "SELECT f.v AS f, s.v AS s FROM {crm.facts} f, {crm.sums} s", "wh")
        assert run.rows("wh", "second") == [(1, 1)]


def test_a_model_reads_the_table_that_an_earlier_model_built(workspace):
    with workspace.run() as run:
        run.model("first", BY_NAME, "wh")
        run.model(
            "second", "SELECT count(*) AS n FROM {wh.first} o JOIN {crm.customers} c USING (name)", "crm"
        )
        assert run.rows("crm", "second") == [(997,)]


def test_subqueries_over_this_are_answered_before_the_extraction(workspace):
    workspace.duckdb("wh", "CREATE TABLE inc AS SELECT 100 AS id", "CREATE TABLE none (id INT)")
    new_rows = "SELECT id FROM {crm.customers} WHERE id > (SELECT coalesce(max(id), -1) FROM {this})"
    with workspace.run() as run:
        run.model("inc", new_rows, "wh")
        run.model("none", new_rows, "wh")
        assert len(run.rows("wh", "inc")) == 899
        assert len(run.rows("wh", "none")) == 1000
    extracted = [
        moved.rows
        for _, moved in run.reporter.movements
        if moved.what == "extract" and moved.connection == "crm"
    ]
    assert extracted == [899, 1000]


@pytest.mark.parametrize("failure", ["before", "after"])
def test_a_failed_publication_leaves_the_old_table_and_no_stage_table(workspace, failure):
    workspace.duckdb("wh", "CREATE TABLE m AS SELECT 'old' AS name")

    class FailingPublisher:
        def publish(self, load):
            if failure == "after":
                workspace.query("wh", f'DROP TABLE "{load.stage.identifier}"')
            raise QueryFailed("wh", "publishing", "on purpose")

    with workspace.run() as run:
        with pytest.raises(QueryFailed):
            run.model("m", "SELECT name FROM {crm.customers}", "wh", FailingPublisher())
        assert workspace.tables("wh") == ["m"]
    assert run.rows("wh", "m") == [("old",)]
    assert leftovers(workspace, "wh") == NO_LEFTOVERS


def test_a_random_dag_on_eight_threads_ends_with_the_right_counts(workspace):
    """Forty models read overlapping tables; some of the tables count as rewritten meanwhile."""
    workspace.duckdb(
        "crm", *(f"CREATE TABLE t{n} AS SELECT range AS v FROM range({100 + n})" for n in range(6))
    )
    rng = random.Random(3)
    with workspace.run() as run:

        def model(number):
            tables = rng.sample(range(6), 3)
            union = " UNION ALL ".join(f"SELECT v FROM {{crm.t{n}}}" for n in tables)
            run.model(f"m{number}", f"SELECT count(*) AS n FROM ({union}) u", "wh")
            if number % 5 == 0:
                run.federator.wrote("crm", workspace.ref("crm", f"t{number % 6}"))
            if number % 13 == 0:
                run.federator.wrote("crm", None)
            return run.rows("wh", f"m{number}")[0][0] == sum(100 + n for n in tables)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(model, range(40)))
    assert leftovers(workspace, "wh") == NO_LEFTOVERS
