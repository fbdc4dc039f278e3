"""The tables of Airflow and Dagster as far as retention sees them, for PostgreSQL and SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy import make_url

from dvt.config.lifecycle_file import load_lifecycle
from dvt.lifecycle.store.records import EventFilter
from dvt.lifecycle.system import System
from tests.unit.lifecycle.projects import Project

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


class Tables:
    """A database with tables of other programs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")

    def make(self, script: str) -> None:
        for statement in script.split(";\n"):
            if statement.strip():
                self.execute(statement.replace("BYTEA", "BLOB") if self.is_sqlite else statement)

    def connect(self) -> Any:
        if self.is_sqlite:
            connection = sqlite3.connect(self.url.removeprefix("sqlite:///"))
            connection.execute("PRAGMA foreign_keys = ON")
            return connection
        of = make_url(self.url)
        return psycopg2.connect(
            host=of.host, port=of.port, user=of.username, password=of.password, dbname=of.database
        )

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(statement.replace("%s", "?") if self.is_sqlite else statement, tuple(values))
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
