"""Sessions that write are strict, repeat after a deadlock, reconnect when idle, and can be stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dvt.core.errors import Cancelled, ConnectFailed, ConnectionLost, LoginRefused, QueryFailed
from dvt.drivers.mysql import Session, parse
from tests.databases.mariadb import SCHEMA


def open_session(mariadb: Any, **keys: Any) -> Session:
    return Session("shop", parse("shop", mariadb.settings(**keys), Path.cwd()))


@pytest.fixture
def mariadb(databases: Any) -> Any:
    server = databases("mariadb")
    server.execute(
        f"drop table if exists {SCHEMA}.locked",
        f"create table {SCHEMA}.locked (id int primary key, n int not null) engine = InnoDB",
        f"insert into {SCHEMA}.locked select seq, 0 from seq_1_to_100",
    )
    return server


@pytest.fixture
def session(mariadb: Any) -> Iterator[Session]:
    session = open_session(mariadb)
    yield session
    session.close()


def value(session: Session, sql: str) -> Any:
    return session.run(sql)[-1].rows[0][0]


def connection_id(session: Session) -> int:
    return int(value(session, "select connection_id()"))


@pytest.mark.parametrize("literal", ["''", "'1x'", "300", "null"])
def test_a_value_that_does_not_fit_is_an_error(session: Session, literal: str):
    session.run("create temporary table t (n tinyint not null)")
    with pytest.raises(QueryFailed):
        session.run(f"insert into t values ({literal})")


@pytest.mark.parametrize("literal", ["'0000-00-00'", "'2024-00-10'", "'2024-02-31'"])
def test_a_date_that_no_calendar_has_is_an_error(session: Session, literal: str):
    session.run("create temporary table t (d date)")
    with pytest.raises(QueryFailed):
        session.run(f"insert into t values ({literal})")


def test_a_session_speaks_utc_and_utf8_whatever_the_servers_defaults(session: Session):
    (answer,) = session.run("select @@time_zone, @@character_set_client, @@collation_connection, database()")
    zone, client, collation, schema = answer.rows[0]
    assert (zone, client, schema) == ("+00:00", "utf8mb4", SCHEMA)
    assert collation.startswith("utf8mb4")
    assert value(session, "select concat('a', \"b\", '\\\\')") == "ab\\"
    assert value(session, "select 'a' || 'b'") == 0  # OR, as everywhere in MySQL


def test_a_grant_to_a_mistyped_name_makes_no_user(server: Any):
    with (
        closing(open_session(server, user="dbt", password="pl4nted-s3cret dbt")) as session,
        pytest.raises(QueryFailed, match="matching row in the user table"),
    ):
        session.run("grant select on test_nothing.* to nobody_at_all")


def test_each_statement_of_a_script_is_answered(session: Session):
    answers = session.run(
        "create temporary table t as select 1 as n; insert into t values (2), (3); select n from t; -- end"
    )
    assert [answer.affected for answer in answers] == [1, 2, 3]
    assert [row for (row,) in answers[-1].rows] == [1, 2, 3]


def test_a_later_statement_that_fails_is_an_error(session: Session):
    with pytest.raises(QueryFailed, match="nowhere"):
        session.run("select 1; select * from nowhere")


def test_ddl_ends_a_transaction_and_the_session_knows(session: Session):
    session.run("START TRANSACTION")
    assert session.in_transaction
    session.run("create temporary table t (n int)")
    assert session.in_transaction
    session.run("drop table if exists no_such_table")
    assert not session.in_transaction


def test_a_connection_lost_while_idle_is_opened_again(session: Session, mariadb: Any):
    before = connection_id(session)
    mariadb.execute(f"kill {before}")
    time.sleep(1.1)
    assert connection_id(session) != before
    assert value(session, "select @@sql_mode like '%STRICT%'") == 1


@pytest.mark.parametrize(
    "statement", ["START TRANSACTION", "create temporary table t (n int)", "set @mark = 1"]
)
def test_a_connection_that_held_something_is_not_replaced(session: Session, mariadb: Any, statement: str):
    session.run(statement)
    mariadb.execute(f"kill {connection_id(session)}")
    time.sleep(1.1)
    with pytest.raises(ConnectionLost):
        session.run("select 1")


def _deadlock(mariadb: Any, session: Session, first: str) -> None:
    """Make the session deadlock with a transaction that locks in reverse order and has changed more rows."""
    session.run("START TRANSACTION")
    if first:
        session.run(first)
    with closing(mariadb.owner(autocommit=False)) as other, other.cursor() as cursor:
        cursor.execute("update locked set n = n + 10 where id between 1 and 80")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(
                session.run, "update locked set n = n + 1 where id in (1, 99) order by id desc"
            )
            _until_waiting(mariadb)
            cursor.execute("update locked set n = n + 10 where id = 99")
            other.commit()
            waiting.result()


def _until_waiting(mariadb: Any) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        ((waiting,),) = mariadb.execute("select count(*) from information_schema.innodb_lock_waits")
        if waiting:
            return
        time.sleep(0.2)  # the server refreshes this table only if nobody has read it for 0.1 s
    pytest.fail("nothing waits for a lock")


def test_a_deadlock_is_repeated_when_nothing_was_done(session: Session, mariadb: Any):
    _deadlock(mariadb, session, "")
    assert session.in_transaction
    session.commit()
    assert mariadb.execute("select id, n from locked where id in (1, 99) order by id") == [(1, 11), (99, 11)]


def test_a_deadlock_is_an_error_when_something_was_done(session: Session, mariadb: Any):
    with pytest.raises(QueryFailed, match="Deadlock"):
        _deadlock(mariadb, session, "update locked set n = n + 1 where id = 90")
    assert not session.in_transaction
    assert mariadb.execute("select n from locked where id = 90") == [(0,)]


def test_a_lock_that_is_held_long_is_waited_for_again(session: Session, mariadb: Any):
    session.run("set session innodb_lock_wait_timeout = 1")
    with closing(mariadb.owner(autocommit=False)) as other, other.cursor() as cursor:
        cursor.execute("update locked set n = 10 where id = 1")
        freed = threading.Timer(1.5, other.commit)
        freed.start()
        session.run("update locked set n = n + 1 where id = 1")
        freed.join()
    assert mariadb.execute("select n from locked where id = 1") == [(11,)]


def test_a_script_of_which_a_part_is_done_is_not_repeated(session: Session, mariadb: Any):
    session.run("set session innodb_lock_wait_timeout = 1")
    with closing(mariadb.owner(autocommit=False)) as other, other.cursor() as cursor:
        cursor.execute("update locked set n = 10 where id = 1")
        with pytest.raises(QueryFailed, match="Lock wait timeout"):
            session.run("update locked set n = n + 1 where id = 2; update locked set n = n + 1 where id = 1")
        other.rollback()
    assert mariadb.execute("select n from locked where id = 2") == [(1,)]


@pytest.mark.parametrize(
    "sql", ["select sleep(60)", "select count(*) from seq_1_to_1000000 a, seq_1_to_1000000 b"]
)
def test_a_statement_is_stopped_before_its_first_row(session: Session, mariadb: Any, sql: str):
    own_id = connection_id(session)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(session.run, sql)
        deadline = time.monotonic() + 60
        while not any(sql in statement for statement in mariadb.running()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        started = time.monotonic()
        session.stop()
        try:
            with pytest.raises(Cancelled):
                running.result(timeout=30)
        finally:
            mariadb.execute(f"kill query {own_id}")  # whose end the pool waits for
    assert time.monotonic() - started < 30
    with pytest.raises(Cancelled):
        session.run("select 1")


def test_a_refused_login_and_an_unreachable_server_are_two_errors(mariadb: Any):
    with pytest.raises(LoginRefused):
        open_session(mariadb, password="wrong")
    with pytest.raises(ConnectFailed):
        open_session(mariadb, port=1)


def test_a_schema_that_is_not_there_yet_is_no_error(mariadb: Any):
    with closing(open_session(mariadb, schema="not_yet")) as session:
        assert value(session, "select 1") == 1
