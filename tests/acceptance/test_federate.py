"""What carries a plan out, with real databases: the right rows, read once, and nothing left behind."""

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
from tests.acceptance.federating import Place

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
def place(tmp_path):
    place = Place(tmp_path)
    place.duckdb("crm", CUSTOMERS)
    place.duckdb("erp", ORDERS)
    place.duckdb("wh")
    yield place
    for output in place.outputs.values():
        if output["type"] == "duckdb":
            FILES.close(output["path"])


def left_behind(place, *targets):
    """What a run must not leave: staged files, records, stage tables."""
    return (
        place.staged(),
        place.records(),
        [t for name in targets for t in place.tables(name) if t.startswith("dvt_")],
    )


NOTHING = ([], [], [])


def test_a_join_over_two_databases_gives_what_one_would(place):
    with duckdb.connect() as single:
        single.execute(CUSTOMERS)
        single.execute(ORDERS)
        expected = single.execute(
            BY_NAME.replace("{crm.customers}", "customers").replace("{erp.orders}", "orders")
            + " ORDER BY ALL"
        ).fetchall()
        [(needed,)] = single.execute("SELECT count(*) FROM orders WHERE day < '2024-07-01'").fetchall()
    with place.run() as run:
        outcome = run.model("by_name", BY_NAME, "wh")
        assert run.rows("wh", "by_name") == expected
    assert [(m.what, m.connection) for m in outcome.moved if m.what != "extract"] == [
        ("compute", "duckdb"),
        ("load", "wh"),
        ("publish", "wh"),
    ]
    assert sorted(run.seen.extracted()) == ["crm", "erp"]
    totals = run.federator.totals
    assert (totals.extracted_rows, totals.loaded_rows) == (1000 + needed, 997)
    assert totals.extracted_bytes > 0
    assert left_behind(place, "wh") == NOTHING


def test_a_sqlite_file_joins_a_duckdb_file(place):
    path = place.root / "crm.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
        connection.executemany("INSERT INTO customers VALUES (?, ?)", [(i, f"name {i}") for i in range(1000)])
        connection.commit()
    with place.run() as run:
        run.model("from_duckdb", BY_NAME, "wh")
    place.outputs["crm"] = {"type": "sqlite", "path": str(path)}
    with place.run() as run:
        run.model("from_sqlite", BY_NAME, "wh")
        assert run.rows("wh", "from_sqlite") == run.rows("wh", "from_duckdb")
        assert len(run.rows("wh", "from_sqlite")) == 997


def test_eight_threads_extract_a_shared_table_once(place):
    with place.run() as run, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: run.model(f"m{n}", BY_NAME, "wh"), range(8)))
        assert sorted(run.seen.extracted()) == ["crm", "erp"]
        assert len(run.seen.extracted(reused=True)) == 14
        assert len({tuple(run.rows("wh", f"m{n}")) for n in range(8)}) == 1
    assert left_behind(place, "wh") == NOTHING


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_model_that_asks_for_less_reads_what_the_run_has_extracted(place, kind, monkeypatch):
    if kind == "sqlite":
        path = place.root / "crm.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
            rows = [(i, f"name {i}") for i in range(1000)]
            connection.executemany("INSERT INTO customers VALUES (?, ?)", rows)
            connection.commit()
        place.outputs["crm"] = {"type": "sqlite", "path": str(path)}
    sent = []
    room = importlib.import_module(f"dvt.connectors.{kind}")
    extract = room._DatabaseSnapshot.extract

    def counting(self, jobs, finished):
        sent.extend(job.query.shown for job in jobs)
        extract(self, jobs, finished)

    monkeypatch.setattr(room._DatabaseSnapshot, "extract", counting)
    with place.run() as run:
        run.model("wide", "SELECT id, name FROM {crm.customers} WHERE id < 500", "wh")
        outcome = run.model("narrow", "SELECT name FROM {crm.customers} WHERE id < 500 AND id <> 7", "wh")
        assert len(sent) == 1
        assert [moved.reused for moved in outcome.moved if moved.what == "extract"] == [True]
        assert run.rows("wh", "narrow") == sorted((f"name {i}",) for i in range(500) if i != 7)
        run.model("more", "SELECT name FROM {crm.customers} WHERE id < 600", "wh")
        assert len(sent) == 2
        assert len(run.rows("wh", "more")) == 600
        run.federator.wrote("crm", place.ref("crm", "customers"))
        run.model("anew", "SELECT name FROM {crm.customers} WHERE id < 500", "wh")
        assert len(sent) == 3


def test_what_is_kept_can_be_looked_at(place):
    with place.run(keep_staging=True) as run:
        run.model("by_name", BY_NAME, "wh")
    folders = {path.split("/")[1] for path in place.staged()}
    assert folders == {"crm", "erp", "_results"}
    assert {path.split("/")[0] for path in place.staged()} == {run.federator.run}
    assert place.records() == []
    with place.run():
        pass
    assert place.staged()


def test_an_error_names_node_and_file_and_leaves_nothing(place):
    with place.run() as run:
        with pytest.raises(TableNotFound) as table:
            run.model("m", "SELECT * FROM {crm.nobody}", "wh")
        with pytest.raises(ColumnNotFound) as column:
            run.model("m", "SELECT c.nope FROM {crm.customers} c", "wh")
        assert run.seen.extracted() == []
    assert {table.value.node, column.value.node} == {"m"}
    assert {table.value.file, column.value.file} == {"models/m.sql"}
    assert left_behind(place, "wh") == NOTHING


def test_a_failed_extraction_stops_the_others_of_its_node(place):
    place.duckdb("crm", f"CREATE VIEW endless AS {ENDLESS}")
    place.duckdb("erp", "CREATE VIEW broken AS SELECT error('on purpose') AS n FROM orders")
    begun = time.monotonic()
    with place.run() as run:
        with pytest.raises(DvtError) as caught:
            run.model("m", "SELECT a.n, b.n AS b FROM {crm.endless} a, {erp.broken} b", "wh")
        assert not isinstance(caught.value, Cancelled)
        assert time.monotonic() - begun < 60
        assert place.staged() == []
    assert left_behind(place, "wh") == NOTHING


def test_cancel_stops_everything_and_nothing_begins_after_it(place):
    place.duckdb("crm", f"CREATE VIEW endless AS {ENDLESS}")
    caught: list[DvtError] = []
    with place.run() as run:

        def model(number):
            sql = (
                "SELECT n FROM {crm.endless}"
                if number % 2
                else f"SELECT id FROM {{crm.customers}} WHERE id < ({ENDLESS})"
            )
            with pytest.raises(Cancelled) as error:
                run.model(f"m{number}", sql, "wh")
            caught.append(error.value)

        threads = [threading.Thread(target=model, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        run.federator.cancel()
        for thread in threads:
            thread.join(60)
        assert not [thread for thread in threads if thread.is_alive()]
        with pytest.raises(Cancelled):
            run.model("late", BY_NAME, "wh")
        assert "erp" not in run.federator._resources.connections._used  # not even asked about its tables
    assert len(caught) == 4
    assert left_behind(place, "wh") == NOTHING


def test_a_query_sent_just_before_the_cancel_is_caught_by_the_next_round(place, monkeypatch):
    from dvt.connectors.duckdb import DuckDBConnector

    place.duckdb("crm", f"CREATE VIEW endless AS {ENDLESS}")
    stopping = DuckDBConnector.cancel
    rounds = []

    def deaf_at_first(self):
        rounds.append(self)
        if len(rounds) > 1:
            stopping(self)

    monkeypatch.setattr(DuckDBConnector, "cancel", deaf_at_first)
    with place.run() as run:
        threading.Timer(0.3, run.federator.cancel).start()
        with pytest.raises(Cancelled):
            run.model("m", "SELECT n FROM {crm.endless}", "wh")
    assert len(rounds) > 1


def test_a_table_that_was_written_between_two_models_is_read_again(place):
    count = "SELECT count(*) AS n, max(name) AS m FROM {crm.customers}"
    with place.run() as run:
        run.model("before", count, "wh")
        place.query("crm", "UPDATE customers SET name = 'zzz' WHERE id = 5")
        run.model("unaware", count, "wh")  # an outsider's write: the run reads one moment
        run.federator.wrote("crm", place.ref("crm", "customers"))
        run.model("after", count, "wh")
        run.model("again", count, "wh")
        answers = [run.rows("wh", name)[0][1] for name in ("before", "unaware", "after", "again")]
    assert answers == ["name 999", "name 999", "zzz", "zzz"]
    assert run.seen.extracted() == ["crm", "crm"]


def test_a_view_shows_what_was_written_below_it(place):
    place.duckdb("crm", "CREATE VIEW shown AS SELECT max(name) AS m FROM customers")
    with place.run() as run:
        run.model("before", "SELECT m FROM {crm.shown}", "wh")
        place.query("crm", "UPDATE customers SET name = 'zzz' WHERE id = 5")
        run.federator.wrote("crm", place.ref("crm", "customers"))
        run.model("after", "SELECT m FROM {crm.shown}", "wh")
        assert [run.rows("wh", name) for name in ("before", "after")] == [[("name 999",)], [("zzz",)]]


def test_after_a_hook_everything_of_its_output_is_read_anew(place):
    count = "SELECT count(*) AS n FROM {crm.customers}"
    with place.run() as run:
        run.model("before", count, "wh")
        place.query("crm", "DELETE FROM customers WHERE id < 10")
        place.query("crm", "ALTER TABLE customers ADD COLUMN extra INT")
        run.federator.wrote("crm", None)
        run.model("after", "SELECT count(*) AS n, max(extra) AS e FROM {crm.customers}", "wh")
        assert [run.rows("wh", name) for name in ("before", "after")] == [[(1000,)], [(990, None)]]


def test_models_of_one_run_agree_on_tables_that_others_change_meanwhile(place):
    place.duckdb("crm", "CREATE TABLE facts AS SELECT 1 AS v", "CREATE TABLE sums AS SELECT 1 AS v")
    with place.run() as run:
        run.model("first", "SELECT v FROM {crm.facts}", "wh")
        place.query("crm", "UPDATE facts SET v = 2")
        place.query("crm", "UPDATE sums SET v = 2")
        run.model("second", "SELECT f.v AS f, s.v AS s FROM {crm.facts} f, {crm.sums} s", "wh")
        assert run.rows("wh", "second") == [(1, 1)]


def test_a_model_reads_what_an_earlier_one_of_the_run_has_built(place):
    with place.run() as run:
        run.model("one", BY_NAME, "wh")
        run.model("two", "SELECT count(*) AS n FROM {wh.one} o JOIN {crm.customers} c USING (name)", "crm")
        assert run.rows("crm", "two") == [(997,)]


def test_values_over_this_are_asked_first(place):
    place.duckdb("wh", "CREATE TABLE inc AS SELECT 100 AS id", "CREATE TABLE none (id INT)")
    newer = "SELECT id FROM {crm.customers} WHERE id > (SELECT coalesce(max(id), -1) FROM {this})"
    with place.run() as run:
        run.model("inc", newer, "wh")
        run.model("none", newer, "wh")
        assert len(run.rows("wh", "inc")) == 899
        assert len(run.rows("wh", "none")) == 1000
    fetched = [m.rows for _, m in run.seen.moved_ if m.what == "extract" and m.connection == "crm"]
    assert fetched == [899, 1000]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_publication_that_fails_leaves_the_old_table_and_no_stage(place, when):
    place.duckdb("wh", "CREATE TABLE m AS SELECT 'old' AS name")

    class Failing:
        def publish(self, load):
            if when == "after":
                place.query("wh", f'DROP TABLE "{load.stage.identifier}"')
            raise QueryFailed("wh", "publishing", "on purpose")

    with place.run() as run:
        with pytest.raises(QueryFailed):
            run.model("m", "SELECT name FROM {crm.customers}", "wh", Failing())
        assert place.tables("wh") == ["m"]
    assert run.rows("wh", "m") == [("old",)]
    assert left_behind(place, "wh") == NOTHING


def test_a_random_dag_on_eight_threads_never_hangs(place):
    """Forty models over overlapping tables, some of which are rewritten on the way."""
    place.duckdb("crm", *(f"CREATE TABLE t{n} AS SELECT range AS v FROM range({100 + n})" for n in range(6)))
    chance = random.Random(3)
    with place.run() as run:

        def model(number):
            tables = chance.sample(range(6), 3)
            union = " UNION ALL ".join(f"SELECT v FROM {{crm.t{n}}}" for n in tables)
            run.model(f"m{number}", f"SELECT count(*) AS n FROM ({union}) u", "wh")
            if number % 5 == 0:
                run.federator.wrote("crm", place.ref("crm", f"t{number % 6}"))
            if number % 13 == 0:
                run.federator.wrote("crm", None)
            return run.rows("wh", f"m{number}")[0][0] == sum(100 + n for n in tables)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(model, range(40)))
    assert left_behind(place, "wh") == NOTHING
