"""What tables of MySQL and MariaDB have that others have not; the server of the tests is a MariaDB."""

from __future__ import annotations

import re
import threading
import time
from contextlib import closing

import pymysql
import pytest
from sqlalchemy import make_url

from dvt.core.errors import RowsUnreachable
from dvt.core.retention import CleanupType, Result, RunStatus
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.tables import kind as kind_of_rows
from dvt.lifecycle.tables.database import Database
from tests.conformance.lifecycle.foreign_tables import (
    AIRFLOW,
    Tables,
    due,
    mariadb_tables,
    opened,
    told,
)
from tests.conformance.test_mysql import tls  # noqa: F401  a fixture
from tests.databases.mariadb import PASSWORD, USER
from tests.databases.mariadb import mariadb as mariadb_server

pytestmark = pytest.mark.slow

MANUAL = CleanupType.MANUAL
KEYS = {"table": "a", "time": "at"}
EVERYTHING = Wanted(patterns=("*",))


@pytest.fixture
def tables(mariadb_database) -> Tables:
    return mariadb_database


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("a (id INT PRIMARY KEY, at DATE) ENGINE=MyISAM", "a is a table of MyISAM, not InnoDB"),
        ("a (id INT PRIMARY KEY, at DATE) ENGINE=Aria", "a is a table of Aria, not InnoDB"),
        ("a (id INT PRIMARY KEY, at DATE) ENGINE=MEMORY", "a is a table of MEMORY, not InnoDB"),
        ("a (id INT PRIMARY KEY, at DATE) WITH SYSTEM VERSIONING", "a keeps its history"),
    ],
)
def test_tables_whose_deletions_cannot_be_undone_are_refused(tables, tmp_path, table, problem):
    tables.make(f"CREATE TABLE {table}")
    tables.execute("INSERT INTO a VALUES (1, '2020-01-01')")
    with opened(tmp_path / "shop", tables, {"mine": KEYS}, mine={"days": 30}) as system:
        plan = system.plan()
        assert due(plan) == []
        assert [found for found in plan.head.problems if problem in found], plan.head.problems
    tables.make("CREATE TABLE b (id INT PRIMARY KEY, at DATE)")
    tables.execute("INSERT INTO b VALUES (1, '2020-01-01')")
    keys = {**KEYS, "table": "b", "with": [{"table": "a", "by": {"id": "id"}}]}
    with opened(tmp_path / "shop", tables, {"mine": keys}, mine={"days": 30}) as system:
        assert [found for found in system.plan().head.problems if problem in found]


def test_a_cascade_deletes_nothing_that_the_user_does_not_see(mariadb, tables, tmp_path):
    """information_schema has no foreign keys of tables on which a user has no rights."""
    tables.make("CREATE TABLE a (id INT PRIMARY KEY, at DATE)")
    tables.execute("INSERT INTO a VALUES (1, '2020-01-01')")
    database = make_url(tables.url).database
    hidden = f"hidden_{database}"
    mariadb.execute(
        f"CREATE DATABASE {hidden}",
        f"CREATE TABLE {hidden}.`b c` (id INT PRIMARY KEY, a INT, "
        f"FOREIGN KEY (a) REFERENCES {database}.a (id) ON DELETE CASCADE)",
        f"INSERT INTO {hidden}.`b c` VALUES (7, 1)",
    )
    try:
        with opened(tmp_path / "shop", tables, {"mine": KEYS}, mine={"days": 30}) as system:
            (problem,) = [found for found in system.plan().head.problems if "DVT251" in found]
            assert "tables refer to a that its user does not see" in problem
            mariadb.execute(f"GRANT SELECT, INSERT, DELETE ON {hidden}.* TO '{USER}'@'127.0.0.1'")
            record = system.run(system.plan(), MANUAL)
            assert record.status is RunStatus.COMPLETED, told(system, record)
            assert mariadb.execute(f"SELECT * FROM {hidden}.`b c`") == []
            assert [of.result for of in system.restore(EVERYTHING)] == [Result.RESTORED]
            assert mariadb.execute(f"SELECT * FROM {hidden}.`b c`") == [(7, 1)]
        mariadb.execute(f"REVOKE PROCESS ON *.* FROM '{USER}'@'127.0.0.1'")
        with opened(tmp_path / "shop", tables, {"mine": KEYS}, mine={"days": 30}) as system:
            (problem,) = [found for found in system.plan().head.problems if "DVT251" in found]
            assert "GRANT PROCESS ON *.*" in problem
    finally:
        mariadb.execute(f"DROP DATABASE {hidden}")
    assert tables.ids("a") == [1]


def test_a_column_that_the_user_does_not_see_is_not_left_out(mariadb, tables, tmp_path):
    tables.make("CREATE TABLE a (id INT PRIMARY KEY, at DATE, secret TEXT)")
    tables.execute("INSERT INTO a VALUES (1, '2020-01-01', 'x')")
    database = make_url(tables.url).database
    mariadb.execute(
        "CREATE OR REPLACE USER narrow@'127.0.0.1' IDENTIFIED BY 'n'",
        f"GRANT SELECT (id, at), DELETE ON {database}.a TO narrow@'127.0.0.1'",
        "GRANT PROCESS ON *.* TO narrow@'127.0.0.1'",
    )
    narrow = make_url(tables.url).set(username="narrow", password="n").render_as_string(hide_password=False)
    with opened(tmp_path / "shop", Tables(narrow), {"mine": KEYS}, mine={"days": 30}) as system:
        plan = system.plan()
        assert due(plan) == []
        assert any("DVT251" in found for found in plan.head.problems), plan.head.problems


@pytest.mark.parametrize("key", ["with", "status_in"])
def test_a_text_and_a_number_are_not_compared(tables, tmp_path, key):
    """`1x` equals 1 on MySQL: it would go with item 1, or say how that has ended."""
    tables.make("CREATE TABLE a (id INT PRIMARY KEY, at DATE)")
    tables.make("CREATE TABLE b (id INT PRIMARY KEY, a VARCHAR(9), state VARCHAR(9))")
    tables.execute("INSERT INTO a VALUES (1, '2020-01-01')")
    tables.execute("INSERT INTO b VALUES (1, '1x', 'done')")
    join = {"table": "b", "by": {"a": "id"}}
    more = {"with": [join]} if key == "with" else {"status_in": join, "status": "state", "success": "done"}
    with opened(tmp_path / "shop", tables, {"mine": {**KEYS, **more}}, mine={"days": 30}) as system:
        plan = system.plan()
        assert due(plan) == []
        assert any("b.a and a.id are of different kinds" in found for found in plan.head.problems)


def test_a_limit_of_the_server_hides_no_row(mariadb, tables, airflow_tables, tmp_path):
    tables.dag_run(1, 90, tasks=3)
    tables.dag_run(2, 1)
    mariadb.execute("SET GLOBAL sql_select_limit = 1")
    try:
        with opened(
            tmp_path / "shop", tables, {"runs": {"preset": "airflow.dag_run"}}, runs={"days": 30}
        ) as of:
            assert of.run(of.plan(), MANUAL).status is RunStatus.COMPLETED
            assert [outcome.result for outcome in of.restore(EVERYTHING)] == [Result.RESTORED]
    finally:
        mariadb.execute("SET GLOBAL sql_select_limit = DEFAULT")
    assert len(tables.all("task_instance")["task_instance"]) == 5


@pytest.fixture
def airflow_tables(tables):
    tables.make(AIRFLOW)


def _while_deleting(monkeypatch, work):
    """Do something in another transaction, after rows were locked and before they are deleted."""
    delete = kind_of_rows.delete

    def first(connection, shape, bundles):
        work()
        delete(connection, shape, bundles)

    monkeypatch.setattr(kind_of_rows, "delete", first)


def test_nobody_lets_a_row_refer_to_one_that_is_being_deleted(tables, tmp_path, monkeypatch):
    """SET NULL would change that row, of which nobody knew. Who refers to an index locks no row by itself."""
    tables.make("CREATE TABLE a (id INT PRIMARY KEY, at DATE, u INT UNIQUE)")
    tables.make(
        "CREATE TABLE b (id INT PRIMARY KEY, u INT, FOREIGN KEY (u) REFERENCES a (u) ON DELETE SET NULL)"
    )
    tables.execute("INSERT INTO a VALUES (1, '2020-01-01', 7)")
    refused = []

    def refer():
        with closing(tables.connect()) as other, other.cursor() as cursor:
            cursor.execute("SET innodb_lock_wait_timeout = 1")
            try:
                cursor.execute("INSERT INTO b VALUES (1, 7)")
                other.commit()
            except pymysql.err.OperationalError as error:
                refused.append(error.args[0])

    _while_deleting(monkeypatch, refer)
    with opened(tmp_path / "shop", tables, {"mine": KEYS}, mine={"days": 30}) as system:
        assert system.run(system.plan(), MANUAL).status is RunStatus.COMPLETED
    assert refused == [1205]
    assert tables.execute("SELECT * FROM b") == []


def test_a_row_below_an_item_that_is_not_yet_committed_keeps_it(tables, airflow, monkeypatch):
    """Were it skipped as one that somebody holds, the cascade would take it."""
    tables.dag_run(1, 90, tasks=1)
    tables.dag_run(2, 1)
    plan = airflow.plan()
    delete = kind_of_rows.TableRows.delete
    with closing(tables.connect()) as other, other.cursor() as cursor:

        def insert_before(self, planned, hashes):
            cursor.execute(
                "INSERT INTO task_instance (task_id, dag_id, run_id) VALUES ('new', 'sales', 'scheduled__1')"
            )
            timer = threading.Timer(1, other.commit)
            timer.start()
            outcomes = delete(self, planned, hashes)
            timer.join()
            return outcomes

        monkeypatch.setattr(kind_of_rows.TableRows, "delete", insert_before)
        record = airflow.run(plan, MANUAL)
    assert told(airflow, record)["1"].startswith("it has changed")
    assert tables.ids("dag_run") == [1, 2]
    assert tables.execute("SELECT COUNT(*) FROM task_instance WHERE run_id = 'scheduled__1'") == [(2,)]


def test_what_somebody_holds_is_not_waited_for_and_the_rest_goes(tables, airflow):
    for number in (1, 2, 3):
        tables.dag_run(number, 90)
    tables.dag_run(4, 1)
    plan = airflow.plan()
    with closing(tables.connect()) as other, other.cursor() as cursor:
        cursor.execute("SELECT * FROM dag_run WHERE id = 2 FOR UPDATE")
        record = airflow.run(plan, MANUAL)
    assert told(airflow, record)["2"] == "somebody holds a lock of it"
    assert tables.ids("dag_run") == [2, 4]


def test_a_deadlock_takes_back_a_batch_whose_items_are_tried_again(tables, airflow, monkeypatch):
    """The server ends the whole transaction then, savepoints and all."""
    for number in (1, 2):
        tables.dag_run(number, 90)
    tables.dag_run(3, 1)
    plan, calls = airflow.plan(), []
    delete = kind_of_rows.delete

    def deadlock(connection, shape, bundles):
        calls.append(len(bundles))
        if len(calls) == 1:
            with closing(tables.connect()) as other, other.cursor() as cursor:
                # Who has written more is not the victim.
                cursor.execute("INSERT INTO log (event) SELECT 'x' FROM seq_1_to_500")
                waiter = threading.Thread(
                    target=lambda: cursor.execute("UPDATE dag_run SET state = state WHERE id = 1")
                )
                waiter.start()
                time.sleep(0.5)
                try:
                    connection.exec_driver_sql("UPDATE log SET owner = 'x'")
                finally:
                    waiter.join()
                    other.rollback()
        delete(connection, shape, bundles)

    monkeypatch.setattr(kind_of_rows, "delete", deadlock)
    record = airflow.run(plan, MANUAL)
    assert record.status is RunStatus.COMPLETED, told(airflow, record)
    assert calls == [2, 1, 1]
    assert tables.ids("dag_run") == [3]


def test_a_connection_that_the_server_ends_takes_back_its_batch(mariadb, tables, airflow, monkeypatch):
    tables.dag_run(1, 90)
    tables.dag_run(2, 1)
    plan = airflow.plan()
    with monkeypatch.context() as patched:
        _while_deleting(patched, mariadb.cut)
        record = airflow.run(plan, MANUAL)
    assert record.status is RunStatus.PARTIAL
    assert "Lost connection" in told(airflow, record)["1"] or "gone away" in told(airflow, record)["1"]
    assert tables.ids("dag_run") == [1, 2]
    assert airflow.run(airflow.plan(), MANUAL).status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"password": "wr0ng"}, "Access denied for user"),
        (
            {"database": "nowhere"},
            "Unknown database 'nowhere'|Access denied for user .* to database 'nowhere'",
        ),
        ({"host": "127.0.0.1", "port": 1}, "Connection refused"),
    ],
)
def test_a_connection_that_fails_says_why_without_a_password(tables, tmp_path, change, problem):
    url = make_url(tables.url).set(**change).render_as_string(hide_password=False)
    with opened(tmp_path / "shop", Tables(url), {"mine": KEYS}, mine={"days": 30}) as system:
        (told_,) = [found for found in system.plan().head.problems if "DVT251" in found]
    assert re.search(problem, told_), told_
    assert "wr0ng" not in told_
    assert PASSWORD not in told_
    assert "profiles.yml" not in told_


def test_certificates_are_verified_as_those_of_other_connections(tls, tmp_path):  # noqa: F811
    files = {"ca": "good.pem", "cert": "server.pem", "key": "server.key"}
    with mariadb_server(*(f"--ssl-{key}={tls / file}" for key, file in files.items())) as server:
        server.execute(f"ALTER USER '{USER}'@'127.0.0.1' REQUIRE SSL")
        with mariadb_tables(server) as tables:
            for options, problem in (
                (f"ssl_ca={tls / 'good.pem'}", None),
                ("", None),
                (f"ssl_ca={tls / 'other.pem'}", "certificate was refused"),
                ("ssl_disabled=true", "Access denied"),
            ):
                database = Database("mine", f"{tables.url}?{options}")
                try:
                    if problem is None:
                        with database.reading() as connection:
                            rows = connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'").all()
                            assert rows[0][1]
                    else:
                        with pytest.raises(RowsUnreachable, match=problem), database.reading():
                            pass
                finally:
                    database.close()
