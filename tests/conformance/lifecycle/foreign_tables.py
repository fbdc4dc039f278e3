"""The tables of Airflow and Dagster as far as retention sees them, for each database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg2
import pymysql
from sqlalchemy import URL, make_url

from dvt.config.lifecycle_file import load_lifecycle
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.system import System
from tests.databases.mariadb import PASSWORD, USER
from tests.unit.lifecycle.projects import Project

_NUMBERS = count()

AIRFLOW = """
CREATE TABLE log_template (id INTEGER PRIMARY KEY, filename TEXT NOT NULL);
CREATE TABLE backfill (id INTEGER PRIMARY KEY, dag_id VARCHAR(250) NOT NULL);
CREATE TABLE dag_run (
  id INTEGER PRIMARY KEY, dag_id VARCHAR(250) NOT NULL, queued_at TIMESTAMP WITH TIME ZONE,
  start_date TIMESTAMP WITH TIME ZONE, end_date TIMESTAMP WITH TIME ZONE, state VARCHAR(50),
  run_id VARCHAR(250) NOT NULL, run_type VARCHAR(50) NOT NULL, conf BYTEA,
  last_scheduling_decision TIMESTAMP WITH TIME ZONE, log_template_id INTEGER REFERENCES log_template (id),
  UNIQUE (dag_id, run_id)
);
CREATE TABLE task_instance (
  task_id VARCHAR(250) NOT NULL, dag_id VARCHAR(250) NOT NULL, run_id VARCHAR(250) NOT NULL,
  map_index INTEGER DEFAULT -1 NOT NULL, start_date TIMESTAMP WITH TIME ZONE,
  end_date TIMESTAMP WITH TIME ZONE,
  queued_dttm TIMESTAMP WITH TIME ZONE, duration DOUBLE PRECISION, state VARCHAR(20), executor_config BYTEA,
  PRIMARY KEY (dag_id, task_id, run_id, map_index),
  FOREIGN KEY (dag_id, run_id) REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE
);
CREATE TABLE xcom (
  dag_run_id INTEGER NOT NULL, task_id VARCHAR(250) NOT NULL, map_index INTEGER DEFAULT -1 NOT NULL,
  key VARCHAR(512) NOT NULL, dag_id VARCHAR(250) NOT NULL, run_id VARCHAR(250) NOT NULL, value BYTEA,
  timestamp TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY (dag_run_id, task_id, map_index, key),
  FOREIGN KEY (dag_id, task_id, run_id, map_index)
    REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE
);
CREATE TABLE task_reschedule (
  id INTEGER PRIMARY KEY, task_id VARCHAR(250) NOT NULL, dag_id VARCHAR(250) NOT NULL,
  run_id VARCHAR(250) NOT NULL, map_index INTEGER DEFAULT -1 NOT NULL,
  start_date TIMESTAMP WITH TIME ZONE NOT NULL,
  FOREIGN KEY (dag_id, task_id, run_id, map_index)
    REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE,
  FOREIGN KEY (dag_id, run_id) REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE
);
CREATE TABLE dag_run_note (
  dag_run_id INTEGER PRIMARY KEY REFERENCES dag_run (id) ON DELETE CASCADE, content VARCHAR(1000)
);
CREATE TABLE backfill_dag_run (
  id INTEGER PRIMARY KEY, backfill_id INTEGER NOT NULL REFERENCES backfill (id) ON DELETE CASCADE,
  dag_run_id INTEGER REFERENCES dag_run (id) ON DELETE SET NULL
);
CREATE TABLE log (
  id INTEGER PRIMARY KEY, dttm TIMESTAMP WITH TIME ZONE, dag_id VARCHAR(250), task_id VARCHAR(250),
  event VARCHAR(60), owner VARCHAR(500), extra TEXT
);
INSERT INTO log_template VALUES (1, 'dag_id={{ ti.dag_id }}/attempt={{ try_number }}.log');
INSERT INTO backfill VALUES (1, 'sales');
"""
DAGSTER = """
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, run_id VARCHAR(255) UNIQUE, pipeline_name TEXT, status VARCHAR(63), run_body TEXT,
  start_time DOUBLE PRECISION, end_time DOUBLE PRECISION
);
CREATE TABLE event_logs (
  id INTEGER PRIMARY KEY, run_id VARCHAR(255), event TEXT NOT NULL, dagster_event_type TEXT,
  timestamp TIMESTAMP, step_key TEXT, asset_key TEXT, partition TEXT
);
CREATE TABLE asset_event_tags (
  id INTEGER PRIMARY KEY, event_id INTEGER REFERENCES event_logs (id) ON DELETE CASCADE,
  asset_key TEXT NOT NULL, key TEXT NOT NULL, value TEXT, event_timestamp TIMESTAMP
);
CREATE TABLE job_ticks (
  id INTEGER PRIMARY KEY, job_origin_id VARCHAR(255), status VARCHAR(63), type VARCHAR(63),
  timestamp TIMESTAMP, tick_body TEXT, create_timestamp TIMESTAMP, update_timestamp TIMESTAMP
);
"""


_ID = "VARCHAR(250) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin"
_TIME = "TIMESTAMP(6) NULL DEFAULT NULL"
AIRFLOW_MYSQL = f"""
CREATE TABLE log_template (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, filename TEXT NOT NULL);
CREATE TABLE backfill (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, dag_id {_ID} NOT NULL);
CREATE TABLE dag_run (
  id INT NOT NULL AUTO_INCREMENT, dag_id {_ID} NOT NULL, queued_at {_TIME},
  start_date {_TIME}, end_date {_TIME}, state VARCHAR(50) DEFAULT NULL,
  run_id {_ID} NOT NULL, run_type VARCHAR(50) NOT NULL, conf BLOB,
  last_scheduling_decision {_TIME}, log_template_id INT DEFAULT NULL,
  PRIMARY KEY (id), UNIQUE KEY dag_run_dag_id_run_id_key (dag_id, run_id),
  KEY dag_id_state (dag_id, state), KEY idx_dag_run_dag_id (dag_id),
  CONSTRAINT task_instance_log_template_id_fkey FOREIGN KEY (log_template_id) REFERENCES log_template (id)
) DEFAULT CHARSET = latin1;
CREATE TABLE task_instance (
  task_id {_ID} NOT NULL, dag_id {_ID} NOT NULL, run_id {_ID} NOT NULL,
  map_index INT NOT NULL DEFAULT '-1', start_date {_TIME}, end_date {_TIME},
  queued_dttm {_TIME}, duration FLOAT DEFAULT NULL, state VARCHAR(20) DEFAULT NULL, executor_config BLOB,
  PRIMARY KEY (dag_id, task_id, run_id, map_index), KEY ti_state (state),
  CONSTRAINT task_instance_dag_run_fkey FOREIGN KEY (dag_id, run_id)
    REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE
);
CREATE TABLE xcom (
  dag_run_id INT NOT NULL, task_id {_ID} NOT NULL, map_index INT NOT NULL DEFAULT '-1',
  `key` VARCHAR(512) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin NOT NULL, dag_id {_ID} NOT NULL,
  run_id {_ID} NOT NULL, value LONGBLOB, timestamp TIMESTAMP(6) NOT NULL,
  PRIMARY KEY (dag_run_id, task_id, map_index, `key`),
  CONSTRAINT xcom_task_instance_fkey FOREIGN KEY (dag_id, task_id, run_id, map_index)
    REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE
);
CREATE TABLE task_reschedule (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, task_id {_ID} NOT NULL, dag_id {_ID} NOT NULL,
  run_id {_ID} NOT NULL, map_index INT NOT NULL DEFAULT '-1', start_date TIMESTAMP(6) NOT NULL,
  CONSTRAINT task_reschedule_ti_fkey FOREIGN KEY (dag_id, task_id, run_id, map_index)
    REFERENCES task_instance (dag_id, task_id, run_id, map_index) ON DELETE CASCADE,
  CONSTRAINT task_reschedule_dr_fkey FOREIGN KEY (dag_id, run_id)
    REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE
);
CREATE TABLE dag_run_note (
  dag_run_id INT NOT NULL PRIMARY KEY, content VARCHAR(1000) CHARACTER SET utf8mb4 DEFAULT NULL,
  CONSTRAINT dag_run_note_dr_fkey FOREIGN KEY (dag_run_id) REFERENCES dag_run (id) ON DELETE CASCADE
);
CREATE TABLE backfill_dag_run (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, backfill_id INT NOT NULL, dag_run_id INT DEFAULT NULL,
  CONSTRAINT bdr_backfill_fkey FOREIGN KEY (backfill_id) REFERENCES backfill (id) ON DELETE CASCADE,
  CONSTRAINT bdr_dag_run_fkey FOREIGN KEY (dag_run_id) REFERENCES dag_run (id) ON DELETE SET NULL
);
CREATE TABLE log (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, dttm {_TIME}, dag_id {_ID}, task_id {_ID},
  event VARCHAR(60) DEFAULT NULL, owner VARCHAR(500) DEFAULT NULL, extra MEDIUMTEXT
);
INSERT INTO log_template VALUES (1, 'dag_id={{{{ ti.dag_id }}}}/attempt={{{{ try_number }}}}.log');
INSERT INTO backfill VALUES (1, 'sales');
"""
DAGSTER_MYSQL = f"""
CREATE TABLE runs (
  id BIGINT NOT NULL AUTO_INCREMENT, run_id VARCHAR(255) DEFAULT NULL, pipeline_name TEXT,
  status VARCHAR(63) DEFAULT NULL, run_body LONGTEXT, start_time DOUBLE DEFAULT NULL,
  end_time DOUBLE DEFAULT NULL, PRIMARY KEY (id), UNIQUE KEY run_id (run_id)
);
CREATE TABLE event_logs (
  id BIGINT NOT NULL AUTO_INCREMENT, run_id VARCHAR(255) DEFAULT NULL, event LONGTEXT NOT NULL,
  dagster_event_type TEXT, timestamp {_TIME}, step_key TEXT, asset_key TEXT, `partition` TEXT,
  PRIMARY KEY (id), KEY idx_events_by_run_id (run_id(64), id)
);
CREATE TABLE asset_event_tags (
  id BIGINT NOT NULL AUTO_INCREMENT, event_id BIGINT DEFAULT NULL, asset_key TEXT NOT NULL,
  `key` TEXT NOT NULL, value TEXT, event_timestamp {_TIME}, PRIMARY KEY (id),
  CONSTRAINT asset_event_tags_ibfk_1 FOREIGN KEY (event_id) REFERENCES event_logs (id) ON DELETE CASCADE
);
CREATE TABLE job_ticks (
  id BIGINT NOT NULL AUTO_INCREMENT, job_origin_id VARCHAR(255) DEFAULT NULL, status VARCHAR(63) DEFAULT NULL,
  type VARCHAR(63) DEFAULT NULL, timestamp {_TIME}, tick_body LONGTEXT,
  create_timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, update_timestamp DATETIME DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id)
);
"""
_SESSION = "SET SESSION sql_mode = 'ANSI_QUOTES,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00'"
_MYSQL = {AIRFLOW: AIRFLOW_MYSQL, DAGSTER: DAGSTER_MYSQL}
"""Script → what it is in MySQL and MariaDB, where these programs have types of their own."""


class Tables:
    """A database with tables of other programs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.is_mysql = url.startswith("mysql")

    def make(self, script: str) -> None:
        for statement in (_MYSQL.get(script, script) if self.is_mysql else script).split(";\n"):
            if statement.strip():
                bytes_type = "LONGBLOB" if self.is_mysql else "BLOB" if self.is_sqlite else "BYTEA"
                self.execute(statement.replace("BYTEA", bytes_type))

    @property
    def nowhere(self) -> str:
        """An address at which nothing is; its password must not be told."""
        if self.is_sqlite:
            return "sqlite:////nowhere/x.db"
        return f"{'mysql' if self.is_mysql else 'postgresql'}://u:geheim@127.0.0.1:1/x"

    def connect(self) -> Any:
        if self.is_sqlite:
            connection = sqlite3.connect(self.url.removeprefix("sqlite:///"))
            connection.execute("PRAGMA foreign_keys = ON")
            return connection
        of = make_url(self.url)
        if self.is_mysql:
            return pymysql.connect(
                host=of.host,
                port=of.port,
                user=of.username,
                password=of.password.encode(),
                database=of.database,
                charset="utf8mb4",
                init_command=_SESSION,
            )
        return psycopg2.connect(
            host=of.host, port=of.port, user=of.username, password=of.password, dbname=of.database
        )

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            if self.is_mysql:  # it reads no zones
                values = [str(of).removesuffix("+00:00") if isinstance(of, str) else of for of in values]
            cursor.execute(
                statement.replace("%s", "?") if self.is_sqlite else statement,
                tuple(values) if values or not self.is_mysql else None,
            )
            rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()
            return rows

    def insert(self, table: str, *values: Any) -> None:
        places = ", ".join(["%s"] * len(values))
        self.execute(f"INSERT INTO {table} VALUES ({places})", values)

    def all(self, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of tables."""
        found = {table: self.execute(f"SELECT * FROM {table}") for table in tables}
        return {table: sorted(map(_plain, rows), key=repr) for table, rows in found.items()}

    def ids(self, table: str) -> list[Any]:
        return sorted(row[0] for row in self.execute(f"SELECT id FROM {table}"))

    def dag_run(
        self,
        number: int,
        age: float,
        *,
        dag: str = "sales",
        state: str = "success",
        kind: str = "scheduled",
        tasks: int = 2,
    ) -> None:
        """Insert a run of a DAG that ended so many days ago, with tasks and what they have left."""
        when, run = ago(age), f"{kind}__{number}"
        conf = bytes(range(256))
        self.insert("dag_run", number, dag, when, when, when, state, run, kind, conf, None, 1)
        self.insert("dag_run_note", number, f"seen 'by' {number} \\ ü :x %s")
        for task in range(tasks):
            name = f"t{task}"
            self.insert(
                "task_instance", name, dag, run, -1, when, when, None, 0.1 + task / 3, state, b"\x80\x04N."
            )
            self.insert("xcom", number, name, -1, "return_value", dag, run, b'{"rows": 1}', when)
            self.insert("task_reschedule", number * 100 + task, name, dag, run, -1, when)

    def event(self, number: int, run: str, age: float, *, asset: str | None = None) -> None:
        """Insert an event of a run of Dagster."""
        naive = ago(age).split("+")[0]
        self.insert("event_logs", number, run, '{"event": 1}', "STEP_OUTPUT", naive, "s", asset, None)


@contextmanager
def mariadb_tables(server: Any) -> Iterator[Tables]:
    """Give an empty database of a server, to whose user it belongs."""
    name = f"lifecycle_{next(_NUMBERS)}"
    server.execute(
        f"CREATE DATABASE {name} CHARACTER SET utf8mb4",
        f"GRANT ALL ON {name}.* TO '{USER}'@'127.0.0.1'",
        f"GRANT PROCESS ON *.* TO '{USER}'@'127.0.0.1'",
    )
    url = URL.create("mysql", USER, PASSWORD, "127.0.0.1", server.port, name)
    try:
        yield Tables(url.render_as_string(hide_password=False))
    finally:
        server.execute(f"DROP DATABASE {name}")


def ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(sep=" ", timespec="microseconds")


def sqlite_tables(folder: Path) -> Tables:
    (folder / "other.db").touch()
    return Tables(f"sqlite:///{folder / 'other.db'}")


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


AIRFLOW_TABLES = (
    "dag_run",
    "task_instance",
    "xcom",
    "task_reschedule",
    "dag_run_note",
    "backfill_dag_run",
    "log",
)


def opened(folder: Path, tables: Tables, sql: dict[str, dict], **policies: dict) -> System:
    """Open a project whose lifecycle.yml has these tables and policies, which are valid."""
    if not folder.exists():
        Project(folder)
    content = {
        "sql": {name: {"url": tables.url, **keys} for name, keys in sql.items()},
        "policies": policies,
    }
    (folder / "lifecycle.yml").write_text(json.dumps(content))
    system = System(load_lifecycle(folder))
    system.apply_policies("test")
    return system


def due(plan):
    return sorted(of.item.key.rpartition("/")[2] for of in plan.items())


def told(system, record):
    found = system.store.records.events(EventFilter(run=record.id))
    return {
        event.key.rpartition("/")[2]: event.details["detail"] for event in found if event.kind == "outcome"
    }
