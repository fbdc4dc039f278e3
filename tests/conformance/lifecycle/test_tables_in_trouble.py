"""Rows that change, databases that fail, runs that are killed: no row is lost, and the next run goes on."""

from __future__ import annotations

import random
import shutil
from contextlib import closing

import psycopg2
import pymysql
import pytest
from sqlalchemy.exc import SQLAlchemyError

from dvt.core.retention import CleanupType, Result, RunStatus
from dvt.lifecycle import retire
from dvt.lifecycle.files import Stays
from dvt.lifecycle.restore import Wanted
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.tables import kind as kind_of_rows
from dvt.lifecycle.tables.database import Database
from tests.conformance.lifecycle.foreign_tables import (
    AIRFLOW,
    AIRFLOW_TABLES,
    Tables,
    ago,
    due,
    opened,
    told,
)
from tests.unit.lifecycle.killing import killed_at, steps

pytestmark = pytest.mark.slow

MANUAL = CleanupType.MANUAL


def test_a_batch_that_fails_takes_no_other_with_it_and_the_next_run_completes(tables, tmp_path, monkeypatch):
    """One huge transaction failed in Airflow's cleanup, and left archives of rows that were still there."""
    tables.make(AIRFLOW)
    for number in range(1, 8):
        tables.dag_run(number, 90 - number, tasks=1)
    sql = {"runs": {"preset": "airflow.dag_run", "batch": 2}}
    with opened(tmp_path / "shop", tables, sql, runs={"days": 30}) as system:
        plan = system.plan()
        assert len(due(plan)) == 6
        delete, calls = kind_of_rows.delete, []

        def cut(connection, shape, bundles):
            calls.append(1)
            delete(connection, shape, bundles)
            if len(calls) == 2:
                connection.connection.dbapi_connection.close()  # as if the server had ended
                connection.invalidate()

        monkeypatch.setattr(kind_of_rows, "delete", cut)
        record = system.run(plan, MANUAL)
        assert record.status is RunStatus.PARTIAL
        assert record.results["runs"][Result.DELETED].items == 4
        assert record.results["runs"][Result.FAILED].items == 2
        assert tables.ids("dag_run") == [3, 4, 7]
        monkeypatch.undo()
        assert system.run(system.plan(), MANUAL).status is RunStatus.COMPLETED
        assert tables.ids("dag_run") == [7]
        kept = {entry.item.key for entry in system.backups()}
        assert len(kept) == 6


def test_what_somebody_holds_stays(tables, airflow):
    tables.dag_run(1, 90)
    tables.dag_run(2, 1)
    plan = airflow.plan()
    connection = tables.connect()
    cursor = connection.cursor()
    cursor.execute("UPDATE dag_run SET log_template_id = 1 WHERE id = 1")
    record = airflow.run(plan, MANUAL)
    connection.rollback()
    connection.close()
    assert record.status is RunStatus.PARTIAL
    assert tables.ids("dag_run") == [1, 2]
    assert airflow.run(plan, MANUAL).status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"table": "nowhere", "time": "at"}, "there is no table nowhere"),
        ({"table": "a", "time": "when"}, "time: a has no column when"),
        ({"table": "a", "time": "at", "group": "g"}, "there is no column g"),
        ({"table": "a", "time": "at", "key": ["k"]}, "key: a has no column k"),
        ({"table": "keyless", "time": "at"}, "keyless has no primary key"),
        ({"table": "a", "time": "at", "where": "nonsense ="}, "cannot be used"),
        ({"table": "a", "time": "at", "with": [{"table": "b", "by": {"x": "id"}}]}, "there is no table b"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_due(tables, tmp_path, keys, problem):
    tables.make('CREATE TABLE a (id INTEGER PRIMARY KEY, at TIMESTAMP, "odd ""na:me" TEXT)')
    tables.make("CREATE TABLE keyless (at TIMESTAMP)")
    tables.insert("a", 1, ago(90), "x")
    with opened(tmp_path / "shop", tables, {"mine": keys}, mine={"days": 30}) as system:
        plan = system.plan()
        assert due(plan) == []
        assert [found for found in plan.head.problems if problem in found]


def test_a_database_that_does_not_answer_keeps_its_rows_and_no_password_is_told(tables, tmp_path, caplog):
    tables.make("CREATE TABLE a (id INTEGER PRIMARY KEY, at TIMESTAMP)")
    tables.insert("a", 1, ago(90))
    keys = {"table": "a", "time": "at"}
    with opened(tmp_path / "shop", tables, {"mine": keys}, mine={"days": 30}) as system:
        plan = system.plan()
        assert due(plan) == ["1"]
    down = Tables(tables.nowhere)
    with opened(tmp_path / "shop", down, {"mine": keys}, mine={"days": 30}) as system:
        record = system.run(plan, MANUAL)
        assert record.status is RunStatus.PARTIAL
        (problem,) = [found for found in system.plan().head.problems if "DVT251" in found]
        assert "geheim" not in problem + str(told(system, record)) + caplog.text
        assert "geheim" not in repr(system.settings)
    assert tables.ids("a") == [1]


def test_any_value_comes_back_as_it_was(tables, tmp_path):
    columns = "id INTEGER PRIMARY KEY, at TIMESTAMP, f DOUBLE PRECISION, n NUMERIC(38, 10), t TEXT, b BYTEA"
    more = (
        ""
        if tables.is_sqlite or tables.is_mysql
        else ", j JSONB, u UUID, a INTEGER[], i INTERVAL, d DATE, x BOOLEAN, c CHAR(5)"
    )
    tables.make(f'CREATE TABLE "Odd ta:ble" ({columns}{more}, "co:l ""x""" TEXT)')
    values = [
        (
            1,
            ago(90),
            0.1 + 0.2,
            "12345678901234567890.0123456789",
            "ü'\n\\%s:x\t",
            b"\x00\xff",
            '{"a": [1.50]}',
            "12345678-1234-5678-1234-567812345678",
            "{1,NULL,3}",
            "1 day 02:03:04.000005",
            "2020-02-29",
            True,
            "ab",
        ),
        (2, ago(90), -1e308, None, "", b"", None, None, None, None, "infinity", None, None),
        (3, ago(90), 5e-324, "0", None, None, "null", None, "{}", "-1 mon", "0001-01-01 BC", False, ""),
    ]
    for row in values:
        kept = row[:6] if tables.is_sqlite or tables.is_mysql else row
        tables.insert('"Odd ta:ble"', *kept, "y")
    if tables.is_sqlite:
        texts = 'SELECT *, CAST(t AS text) FROM "Odd ta:ble"'
    elif tables.is_mysql:
        texts = 'SELECT * FROM "Odd ta:ble"'
    else:
        texts = 'SELECT CAST(o AS text) FROM "Odd ta:ble" o ORDER BY 1'
    before = tables.execute(texts)
    keys = {"table": "Odd ta:ble", "time": "at"}
    with opened(tmp_path / "shop", tables, {"mine": keys}, mine={"days": 30}) as system:
        record = system.run(system.plan(), MANUAL)
        assert record.status is RunStatus.COMPLETED, told(system, record)
        assert tables.execute('SELECT * FROM "Odd ta:ble"') == []
        outcomes = list(system.restore(Wanted(patterns=("*",))))
        assert {of.result for of in outcomes} == {Result.RESTORED}, outcomes
    assert tables.execute(texts) == before


def test_a_finder_cannot_change_a_table(tables, tmp_path):
    tables.make("CREATE TABLE a (id INTEGER PRIMARY KEY, at TIMESTAMP)")
    tables.insert("a", 1, ago(90))
    keys = {"table": "a", "time": "at"}
    with opened(tmp_path / "shop", tables, {"mine": keys}, mine={"days": 30}) as system:
        (rows,) = system.kinds
        with pytest.raises(Exception, match=r"(?i)read.?only"), rows._database.reading() as connection:
            connection.exec_driver_sql("DELETE FROM a")
    assert tables.ids("a") == [1]


def test_a_finder_sees_one_state_of_all_tables(tables, tmp_path):
    if tables.is_sqlite:
        pytest.skip("nobody can write while it reads")
    tables.make("CREATE TABLE a (id INTEGER PRIMARY KEY, at TIMESTAMP)")
    tables.make("CREATE TABLE b (id INTEGER PRIMARY KEY)")
    tables.insert("a", 1, ago(90))
    keys = {"table": "a", "time": "at"}
    with opened(tmp_path / "shop", tables, {"mine": keys}, mine={"days": 30}) as system:
        (rows,) = system.kinds
        with rows._database.reading() as connection:
            assert connection.exec_driver_sql("SELECT COUNT(*) FROM a").scalar() == 1
            tables.insert("a", 2, ago(90))
            tables.execute("INSERT INTO b VALUES (1)")
            assert connection.exec_driver_sql("SELECT COUNT(*) FROM a").scalar() == 1
            assert connection.exec_driver_sql("SELECT COUNT(*) FROM b").scalar() == 0


def test_a_killed_run_loses_no_row(tables, tmp_path):
    tables.make(AIRFLOW)
    for number in (1, 2, 3):
        tables.dag_run(number, 90, tasks=1)
    tables.dag_run(4, 1, tasks=1)
    before = tables.all(*AIRFLOW_TABLES)
    sql = {"runs": {"preset": "airflow.dag_run", "batch": 2}}

    def work():
        with opened(tmp_path / "shop", tables, sql, runs={"days": 30}) as system:
            system.run(system.plan(), MANUAL)

    def mended():
        with opened(tmp_path / "shop", tables, sql, runs={"days": 30}) as system:
            nothing = system.plan(data_types=["dbt_logs"])
            system.run(nothing, MANUAL)  # the next run ends what was begun
            gone = {1, 2, 3} - set(tables.ids("dag_run"))
            outcomes = list(system.restore(Wanted(patterns=("*/dag_run/*",))))
            assert {of.result for of in outcomes} <= {Result.RESTORED}
            assert len(outcomes) >= len(gone)
        assert tables.all(*AIRFLOW_TABLES) == before
        return gone

    names = steps(work)
    mended()
    shutil.rmtree(tmp_path / "shop")
    begin = next(number for number, name in enumerate(names) if name.startswith("_append"))
    seen = set()
    numbers = range(begin, len(names))
    for number in [begin, *random.sample(numbers, 4), numbers[-1]]:
        killed_at(number, work)
        seen.add(len(mended()))
        shutil.rmtree(tmp_path / "shop")
    assert {0, 3} <= seen


def test_a_run_that_is_killed_between_its_commit_and_its_word_says_later_what_it_did(
    tables, airflow, monkeypatch
):
    tables.dag_run(1, 90)
    tables.dag_run(2, 1)
    plan = airflow.plan()

    class Killed(BaseException):
        pass

    def killed(*_arguments):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(retire, "_close_after", lambda *_: None)
        patched.setattr(kind_of_rows.TableRows, "delete", _then(kind_of_rows.TableRows.delete, killed))
        with pytest.raises(Killed):
            airflow.run(plan, MANUAL)
    assert tables.ids("dag_run") == [2]
    unfinished = [record.id for record, _ in airflow.store.unfinished()]
    airflow.run(airflow.plan(), MANUAL)
    (run,) = unfinished
    (event,) = [of for of in airflow.store.records.events(EventFilter(run=run)) if of.kind == "outcome"]
    assert event.result == "deleted"


def _then(first, second):
    def both(*arguments):
        first(*arguments)
        return second(*arguments)

    return both


def test_who_adds_to_an_item_that_is_being_deleted_waits(tables, airflow, monkeypatch):
    """Or a cascade would take the new row, of which there is no backup."""
    if tables.is_sqlite:
        pytest.skip("it has one writer at a time")
    tables.dag_run(1, 90)
    tables.dag_run(2, 1)
    delete, refused = kind_of_rows.delete, []
    soon = "innodb_lock_wait_timeout = 1" if tables.is_mysql else "lock_timeout = '100ms'"

    def add_before(connection, shape, bundles):
        with closing(tables.connect()) as other, other.cursor() as cursor:
            cursor.execute(f"SET {soon}")
            for into, columns, values in (
                ("task_instance", "task_id, dag_id, run_id", "'new', 'sales', 'scheduled__1'"),
                (
                    "xcom",
                    'dag_run_id, task_id, "key", dag_id, run_id, timestamp',
                    "1, 't0', 'new', 'sales', 'scheduled__1', now()",
                ),
            ):
                try:
                    cursor.execute(f"INSERT INTO {into} ({columns}) VALUES ({values})")
                    other.commit()
                except (psycopg2.errors.LockNotAvailable, pymysql.err.OperationalError):
                    other.rollback()
                    cursor.execute(f"SET {soon}")
                    refused.append(into)
        delete(connection, shape, bundles)

    monkeypatch.setattr(kind_of_rows, "delete", add_before)
    assert airflow.run(airflow.plan(), MANUAL).status is RunStatus.COMPLETED
    assert refused == ["task_instance", "xcom"]


def test_a_row_that_changes_before_it_is_copied_is_not_copied(tables, airflow):
    tables.dag_run(1, 90)
    tables.dag_run(2, 1)
    (planned,) = airflow.plan().items()
    kind = next(of for of in airflow.kinds if "airflow_dag_run" in of.data_types)
    tables.execute("UPDATE dag_run SET conf = NULL WHERE id = 1")
    kind.prepare([planned.item])
    with pytest.raises(Stays, match="changed since the plan"):
        kind.copy(planned.item, -1)


def test_no_message_has_a_password(tables):
    database = Database("mine", "postgresql://u:geheim@h/d")
    assert (
        database.told(SQLAlchemyError("no password geheim is valid for u"))
        == "no password *** is valid for u"
    )
