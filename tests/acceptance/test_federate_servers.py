"""The same promises with real servers: moments, cancelling, loading, and what is left on them."""

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
from tests.acceptance.federating import Place
from tests.databases.postgres import PostgreSQL

pytestmark = pytest.mark.slow


class Server(Place):
    """A place with a PostgreSQL output `pg`, which can be a target too."""

    server: PostgreSQL

    def ref(self, connection: str, table: str) -> TableRef:
        if connection == "pg":
            return replace(self.server.table(table), connection="pg")
        if connection == "my":
            return TableRef(connection="my", schema=self.outputs["my"]["schema"], identifier=table)
        return super().ref(connection, table)


@pytest.fixture
def place(tmp_path, postgres):
    place = Server(tmp_path)
    place.server = postgres
    place.outputs["pg"] = postgres.settings()
    place.duckdb("wh")
    postgres.execute(
        *(f"DROP TABLE IF EXISTS {one} CASCADE" for one in ("facts", "sums", "back")),
        *(f"DROP TABLE IF EXISTS m{number}" for number in range(16)),
        "CREATE TABLE facts AS SELECT i AS id, i % 100 AS g, (i * 1.25)::numeric(12,2) AS amount"
        " FROM generate_series(1, 20000) i",
        "CREATE TABLE sums AS SELECT 1 AS v",
    )
    yield place
    FILES.close()


def stage_tables(server):
    """Those that runs make: other tests' stage tables have names of their own."""
    return server.execute("SELECT relname FROM pg_class WHERE relname ~ '^dvt_[a-z0-9]{10}_[0-9a-f]{16}$'")


class OnServer:
    """Publishes on PostgreSQL as dbt's macros do: in a transaction that renames."""

    def __init__(self, place, name):
        self.server, self.name = place.server, name

    def publish(self, load):
        with closing(self.server.owner()) as connection, connection.cursor() as cursor:
            connection.autocommit = False
            cursor.execute(f'DROP TABLE IF EXISTS shop."{self.name}"')
            cursor.execute(f'ALTER TABLE shop."{load.stage.identifier}" RENAME TO "{self.name}"')
            connection.commit()
        return -1


TOTALS = "SELECT g, count(*) AS n, sum(amount) AS total FROM {pg.facts} WHERE id > 100 GROUP BY g"


def test_out_of_postgres_and_into_it(place):
    with place.run() as run:
        run.model("out", TOTALS, "wh")
        run.model("back", "SELECT o.g, o.total, o.n FROM {wh.out} o", "pg", OnServer(place, "back"))
    expected = place.server.execute(
        "SELECT g, sum(amount), count(*) FROM facts WHERE id > 100 GROUP BY g ORDER BY g"
    )
    assert place.server.execute("SELECT g, total, n FROM back ORDER BY g") == expected
    assert stage_tables(place.server) == []


def test_negations_mean_the_same_whatever_a_server_is_set_to(place, databases):
    """The tests' MariaDB has HIGH_NOT_PRECEDENCE: NOT a IS NULL is (NOT a) IS NULL to its parser."""
    mariadb = databases("mariadb")
    place.outputs["my"] = mariadb.settings()
    assert "HIGH_NOT_PRECEDENCE" in mariadb.execute("SELECT @@GLOBAL.sql_mode")[0][0]
    mariadb.execute("DROP TABLE IF EXISTS negated", "CREATE TABLE negated (n INTEGER)")
    mariadb.execute("INSERT INTO negated SELECT seq FROM seq_1_to_9", "INSERT INTO negated VALUES (NULL)")
    kept = {"n IS NOT NULL": 9, "NOT n IN (1, 2)": 7, "n NOT BETWEEN 2 AND 8": 2, "NOT n = 3": 8}
    with place.run() as run:
        for number, (condition, count) in enumerate(kept.items()):
            plan = run.model(f"m{number}", f"SELECT n FROM {{my.negated}} WHERE {condition}", "wh")
            assert len(run.rows("wh", f"m{number}")) == count, (condition, plan)


def test_tables_of_three_kinds_of_database_meet(place, databases):
    mariadb = databases("mariadb")
    place.outputs["my"] = mariadb.settings()
    schema = mariadb.settings()["schema"]
    mariadb.execute(
        *(f"DROP TABLE IF EXISTS {schema}.{one}" for one in ("groups_of", "rates")),
        f"CREATE TABLE {schema}.groups_of AS SELECT seq AS g, CONCAT('Größe ', seq) AS name FROM seq_0_to_99",
        f"CREATE TABLE {schema}.rates AS SELECT seq AS g, CAST(seq / 4 AS DECIMAL(8,2)) AS rate"
        " FROM seq_0_to_99",
    )
    place.duckdb("crm", "CREATE TABLE wanted AS SELECT i AS g FROM range(50, 60) t(i)")
    sql = (
        "SELECT n.name, sum(f.amount) * max(r.rate) AS worth FROM {pg.facts} f"
        " JOIN {my.groups_of} n USING (g)"
        " JOIN {my.rates} r USING (g) JOIN {crm.wanted} w USING (g) GROUP BY 1"
    )
    with place.run() as run:
        run.model("m0", sql, "pg", OnServer(place, "m0"))
        run.model("m1", sql, "wh")
        codes = {(one.code, one.message) for _, one in run.seen.notices if one.code != "DVT025"}
        assert len(run.seen.extracted()) == 4
        here = run.rows("wh", "m1")
    expected = place.server.execute(
        "SELECT 'Größe ' || g, sum(amount) * (g / 4.0)::numeric(8,2) FROM facts"
        " WHERE g BETWEEN 50 AND 59 GROUP BY g ORDER BY 1"
    )
    assert [tuple(row) for row in place.server.execute("SELECT name, worth FROM m0 ORDER BY 1")] == expected
    assert sorted(here) == sorted(expected)
    assert codes == {("DVT020", "tables of connection 'my' are read at slightly different moments")}


def test_models_of_one_run_see_one_moment_and_their_own_writes(place):
    both = "SELECT sum(f.amount) AS a, max(s.v) AS v FROM {pg.facts} f, {pg.sums} s"
    with place.run() as run:
        run.model("first", "SELECT sum(amount) AS a FROM {pg.facts}", "wh")
        place.server.execute("UPDATE facts SET amount = 0", "UPDATE sums SET v = 2")
        run.model("second", both, "wh")
        run.federator.wrote("pg", place.ref("pg", "sums"))
        run.model("third", both, "wh")
        run.federator.wrote("pg", None)
        run.model("fourth", both, "wh")
        seen = [run.rows("wh", name)[0] for name in ("second", "third", "fourth")]
    assert [(a > 0, v) for a, v in seen] == [(True, 1), (True, 2), (False, 2)]


def test_a_model_that_fails_changes_no_moment_for_the_others(place):
    """A question that is asked again, since a wider one failed, is not of another moment than the rest."""
    place.server.execute(
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd AS SELECT 1 AS id, 1 AS v, 'NaN'::numeric(5,2) AS n",
    )
    with place.run() as run:
        run.model("first", "SELECT max(v) AS v FROM {pg.sums}", "wh")
        with pytest.raises(ValueLost):
            run.model("wrong", "SELECT id, v, n FROM {pg.odd}", "wh")
        place.server.execute("UPDATE sums SET v = 2", "UPDATE odd SET v = 2")
        run.model("second", "SELECT o.v, s.v AS w FROM {pg.odd} o, {pg.sums} s", "wh")
        assert run.rows("wh", "second") == [(1, 1)]


def test_the_runs_snapshot_blocks_nobody_between_extractions(place):
    with place.run() as run:
        run.model("m", TOTALS, "wh")
        place.server.execute("SET lock_timeout = '20s'", "ALTER TABLE facts ADD COLUMN more INT")
        place.server.execute("SET lock_timeout = '20s'", "DROP TABLE facts")
        assert place.server.execute("SELECT to_regclass('facts')") == [(None,)]


def test_eight_models_at_once_stay_within_the_connections_limit(place):
    most = [0]
    done = threading.Event()

    def watch():
        while not done.wait(0.02):
            most[0] = max(most[0], place.server.connections())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with place.run() as run, ThreadPoolExecutor(8) as pool:

        def model(number):
            run.federator.wrote("pg", place.ref("pg", "sums"))
            sql = f"SELECT f.g, {number} AS k, max(s.v) AS v FROM {{pg.facts}} f, {{pg.sums}} s GROUP BY f.g"
            run.model(f"m{number}", sql, "pg", OnServer(place, f"m{number}"))

        list(pool.map(model, range(16)))
    done.set()
    watcher.join()
    assert 1 < most[0] <= 4 + 1  # and one to cancel from the side
    assert place.server.execute("SELECT count(*) FROM m7") == [(100,)]
    assert stage_tables(place.server) == []


def test_max_connections_is_the_limit_when_it_is_said(place):
    place.outputs["pg"] = place.server.settings(max_connections=2)
    with place.run() as run:
        connector = run.federator._resources.connections["pg"].connector
        assert connector._server.limit == 2
        run.model("m", TOTALS, "pg", OnServer(place, "m0"))
    place.outputs["pg"] = place.server.settings(max_connections="many")
    with place.run() as run, pytest.raises(BadOutput, match="max_connections should be a whole number"):
        run.model("m", TOTALS, "wh")


def test_an_idle_snapshot_that_the_server_ended_is_begun_anew(place):
    with place.run() as run:
        run.model("before", TOTALS, "wh")
        place.server.cut()
        run.model("after", "SELECT max(v) AS v FROM {pg.sums}", "wh")
        assert run.rows("wh", "after") == [(1,)]


def test_cancel_leaves_nothing_running_and_nothing_made(place):
    place.server.execute("CREATE VIEW slow_facts AS SELECT g FROM facts, (SELECT pg_sleep(200)) s")
    with place.run() as run:
        caught = []

        def model(name, sql):
            with pytest.raises(DvtError) as error:
                run.model(name, sql, "pg", OnServer(place, name))
            caught.append(error.value)

        threads = [
            threading.Thread(target=model, args=("a", "SELECT g FROM {pg.slow_facts}")),
            threading.Thread(target=model, args=("b", "SELECT i FROM range(3000000000) t(i), {pg.sums}")),
        ]
        for thread in threads:
            thread.start()
        assert wait_until(lambda: any("slow_facts" in sql for sql in place.server.running()))
        time.sleep(1.5)
        run.federator.cancel()
        for thread in threads:
            thread.join(60)
        assert not [thread for thread in threads if thread.is_alive()]
        assert [type(error) for error in caught] == [Cancelled, Cancelled]
        assert place.server.running() == []
    assert stage_tables(place.server) == []
    assert place.server.connections() == 0


def test_a_publication_that_fails_leaves_no_stage_table(place):
    class Failing:
        def publish(self, load):
            assert stage_tables(place.server) == [(load.stage.identifier,)]
            raise QueryFailed("pg", "publishing", "on purpose")

    with place.run() as run:
        with pytest.raises(QueryFailed):
            run.model("m", TOTALS, "pg", Failing())
        assert stage_tables(place.server) == []
    assert place.records() == []


def test_a_failure_elsewhere_stops_an_extraction_here(place):
    place.server.execute("CREATE VIEW slow_facts AS SELECT g FROM facts, (SELECT pg_sleep(200)) s")
    place.duckdb("crm", "CREATE VIEW broken AS SELECT error('on purpose') AS n FROM range(3)")
    begun = time.monotonic()
    with place.run() as run:
        with pytest.raises(DvtError) as caught:
            run.model("m", "SELECT g, n FROM {pg.slow_facts}, {crm.broken}", "wh")
        assert not isinstance(caught.value, Cancelled)
        assert time.monotonic() - begun < 60
        assert place.server.running() == []
