"""Federated models on real servers: snapshots, cancelling, loads, and stage tables left behind."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from dvt.core.errors import BadOutput, Cancelled, DvtError, QueryFailed, ValueLost
from dvt.core.names import TableRef
from dvt.drivers.duckdb import FILES
from dvt.testing.background import wait_until
from tests.acceptance.federating import Workspace
from tests.databases.postgres import PostgreSQL

pytestmark = pytest.mark.slow


class ServerWorkspace(Workspace):
    """A workspace with a PostgreSQL output `pg`, which can be a target too."""

    server: PostgreSQL

    def ref(self, connection: str, table: str) -> TableRef:
        if connection == "pg":
            return replace(self.server.table(table), connection="pg")
        if connection == "my":
            return TableRef(connection="my", schema=self.outputs["my"]["schema"], identifier=table)
        return super().ref(connection, table)


@pytest.fixture
def workspace(tmp_path, postgres):
    workspace = ServerWorkspace(tmp_path)
    workspace.server = postgres
    workspace.outputs["pg"] = postgres.settings()
    workspace.duckdb("wh")
    postgres.execute(
        *(f"DROP TABLE IF EXISTS {table} CASCADE" for table in ("facts", "sums", "back")),
        *(f"DROP TABLE IF EXISTS m{number}" for number in range(16)),
        "CREATE TABLE facts AS SELECT i AS id, i % 100 AS g, (i * 1.25)::numeric(12,2) AS amount"
        " FROM generate_series(1, 20000) i",
        "CREATE TABLE sums AS SELECT 1 AS v",
    )
    yield workspace
    FILES.close()


def stage_tables(server):
    """Return the stage tables of runs; other tests' stage tables have other names."""
    return server.execute("SELECT relname FROM pg_class WHERE relname ~ '^dvt_[a-z0-9]{18}_[0-9a-f]{16}$'")


class PostgresPublisher:
    """A Publisher that renames in a transaction, as dbt's macros do on PostgreSQL."""

    def __init__(self, workspace, name):
        self.server, self.name = workspace.server, name

    def publish(self, load):
        with closing(self.server.owner()) as connection, connection.cursor() as cursor:
            connection.autocommit = False
            cursor.execute(f'DROP TABLE IF EXISTS shop."{self.name}"')
            cursor.execute(f'ALTER TABLE shop."{load.stage.identifier}" RENAME TO "{self.name}"')
            connection.commit()
        return -1


TOTALS = "SELECT g, count(*) AS n, sum(amount) AS total FROM {pg.facts} WHERE id > 100 GROUP BY g"


def test_rows_are_unchanged_after_the_way_out_of_postgres_and_back(workspace):
    with workspace.run() as run:
        run.model("out", TOTALS, "wh")
        run.model(
            "back", "SELECT o.g, o.total, o.n FROM {wh.out} o", "pg", PostgresPublisher(workspace, "back")
        )
    expected = workspace.server.execute(
        "SELECT g, sum(amount), count(*) FROM facts WHERE id > 100 GROUP BY g ORDER BY g"
    )
    assert workspace.server.execute("SELECT g, total, n FROM back ORDER BY g") == expected
    assert stage_tables(workspace.server) == []


def test_negations_keep_their_meaning_whatever_the_servers_sql_mode(workspace, databases):
    """With HIGH_NOT_PRECEDENCE, as on the tests' MariaDB, NOT a IS NULL is parsed as (NOT a) IS NULL."""
    mariadb = databases("mariadb")
    workspace.outputs["my"] = mariadb.settings()
    assert "HIGH_NOT_PRECEDENCE" in mariadb.execute("SELECT @@GLOBAL.sql_mode")[0][0]
    mariadb.execute("DROP TABLE IF EXISTS negated", "CREATE TABLE negated (n INTEGER)")
    mariadb.execute("INSERT INTO negated SELECT seq FROM seq_1_to_9", "INSERT INTO negated VALUES (NULL)")
    rows_of = {"n IS NOT NULL": 9, "NOT n IN (1, 2)": 7, "n NOT BETWEEN 2 AND 8": 2, "NOT n = 3": 8}
    with workspace.run() as run:
        for number, (condition, count) in enumerate(rows_of.items()):
            plan = run.model(f"m{number}", f"SELECT n FROM {{my.negated}} WHERE {condition}", "wh")
            assert len(run.rows("wh", f"m{number}")) == count, (condition, plan)


def test_a_model_joins_tables_of_three_kinds_of_database(workspace, databases):
    mariadb = databases("mariadb")
    workspace.outputs["my"] = mariadb.settings()
    schema = mariadb.settings()["schema"]
    mariadb.execute(
        *(f"DROP TABLE IF EXISTS {schema}.{table}" for table in ("groups_of", "rates")),
        f"CREATE TABLE {schema}.groups_of AS SELECT seq AS g, CONCAT('Größe ', seq) AS name FROM seq_0_to_99",
        f"CREATE TABLE {schema}.rates AS SELECT seq AS g, CAST(seq / 4 AS DECIMAL(8,2)) AS rate"
        " FROM seq_0_to_99",
    )
    workspace.duckdb("crm", "CREATE TABLE wanted AS SELECT i AS g FROM range(50, 60) t(i)")
    sql = (
        "SELECT n.name, sum(f.amount) * max(r.rate) AS worth FROM {pg.facts} f"
        " JOIN {my.groups_of} n USING (g)"
        " JOIN {my.rates} r USING (g) JOIN {crm.wanted} w USING (g) GROUP BY 1"
    )
    with workspace.run() as run:
        run.model("m0", sql, "pg", PostgresPublisher(workspace, "m0"))
        run.model("m1", sql, "wh")
        codes = {
            (notice.code, notice.message) for _, notice in run.reporter.notices if notice.code != "DVT025"
        }
        assert len(run.reporter.extracted()) == 4
        rows = run.rows("wh", "m1")
    expected = workspace.server.execute(
        "SELECT 'Größe ' || g, sum(amount) * (g / 4.0)::numeric(8,2) FROM facts"
        " WHERE g BETWEEN 50 AND 59 GROUP BY g ORDER BY 1"
    )
    assert [
        tuple(row) for row in workspace.server.execute("SELECT name, worth FROM m0 ORDER BY 1")
    ] == expected
    assert sorted(rows) == sorted(expected)
    assert codes == {("DVT020", "tables of connection 'my' are read at slightly different moments")}


def test_models_of_one_run_read_one_snapshot_and_their_own_writes(workspace):
    sums_sql = "SELECT sum(f.amount) AS a, max(s.v) AS v FROM {pg.facts} f, {pg.sums} s"
    with workspace.run() as run:
        run.model("first", "SELECT sum(amount) AS a FROM {pg.facts}", "wh")
        workspace.server.execute("UPDATE facts SET amount = 0", "UPDATE sums SET v = 2")
        run.model("second", sums_sql, "wh")
        run.federator.wrote("pg", workspace.ref("pg", "sums"))
        run.model("third", sums_sql, "wh")
        run.federator.wrote("pg", None)
        run.model("fourth", sums_sql, "wh")
        sums = [run.rows("wh", name)[0] for name in ("second", "third", "fourth")]
    assert [(amount > 0, v) for amount, v in sums] == [(True, 1), (True, 2), (False, 2)]


def test_a_model_that_fails_does_not_change_the_runs_snapshot(workspace):
    """A query that is sent again, because a wider query failed, reads the run's snapshot."""
    workspace.server.execute(
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd AS SELECT 1 AS id, 1 AS v, 'NaN'::numeric(5,2) AS n",
    )
    with workspace.run() as run:
        run.model("first", "SELECT max(v) AS v FROM {pg.sums}", "wh")
        with pytest.raises(ValueLost):
            run.model("wrong", "SELECT id, v, n FROM {pg.odd}", "wh")
        workspace.server.execute("UPDATE sums SET v = 2", "UPDATE odd SET v = 2")
        run.model("second", "SELECT o.v, s.v AS w FROM {pg.odd} o, {pg.sums} s", "wh")
        assert run.rows("wh", "second") == [(1, 1)]


def test_the_runs_snapshot_holds_no_lock_between_extractions(workspace):
    with workspace.run() as run:
        run.model("m", TOTALS, "wh")
        workspace.server.execute("SET lock_timeout = '20s'", "ALTER TABLE facts ADD COLUMN more INT")
        workspace.server.execute("SET lock_timeout = '20s'", "DROP TABLE facts")
        assert workspace.server.execute("SELECT to_regclass('facts')") == [(None,)]


def test_eight_models_at_once_stay_within_the_connections_limit(workspace):
    peak = [0]
    finished = threading.Event()

    def watch():
        while not finished.wait(0.02):
            peak[0] = max(peak[0], workspace.server.connections())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with workspace.run() as run, ThreadPoolExecutor(8) as pool:

        def model(number):
            run.federator.wrote("pg", workspace.ref("pg", "sums"))
            sql = f"SELECT f.g, {number} AS k, max(s.v) AS v FROM {{pg.facts}} f, {{pg.sums}} s GROUP BY f.g"
            run.model(f"m{number}", sql, "pg", PostgresPublisher(workspace, f"m{number}"))

        list(pool.map(model, range(16)))
    finished.set()
    watcher.join()
    assert 1 < peak[0] <= 4 + 1  # four, and one more that cancels
    assert workspace.server.execute("SELECT count(*) FROM m7") == [(100,)]
    assert stage_tables(workspace.server) == []


def test_max_connections_sets_the_limit_of_connections(workspace):
    workspace.outputs["pg"] = workspace.server.settings(max_connections=2)
    with workspace.run() as run:
        connector = run.federator._resources.connections["pg"].connector
        assert connector._server.limit == 2
        run.model("m", TOTALS, "pg", PostgresPublisher(workspace, "m0"))
    workspace.outputs["pg"] = workspace.server.settings(max_connections="many")
    with workspace.run() as run, pytest.raises(BadOutput, match="max_connections should be a whole number"):
        run.model("m", TOTALS, "wh")


def test_an_idle_snapshot_that_the_server_ended_is_opened_again(workspace):
    with workspace.run() as run:
        run.model("before", TOTALS, "wh")
        workspace.server.cut()
        run.model("after", "SELECT max(v) AS v FROM {pg.sums}", "wh")
        assert run.rows("wh", "after") == [(1,)]


def test_cancel_leaves_no_query_no_connection_and_no_stage_table(workspace):
    workspace.server.execute("CREATE VIEW slow_facts AS SELECT g FROM facts, (SELECT pg_sleep(200)) s")
    with workspace.run() as run:
        errors = []

        def model(name, sql):
            with pytest.raises(DvtError) as error:
                run.model(name, sql, "pg", PostgresPublisher(workspace, name))
            errors.append(error.value)

        threads = [
            threading.Thread(target=model, args=("a", "SELECT g FROM {pg.slow_facts}")),
            threading.Thread(target=model, args=("b", "SELECT i FROM range(3000000000) t(i), {pg.sums}")),
        ]
        for thread in threads:
            thread.start()
        assert wait_until(lambda: any("slow_facts" in sql for sql in workspace.server.running()))
        assert wait_until(lambda: run.reporter.extracted() == ["pg"] and run.is_computing())
        run.federator.cancel()
        for thread in threads:
            thread.join(60)
        assert not [thread for thread in threads if thread.is_alive()]
        assert [type(error) for error in errors] == [Cancelled, Cancelled]
        assert workspace.server.running() == []
    assert stage_tables(workspace.server) == []
    assert wait_until(lambda: workspace.server.connections() == 0)


def test_a_failed_publication_leaves_no_stage_table(workspace):
    class FailingPublisher:
        def publish(self, load):
            assert stage_tables(workspace.server) == [(load.stage.identifier,)]
            raise QueryFailed("pg", "publishing", "on purpose")

    with workspace.run() as run:
        with pytest.raises(QueryFailed):
            run.model("m", TOTALS, "pg", FailingPublisher())
        assert stage_tables(workspace.server) == []
    assert workspace.records() == []


def test_a_failed_extraction_stops_that_of_another_connection(workspace):
    workspace.server.execute("CREATE VIEW slow_facts AS SELECT g FROM facts, (SELECT pg_sleep(200)) s")
    workspace.duckdb("crm", "CREATE VIEW broken AS SELECT error('on purpose') AS n FROM range(3)")
    started = time.monotonic()
    with workspace.run() as run:
        with pytest.raises(DvtError) as caught:
            run.model("m", "SELECT g, n FROM {pg.slow_facts}, {crm.broken}", "wh")
        assert not isinstance(caught.value, Cancelled)
        assert time.monotonic() - started < 60
        assert workspace.server.running() == []
